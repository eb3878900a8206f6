/* The beat's window: z-score, the patient's running average beat, and how the two compare. */
#ifndef ECG_CORE_BEAT_WINDOW_H
#define ECG_CORE_BEAT_WINDOW_H

#include "ecg_core/ecg_core_state.h"

#define ECG_AVERAGE_SETTLED 12 /* 1 / 0.08: from here on the average is exponential */

/* Where the largest deflection of the filtered signal is, from sample `first` to `last`. */
uint32_t ecg_window_find_peak(const int16_t *history, uint32_t first, uint32_t last);

/* Writes channel 0 of the beat and sets ECG_CORE_FLAG_FLAT; returns the standard deviation, units * 128. */
uint32_t ecg_window_extract(const int16_t *history, ecg_core_beat_t *beat);

/* Writes channel 1, ECG_CORE_FLAG_LEARNING and rhythm features 5 to 7. */
void ecg_average_compare(const ecg_average_beat_t *average, uint32_t deviation, ecg_core_beat_t *beat);

/* Takes a regular beat into the average. */
void ecg_average_learn(ecg_average_beat_t *average, uint32_t deviation, const ecg_core_beat_t *beat);

#endif
