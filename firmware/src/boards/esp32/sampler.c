#include "sampler.h"

#include <stddef.h>

#include "boards/board.h"
#include "boards/sample_ring.h"
#include "driver/gptimer.h"
#include "ecg_board/sampling_rate.h"
#include "esp_attr.h"
#include "esp_err.h"
#include "esp_timer.h"
#include "front_end.h"
#include "sample_gaps.h"
#include "tasks.h"

#define TIMER_HZ 10000000u /* 10 MHz: from 80 MHz and from 40 MHz without a rest */
#define TICKS_PER_US (TIMER_HZ / 1000000u)
#define BATTERY_EVERY (30u * BOARD_FS_HZ)

/* The crystal's own clock goes on unchanged while the CPU slows down between samples. The ESP32 has none
 * here: its timer keeps the bus at full speed. */
#if CONFIG_IDF_TARGET_ESP32
#define TIMER_CLOCK GPTIMER_CLK_SRC_APB
#else
#define TIMER_CLOCK GPTIMER_CLK_SRC_XTAL
#endif

static gptimer_handle_t timer;
static TaskHandle_t task;
static sample_ring_t ring;
static sample_gaps_t gaps; /* the task's own, while it runs */
static bool is_running;
static uint16_t battery_mv;

/* Of the interrupt, while it runs. */
static ecg_rate_t rate;
static int64_t last_us;
static uint32_t newest_instant; /* lowest 32 bits of the timer's count */

/* In ticks of the timer. */
static struct { uint32_t least, most; } delay = {.least = UINT32_MAX};

/* The next instant is counted from this one, not from now: nothing adds up. */
static bool IRAM_ATTR on_alarm(gptimer_handle_t which, const gptimer_alarm_event_data_t *event,
                               void *context) {
    BaseType_t woken = pdFALSE;
    const int64_t now_us = esp_timer_get_time();
    (void)context;
    ecg_rate_measure(&rate, 1, (uint32_t)(now_us - last_us));
    last_us = now_us;
    const gptimer_alarm_config_t next = {.alarm_count = event->alarm_value + ecg_rate_next(&rate)};
    gptimer_set_alarm_action(which, &next);
    __atomic_store_n(&newest_instant, (uint32_t)event->alarm_value, __ATOMIC_RELEASE);
    vTaskNotifyGiveFromISR(task, &woken);
    return woken == pdTRUE;
}

static void measure_delay(void) {
    uint64_t now = 0;
    gptimer_get_raw_count(timer, &now);
    const uint32_t ticks = (uint32_t)now - __atomic_load_n(&newest_instant, __ATOMIC_ACQUIRE);
    delay.least = ticks < delay.least ? ticks : delay.least;
    delay.most = ticks > delay.most ? ticks : delay.most;
}

static bool queue_sample(int16_t sample_adu, uint8_t lead_flags) {
    return sample_ring_add(&ring, sample_adu, lead_flags);
}

/* The ADC cannot be read in an interrupt. The notification counts the interrupts since the last one: more
 * than one means that this task was held up, and samples were missed. A full ring means that the main task
 * was held up. Both, and a failed reading, leave filler samples. */
static void take_sample(uint32_t instants) {
    int16_t sample_adu = 0;
    measure_delay();
    const bool is_read = front_end_convert(&sample_adu);
    sample_gaps_add(&gaps, queue_sample, instants, is_read ? &sample_adu : NULL, front_end_lead_flags());
    tasks_wake_main();
}

static void run_sampler(void *context) {
    uint32_t until_battery = 0;
    (void)context;
    for (;;) {
        take_sample(ulTaskNotifyTake(pdTRUE, portMAX_DELAY));
        if (until_battery-- == 0) {
            until_battery = BATTERY_EVERY;
            __atomic_store_n(&battery_mv, front_end_battery_mv(), __ATOMIC_RELAXED);
        }
    }
}

static void init_timer(void) {
    const gptimer_config_t config = {
        .clk_src = TIMER_CLOCK, .direction = GPTIMER_COUNT_UP, .resolution_hz = TIMER_HZ};
    const gptimer_event_callbacks_t callbacks = {.on_alarm = on_alarm};
    ESP_ERROR_CHECK(gptimer_new_timer(&config, &timer));
    ESP_ERROR_CHECK(gptimer_register_event_callbacks(timer, &callbacks, NULL));
}

void sampler_init(void) {
    front_end_init();
    xTaskCreatePinnedToCore(run_sampler, "sampler", TASK_STACK_BYTES, NULL, SAMPLER_PRIORITY, &task,
                            APP_CORE);
    ecg_rate_init(&rate, TIMER_HZ, BOARD_FS_HZ);
    init_timer();
}

/* The timer is enabled only while it runs: it keeps the chip from light sleep. */
bool sampler_start(void) {
    if (gptimer_enable(timer) != ESP_OK) {
        return false;
    }
    sample_ring_clear(&ring);
    gaps = (sample_gaps_t){.filled = gaps.filled};
    ecg_rate_restart(&rate);
    last_us = esp_timer_get_time();
    const gptimer_alarm_config_t first = {.alarm_count = ecg_rate_next(&rate)};
    is_running = gptimer_set_raw_count(timer, 0) == ESP_OK &&
                 gptimer_set_alarm_action(timer, &first) == ESP_OK && gptimer_start(timer) == ESP_OK;
    if (!is_running) {
        gptimer_disable(timer);
    }
    return is_running;
}

void sampler_stop(void) {
    if (is_running) {
        gptimer_stop(timer);
        gptimer_disable(timer);
        is_running = false;
    }
}

bool sampler_is_running(void) {
    return is_running;
}

bool sampler_is_empty(void) {
    return sample_ring_is_empty(&ring);
}

bool sampler_read(int16_t *sample_adu, uint8_t *lead_flags) {
    return sample_ring_take(&ring, sample_adu, lead_flags);
}

uint32_t sampler_missed(void) {
    return gaps.filled;
}

uint32_t sampler_jitter_us(void) {
    return delay.most >= delay.least ? (delay.most - delay.least + TICKS_PER_US - 1u) / TICKS_PER_US : 0;
}

uint32_t sampler_rate_mhz(void) {
    return __atomic_load_n(&rate.measured_mhz, __ATOMIC_RELAXED);
}

uint16_t sampler_battery_mv(void) {
    return __atomic_load_n(&battery_mv, __ATOMIC_RELAXED);
}
