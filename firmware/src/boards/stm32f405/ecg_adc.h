/* The AD8232's output on ADC1, 360 times a second by TIM2's interrupt. */
#ifndef ECG_EDGE_STM32F405_ECG_ADC_H
#define ECG_EDGE_STM32F405_ECG_ADC_H

#include <stdbool.h>
#include <stdint.h>

void ecg_adc_start(uint32_t tim2_hz, uint32_t fs_hz);
void ecg_adc_stop(void);
bool ecg_adc_read(int16_t *sample_adu, uint8_t *lead_flags);
bool ecg_adc_is_empty(void);

#endif
