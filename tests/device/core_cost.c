/* Pushes the samples of samples.h through the signal path on a board without anything else, and reports the
 * SysTick ticks of the longest push and of all. */
#include <stdint.h>

#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_state.h"
#include "samples.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define SYSTICK_BITS 0xFFFFFFu

void reset(void);

static ecg_core_t core;
static ecg_core_beat_t beat;

static int semihosting(int operation, const void *argument) {
    register int result __asm__("r0") = operation;
    register const void *pointer __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(result) : "r"(pointer) : "memory");
    return result;
}

static void print(const char *name, uint32_t value) {
    char digits[12];
    char *place = digits + sizeof digits - 1;
    *place = 0;
    do {
        *--place = (char)('0' + value % 10u);
        value /= 10u;
    } while (value != 0u);
    semihosting(4, name);
    semihosting(4, place);
    semihosting(4, "\n");
}

static uint32_t ticks_of_push(int16_t sample) {
    const uint32_t before = SYSTICK_VALUE;
    (void)ecg_core_push(&core, sample, 0, &beat);
    return (before - SYSTICK_VALUE) & SYSTICK_BITS;
}

static void push_all(void) {
    uint32_t longest = 0, longest_at = 0, all = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const uint32_t ticks = ticks_of_push(samples[i]);
        all += ticks;
        if (ticks > longest) longest = ticks, longest_at = i;
    }
    print("longest ", longest);
    print("longest_at ", longest_at);
    print("all ", all);
    print("state_bytes ", ecg_core_state_bytes());
}

void reset(void) {
    const ecg_core_config_t config = ecg_core_default_config();
    SYSTICK_RELOAD = SYSTICK_BITS;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 5;
    (void)ecg_core_init(&core, &config);
    push_all();
    const uint32_t stop[2] = {0x20026u, 0};
    semihosting(0x20, stop);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {STACK_TOP, (uintptr_t)reset};
