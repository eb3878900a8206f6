/* The ESP32 behind an AD8232 front end, on ESP-IDF 5 (docs/how-to/wiring.md has the pins).
 *
 * Compiled only: this file never ran on a chip. */
#include "boards/board.h"

#include <stddef.h>

#include "app.h"
#include "driver/gpio.h"
#include "driver/gptimer.h"
#include "driver/uart.h"
#include "ecg_core/ecg_core.h"
#include "esp_adc/adc_oneshot.h"
#include "esp_cpu.h"
#include "esp_err.h"
#include "esp_rom_sys.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "freertos/task.h"
#include "sample_gaps.h"

#define LINE UART_NUM_0 /* the one behind the board's USB connector */
#define LINE_BAUD 921600
#define LINE_RX_BYTES 8192 /* a whole window of encoded SAMPLES frames (16 of 495 bytes) */
#define LINE_EVENTS 32

#define ECG_CHANNEL ADC_CHANNEL_6 /* ADC1, GPIO34 */
#define LO_PLUS_PIN GPIO_NUM_32
#define LO_MINUS_PIN GPIO_NUM_33
#define LED_PIN GPIO_NUM_2

#define TIMER_HZ 40000000u  /* 40 MHz / 111,111 = 360.0004 Hz; 250 and 500 Hz come out exactly */
#define SAMPLES_WAITING 256 /* 512 ms at 500 Hz: the morphology network takes longer than 100 ms */
#define SAMPLER_STACK_BYTES 3072
#define SAMPLER_PRIORITY (configMAX_PRIORITIES - 2)
#define IDLE_MS 2 /* at most one sample waits */

typedef struct {
    int16_t sample_adu;
    uint8_t lead_flags;
} ecg_sample_t;

static QueueHandle_t line_events;
static uint32_t lost_bytes;
static adc_oneshot_unit_handle_t adc;
static gptimer_handle_t timer;
static TaskHandle_t sampler;
static QueueHandle_t samples;
static sample_gaps_t gaps; /* the sampler task's own, between board_live_start and _stop */
static bool live;

static void init_line(void) {
    const uart_config_t config = {
        .baud_rate = LINE_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(LINE, LINE_RX_BYTES, 0, LINE_EVENTS, &line_events, 0));
    ESP_ERROR_CHECK(uart_param_config(LINE, &config));
}

static void init_pins(void) {
    const gpio_config_t leads = {
        .pin_bit_mask = (1ULL << LO_PLUS_PIN) | (1ULL << LO_MINUS_PIN),
        .mode = GPIO_MODE_INPUT,
    };
    const gpio_config_t led = {.pin_bit_mask = 1ULL << LED_PIN, .mode = GPIO_MODE_OUTPUT};
    ESP_ERROR_CHECK(gpio_config(&leads));
    ESP_ERROR_CHECK(gpio_config(&led));
}

static void init_adc(void) {
    const adc_oneshot_unit_init_cfg_t unit = {.unit_id = ADC_UNIT_1};
    const adc_oneshot_chan_cfg_t channel = {.atten = ADC_ATTEN_DB_12, .bitwidth = ADC_BITWIDTH_12};
    ESP_ERROR_CHECK(adc_oneshot_new_unit(&unit, &adc));
    ESP_ERROR_CHECK(adc_oneshot_config_channel(adc, ECG_CHANNEL, &channel));
}

static bool on_timer(gptimer_handle_t which, const gptimer_alarm_event_data_t *event, void *context) {
    (void)which;
    (void)event;
    (void)context;
    BaseType_t woken = pdFALSE;
    vTaskNotifyGiveFromISR(sampler, &woken);
    return woken == pdTRUE;
}

static uint8_t read_lead_flags(void) {
    const unsigned plus = gpio_get_level(LO_PLUS_PIN) ? ECG_CORE_LEAD_OFF_PLUS : 0u;
    const unsigned minus = gpio_get_level(LO_MINUS_PIN) ? ECG_CORE_LEAD_OFF_MINUS : 0u;
    return (uint8_t)(plus | minus);
}

static bool queue_sample(int16_t sample_adu, uint8_t lead_flags) {
    const ecg_sample_t sample = {.sample_adu = sample_adu, .lead_flags = lead_flags};
    return xQueueSend(samples, &sample, 0) == pdTRUE;
}

