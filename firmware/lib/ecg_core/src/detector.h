/* QRS energy, its peaks (candidates), and their shape. qrs_classifier.c decides which candidates are beats.
 */
#ifndef ECG_CORE_DETECTOR_H
#define ECG_CORE_DETECTOR_H

#include "ecg_core/ecg_core_state.h"

/* From a sample to the middle of the energy that contains it: low-pass, slope, moving sum. */
#define ECG_DETECTOR_DELAY (2 + ECG_DETECT_SLOPE_TAPS + ECG_DETECT_ENERGY_TAPS / 2 - 1)

/* Filtered samples that ecg_detector_describe needs after the R peak. */
#define ECG_DETECTOR_REACH 36

/* Take the low-pass output of sample `index`; add a new peak of the QRS energy to the queue. */
void ecg_detector_push(ecg_detector_t *detector, int16_t lowpass, uint32_t index, ecg_queue_t *queue);

/* Fill slopes, shape and surroundings of a candidate whose `at` is on the R peak. */
void ecg_detector_describe(const ecg_detector_t *detector, const int16_t *history,
                           ecg_candidate_t *candidate);

#endif
