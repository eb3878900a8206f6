// The functions of the RP2040's boot ROM that the firmware calls: they erase and program the flash. rp2040js has no ROM, so
// each function here is a breakpoint, at which the emulator does the work, and a return. With rp2040.flashFails they do nothing.
const TABLE_POINTER = 0x14;
const TABLE = 0x100;
const CODE = 0x200;
const BKPT = 0xbe00;
const BX_LR = 0x4770;
const ERASED = 0xff;

const FUNCTIONS = {
  IF() {}, // connect_internal_flash
  EX() {}, // flash_exit_xip
  FC() {}, // flash_flush_cache
  CX() {}, // flash_enter_cmd_xip
  RE(rp2040, [offset, size]) { if (!rp2040.flashFails) rp2040.flash.fill(ERASED, offset, offset + size); },
  RP(rp2040, [offset, address, size]) {
    for (let i = 0; i < size && !rp2040.flashFails; i++) rp2040.flash[offset + i] &= rp2040.readUint8(address + i);
  },
};

// Write the ROM; `onOtherCall` gets every other breakpoint.
export function installRom(rp2040, onOtherCall) {
  const rom = new Uint16Array(rp2040.bootrom.buffer);
  const names = Object.keys(FUNCTIONS);
  rom[TABLE_POINTER / 2] = TABLE;
  names.forEach((name, number) => {
    const code = CODE + 4 * number;
    rom[TABLE / 2 + 2 * number] = name.charCodeAt(0) | (name.charCodeAt(1) << 8);
    rom[TABLE / 2 + 2 * number + 1] = code | 1;
    rom[code / 2] = BKPT | number;
    rom[code / 2 + 1] = BX_LR;
  });
  rp2040.onBreak = (number) => {
    const isRom = rp2040.core.PC === CODE + 4 * number + 2 && number < names.length;
    if (isRom) FUNCTIONS[names[number]](rp2040, rp2040.core.registers);
    else onOtherCall();
  };
}
