/* What a core's start-up file gives to the measuring program. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Start a counter of the core's (emulated) time. */
void board_start_timer(void);

/* Ticks of the counter since some moment, modulo 2^32; TICK_BITS of them count. */
uint32_t board_ticks(void);

/* Exactly 2 * iterations instructions, and a call. */
void board_spin(uint32_t iterations);

/* The stack pointer of the caller. */
uintptr_t board_stack_pointer(void);

void board_print(const char *text);

/* End the emulator. */
void board_exit(void);

/* Supplied by harness.c: what a core runs when its stack is set. */
void harness_main(void);

#endif
