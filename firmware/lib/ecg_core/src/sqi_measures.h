/* Measurements for the SQI: leads off and ADC rails as one bit per sample, the rest per block of 200 ms.
 * sqi.c decides on them. */
#ifndef ECG_CORE_SQI_MEASURES_H
#define ECG_CORE_SQI_MEASURES_H

#include "ecg_core/ecg_core_state.h"

#define ECG_SQI_BLOCK_SAMPLES 72 /* samples */
#define ECG_SQI_UNITS_PER_MV 800 /* of second differences */

/* Measure sample `index` and its low-pass output; the work is done with every eighth. */
void ecg_sqi_measure(ecg_sqi_measures_t *measures, uint32_t index, int16_t sample_adu, uint8_t lead_flags,
                     int16_t lowpass, uint16_t adu_per_mv);

/* The signal has ended before sample `index`. */
void ecg_sqi_end(ecg_sqi_measures_t *measures, uint32_t index, uint16_t adu_per_mv);

/* ECG_CORE_FLAG_LEADS_OFF and _SATURATED for the window around an R peak. */
uint16_t ecg_sqi_window_flags(const ecg_sqi_measures_t *measures, uint32_t r_sample);

#endif
