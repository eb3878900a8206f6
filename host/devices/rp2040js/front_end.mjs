// An AD8232 at the board's pins that plays a file: the sample on ADC channel 0, the leads-off signals on two pins.
import { readFileSync } from 'node:fs';

const LO_PLUS_PIN = 20; // firmware/src/boards/rp2040/pins.h
const LO_MINUS_PIN = 21;
const LEAD_OFF_PLUS = 1; // ECG_CORE_LEAD_OFF_*
const LEAD_OFF_MINUS = 2;
const INSTANT_BYTES = 4;
const ADC_CS = 0; // offset of the register
const CS_ENABLE = 1 << 0;
const CS_START_ONE = 1 << 2;

// Each conversion takes the next instant; after the last one it stays. The firmware reads the pins before it converts. When
// it enables the ADC, the file begins anew.
export function playFrontEnd(rp2040, path) {
  const file = readFileSync(path);
  const instants = Math.floor(file.length / INSTANT_BYTES);
  const startConversion = rp2040.adc.onADCRead;
  let next = 0;
  const setPins = () => {
    const flags = file[next * INSTANT_BYTES + 2];
    rp2040.gpio[LO_PLUS_PIN].setInputValue((flags & LEAD_OFF_PLUS) !== 0);
    rp2040.gpio[LO_MINUS_PIN].setInputValue((flags & LEAD_OFF_MINUS) !== 0);
  };
  rp2040.adc.onADCRead = (channel) => {
    rp2040.adc.channelValues[0] = file.readInt16LE(next * INSTANT_BYTES);
    next = Math.min(next + 1, instants - 1);
    setPins();
    startConversion(channel);
  };
  const write = rp2040.adc.writeUint32.bind(rp2040.adc);
  rp2040.adc.writeUint32 = (offset, value) => {
    if (offset === ADC_CS && (value & (CS_ENABLE | CS_START_ONE)) === CS_ENABLE) {
      next = 0;
      setPins();
    }
    write(offset, value);
  };
  setPins();
}
