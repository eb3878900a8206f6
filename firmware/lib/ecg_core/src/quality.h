/* What is measured of the signal, sample by sample: leads off and ADC rails one bit a sample, the rest in
 * blocks of 200 ms. What follows from it is decided in signal_state.c. */
#ifndef ECG_CORE_QUALITY_H
#define ECG_CORE_QUALITY_H

#include "ecg_core/ecg_core_state.h"

#define ECG_QUALITY_BLOCK 72 /* samples */

/* Takes the sample with this index and the low-pass output that belongs to it. */
void ecg_quality_push(ecg_quality_t *quality, uint32_t index, int16_t sample_adu, uint8_t lead_flags,
                      int16_t lowpass, uint16_t adu_per_mv);

/* ECG_CORE_FLAG_LEADS_OFF and _SATURATED for the window around an R peak. */
uint16_t ecg_quality_flags(const ecg_quality_t *quality, uint32_t r_sample);

#endif
