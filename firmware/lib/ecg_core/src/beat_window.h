/* The beat's window: R peak and z-score. */
#ifndef ECG_CORE_BEAT_WINDOW_H
#define ECG_CORE_BEAT_WINDOW_H

#include "ecg_core/ecg_core_state.h"

/* Where the largest deflection of the filtered signal is, from sample `first` to `last`. */
uint32_t ecg_window_find_peak(const int16_t *history, uint32_t first, uint32_t last);

/* Writes channel 0 of the beat and sets ECG_CORE_FLAG_FLAT; returns the standard deviation, units * 128. */
uint32_t ecg_window_extract(const int16_t *history, ecg_core_beat_t *beat);

#endif
