/* Signal quality index (SQI): 0 to 100 for each block of 200 ms, and a good or bad state with hysteresis. */
#ifndef ECG_CORE_SQI_H
#define ECG_CORE_SQI_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

void ecg_sqi_init(ecg_sqi_t *state);

/* Add the uncertainty of a classified candidate. score: its logit * 16384; 0 is the most uncertain. */
void ecg_sqi_add_uncertainty(ecg_sqi_t *state, int32_t score);

/* Decide the next block when it is due: when the sample has no other work (idle), at the latest before a beat
 * in the block is given out. index: the newest sample. is_ventricular: the ventricular rhythm detector sees
 * such a rhythm. */
void ecg_sqi_update(ecg_sqi_t *state, const ecg_sqi_measures_t *quality, uint32_t index, bool idle,
                    uint16_t adu_per_mv, bool is_ventricular);

/* Set the quality and the flags of a beat whose R peak lies in a decided block. */
void ecg_sqi_flag_beat(const ecg_sqi_t *state, ecg_core_beat_t *beat);

#endif
