#include "line.h"

#include "boards/byte_ring.h"
#include "pins.h"
#include "tasks.h"

#if BOARD_LINE_USB
#include "driver/usb_serial_jtag.h"
#else
#include "driver/uart.h"
#endif

#define CHUNK_BYTES 128u
#define WRITE_PATIENCE_MS \
    100u /* a host that does not read for so long loses what comes until it reads again */

static byte_ring_t ring;

static void keep(const uint8_t *bytes, int count) {
    for (int i = 0; i < count; i++) {
        byte_ring_keep(&ring, bytes[i]);
    }
    tasks_wake_main();
}

#if BOARD_LINE_USB

#define DRIVER_BYTES 1024u

static void run_reader(void *context) {
    uint8_t bytes[CHUNK_BYTES];
    (void)context;
    for (;;) {
        keep(bytes, usb_serial_jtag_read_bytes(bytes, sizeof bytes, portMAX_DELAY));
    }
}

static void init_driver(void) {
    usb_serial_jtag_driver_config_t config = {.tx_buffer_size = DRIVER_BYTES, .rx_buffer_size = DRIVER_BYTES};
    ESP_ERROR_CHECK(usb_serial_jtag_driver_install(&config));
}

static size_t send(const uint8_t *bytes, size_t size, TickType_t patience) {
    const int count = usb_serial_jtag_is_connected() ? usb_serial_jtag_write_bytes(bytes, size, patience) : 0;
    return count > 0 ? (size_t)count : 0;
}

void line_write(const uint8_t *bytes, size_t size) {
    static bool nobody_reads; /* waited in vain: do not wait again before somebody has read */
    size_t sent = 0, count = 0;
    do {
        count = send(bytes + sent, size - sent, nobody_reads ? 0 : pdMS_TO_TICKS(WRITE_PATIENCE_MS));
        sent += count;
    } while (sent < size && count > 0);
    nobody_reads = sent < size;
}

#else

#define LINE UART_NUM_0
#define DRIVER_BYTES 1024
#define DRIVER_EVENTS 32

static QueueHandle_t events;

/* The driver tells that bytes were lost, not how many: one is counted for each time. */
static void take_event(const uart_event_t *event) {
    uint8_t bytes[CHUNK_BYTES];
    int count = 0;
    if (event->type == UART_FIFO_OVF || event->type == UART_BUFFER_FULL) {
        byte_ring_lose(&ring, 1);
    }
    while ((count = uart_read_bytes(LINE, bytes, sizeof bytes, 0)) > 0) {
        keep(bytes, count);
    }
}

static void run_reader(void *context) {
    uart_event_t event;
    (void)context;
    for (;;) {
        if (xQueueReceive(events, &event, portMAX_DELAY) == pdTRUE) {
            take_event(&event);
        }
    }
}

static void init_driver(void) {
    const uart_config_t config = {
        .baud_rate = BOARD_BAUD,
        .data_bits = UART_DATA_8_BITS,
        .parity = UART_PARITY_DISABLE,
        .stop_bits = UART_STOP_BITS_1,
        .flow_ctrl = UART_HW_FLOWCTRL_DISABLE,
        .source_clk = UART_SCLK_DEFAULT,
    };
    ESP_ERROR_CHECK(uart_driver_install(LINE, DRIVER_BYTES, 0, DRIVER_EVENTS, &events, 0));
    ESP_ERROR_CHECK(uart_param_config(LINE, &config));
}

void line_write(const uint8_t *bytes, size_t size) {
    uart_write_bytes(LINE, bytes, size);
}

#endif

void line_init(void) {
    init_driver();
    xTaskCreatePinnedToCore(run_reader, "line", TASK_STACK_BYTES, NULL, LINE_PRIORITY, NULL, APP_CORE);
}

size_t line_read(uint8_t *bytes, size_t size) {
    return byte_ring_take(&ring, bytes, size);
}

bool line_is_empty(void) {
    return byte_ring_is_empty(&ring);
}

uint32_t line_lost_bytes(void) {
    return byte_ring_lost(&ring);
}
