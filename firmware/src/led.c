#include "led.h"

#include <stdbool.h>

#include "boards/board.h"
#include "ecg_base/static_assert.h"
#include "ecg_link/messages.h"

#define CODE(blinks, status, text)                                  \
    ECG_STATIC_ASSERT((blinks) == ECG_LINK_##status, led_##status); \
    ECG_STATIC_ASSERT((blinks)*LED_BLINK_MS < LED_PERIOD_MS, led_fits_##status);
LED_CODES(CODE)
#undef CODE

static bool flashing;
static uint32_t flash_start_ms;

void led_beat(uint32_t now_ms) {
    flashing = true;
    flash_start_ms = now_ms;
    board_led(true);
}

static bool is_code_on(uint32_t now_ms, uint8_t status) {
    const uint32_t at = now_ms % LED_PERIOD_MS;
    return at < status * LED_BLINK_MS && at % LED_BLINK_MS < LED_BLINK_MS / 2u;
}

void led_update(uint32_t now_ms, uint8_t status) {
    if (status != 0) {
        board_led(is_code_on(now_ms, status));
    } else if (flashing && now_ms - flash_start_ms >= LED_FLASH_MS) {
        flashing = false;
        board_led(false);
    }
}
