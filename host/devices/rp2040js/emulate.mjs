// Boot a UF2 image in rp2040js, with the board's serial line on a Unix socket.
//
//     node emulate.mjs --modules FOLDER --image FILE.uf2 --line SOCKET [--usb] [--front-end FILE] [--speed X]
//
// The line is UART0, or with --usb the port on the board's USB connector. FOLDER has the node_modules with rp2040js. The socket appears once the board has booted and waits for a byte. FILE has
// what the analog front end gives at each sampling instant (firmware/src/boards/native/front_end.h). The board computes as
// fast as this computer can, and waits in X times real time (0: it does not wait).
//
// A reset, by the watchdog or by the script, leaves flash and cause: the board boots from the flash again.
//
// What ends a program on silicon ends this one, too, with exit status 1: an address that is not aligned (the core has no
// unaligned access), an address without memory, an instruction that does not exist.
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { FLASH_FAILS, FrontEnd, POWER_ON, WATCHDOG } from './front_end.mjs';
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

const watchdogOf = (rp2040) => rp2040.peripherals[0x40058];

function makeBoard() {
  const { RP2040 } = createRequire(join(resolve(options.modules), 'package.json'))('rp2040js');
  const rp2040 = new RP2040();
  const onMessage = (part, text) => FAULT.test(text) && fail(`${part}: ${text} at ${rp2040.core.PC.toString(16)}`);
  rp2040.logger = { debug() {}, info() {}, warn: onMessage, error: onMessage };
  installRom(rp2040, () => fail(`breakpoint or undefined instruction at ${rp2040.core.PC.toString(16)}`));
  faultOnUnaligned(rp2040.core);
  frontEnd?.attach(rp2040, (event) => happen(rp2040, event));
  const watchdog = watchdogOf(rp2040);
  watchdog.onWatchdogTrigger = () => {
    watchdog.timer.enable = false; // else it triggers again at once, without end
    rp2040.isReset = true;
  };
  return rp2040;
}

// What a script says beside samples.
function happen(rp2040, event) {
  if (event === WATCHDOG) rp2040.isStopped = true;
  if (event === POWER_ON) rp2040.isReset = true;
  if (event === FLASH_FAILS) rp2040.flashFails = true;
}

// Connect the line; returns what passes on bytes from the host as the board takes them.
function connect(rp2040) {
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

// Run some instructions. False when the core waits for an interrupt and nothing but time brings one, or stands still.
function run(rp2040) {
  const { clock, core } = rp2040;
  for (let i = 0; i < STEPS && !rp2040.isReset; i++) {
    if (rp2040.isStopped) return false;
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

// The board, with what belongs to one start of it.
function start(fillFlash, reason) {
  const rp2040 = makeBoard();
  const feed = connect(rp2040);
  watchdogOf(rp2040).reason = reason;
  try {
    fillFlash(rp2040.flash);
    boot(rp2040);
  } catch (error) {
    fail(error.message);
  }
  return { rp2040, feed, pace: new Pace(rp2040.clock, Number(options.speed)) };
}

function restart({ rp2040 }) {
  frontEnd?.goOn();
  return start((flash) => flash.set(rp2040.flash), rp2040.isStopped ? watchdogOf(rp2040).reason : 0);
}

function turn(board) {
  const until = performance.now() + BURST_MS;
  let isIdle = false;
  while (!isIdle && performance.now() < until) {
    if (board.rp2040.isReset) board = restart(board);
    board.feed();
    if (run(board.rp2040)) continue;
    isIdle = line.isEmpty;
    waitForAlarm(board.rp2040);
  }
  line.flush();
  const delay = isIdle ? board.pace.delayMs : 0;
  if (delay > 0) setTimeout(turn, delay, board);
  else setImmediate(turn, board);
}

const line = new Line();
const frontEnd = options['front-end'] ? new FrontEnd(options['front-end']) : null;
const board = start((flash) => loadUf2(options.image, flash), 0);
while (run(board.rp2040));
line.listen(options.line);
turn(board);
