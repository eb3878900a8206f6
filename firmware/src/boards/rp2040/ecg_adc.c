#include "ecg_adc.h"

#include <stddef.h>

#include "boards/sample_ring.h"
#include "clock.h"
#include "ecg_core/ecg_core.h"
#include "pins.h"
#include "registers.h"
#include "sample_gaps.h"

#define FIRST_ADC_PIN 26u
#define CONVERSION_TIMEOUT_LOOPS 1000u /* some 50 us; a conversion takes 2 us */

static sample_ring_t ring;
static sample_gaps_t gaps; /* of the interrupt, while started */
static volatile bool started;

/* Shortest and longest time from the end of SysTick's period to the start of a conversion, in ticks. */
static struct { uint32_t least, most; } delay = {.least = UINT32_MAX};

static void measure_delay(void) {
    const uint32_t left = SYSTICK->VAL; /* 0 at the very end of the period, before it begins again */
    const uint32_t ticks = left == 0 ? 0 : SYSTICK->LOAD + 1u - left;
    delay.least = ticks < delay.least ? ticks : delay.least;
    delay.most = ticks > delay.most ? ticks : delay.most;
}

static bool wait_until_ready(void) {
    for (uint32_t i = 0; i < CONVERSION_TIMEOUT_LOOPS && (ADC->CS & ADC_CS_READY) == 0; i++) {
    }
    return (ADC->CS & (ADC_CS_READY | ADC_CS_ERROR)) == ADC_CS_READY;
}

void ecg_adc_start(void) {
    clock_start_peripherals(RESET_ADC);
    ADC->CS = ADC_CS_ENABLE | ADC_CS_INPUT(BOARD_ECG_PIN - FIRST_ADC_PIN);
    wait_until_ready();
    sample_ring_clear(&ring);
    gaps = (sample_gaps_t){.filled = gaps.filled};
    started = true;
}

void ecg_adc_stop(void) {
    started = false;
}

static bool convert(int16_t *sample_adu) {
    measure_delay();
    ADC->CS = ADC_CS_ENABLE | ADC_CS_START_ONE | ADC_CS_INPUT(BOARD_ECG_PIN - FIRST_ADC_PIN);
    const bool is_read = wait_until_ready();
    *sample_adu = (int16_t)(ADC->RESULT & 0xFFFu);
    return is_read;
}

static bool queue_sample(int16_t sample_adu, uint8_t lead_flags) {
    return sample_ring_add(&ring, sample_adu, lead_flags);
}

void ecg_adc_tick(void) {
    if (!started) {
        return;
    }
    const uint32_t leads = SIO->GPIO_IN;
    const unsigned plus = leads & (1u << BOARD_LO_PLUS_PIN) ? ECG_CORE_LEAD_OFF_PLUS : 0u;
    const unsigned minus = leads & (1u << BOARD_LO_MINUS_PIN) ? ECG_CORE_LEAD_OFF_MINUS : 0u;
    int16_t sample_adu;
    const bool is_read = convert(&sample_adu);
    sample_gaps_add(&gaps, queue_sample, 1, is_read ? &sample_adu : NULL, (uint8_t)(plus | minus));
}

bool ecg_adc_is_empty(void) {
    return sample_ring_is_empty(&ring);
}

bool ecg_adc_read(int16_t *sample_adu, uint8_t *lead_flags) {
    return sample_ring_take(&ring, sample_adu, lead_flags);
}

uint32_t ecg_adc_missed(void) {
    return gaps.filled;
}

uint32_t ecg_adc_jitter(void) {
    return delay.most >= delay.least ? delay.most - delay.least : 0;
}
