// The board's serial line on a Unix socket, for one host at a time.
import { createServer } from 'node:net';

export class Line {
  #received = []; // buffers from the host
  #at = 0; // in the first of them
  #sent = []; // bytes for the host
  #socket = null;

  listen(path) {
    createServer((socket) => {
      this.#socket = socket;
      socket.on('data', (data) => this.#received.push(data));
      socket.on('close', () => { if (this.#socket === socket) this.#socket = null; });
      socket.on('error', () => socket.destroy());
    }).listen(path);
  }

  get isEmpty() {
    return this.#received.length === 0;
  }

  // The oldest byte from the host; there must be one.
  take() {
    const [first] = this.#received;
    const byte = first[this.#at++];
    if (this.#at === first.length) {
      this.#received.shift();
      this.#at = 0;
    }
    return byte;
  }

  send(byte) {
    this.#sent.push(byte);
  }

  // Bytes without a host are lost, as on a cable.
  flush() {
    if (this.#sent.length && this.#socket) this.#socket.write(Buffer.from(this.#sent));
    this.#sent = [];
  }
}
