/* A piezo buzzer without electronics of its own, at a PWM output: a square wave. */
#include "boards/board.h"
#include "clock.h"
#include "pins.h"
#include "registers.h"

#define TONE_HZ 2700u
#define SLICE (&PWM[BOARD_BUZZER_PIN / 2u % PWM_SLICES])
#define COMPARE_SHIFT (16u * (BOARD_BUZZER_PIN % 2u))

static void start(void) {
    clock_start_peripherals(RESET_PWM);
    SLICE->TOP = board_tick_hz() / TONE_HZ - 1u;
    SLICE->CC = 0;
    SLICE->CSR = PWM_CSR_ENABLE;
    PADS_BANK0->GPIO[BOARD_BUZZER_PIN] = PAD_INPUT_ENABLE | PAD_DRIVE_4_MA | PAD_SCHMITT;
    IO_BANK0->GPIO[BOARD_BUZZER_PIN].CTRL = GPIO_FUNCTION_PWM;
}

void board_buzzer(bool on) {
    static bool is_started;
    if (!is_started) {
        is_started = true;
        start();
    }
    SLICE->CC = on ? (SLICE->TOP / 2u) << COMPARE_SHIFT : 0u;
}
