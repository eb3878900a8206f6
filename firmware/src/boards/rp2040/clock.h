#ifndef ECG_EDGE_RP2040_CLOCK_H
#define ECG_EDGE_RP2040_CLOCK_H

#include <stdint.h>

/* Bring the chip to 125 MHz, USB and ADC to 48 MHz, by the 12 MHz crystal. Where the crystal does not start,
 * the chip stays on its ring oscillator: live mode then samples at a wrong rate, and the serial line is
 * probably unreadable. Returns the rate of the CPU and of the UART. */
uint32_t clock_init(void);

/* Take peripherals, RESET_*, out of reset. */
void clock_start_peripherals(uint32_t mask);

#endif
