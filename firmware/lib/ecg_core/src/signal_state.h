/* Whether the signal can be trusted: a quality index for each block, and good or bad with hysteresis. */
#ifndef ECG_CORE_SIGNAL_STATE_H
#define ECG_CORE_SIGNAL_STATE_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

void ecg_signal_init(ecg_signal_state_t *state);

/* How sure the judge was of a candidate: the score is its logit * 16384, 0 knows nothing. */
void ecg_signal_doubt(ecg_signal_state_t *state, int32_t score);

/* Decides the block that is next, when its time has come: at leisure (idle) or, at the latest, before a beat
 * in it is given out. `index` is the newest sample's. */
void ecg_signal_decide(ecg_signal_state_t *state, const ecg_quality_t *quality, uint32_t index, bool idle,
                       uint16_t adu_per_mv);

/* Sets the quality and the flags of a beat whose R peak lies in a block that is decided. */
void ecg_signal_mark(const ecg_signal_state_t *state, ecg_core_beat_t *beat);

#endif
