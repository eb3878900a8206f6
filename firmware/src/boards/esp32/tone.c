#include "tone.h"

#include "boards/board.h"
#include "driver/ledc.h"
#include "pins.h"

#define TONE_HZ 2700u
#define HALF 512u /* of 10 bits */

void tone_init(void) {
    const ledc_timer_config_t clock = {
        .speed_mode = LEDC_LOW_SPEED_MODE,
        .duty_resolution = LEDC_TIMER_10_BIT,
        .timer_num = LEDC_TIMER_0,
        .freq_hz = TONE_HZ,
        .clk_cfg = LEDC_AUTO_CLK,
    };
    const ledc_channel_config_t output = {
        .gpio_num = BOARD_BUZZER_PIN,
        .speed_mode = LEDC_LOW_SPEED_MODE,
        .channel = LEDC_CHANNEL_0,
        .timer_sel = LEDC_TIMER_0,
        .duty = 0,
    };
    ESP_ERROR_CHECK(ledc_timer_config(&clock));
    ESP_ERROR_CHECK(ledc_channel_config(&output));
}

void board_buzzer(bool on) {
    ledc_set_duty(LEDC_LOW_SPEED_MODE, LEDC_CHANNEL_0, on ? HALF : 0u);
    ledc_update_duty(LEDC_LOW_SPEED_MODE, LEDC_CHANNEL_0);
}
