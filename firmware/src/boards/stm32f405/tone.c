/* A piezo buzzer without electronics of its own, at PB8 (TIM4, channel 3): a square wave. */
#include "tone.h"

#include "boards/board.h"
#include "clock.h"
#include "registers.h"

#define TONE_HZ 2700u
#define PIN 8u
#define OUTPUT 1u
#define ALTERNATE 2u
#define AF2_OF_PIN_8 2u

static void set_mode(uint32_t mode) {
    GPIOB->MODER = (GPIOB->MODER & ~(3u << (2u * PIN))) | (mode << (2u * PIN));
}

void tone_init(uint32_t timer_hz) {
    const uint32_t period = timer_hz / TONE_HZ;
    rcc_start(&RCC->APB1ENR, RCC_APB1ENR_TIM4);
    TIM4->ARR = period - 1u;
    TIM4->CCR3 = period / 2u;
    TIM4->CCMR2 = TIM_CCMR2_OC3_PWM;
    TIM4->CCER = TIM_CCER_CC3;
    GPIOB->AFRH = (GPIOB->AFRH & ~0xFu) | AF2_OF_PIN_8;
    GPIOB->BSRR = 1u << (PIN + 16u);
    set_mode(OUTPUT);
}

/* Off, the pin is a plain output, and low. */
void board_buzzer(bool on) {
    TIM4->CR1 = on ? TIM_CR1_CEN : 0u;
    set_mode(on ? ALTERNATE : OUTPUT);
}
