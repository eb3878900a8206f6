/* The Raspberry Pi Pico (RP2040), on silicon and in the emulator rp2040js. The second core stays in the boot
 * ROM. */
#include "boards/board.h"

#include "app.h"
#include "boards/period_clock.h"
#include "clock.h"
#include "ecg_adc.h"
#include "pins.h"
#include "registers.h"
#include "uart.h"
#include "usb_cdc.h"

/* SysTick is both the tick counter and the sampling clock: it interrupts BOARD_FS_HZ times a second, before
 * all others. */
static uint32_t cpu_hz;
static uint32_t systick_period;
static volatile uint32_t systick_periods;

/* Two lines, one host: the answers go where the last byte came from. */
static bool is_host_on_usb;

int main(void);
void SysTick_Handler(void);

void SysTick_Handler(void) {
    systick_periods++;
    ecg_adc_tick();
}

static void init_pin(uint32_t pin, uint32_t function, uint32_t pad) {
    PADS_BANK0->GPIO[pin] = pad;
    IO_BANK0->GPIO[pin].CTRL = function;
}

static void init_pins(void) {
    clock_start_peripherals(RESET_IO_BANK0 | RESET_PADS_BANK0);
    const uint32_t output = PAD_INPUT_ENABLE | PAD_DRIVE_4_MA | PAD_SCHMITT;
    SIO->GPIO_OE_SET = 1u << BOARD_LED_PIN;
    init_pin(BOARD_LED_PIN, GPIO_FUNCTION_SIO, output);
    init_pin(BOARD_TX_PIN, GPIO_FUNCTION_UART, output);
    init_pin(BOARD_RX_PIN, GPIO_FUNCTION_UART, output | PAD_PULL_UP);
    init_pin(BOARD_LO_PLUS_PIN, GPIO_FUNCTION_SIO, output | PAD_PULL_DOWN);
    init_pin(BOARD_LO_MINUS_PIN, GPIO_FUNCTION_SIO, output | PAD_PULL_DOWN);
    init_pin(BOARD_ECG_PIN, GPIO_FUNCTION_NONE, PAD_OUTPUT_DISABLE);
}

void board_init(void) {
    cpu_hz = clock_init();
    systick_period = (cpu_hz + BOARD_FS_HZ / 2u) / BOARD_FS_HZ;
    SYSTICK->LOAD = systick_period - 1u;
    SYSTICK->VAL = 0;
    SYSTICK->CTRL = SYSTICK_CTRL_ENABLE | SYSTICK_CTRL_TICKINT | SYSTICK_CTRL_CPU_CLOCK;
    init_pins();
    board_led(false);
    uart_init(cpu_hz, BOARD_BAUD);
    usb_cdc_init();
}

const char *board_name(void) {
    return "pico";
}

size_t board_read(uint8_t *bytes, size_t size) {
    const size_t from_uart = uart_read(bytes, size);
    const size_t from_usb = from_uart == 0 ? usb_cdc_read(bytes, size) : 0;
    if (from_uart + from_usb > 0) {
        is_host_on_usb = from_usb > 0;
    }
    return from_uart + from_usb;
}

uint32_t board_lost_bytes(void) {
    return uart_lost_bytes();
}

void board_write(const uint8_t *bytes, size_t size) {
    if (is_host_on_usb) {
        usb_cdc_write(bytes, size);
        return;
    }
    for (size_t i = 0; i < size; i++) {
        uart_write(bytes[i]);
    }
}

/* While SysTick's interrupt is pending, a period has ended that systick_periods does not count yet, and a
 * count read after that is one of the new period. An interrupt in between changes systick_periods: then
 * again. A count of 0 is on the border of two periods: also again. */
uint32_t board_ticks(void) {
    uint32_t periods, count, pending;
    do {
        periods = systick_periods;
        count = SYSTICK->VAL;
        pending = SCB_ICSR & SCB_ICSR_PENDSTSET;
        if (pending) {
            count = SYSTICK->VAL;
        }
    } while (count == 0 || periods != systick_periods);
    return (periods + (pending ? 1u : 0u)) * systick_period + (systick_period - count);
}

uint32_t board_tick_hz(void) {
    return cpu_hz;
}

/* In steps of one sample: a read of the counter itself would slow the main loop down for nothing. */
uint32_t board_millis(void) {
    static period_clock_t millis;
    return period_clock_millis(&millis, systick_periods);
}

/* With interrupts masked, one that comes after the check still ends WFI, so none is slept through. */
void board_idle(void) {
    __asm volatile("cpsid i" ::: "memory");
    if (uart_is_empty() && usb_cdc_is_empty() && ecg_adc_is_empty()) {
        __asm volatile("wfi");
    }
    __asm volatile("cpsie i" ::: "memory");
}

void board_led(bool on) {
    if (on) {
        SIO->GPIO_OUT_SET = 1u << BOARD_LED_PIN;
    } else {
        SIO->GPIO_OUT_CLR = 1u << BOARD_LED_PIN;
    }
}

bool board_live_start(void) {
    ecg_adc_start();
    return true;
}

void board_live_stop(void) {
    ecg_adc_stop();
}

bool board_sample(int16_t *sample_adu, uint8_t *lead_flags) {
    return ecg_adc_read(sample_adu, lead_flags);
}

uint32_t board_missed_samples(void) {
    return ecg_adc_missed();
}

uint32_t board_jitter_ticks(void) {
    return ecg_adc_jitter();
}

int main(void) {
    board_init();
    app_run();
}
