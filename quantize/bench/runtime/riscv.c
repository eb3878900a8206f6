/* Start-up of a 32-bit RISC-V in QEMU: the cycle counter, semihosting. */
#include "board.h"

#define SYS_WRITE0 4
#define SYS_EXIT 0x18
#define APPLICATION_EXIT 0x20026u

/* QEMU's machine begins at the lowest address of its memory. */
__asm__(
    ".section .vectors, \"ax\"\n"
    ".globl reset\n"
    "reset: la sp, stack_top\n"
    "    j harness_main\n"
    ".text\n");

void board_start_timer(void) {
}

uint32_t board_ticks(void) {
    uint32_t cycles;
    __asm__ volatile("csrr %0, mcycle" : "=r"(cycles));
    return cycles;
}

__attribute__((noinline)) void board_spin(uint32_t iterations) {
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(iterations));
}

uintptr_t board_stack_pointer(void) {
    uintptr_t pointer;
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
    return pointer;
}

static void semihosting(uint32_t operation, uintptr_t argument) {
    register uint32_t a0 __asm__("a0") = operation;
    register uintptr_t a1 __asm__("a1") = argument;
    /* These three instructions, none of them compressed, are the call. */
    __asm__ volatile(
        ".option push\n .option norvc\n .balign 16\n"
        "slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n .option pop"
        : "+r"(a0)
        : "r"(a1)
        : "memory");
}

void board_print(const char *text) {
    semihosting(SYS_WRITE0, (uintptr_t)text);
}

void board_exit(void) {
    semihosting(SYS_EXIT, APPLICATION_EXIT);
    for (;;) {
    }
}
