/* A Cortex-M4 program without an operating system that counts SysTick ticks and prints through semihosting.
 *
 * Define `static void measure(void)` and put BARE_BOARD_START(measure) at the end of the file. */
#ifndef ECG_EDGE_TESTS_BARE_BOARD_H
#define ECG_EDGE_TESTS_BARE_BOARD_H

#include <stdint.h>

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define SYSTICK_BITS 0xFFFFFFu
#define SYSTICK_ENABLE_CORE_CLOCK 5u

#define SEMIHOSTING_WRITE0 4
#define SEMIHOSTING_EXIT_EXTENDED 0x20
#define SEMIHOSTING_APPLICATION_EXIT 0x20026u

static int semihosting(int operation, const void *argument) {
    register int result __asm__("r0") = operation;
    register const void *pointer __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(result) : "r"(pointer) : "memory");
    return result;
}

/* One line of the report: name, with a space at its end, and value. */
static void print(const char *name, uint32_t value) {
    char digits[12];
    char *place = digits + sizeof digits - 1;
    *place = 0;
    do {
        *--place = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0u);
    semihosting(SEMIHOSTING_WRITE0, name);
    semihosting(SEMIHOSTING_WRITE0, place);
    semihosting(SEMIHOSTING_WRITE0, "\n");
}

/* Ticks since `before`, a value of SYSTICK_VALUE, which counts down. */
static uint32_t ticks_since(uint32_t before) {
    return (before - SYSTICK_VALUE) & SYSTICK_BITS;
}

static void start_clock(void) {
    SYSTICK_RELOAD = SYSTICK_BITS;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_ENABLE_CORE_CLOCK;
}

static void end_program(void) {
    const uint32_t stop[2] = {SEMIHOSTING_APPLICATION_EXIT, 0};
    semihosting(SEMIHOSTING_EXIT_EXTENDED, stop);
    for (;;) {
    }
}

#define BARE_BOARD_START(measure)                                                              \
    void reset(void);                                                                          \
    void reset(void) {                                                                         \
        start_clock();                                                                         \
        measure();                                                                             \
        end_program();                                                                         \
    }                                                                                          \
    __attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {STACK_TOP, \
                                                                                    (uintptr_t)reset}

#endif
