/* How well the signal repeats itself: its autocorrelation over about three seconds, updated with every
 * sample. Beats repeat, and so do the waves of ventricular tachycardia and flutter; most noise does not. */
#ifndef ECG_CORE_SQI_REPETITION_H
#define ECG_CORE_SQI_REPETITION_H

#include "ecg_core/ecg_core_state.h"

#define ECG_SQI_REPETITION_ONE 64 /* the signal repeats exactly */

/* Take the next low-pass output. The same work with every sample: eight lags. */
void ecg_sqi_repetition_push(ecg_sqi_repetition_t *state, int16_t lowpass);

/* Highest correlation of the signal with itself 0.13 to 1.4 s earlier: 0 to ECG_SQI_REPETITION_ONE. */
int32_t ecg_sqi_repetition(const ecg_sqi_repetition_t *state);

#endif
