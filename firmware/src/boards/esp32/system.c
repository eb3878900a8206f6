#include "system.h"

#include "boards/board.h"
#include "esp_err.h"
#include "esp_pm.h"
#include "esp_system.h"
#include "esp_task_wdt.h"
#include "tasks.h"

#define WATCHDOG_MS 8000u
#define HOST_MS 30000u /* as long as host_timeout_s is by default */
#define LEAST_MHZ 40   /* of the CPU: the crystal */

uint8_t board_reset_cause(void) {
    switch (esp_reset_reason()) {
        case ESP_RST_POWERON:
            return RESET_POWER_ON;
        case ESP_RST_EXT:
        case ESP_RST_USB:
        case ESP_RST_JTAG:
            return RESET_PIN;
        case ESP_RST_BROWNOUT:
            return RESET_BROWN_OUT;
        case ESP_RST_INT_WDT:
        case ESP_RST_TASK_WDT:
        case ESP_RST_WDT:
        case ESP_RST_PANIC:
            return RESET_WATCHDOG;
        case ESP_RST_SW:
            return RESET_SOFTWARE;
        default:
            return RESET_UNKNOWN;
    }
}

/* A panic resets, and the reset is the watchdog's. */
void board_watchdog_start(void) {
    const esp_task_wdt_config_t config = {
        .timeout_ms = WATCHDOG_MS, .idle_core_mask = 0, .trigger_panic = true};
    ESP_ERROR_CHECK(esp_task_wdt_init(&config));
    ESP_ERROR_CHECK(esp_task_wdt_add(NULL));
}

void board_watchdog_feed(void) {
    esp_task_wdt_reset();
}

uint32_t board_stack_bytes(void) {
    return CONFIG_ESP_MAIN_TASK_STACK_SIZE;
}

/* ESP-IDF's FreeRTOS counts stacks in bytes. */
uint32_t board_stack_used(void) {
    return CONFIG_ESP_MAIN_TASK_STACK_SIZE - uxTaskGetStackHighWaterMark(NULL);
}

#if CONFIG_PM_ENABLE

static esp_pm_lock_handle_t awake;
static bool is_awake;
static uint32_t heard_ms;

/* The CPU slows down whenever all tasks wait. Light sleep comes where no driver forbids it: the sampling
 * timer, the radio and a host do. */
void system_init(void) {
    const esp_pm_config_t config = {.max_freq_mhz = CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ,
                                    .min_freq_mhz = LEAST_MHZ,
                                    .light_sleep_enable = true};
    ESP_ERROR_CHECK(esp_pm_lock_create(ESP_PM_NO_LIGHT_SLEEP, 0, "host", &awake));
    ESP_ERROR_CHECK(esp_pm_lock_acquire(awake));
    is_awake = true;
    ESP_ERROR_CHECK(esp_pm_configure(&config));
}

void system_follow_host(bool has_sent, uint32_t now_ms) {
    heard_ms = has_sent ? now_ms : heard_ms;
    const bool is_wanted = now_ms - heard_ms < HOST_MS;
    if (is_wanted != is_awake) {
        is_awake = is_wanted;
        if (is_wanted) {
            esp_pm_lock_acquire(awake);
        } else {
            esp_pm_lock_release(awake);
        }
    }
}

#else

void system_init(void) {
}

void system_follow_host(bool has_sent, uint32_t now_ms) {
    (void)has_sent;
    (void)now_ms;
}

#endif
