/* Start-up of an Xtensa core (call0 ABI) in QEMU's simulator machine: CCOUNT, SIMCALL. */
#include "board.h"

#define SYS_EXIT 1
#define SYS_WRITE 4
#define STANDARD_OUTPUT 1

/* The core begins at the lowest address. PS = 0: no exception, interrupts on, none enabled. */
__asm__(
    ".section .vectors, \"ax\"\n"
    ".globl reset\n"
    "reset: j start\n"
    ".align 4\n"
    ".literal_position\n"
    ".align 4\n"
    "start: movi a1, stack_top\n"
    "    movi a2, 0\n"
    "    wsr.ps a2\n"
    "    rsync\n"
    "    call0 harness_main\n"
    ".text\n");

void board_start_timer(void) {
}

uint32_t board_ticks(void) {
    uint32_t cycles;
    __asm__ volatile("rsr.ccount %0" : "=a"(cycles));
    return cycles;
}

__attribute__((noinline)) void board_spin(uint32_t iterations) {
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+a"(iterations));
}

uintptr_t board_stack_pointer(void) {
    uintptr_t pointer;
    __asm__ volatile("mov %0, a1" : "=a"(pointer));
    return pointer;
}

static void simcall(uint32_t operation, uint32_t first, uintptr_t second, uint32_t third) {
    register uint32_t a2 __asm__("a2") = operation;
    register uint32_t a3 __asm__("a3") = first;
    register uintptr_t a4 __asm__("a4") = second;
    register uint32_t a5 __asm__("a5") = third;
    __asm__ volatile("simcall" : "+a"(a2), "+a"(a3) : "a"(a4), "a"(a5) : "memory");
}

void board_print(const char *text) {
    uint32_t length = 0;
    while (*(const volatile char *)(text + length) != 0) { /* volatile: or it becomes a call of strlen */
        ++length;
    }
    simcall(SYS_WRITE, STANDARD_OUTPUT, (uintptr_t)text, length);
}

void board_exit(void) {
    simcall(SYS_EXIT, 0, 0, 0);
    for (;;) {
    }
}
