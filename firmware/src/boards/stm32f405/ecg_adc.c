#include "ecg_adc.h"

#include <stddef.h>

#include "boards/sample_ring.h"
#include "ecg_core/ecg_core.h"
#include "pins.h"
#include "registers.h"
#include "sample_gaps.h"

#define CONVERSION_TIMEOUT_LOOPS 2000u
#define SAMPLE_TIME_480_CYCLES 7u

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

void ecg_adc_start(void) {
    rcc_start(&RCC->APB2ENR, RCC_APB2ENR_ADC1);
    ADC_COMMON->CCR = ADC_CCR_DIV4; /* 84 MHz / 4: the ADC takes 36 MHz at most */
    ADC1->SMPR2 = SAMPLE_TIME_480_CYCLES << (3u * BOARD_ECG_ADC_CHANNEL);
    ADC1->SQR1 = 0; /* one conversion: SQ1 */
    ADC1->SQR3 = BOARD_ECG_ADC_CHANNEL;
    ADC1->CR2 = ADC_CR2_ADON;
    sample_ring_clear(&ring);
    gaps = (sample_gaps_t){.filled = gaps.filled};
    started = true;
}

void ecg_adc_stop(void) {
    started = false;
}

/* One conversion takes 23 us of at least 2 ms between two samples, so waiting here keeps things simple. */
static bool convert(int16_t *sample_adu) {
    measure_delay();
    ADC1->CR2 = ADC_CR2_ADON | ADC_CR2_SWSTART;
    for (uint32_t i = 0; i < CONVERSION_TIMEOUT_LOOPS && (ADC1->SR & ADC_SR_EOC) == 0; i++) {
    }
    const bool is_done = (ADC1->SR & ADC_SR_EOC) != 0; /* reading DR clears it */
    *sample_adu = (int16_t)(ADC1->DR & 0xFFFu);
    return is_done;
}

static bool queue_sample(int16_t sample_adu, uint8_t lead_flags) {
    return sample_ring_add(&ring, sample_adu, lead_flags);
}

void ecg_adc_tick(void) {
    if (!started) {
        return;
    }
    const uint32_t leads = BOARD_LO_PORT->IDR;
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
