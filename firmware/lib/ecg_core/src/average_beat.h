/* The patient's average beat: of the shapes seen so far, the one that most regular beats have. */
#ifndef ECG_CORE_AVERAGE_BEAT_H
#define ECG_CORE_AVERAGE_BEAT_H

#include "ecg_core/ecg_core_state.h"

/* Writes channel 1 of the beat, ECG_CORE_FLAG_LEARNING and rhythm features 5 to 7. `deviation` is the
 * standard deviation of the beat's window. */
void ecg_average_compare(const ecg_average_beat_t *average, uint32_t deviation, ecg_core_beat_t *beat);

/* Takes a regular beat into the shape that it resembles, or into a new one, and chooses the average beat. */
void ecg_average_learn(ecg_average_beat_t *average, uint32_t deviation, const ecg_core_beat_t *beat);

#endif
