/* RR interval features: elements 0 to 4 of the tensor "rhythm". */
#ifndef ECG_CORE_RR_FEATURES_H
#define ECG_CORE_RR_FEATURES_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* Write features 0 to 4 for an interval in samples (0: none, before the first beat). */
void ecg_rr_write(const ecg_rr_t *state, uint16_t rr_samples, ecg_core_beat_t *beat);

/* True when the interval is near the local mean, so that its beat may enter the average beat. */
bool ecg_rr_is_regular(const ecg_rr_t *state, uint16_t rr_samples);

void ecg_rr_update(ecg_rr_t *state, uint16_t rr_samples);

#endif
