/* Reset, vector table, and the program's way from the flash into the RAM.
 *
 * The whole program runs in the RAM: the flash behind boot2.S is slow, and the RAM has room for it. Only what
 * is marked IN_FLASH runs before the copy. */
#include <stdint.h>

#include "boards/board.h"
#include "registers.h"

#define IN_FLASH(name) __attribute__((section(".flash_start." name), used))

/* From the linker script; only their addresses mean something. */
extern uint32_t stack_top[], ram_start[], ram_end[], ram_load[], bss_start[], bss_end[];

int main(void);
void Reset_Handler(void);
void Default_Handler(void);
void SysTick_Handler(void);
void USBCTRL_IRQHandler(void);
void UART0_IRQHandler(void);

#define VECTOR(handler) ((uintptr_t)(handler))

/* What boot2 reads. */
IN_FLASH("vectors") static const uintptr_t START[2] = {VECTOR(stack_top), VECTOR(Reset_Handler)};

__attribute__((section(".vectors"), used)) static const uintptr_t VECTORS[16 + IRQ_COUNT] = {
    [0] = VECTOR(stack_top),
    [1] = VECTOR(Reset_Handler),
    [2 ... 14] = VECTOR(Default_Handler),
    [15] = VECTOR(SysTick_Handler),
    [16 ... 16 + IRQ_USBCTRL - 1] = VECTOR(Default_Handler),
    [16 + IRQ_USBCTRL] = VECTOR(USBCTRL_IRQHandler),
    [16 + IRQ_USBCTRL + 1 ... 16 + IRQ_UART0 - 1] = VECTOR(Default_Handler),
    [16 + IRQ_UART0] = VECTOR(UART0_IRQHandler),
    [16 + IRQ_UART0 + 1 ... 16 + IRQ_COUNT - 1] = VECTOR(Default_Handler),
};

/* What lies between the data and the stack: what is still so later, the stack has not reached. */
#define PAINT 0xA5A5A5A5u

uint32_t board_stack_bytes(void) {
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)bss_end);
}

uint32_t board_stack_used(void) {
    const uint32_t *at = bss_end;
    while (*at == PAINT) {
        at++;
    }
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)at);
}

/* A fault or an interrupt nobody asked for: stay here, where a debugger finds it. */
void Default_Handler(void) {
    for (;;) {
    }
}

#define WORDS(start, end) (((uintptr_t)(end) - (uintptr_t)(start)) / sizeof(uint32_t))

/* volatile, so that the compiler makes no call of memcpy of these loops: that is not in the RAM yet. */
IN_FLASH("code") void Reset_Handler(void) {
    volatile uint32_t *const ram = ram_start, *const bss = bss_start;
    for (uintptr_t i = 0; i < WORDS(ram_start, ram_end); i++) {
        ram[i] = ram_load[i];
    }
    for (uintptr_t i = 0; i < WORDS(bss_start, bss_end); i++) {
        bss[i] = 0;
    }
    for (uintptr_t at = (uintptr_t)bss_end; at < (uintptr_t)__builtin_frame_address(0) - 64u;
         at += sizeof(uint32_t)) {
        *(volatile uint32_t *)at = PAINT;
    }
    SCB_VTOR = VECTOR(VECTORS);
    int (*volatile const run)(void) = main; /* too far for a branch */
    run();
    for (;;) {
    }
}
