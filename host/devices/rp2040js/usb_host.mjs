// A USB host for the emulated board: it asks what an operating system asks, and opens the serial port (CDC ACM).
const CONTROL_BYTES = 64;
const DEVICE = 1;
const CONFIGURATION = 2;
const STRING = 3;
const INTERFACE = 4;
const ENDPOINT = 5;
const DATA_CLASS = 10;
const BULK = 2;
const LINE_CODING = [0x00, 0x10, 0x0e, 0x00, 0, 0, 8]; // 921600 8N1
const DTR_AND_RTS = 3;

const setup = (type, request, value, index, length) =>
  Uint8Array.from([type, request, value & 255, value >> 8, index & 255, index >> 8, length & 255, length >> 8]);
const getDescriptor = (type, index, length) => ({ packet: setup(0x80, 6, (type << 8) | index, 0, length), length });
const set = (type, request, value, data = []) =>
  ({ packet: setup(type, request, value, 0, data.length), data: Uint8Array.from(data) });

// The bulk endpoints of the data interface, as the configuration describes them.
function dataEndpoints(configuration) {
  const found = {};
  let isData = false;
  for (let at = 0; at < configuration.length; at += configuration[at]) {
    const [, type, address, attributes] = configuration.slice(at);
    if (type === INTERFACE) isData = configuration[at + 5] === DATA_CLASS;
    if (type === ENDPOINT && isData && attributes === BULK) found[address & 0x80 ? 'in' : 'out'] = address & 0xf;
  }
  return found;
}

function* enumerate(host) {
  const device = yield getDescriptor(DEVICE, 0, 18);
  yield set(0x00, 5, 1); // SET_ADDRESS
  const { 2: low, 3: high } = yield getDescriptor(CONFIGURATION, 0, 9);
  const configuration = yield getDescriptor(CONFIGURATION, 0, low | (high << 8));
  const names = [];
  for (const index of device.slice(14, 16)) {
    const text = yield getDescriptor(STRING, index, 255);
    names.push(Buffer.from(text.slice(2)).toString('utf16le'));
  }
  Object.assign(host.endpoints, dataEndpoints(configuration));
  yield set(0x00, 9, 1); // SET_CONFIGURATION
  yield set(0x21, 0x20, 0, LINE_CODING);
  const coding = yield { packet: setup(0xa1, 0x21, 0, 0, 7), length: 7 };
  if (Buffer.compare(coding, Buffer.from(LINE_CODING))) throw new Error('USB: the line coding is not kept');
  yield set(0x21, 0x22, DTR_AND_RTS); // SET_CONTROL_LINE_STATE
  host.description = { device: [...device], configuration: [...configuration], names };
}

export class UsbHost {
  endpoints = { in: -1, out: -1 };
  description = null; // of the device, once the port is open
  #usb;
  #line;
  #steps;
  #request = null;
  #reply = [];
  #isReplied = false; // all data of the request has passed
  #controlRoom = false; // the device accepts a packet on endpoint 0
  #room = 0; // bytes that the device accepts on the data endpoint

  constructor(usb, line) {
    this.#usb = usb;
    this.#line = line;
    usb.onUSBEnabled = () => usb.resetDevice();
    usb.onResetReceived = () => this.#start();
    usb.onEndpointWrite = (endpoint, bytes) => (endpoint === 0 ? this.#onControl(bytes) : this.#onData(endpoint, bytes));
    usb.onEndpointRead = (endpoint, size) => this.#onRoom(endpoint, size);
  }

  #start() {
    this.#steps = enumerate(this);
    this.#next();
  }

  #next(reply) {
    const { value, done } = this.#steps.next(reply);
    this.#request = done ? null : value;
    this.#reply = [];
    this.#isReplied = false;
    this.#controlRoom = false;
    if (!done) this.#usb.sendSetupPacket(value.packet);
  }

  // A packet from the device on endpoint 0: data that was asked for, or its acknowledgement.
  #onControl(bytes) {
    if (!this.#request) return;
    if (this.#request.length === undefined) {
      this.#next();
      return;
    }
    this.#reply.push(...bytes);
    this.#isReplied = this.#reply.length >= this.#request.length || bytes.length < CONTROL_BYTES;
    this.#sendControl();
  }

  #onRoom(endpoint, size) {
    if (endpoint === 0) {
      this.#controlRoom = true;
      this.#sendControl();
    } else if (endpoint === this.endpoints.out) {
      this.#room = size;
    }
  }

  // Data for the device, or the acknowledgement of data from it.
  #sendControl() {
    if (!this.#controlRoom || !this.#request) return;
    if (this.#request.length === undefined) {
      if (this.#request.data.length) this.#usb.endpointReadDone(0, this.#request.data);
    } else if (this.#isReplied) {
      this.#usb.endpointReadDone(0, new Uint8Array(0));
      this.#next(Uint8Array.from(this.#reply));
    }
  }

  #onData(endpoint, bytes) {
    if (endpoint === this.endpoints.in) for (const byte of bytes) this.#line.send(byte);
  }

  // Pass on bytes of the line when the device accepts some.
  feed() {
    if (!this.#room || !this.description || this.#line.isEmpty) return;
    const bytes = [];
    while (bytes.length < this.#room && !this.#line.isEmpty) bytes.push(this.#line.take());
    this.#room = 0;
    this.#usb.endpointReadDone(this.endpoints.out, Uint8Array.from(bytes));
  }
}
