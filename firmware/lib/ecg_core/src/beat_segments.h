/* The beat against the average beat piece by piece, and the width of both QRS complexes: the last elements of
 * the tensor "rhythm". The P wave is small beside the QRS complex, whose differences hide it over the
 * whole window.
 */
#ifndef ECG_CORE_BEAT_SEGMENTS_H
#define ECG_CORE_BEAT_SEGMENTS_H

#include "ecg_core/ecg_core_state.h"

/* Write elements 20 to 26 of a beat whose channels and P wave are known. */
void ecg_beat_segments_write(const ecg_average_beat_t *average, ecg_core_beat_t *beat);

/* Take the beat's difference from the average beat into the mean residual. */
void ecg_beat_segments_learn(ecg_average_beat_t *average, const ecg_core_beat_t *beat);

#endif