/* The ADC cannot be read in an interrupt, so the timer's interrupt wakes this task. The notification counts
 * the interrupts since the last one: more than one means that this task was held up, and samples were missed.
 * A full queue means that the main task was held up for 128 ms or more. Both, and a failed reading, leave
 * filler samples. */
static void run_sampler(void *context) {
    (void)context;
    for (;;) {
        const uint32_t instants = ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
        int reading = 0;
        const bool is_read = adc_oneshot_read(adc, ECG_CHANNEL, &reading) == ESP_OK;
        const int16_t sample_adu = (int16_t)reading;
        sample_gaps_add(&gaps, queue_sample, instants, is_read ? &sample_adu : NULL, read_lead_flags());
    }
}

static void init_timer(void) {
    const gptimer_config_t config = {
        .clk_src = GPTIMER_CLK_SRC_DEFAULT,
        .direction = GPTIMER_COUNT_UP,
        .resolution_hz = TIMER_HZ,
    };
    const gptimer_alarm_config_t alarm = {
        .alarm_count = (TIMER_HZ + BOARD_FS_HZ / 2) / BOARD_FS_HZ,
        .reload_count = 0,
        .flags = {.auto_reload_on_alarm = true},
    };
    const gptimer_event_callbacks_t callbacks = {.on_alarm = on_timer};
    ESP_ERROR_CHECK(gptimer_new_timer(&config, &timer));
    ESP_ERROR_CHECK(gptimer_set_alarm_action(timer, &alarm));
    ESP_ERROR_CHECK(gptimer_register_event_callbacks(timer, &callbacks, NULL));
    ESP_ERROR_CHECK(gptimer_enable(timer));
}

void board_init(void) {
    init_line();
    init_pins();
    init_adc();
    samples = xQueueCreate(SAMPLES_WAITING, sizeof(ecg_sample_t));
    xTaskCreate(run_sampler, "sampler", SAMPLER_STACK_BYTES, NULL, SAMPLER_PRIORITY, &sampler);
    init_timer();
}

const char *board_name(void) {
    return "esp32";
}

size_t board_read(uint8_t *bytes, size_t size) {
    const int count = uart_read_bytes(LINE, bytes, size, 0);
    return count > 0 ? (size_t)count : 0;
}

/* The driver says that bytes were lost, not how many: one is counted for each time. */
uint32_t board_lost_bytes(void) {
    uart_event_t event;
    while (xQueueReceive(line_events, &event, 0) == pdTRUE) {
        if (event.type == UART_FIFO_OVF || event.type == UART_BUFFER_FULL) {
            lost_bytes++;
        }
    }
    return lost_bytes;
}

void board_write(const uint8_t *bytes, size_t size) {
    uart_write_bytes(LINE, bytes, size);
}

uint32_t board_ticks(void) {
    return esp_cpu_get_cycle_count();
}

uint32_t board_tick_hz(void) {
    return esp_rom_get_cpu_ticks_per_us() * 1000000u;
}

uint32_t board_millis(void) {
    return (uint32_t)(esp_timer_get_time() / 1000);
}

/* Every arrival of bytes leaves an event, and board_lost_bytes takes the old ones away. */
void board_idle(void) {
    uart_event_t event;
    xQueuePeek(line_events, &event, pdMS_TO_TICKS(IDLE_MS));
}

void board_led(bool on) {
    gpio_set_level(LED_PIN, on);
}

bool board_live_start(void) {
    xQueueReset(samples);
    gaps = (sample_gaps_t){0};
    live = gptimer_set_raw_count(timer, 0) == ESP_OK && gptimer_start(timer) == ESP_OK;
    return live;
}

void board_live_stop(void) {
    if (live) {
        gptimer_stop(timer);
        live = false;
    }
}

bool board_sample(int16_t *sample_adu, uint8_t *lead_flags) {
    ecg_sample_t sample;
    if (xQueueReceive(samples, &sample, 0) != pdTRUE) {
        return false;
    }
    *sample_adu = sample.sample_adu;
    *lead_flags = sample.lead_flags;
    return true;
}

void app_main(void);

void app_main(void) {
    board_init();
    app_run();
}
