/* Signal quality index (SQI): 0 to 100 for each block of 200 ms, and a good or bad state with hysteresis. */
#ifndef ECG_CORE_SQI_H
#define ECG_CORE_SQI_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"
#include "sqi_measures.h"

/* A block is decided when half a block after the last one needed has passed, or 276 samples after its start:
 * its first beat takes its flags a little later. */
#define ECG_SQI_BLOCKS_AFTER \
    2 /* blocks that are needed after the one that is decided, 0.4 s: a beat's window */
#define ECG_SQI_DECIDE_FROM ((ECG_SQI_BLOCKS_AFTER + 1) * ECG_SQI_BLOCK_SAMPLES + ECG_SQI_BLOCK_SAMPLES / 2)
#define ECG_SQI_DECIDE_AT_LAST 276

void ecg_sqi_init(ecg_sqi_t *state);

/* Add the uncertainty of a classified candidate. score: its logit * 16384; 0 is the most uncertain. */
void ecg_sqi_add_uncertainty(ecg_sqi_t *state, int32_t score);

/* Whether the next block is due with sample `index`: when that has no other work (idle), at the latest before
 * a beat in the block is given out. */
static inline bool ecg_sqi_is_due(const ecg_sqi_t *state, uint32_t index, bool idle) {
    return index - state->decided * ECG_SQI_BLOCK_SAMPLES >=
           (idle ? ECG_SQI_DECIDE_FROM : ECG_SQI_DECIDE_AT_LAST);
}

/* Decide the next block, which is due. is_ventricular: the ventricular rhythm detector sees such a rhythm. */
void ecg_sqi_update(ecg_sqi_t *state, const ecg_sqi_measures_t *measures, uint16_t adu_per_mv,
                    bool is_ventricular);

/* Set the quality and the flags of a beat whose R peak lies in a decided block. */
void ecg_sqi_flag_beat(const ecg_sqi_t *state, ecg_core_beat_t *beat);

#endif
