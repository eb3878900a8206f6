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

/* Keep sample `index`. */
static inline void ecg_sqi_take(ecg_sqi_measures_t *measures, uint32_t index, int16_t sample_adu) {
    measures->samples[index % ECG_SQI_TOGETHER] = sample_adu;
}

/* Measure the last ECG_SQI_TOGETHER samples, from `first` on. */
void ecg_sqi_measure_together(ecg_sqi_measures_t *measures, const ecg_filter_t *filter, uint32_t first,
                              uint16_t adu_per_mv);

static inline bool ecg_sqi_leads_change(const ecg_sqi_measures_t *measures) {
    return measures->leads_are_off || measures->leads_other > 0;
}

/* What follows from sample `index`: the state of the leads; with each eighth sample, the measures. Needed for
 * each of these, and where a lead is off or changes. */
static inline void ecg_sqi_measure(ecg_sqi_measures_t *measures, const ecg_filter_t *filter, uint32_t index,
                                   bool off, uint16_t adu_per_mv) {
    if (off) {
        measures->leads_bits = (uint8_t)(measures->leads_bits | 1u << index % ECG_SQI_TOGETHER);
    }
    if (off || ecg_sqi_leads_change(measures)) {
        ecg_sqi_follow_leads(measures, index, off);
    }
    measures->waiting = (uint8_t)((index + 1) % ECG_SQI_TOGETHER);
    if (measures->waiting == 0) {
        ecg_sqi_measure_together(measures, filter, index + 1 - ECG_SQI_TOGETHER, adu_per_mv);
    }
}

/* Start with the first sample. */
void ecg_sqi_start(ecg_sqi_measures_t *measures, int16_t sample_adu);

/* The signal has ended before sample `index`. */
void ecg_sqi_end(ecg_sqi_measures_t *measures, uint32_t index, uint16_t adu_per_mv);

/* ECG_CORE_FLAG_LEADS_OFF and _SATURATED for the window around an R peak. */
uint16_t ecg_sqi_window_flags(const ecg_sqi_measures_t *measures, uint32_t r_sample);

#endif
