#include "clock.h"

#include <stdbool.h>

#include "pins.h"
#include "registers.h"

#define HSI_HZ 16000000u
#define CLOCK_TIMEOUT_LOOPS 200000u /* some 50 ms at 16 MHz; a crystal needs a few */

#if BOARD_CPU_HZ == 168000000u
#define PLL_DIVIDER 2u
#define BUS_DIVIDERS (RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2)
#define FLASH_ACR FLASH_ACR_5_WAIT_STATES_CACHED
#elif BOARD_CPU_HZ == 84000000u
#define PLL_DIVIDER 4u
#define BUS_DIVIDERS RCC_CFGR_PPRE1_DIV2
#define FLASH_ACR FLASH_ACR_2_WAIT_STATES_CACHED
#else
#error "BOARD_CPU_HZ is 168000000 or 84000000"
#endif

static const clock_rates_t PLL_RATES = {.cpu_hz = BOARD_CPU_HZ, .usart1_hz = 84000000u};
static const clock_rates_t HSI_RATES = {.cpu_hz = HSI_HZ, .usart1_hz = HSI_HZ};

static bool wait_for(const volatile uint32_t *reg, uint32_t mask, uint32_t value) {
    for (uint32_t i = 0; i < CLOCK_TIMEOUT_LOOPS; i++) {
        if ((*reg & mask) == value) {
            return true;
        }
    }
    return false;
}

/* PLL: 1 MHz x 336 / 2 or 4; Q = 7 gives the 48 MHz that USB would need. Bit 29 is as after a
 * reset: on the F446 it belongs to the divider of a third output. */
static bool start_pll(uint32_t source_hz, uint32_t source_bit) {
    RCC->CR &= ~RCC_CR_PLLON;
    RCC->PLLCFGR = (source_hz / 1000000u) | (336u << 6) | ((PLL_DIVIDER / 2u - 1u) << 16) | source_bit |
                   (7u << 24) | (2u << 28);
    RCC->CR |= RCC_CR_PLLON;
    return wait_for(&RCC->CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY);
}

static bool start_pll_on_crystal(void) {
    if (BOARD_HSE_HZ == 0) {
        return false;
    }
    RCC->CR |= RCC_CR_HSEON;
    return wait_for(&RCC->CR, RCC_CR_HSERDY, RCC_CR_HSERDY) && start_pll(BOARD_HSE_HZ, RCC_PLLCFGR_SRC_HSE);
}

static bool switch_to_pll(void) {
    FLASH->ACR = FLASH_ACR;
    RCC->CFGR = BUS_DIVIDERS | RCC_CFGR_SW_PLL;
    return wait_for(&RCC->CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
}

clock_rates_t clock_init(void) {
    /* The internal oscillator runs after every reset, so on silicon this bit is set. QEMU's machine has no
     * clock controller and reads 0: its SysTick counts at 168 MHz without being told. */
    if ((RCC->CR & RCC_CR_HSIRDY) == 0) {
        return PLL_RATES;
    }
    const bool pll = start_pll_on_crystal() || start_pll(HSI_HZ, 0);
    if (pll && switch_to_pll()) {
        return PLL_RATES;
    }
    RCC->CFGR = 0;
    return HSI_RATES;
}
