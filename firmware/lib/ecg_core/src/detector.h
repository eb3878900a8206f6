/* QRS energy, its peaks, and their shape. Which of them are beats is decided in judge.c. */
#ifndef ECG_CORE_DETECTOR_H
#define ECG_CORE_DETECTOR_H

#include "ecg_core/ecg_core_state.h"

/* From a sample to the middle of the energy that contains it: low-pass, slope, moving sum. */
#define ECG_DETECTOR_DELAY (2 + ECG_DETECT_SLOPE_TAPS + ECG_DETECT_ENERGY_TAPS / 2 - 1)

/* Filtered samples after the R peak that ecg_detector_describe looks at. */
#define ECG_DETECTOR_REACH 36

/* Takes the low-pass output of sample `index` and puts a new peak of the QRS energy into the queue. */
void ecg_detector_push(ecg_detector_t *detector, int16_t lowpass, uint32_t index, ecg_queue_t *queue);

/* Fills the rest of a candidate whose `at` is on the R peak. */
void ecg_detector_describe(const ecg_detector_t *detector, const int16_t *history,
                           ecg_candidate_t *candidate);

#endif
