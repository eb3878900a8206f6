/* Start-up of a Cortex-M in QEMU: SysTick, semihosting. */
#include "board.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define COPROCESSOR_ACCESS (*(volatile uint32_t *)0xE000ED88u)
#define SYS_WRITE0 4
#define SYS_EXIT 0x18
#define APPLICATION_EXIT 0x20026u

void reset(void);
extern uint8_t stack_top[];

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[] = {(uintptr_t)stack_top,
                                                                               (uintptr_t)reset};

void board_start_timer(void) {
    SYSTICK_RELOAD = 0xFFFFFFu;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 5;
}

uint32_t board_ticks(void) {
    return 0xFFFFFFu - SYSTICK_VALUE;
}

__attribute__((noinline)) void board_spin(uint32_t iterations) {
    __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n bne 1b" : "+l"(iterations) : : "cc");
}

uintptr_t board_stack_pointer(void) {
    uintptr_t pointer;
    __asm__ volatile("mov %0, sp" : "=r"(pointer));
    return pointer;
}

static void semihosting(uint32_t operation, uintptr_t argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void board_print(const char *text) {
    semihosting(SYS_WRITE0, (uintptr_t)text);
}

void board_exit(void) {
    semihosting(SYS_EXIT, APPLICATION_EXIT);
    for (;;) {
    }
}

__attribute__((noreturn)) void reset(void) {
#ifdef __ARM_FP
    COPROCESSOR_ACCESS |= 0xFu << 20; /* floating point and Helium are off after a reset */
    __asm__ volatile("dsb\n isb");
#endif
    harness_main();
    for (;;) {
    }
}
