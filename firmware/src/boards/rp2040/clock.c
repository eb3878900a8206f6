#include "clock.h"

#include <stdbool.h>

#include "registers.h"

#define XOSC_MHZ 12u
#define XOSC_STARTUP (XOSC_MHZ * 1000u / 256u + 1u) /* 1 ms, in units of 256 periods */
#define PLL_HZ 125000000u
#define RING_OSCILLATOR_HZ 6500000u /* nominal; data sheet 2.17: 1.8 to 12 MHz */
#define CLOCK_TIMEOUT_LOOPS 200000u /* some 200 ms at 6.5 MHz; a crystal needs a few */

static bool wait_for(const reg_t *reg, uint32_t mask, uint32_t value) {
    for (uint32_t i = 0; i < CLOCK_TIMEOUT_LOOPS; i++) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}

void clock_start_peripherals(uint32_t mask) {
    CLEAR_BITS(RESETS->RESET, mask);
    wait_for(&RESETS->RESET_DONE, mask, mask);
}

static bool start_crystal(void) {
    XOSC->STARTUP = XOSC_STARTUP;
    XOSC->CTRL = XOSC_CTRL_1_TO_15_MHZ | XOSC_CTRL_ENABLE;
    return wait_for(&XOSC->STATUS, XOSC_STATUS_STABLE, XOSC_STATUS_STABLE);
}

/* 12 MHz x multiplier / (divider1 x divider2); the product with the multiplier is 750 to 1600 MHz. */
static bool start_pll(pll_t *pll, uint32_t multiplier, uint32_t divider1, uint32_t divider2) {
    pll->CS = 1; /* reference divider */
    pll->FBDIV_INT = multiplier;
    CLEAR_BITS(pll->PWR, PLL_PWR_PD | PLL_PWR_VCOPD);
    if (!wait_for(&pll->CS, PLL_CS_LOCK, PLL_CS_LOCK)) {
        return false;
    }
    pll->PRIM = (divider1 << 16) | (divider2 << 12);
    CLEAR_BITS(pll->PWR, PLL_PWR_POSTDIVPD);
    return true;
}

/* A source of REF and SYS is switched without glitches, and SELECTED has one bit for each. */
static bool select_source(clock_t *clock, uint32_t source) {
    clock->CTRL = source;
    return wait_for(&clock->SELECTED, 1u << source, 1u << source);
}

/* After a reset by the watchdog the PLLs may still run: the CPU leaves them before they are set. */
static bool start_clocks(void) {
    if (!start_crystal() || !select_source(&CLOCKS[CLK_REF], CLK_REF_SRC_XOSC) ||
        !select_source(&CLOCKS[CLK_SYS], 0)) {
        return false;
    }
    RESETS->RESET |= RESET_PLL_SYS | RESET_PLL_USB;
    clock_start_peripherals(RESET_PLL_SYS | RESET_PLL_USB);
    return start_pll(PLL_SYS, 125, 6, 2) && start_pll(PLL_USB, 100, 5, 5) &&
           select_source(&CLOCKS[CLK_SYS], CLK_SYS_SRC_AUX);
}

uint32_t clock_init(void) {
    const bool started = start_clocks();
    CLOCKS[CLK_PERI].CTRL = CLK_ENABLE; /* from SYS */
    CLOCKS[CLK_USB].CTRL = CLK_ENABLE;  /* from PLL_USB */
    CLOCKS[CLK_ADC].CTRL = CLK_ENABLE;  /* from PLL_USB */
    WATCHDOG->TICK = XOSC_MHZ | WATCHDOG_TICK_ENABLE;
    return started ? PLL_HZ : RING_OSCILLATOR_HZ;
}
