#ifndef ECG_EDGE_STM32F405_CLOCK_H
#define ECG_EDGE_STM32F405_CLOCK_H

#include <stdint.h>

typedef struct {
    uint32_t cpu_hz;
    uint32_t usart1_hz; /* APB2 */
} clock_rates_t;

/* Bring the chip to BOARD_CPU_HZ. A clock that does not start leaves the next best: crystal, internal
 * oscillator through the PLL, internal oscillator alone. */
clock_rates_t clock_init(void);

#endif
