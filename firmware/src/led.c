#include "led.h"

#include <stdbool.h>

#include "boards/board.h"

#define FLASH_MS 60u
#define BLINK_MS 400u /* half of it on */
#define CODE_PERIOD_MS 3000u

static bool flashing;
static uint32_t flash_start_ms;

void led_beat(uint32_t now_ms) {
    flashing = true;
    flash_start_ms = now_ms;
    board_led(true);
}

static bool is_code_on(uint32_t now_ms, uint8_t status) {
    const uint32_t at = now_ms % CODE_PERIOD_MS;
    return at < status * BLINK_MS && at % BLINK_MS < BLINK_MS / 2u;
}

void led_update(uint32_t now_ms, uint8_t status) {
    if (status != 0) {
        board_led(is_code_on(now_ms, status));
    } else if (flashing && now_ms - flash_start_ms >= FLASH_MS) {
        flashing = false;
        board_led(false);
    }
}
