// An AD8232 at the board's pins that plays a file: the sample on ADC channel 0, the leads-off signals on two pins, and what
// else happens at an instant.
import { readFileSync } from 'node:fs';

const LO_PLUS_PIN = 20; // firmware/src/boards/rp2040/pins.h
const LO_MINUS_PIN = 21;
const LEAD_OFF_PLUS = 1; // ECG_CORE_LEAD_OFF_*
const LEAD_OFF_MINUS = 2;
const INSTANT_BYTES = 4;
const ADC_CS = 0; // offset of the register
const CS_ENABLE = 1 << 0;
const CS_START_ONE = 1 << 2;

// Of the last byte of an instant (firmware/src/boards/native/front_end.h).
export const POWER_ON = 1;
export const WATCHDOG = 4; // the program stands still from here on
export const FLASH_FAILS = 18;

export class FrontEnd {
  #file;
  #instants;
  #next = 0;
  #goesOn = false; // after a reset: where it was

  constructor(path) {
    this.#file = readFileSync(path);
    this.#instants = Math.floor(this.#file.length / INSTANT_BYTES);
  }

  #byte(offset) {
    return this.#file[this.#next * INSTANT_BYTES + offset];
  }

  #setPins({ gpio }) {
    gpio[LO_PLUS_PIN].setInputValue((this.#byte(2) & LEAD_OFF_PLUS) !== 0);
    gpio[LO_MINUS_PIN].setInputValue((this.#byte(2) & LEAD_OFF_MINUS) !== 0);
  }

  // Each conversion takes the next instant; after the last one it stays. The firmware reads the pins before it converts. When
  // it enables the ADC, the file begins anew. `happen` gets the code of what else happens.
  attach(rp2040, happen) {
    const { adc } = rp2040;
    const startConversion = adc.onADCRead;
    const write = adc.writeUint32.bind(adc);
    adc.onADCRead = (channel) => {
      adc.channelValues[0] = this.#file.readInt16LE(this.#next * INSTANT_BYTES);
      const event = this.#byte(3);
      if (this.#next < this.#instants - 1) {
        this.#next++;
        if (event) happen(event);
      }
      this.#setPins(rp2040);
      startConversion(channel);
    };
    adc.writeUint32 = (offset, value) => {
      if (offset === ADC_CS && (value & (CS_ENABLE | CS_START_ONE)) === CS_ENABLE) {
        if (!this.#goesOn) this.#next = 0;
        this.#goesOn = false;
        this.#setPins(rp2040);
      }
      write(offset, value);
    };
    this.#setPins(rp2040);
  }

  goOn() {
    this.#goesOn = true;
  }
}
