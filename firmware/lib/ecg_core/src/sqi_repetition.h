/* How well the signal repeats itself: its autocorrelation over about three seconds. Beats repeat, and so do
 * the waves of ventricular tachycardia and flutter; most noise does not. */
#ifndef ECG_CORE_SQI_REPETITION_H
#define ECG_CORE_SQI_REPETITION_H

#include "ecg_core/ecg_core_state.h"

#define ECG_SQI_REPETITION_ONE 64 /* the signal repeats exactly */

/* Take the sum of the next ECG_SQI_TOGETHER low-pass outputs. */
void ecg_sqi_repetition_add(ecg_sqi_repetition_t *state, int32_t sum);

/* Highest correlation of the signal with itself 0.13 to 1.4 s earlier, 0 to ECG_SQI_REPETITION_ONE, so many
 * samples after the last sum was taken. */
int32_t ecg_sqi_repetition(const ecg_sqi_repetition_t *state, uint32_t samples);

/* Correlation with itself so many samples earlier, -ECG_SQI_REPETITION_ONE to ECG_SQI_REPETITION_ONE; the
 * lowest where the distance is not from 0.1 to 1.4 s. */
int32_t ecg_sqi_repetition_at(const ecg_sqi_repetition_t *state, int32_t distance, uint32_t samples);

#endif
