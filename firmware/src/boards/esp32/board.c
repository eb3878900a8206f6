/* ESP32, ESP32-S3 and ESP32-C3 behind an AD8232 front end, on ESP-IDF 5.5 (docs/how-to/wiring.md has the
 * pins).
 *
 * Compiled only: this never ran on a chip (docs/boards.md). */
#include "boards/board.h"

#include "app.h"
#include "bluetooth.h"
#include "driver/gpio.h"
#include "esp_timer.h"
#include "line.h"
#include "pins.h"
#include "sampler.h"
#include "system.h"
#include "tasks.h"
#include "tone.h"
#include "update.h"

#define TICK_HZ \
    1000000u /* esp_timer's: the CPU's own counter changes its rate, and stands still in light sleep */
#define IDLE_MS 100u

static TaskHandle_t main_task;

void tasks_wake_main(void) {
    if (main_task != NULL) {
        xTaskNotifyGive(main_task);
    }
}

void board_init(void) {
    const gpio_config_t led = {.pin_bit_mask = 1ULL << BOARD_LED_PIN, .mode = GPIO_MODE_OUTPUT};
    main_task = xTaskGetCurrentTaskHandle();
    ESP_ERROR_CHECK(gpio_config(&led));
    system_init();
    line_init();
    tone_init();
    sampler_init();
    update_init();
    bluetooth_init();
}

const char *board_name(void) {
    return PINS_NAME;
}

size_t board_read(uint8_t *bytes, size_t size) {
    const size_t count = line_read(bytes, size);
    system_follow_host(count > 0, board_millis());
    return count;
}

uint32_t board_lost_bytes(void) {
    return line_lost_bytes();
}

void board_write(const uint8_t *bytes, size_t size) {
    line_write(bytes, size);
}

uint32_t board_ticks(void) {
    return (uint32_t)esp_timer_get_time();
}

uint32_t board_tick_hz(void) {
    return TICK_HZ;
}

uint32_t board_millis(void) {
    return (uint32_t)(esp_timer_get_time() / 1000);
}

/* The notification stays: one that comes after the check ends the wait at once. */
void board_idle(void) {
    update_restart_when_done();
    if (line_is_empty() && sampler_is_empty()) {
        ulTaskNotifyTake(pdTRUE, pdMS_TO_TICKS(IDLE_MS));
    }
}

void board_led(bool on) {
    gpio_set_level(BOARD_LED_PIN, on);
}

bool board_live_start(void) {
    return sampler_is_running() || sampler_start();
}

void board_live_stop(void) {
    sampler_stop();
}

bool board_sample(int16_t *sample_adu, uint8_t *lead_flags) {
    return sampler_read(sample_adu, lead_flags);
}

uint32_t board_missed_samples(void) {
    return sampler_missed();
}

/* A microsecond is a tick. */
uint32_t board_jitter_ticks(void) {
    return sampler_jitter_us();
}

uint32_t board_rate_mhz(void) {
    return sampler_rate_mhz();
}

uint16_t board_battery_mv(void) {
    return sampler_battery_mv();
}

void app_main(void);

void app_main(void) {
    board_init();
    app_run();
}
