/* Running figures of the RR intervals. */
#ifndef ECG_CORE_RHYTHM_H
#define ECG_CORE_RHYTHM_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* Writes features 0 to 4 for an interval (0: there is none before the first beat). */
void ecg_rhythm_write(const ecg_rhythm_t *rhythm, uint16_t rr_samples, ecg_core_beat_t *beat);

/* The interval is near the local mean, so its beat may enter the average beat. */
bool ecg_rhythm_regular(const ecg_rhythm_t *rhythm, uint16_t rr_samples);

void ecg_rhythm_learn(ecg_rhythm_t *rhythm, uint16_t rr_samples);

#endif
