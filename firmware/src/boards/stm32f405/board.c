/* The STM32F405, on silicon and as QEMU's machine netduinoplus2; STM32F411 and STM32F446 by pins.h. */
#include "boards/board.h"

#include "app.h"
#include "boards/period_clock.h"
#include "clock.h"
#include "ecg_adc.h"
#include "flash.h"
#include "pins.h"
#include "registers.h"
#include "reset_flags.h"
#include "tone.h"
#include "uart.h"

#define TEXT(name) TEXT_OF(name)
#define TEXT_OF(name) #name

/* SysTick is both the tick counter and the sampling clock: it interrupts BOARD_FS_HZ times a second. */
static clock_rates_t rates;
static uint32_t systick_period;
static volatile uint32_t systick_periods;
static reset_cause_t cause;

int main(void);
void SysTick_Handler(void);

void SysTick_Handler(void) {
    systick_periods++;
    ecg_adc_tick();
}

/* Two bits a pin: 0 input, 1 output, 2 alternate function, 3 analog. */
static void set_mode(gpio_t *port, uint32_t pin, uint32_t mode) {
    port->MODER = (port->MODER & ~(3u << (2u * pin))) | (mode << (2u * pin));
}

static void set_pull_up(gpio_t *port, uint32_t pin) {
    port->PUPDR = (port->PUPDR & ~(3u << (2u * pin))) | (1u << (2u * pin));
}

static void init_serial_pins(void) {
#if BOARD_USART1_ON_PORT_B
    GPIOB->AFRL = (GPIOB->AFRL & ~(0xFFu << 24)) | (0x77u << 24);
    set_mode(GPIOB, 6, 2);
    set_mode(GPIOB, 7, 2);
    set_pull_up(GPIOB, 7);
#else
    GPIOA->AFRH = (GPIOA->AFRH & ~(0xFFu << 4)) | (0x77u << 4);
    set_mode(GPIOA, 9, 2);
    set_mode(GPIOA, 10, 2);
    set_pull_up(GPIOA, 10);
#endif
}

static void init_pins(void) {
    rcc_start(&RCC->AHB1ENR, RCC_AHB1ENR_GPIOABC);
    init_serial_pins();
    set_mode(BOARD_LED_PORT, BOARD_LED_PIN, 1);
    set_mode(GPIOA, BOARD_ECG_PIN, 3);
    set_mode(BOARD_LO_PORT, BOARD_LO_PLUS_PIN, 0);
    set_mode(BOARD_LO_PORT, BOARD_LO_MINUS_PIN, 0);
}

void board_init(void) {
    rates = clock_init();
    systick_period = (rates.cpu_hz + BOARD_FS_HZ / 2u) / BOARD_FS_HZ;
    SCB_SHPR3 |= SCB_SHPR3_SYSTICK_LOWEST; /* a conversion takes longer than a byte on the line */
    SYSTICK->LOAD = systick_period - 1u;
    SYSTICK->VAL = 0;
    SYSTICK->CTRL = SYSTICK_CTRL_ENABLE | SYSTICK_CTRL_TICKINT | SYSTICK_CTRL_CPU_CLOCK;
    init_pins();
    board_led(false);
    uart_init(rates.usart1_hz, BOARD_BAUD);
    tone_init(rates.usart1_hz); /* the timers of the other bus have the same clock */
}

const char *board_name(void) {
    return TEXT(BOARD_NAME);
}

size_t board_read(uint8_t *bytes, size_t size) {
    return uart_read(bytes, size);
}

uint32_t board_lost_bytes(void) {
    return uart_lost_bytes();
}

void board_write(const uint8_t *bytes, size_t size) {
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
    return rates.cpu_hz;
}

/* In steps of one sample: a read of the counter itself would slow the main loop down for nothing. */
uint32_t board_millis(void) {
    static period_clock_t millis;
    return period_clock_millis(&millis, systick_periods);
}

/* With interrupts masked, one that comes after the check still ends WFI, so none is slept through. */
void board_idle(void) {
    __asm volatile("cpsid i" ::: "memory");
    if (uart_is_empty() && ecg_adc_is_empty()) {
        __asm volatile("wfi");
    }
    __asm volatile("cpsie i" ::: "memory");
}

void board_led(bool on) {
    const bool high = on != (bool)BOARD_LED_ACTIVE_LOW;
    BOARD_LED_PORT->BSRR = 1u << (BOARD_LED_PIN + (high ? 0u : 16u));
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

/* The flags stay until they are removed: read once. */
uint8_t board_reset_cause(void) {
    return (uint8_t)cause;
}

const ecg_flash_t *board_flash(void) {
    return BOARD_HAS_FLASH ? chip_flash() : NULL;
}

/* 64 x 4096 periods of 32 kHz: 8 s, and between 5 and 15 s with that oscillator's tolerance. */
void board_watchdog_start(void) {
    IWDG->KR = IWDG_START;
    IWDG->KR = IWDG_UNLOCK;
    IWDG->PR = IWDG_PRESCALER_64;
    IWDG->RLR = 4095u;
    IWDG->KR = IWDG_FEED;
}

void board_watchdog_feed(void) {
    IWDG->KR = IWDG_FEED;
}

int main(void) {
    cause = reset_cause_of(RCC_CSR);
    RCC_CSR |= RCC_CSR_RMVF;
    board_init();
    app_run();
}
