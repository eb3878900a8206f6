/* The buzzer. */
#ifndef ECG_EDGE_STM32F405_TONE_H
#define ECG_EDGE_STM32F405_TONE_H

#include <stdint.h>

/* `timer_hz`: clock of the timers on bus APB1. */
void tone_init(uint32_t timer_hz);

#endif
