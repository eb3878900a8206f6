// The flash that a UF2 file describes, and the start that the RP2040's boot ROM gives it.
import { readFileSync } from 'node:fs';

const BLOCK_BYTES = 512;
const MAGIC = [[0, 0x0a324655], [4, 0x9e5d5157], [508, 0x0ab16f30]];
const RP2040_FAMILY = 0xe48bff56;
const FLASH_START = 0x10000000;
const BOOT2_BYTES = 256;
const BOOT2_IN_RAM = 0x20041f00;

// Write the blocks of a UF2 file into the emulated flash.
export function loadUf2(path, flash) {
  const file = readFileSync(path);
  if (!file.length || file.length % BLOCK_BYTES) throw new Error(`${path}: not a UF2 file`);
  for (let at = 0; at < file.length; at += BLOCK_BYTES) {
    const word = (offset) => file.readUInt32LE(at + offset);
    if (MAGIC.some(([offset, value]) => word(offset) !== value)) throw new Error(`${path}: not a UF2 file`);
    if (word(28) !== RP2040_FAMILY) throw new Error(`${path}: not for the RP2040`);
    flash.set(file.subarray(at + 32, at + 32 + word(16)), word(12) - FLASH_START);
  }
}

function crc32Mpeg2(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x80000000 ? 0x04c11db7 : 0);
  }
  return crc >>> 0;
}

// What the boot ROM does with a flash that has a program: check the second stage, copy it into the RAM, run it. The ROM
// itself is not part of rp2040js.
export function boot(rp2040) {
  const boot2 = rp2040.flash.subarray(0, BOOT2_BYTES);
  const end = BOOT2_BYTES - 4;
  if (crc32Mpeg2(boot2.subarray(0, end)) !== rp2040.flashView.getUint32(end, true)) {
    throw new Error('the checksum of the boot loader is wrong: the boot ROM would not run it');
  }
  rp2040.sram.set(boot2, BOOT2_IN_RAM - 0x20000000);
  rp2040.core.SP = BOOT2_IN_RAM;
  rp2040.core.LR = 0;
  rp2040.core.PC = BOOT2_IN_RAM;
}
