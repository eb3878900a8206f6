/* QRS energy, its peaks, and which of them are beats. */
#ifndef ECG_CORE_DETECTOR_H
#define ECG_CORE_DETECTOR_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* From a sample to the middle of the energy that contains it: low-pass, slope, moving sum. */
#define ECG_DETECTOR_DELAY (2 + ECG_DETECT_SLOPE_TAPS + ECG_DETECT_ENERGY_TAPS / 2 - 1)

typedef enum { ECG_VERDICT_NOISE, ECG_VERDICT_BEAT, ECG_VERDICT_SEARCHBACK } ecg_verdict_t;

void ecg_detector_init(ecg_detector_t *detector);

/* Takes the low-pass output of sample `index`; true: *candidate is a new peak of the QRS energy. */
bool ecg_detector_push(ecg_detector_t *detector, int16_t lowpass, uint32_t index, ecg_candidate_t *candidate);

/* Judges the oldest candidate of the queue, with those after it in view, and learns from the verdict. */
ecg_verdict_t ecg_detector_judge(ecg_detector_t *detector, const ecg_queue_t *queue, int32_t rr_mean);

#endif
