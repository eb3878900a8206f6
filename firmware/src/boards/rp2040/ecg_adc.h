/* The AD8232's output on the ADC and its leads-off signals, into a ring buffer.
 *
 * Erratum RP2040-E11 of the chip: at the codes 512, 1536, 2560 and 3584 the ADC's steps are wider than
 * elsewhere, by some 9 codes at 512. docs/boards.md says what that does to an ECG. */
#ifndef ECG_EDGE_RP2040_ECG_ADC_H
#define ECG_EDGE_RP2040_ECG_ADC_H

#include <stdbool.h>
#include <stdint.h>

void ecg_adc_start(void);
void ecg_adc_stop(void);

/* Take a sample, when started; called by the SysTick interrupt. A conversion that fails and a full ring leave
 * filler samples (sample_gaps.h). */
void ecg_adc_tick(void);

bool ecg_adc_read(int16_t *sample_adu, uint8_t *lead_flags);
bool ecg_adc_is_empty(void);

/* Sampling instants without a sample since the start of the device. */
uint32_t ecg_adc_missed(void);

/* Longest minus shortest delay of a conversion, in ticks. */
uint32_t ecg_adc_jitter(void);

#endif
