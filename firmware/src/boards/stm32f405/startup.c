/* Reset, vector table and the memory that C expects. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "boards/board.h"
#include "registers.h"

/* From the linker script; only their addresses mean something. */
extern uint8_t stack_top[], data_start[], data_end[], data_load[], bss_start[], bss_end[];
extern void (*init_array_start[])(void);
extern void (*init_array_end[])(void);

int main(void);
void Reset_Handler(void);
void Default_Handler(void);
void SysTick_Handler(void);
void USART1_IRQHandler(void);

/* What lies between the data and the stack: what is still so later, the stack has not reached. */
#define PAINT 0xA5A5A5A5u

static void paint_stack(void) {
    uintptr_t top;
    __asm volatile("mov %0, sp" : "=r"(top));
    for (uintptr_t at = (uintptr_t)bss_end; at < top - 64u; at += sizeof(uint32_t)) {
        *(volatile uint32_t *)at = PAINT;
    }
}

uint32_t board_stack_bytes(void) {
    return (uint32_t)((uintptr_t)stack_top - (uintptr_t)bss_end);
}

uint32_t board_stack_used(void) {
    const uint32_t *at = (const uint32_t *)bss_end;
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

void Reset_Handler(void) {
    SCB_CPACR |= 0xFu << 20; /* the FPU, before any code that might use it */
    __asm volatile("dsb\n isb");
    memcpy(data_start, data_load, (uintptr_t)data_end - (uintptr_t)data_start);
    memset(bss_start, 0, (uintptr_t)bss_end - (uintptr_t)bss_start);
    paint_stack();
    const size_t constructors =
        ((uintptr_t)init_array_end - (uintptr_t)init_array_start) / sizeof init_array_start[0];
    for (size_t i = 0; i < constructors; i++) {
        init_array_start[i]();
    }
    main();
    Default_Handler();
}

#define VECTOR(handler) ((uintptr_t)(handler))

__attribute__((section(".vectors"), used)) static const uintptr_t VECTORS[16 + 82] = {
    [0] = VECTOR(stack_top),
    [1] = VECTOR(Reset_Handler),
    [2 ... 14] = VECTOR(Default_Handler),
    [15] = VECTOR(SysTick_Handler),
    [16 ... 16 + 36] = VECTOR(Default_Handler),
    [16 + 37] = VECTOR(USART1_IRQHandler),
    [16 + 38 ... 16 + 81] = VECTOR(Default_Handler),
};
