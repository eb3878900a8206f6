/* Gives the beats of beats.h to the rhythm rules on a board without anything else, and reports the SysTick
 * ticks of the longest beat, of all beats, and of a tick of the rules' clock for every sample between. */
#include <stdint.h>

#include "beats.h"
#include "ecg_rhythm/ecg_rhythm_state.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define SYSTICK_BITS 0xFFFFFFu

void reset(void);

static ecg_rhythm_state_t rhythm;
static volatile uint32_t events;

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

static void count(void *context, const ecg_rhythm_event_t *event) {
    (void)context;
    events += event->index >= events;
}

static void give_all(void) {
    uint32_t longest = 0, all = 0, clock = 0, time = 0;
    for (uint32_t i = 0; i < BEATS; i++) {
        for (; time < beats[i].r_sample; time++) {
            const uint32_t before = SYSTICK_VALUE;
            ecg_rhythm_tick(&rhythm, time, false);
            clock += (before - SYSTICK_VALUE) & SYSTICK_BITS;
        }
        const uint32_t before = SYSTICK_VALUE;
        ecg_rhythm_beat(&rhythm, &beats[i]);
        const uint32_t ticks = (before - SYSTICK_VALUE) & SYSTICK_BITS;
        all += ticks;
        longest = ticks > longest ? ticks : longest;
    }
    print("longest ", longest);
    print("all ", all);
    print("clock ", clock);
    print("samples ", time);
    print("events ", events);
    print("state_bytes ", ecg_rhythm_state_bytes());
}

void reset(void) {
    SYSTICK_RELOAD = SYSTICK_BITS;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 5;
    ecg_rhythm_init(&rhythm, 360, count, 0);
    give_all();
    const uint32_t stop[2] = {0x20026u, 0};
    semihosting(0x20, stop);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[2] = {STACK_TOP, (uintptr_t)reset};
