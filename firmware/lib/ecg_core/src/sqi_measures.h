/* Measurements for the SQI: leads off and ADC rails as one bit per sample, the rest per block of 200 ms.
 * sqi.c decides on them. */
#ifndef ECG_CORE_SQI_MEASURES_H
#define ECG_CORE_SQI_MEASURES_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

#define ECG_SQI_BLOCK_SAMPLES 72 /* samples */
#define ECG_SQI_UNITS_PER_MV 800 /* of second differences */

/* Follow whether a lead is off at sample `index`. */
void ecg_sqi_follow_leads(ecg_sqi_measures_t *measures, uint32_t index, bool off);

/* Measure the ECG_SQI_TOGETHER samples that wait, from `first` on. */
void ecg_sqi_measure_together(ecg_sqi_measures_t *measures, uint32_t first, uint16_t adu_per_mv);

/* Take sample `index` and its low-pass output; each eighth, all that wait are measured. */
static inline void ecg_sqi_measure(ecg_sqi_measures_t *measures, uint32_t index, int16_t sample_adu, bool off,
                                   int16_t lowpass, uint16_t adu_per_mv) {
    const uint32_t at = measures->waiting++;
    measures->samples[at] = sample_adu;
    measures->lowpass[at] = lowpass;
    if (off) {
        measures->leads_bits = (uint8_t)(measures->leads_bits | 1u << at);
    }
    if (off || measures->leads_are_off || measures->leads_other > 0) {
        ecg_sqi_follow_leads(measures, index, off);
    }
    if (at == ECG_SQI_TOGETHER - 1) {
        ecg_sqi_measure_together(measures, index - at, adu_per_mv);
    }
}

/* Start with the first sample. */
void ecg_sqi_start(ecg_sqi_measures_t *measures, int16_t sample_adu);

/* The signal has ended before sample `index`. */
void ecg_sqi_end(ecg_sqi_measures_t *measures, uint32_t index, uint16_t adu_per_mv);

/* ECG_CORE_FLAG_LEADS_OFF and _SATURATED for the window around an R peak. */
uint16_t ecg_sqi_window_flags(const ecg_sqi_measures_t *measures, uint32_t r_sample);

#endif
