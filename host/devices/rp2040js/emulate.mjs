// Boot a UF2 image in rp2040js, with the board's serial line on a Unix socket.
//
//     node emulate.mjs --modules FOLDER --image FILE.uf2 --line SOCKET [--usb] [--front-end FILE] [--speed X]
//
// The line is UART0, or with --usb the port on the board's USB connector. FOLDER has the node_modules with rp2040js. The socket appears once the board has booted and waits for a byte. FILE has
// what the analog front end gives at each sampling instant (firmware/src/boards/native/front_end.h). The board computes as
// fast as this computer can, and waits in X times real time (0: it does not wait).
//
// What ends a program on silicon ends this one, too, with exit status 1: an address that is not aligned (the core has no
// unaligned access), an address without memory, an instruction that does not exist.
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { playFrontEnd } from './front_end.mjs';
import { Line } from './line.mjs';
import { installRom } from './rom.mjs';
import { boot, loadUf2 } from './uf2.mjs';
import { UsbHost } from './usb_host.mjs';

const NANOS_PER_CYCLE = 8; // 125 MHz
const STEPS = 400; // instructions between two looks at the line
const BURST_MS = 10; // of computing between two looks at the socket
const FIFO_BYTES = 16; // received bytes a time; the chip's FIFO has 32

// The emulator's warnings that are faults on silicon; the others name registers without a model.
const FAULT = /invalid memory|undefined address|not implemented yet|Opcode/;

const { values: options } = parseArgs({
  options: {
    modules: { type: 'string' },
    image: { type: 'string' },
    line: { type: 'string' },
    usb: { type: 'boolean', default: false },
    'front-end': { type: 'string' },
    speed: { type: 'string', default: '1' },
  },
});

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

// rp2040js reads and writes any address; the core faults where a word or half-word is not aligned.
function faultOnUnaligned(core) {
  for (const [name, mask] of [['readUint32', 3], ['readUint16', 1], ['writeUint32', 3], ['writeUint16', 1]]) {
    const access = core.rp2040[name].bind(core.rp2040);
    core[name] = (address, value) => {
      if (address & mask) fail(`HardFault: ${name} of ${address.toString(16)} at ${core.PC.toString(16)}`);
      return access(address, value);
    };
  }
}

function makeBoard() {
  const { RP2040 } = createRequire(join(resolve(options.modules), 'package.json'))('rp2040js');
  const rp2040 = new RP2040();
  const onMessage = (part, text) => FAULT.test(text) && fail(`${part}: ${text} at ${rp2040.core.PC.toString(16)}`);
  rp2040.logger = { debug() {}, info() {}, warn: onMessage, error: onMessage };
  installRom(rp2040, () => fail(`breakpoint or undefined instruction at ${rp2040.core.PC.toString(16)}`));
  faultOnUnaligned(rp2040.core);
  if (options['front-end']) playFrontEnd(rp2040, options['front-end']);
  return rp2040;
}

// Connect the line; returns what passes on bytes from the host as the board takes them.
function connect(rp2040, line) {
  const [uart] = rp2040.uart;
  if (options.usb) {
    const host = new UsbHost(rp2040.usbCtrl, line);
    return () => host.feed();
  }
  uart.onByte = (byte) => line.send(byte);
  return () => {
    while (uart.rxFIFO.itemCount < FIFO_BYTES && !line.isEmpty) uart.feedByte(line.take());
  };
}

// Run some instructions. False when the core waits for an interrupt and nothing but time brings one.
function run({ clock, core }) {
  for (let i = 0; i < STEPS; i++) {
    if (core.waiting) {
      // SysTick does not end the wait in rp2040js: the check for interrupts does.
      if (!core.interruptsUpdated || !core.checkForInterrupts()) return false;
      core.waiting = false;
    }
    clock.tick(core.executeInstruction() * NANOS_PER_CYCLE);
  }
  return true;
}

// Let simulated time pass no faster than `speed` allows; where computing took longer, begin anew from now.
class Pace {
  constructor(clock, speed) {
    Object.assign(this, { clock, speed, nanos: clock.nanos, ms: performance.now() });
  }

  get delayMs() {
    if (this.speed === 0) return 0;
    const delay = this.ms + (this.clock.nanos - this.nanos) / 1e6 / this.speed - performance.now();
    if (delay < 0) Object.assign(this, { nanos: this.clock.nanos, ms: performance.now() });
    return Math.max(delay, 0);
  }
}

function waitForAlarm({ clock }) {
  clock.tick(clock.nanosToNextAlarm);
}

function turn(rp2040, line, feed, pace) {
  const until = performance.now() + BURST_MS;
  let isIdle = false;
  while (!isIdle && performance.now() < until) {
    feed();
    if (run(rp2040)) continue;
    isIdle = line.isEmpty;
    waitForAlarm(rp2040);
  }
  line.flush();
  const delay = isIdle ? pace.delayMs : 0;
  if (delay > 0) setTimeout(turn, delay, rp2040, line, feed, pace);
  else setImmediate(turn, rp2040, line, feed, pace);
}

const line = new Line();
const rp2040 = makeBoard();
const feed = connect(rp2040, line);
try {
  loadUf2(options.image, rp2040.flash);
  boot(rp2040);
} catch (error) {
  fail(error.message);
}
while (run(rp2040));
line.listen(options.line);
turn(rp2040, line, feed, new Pace(rp2040.clock, Number(options.speed)));
