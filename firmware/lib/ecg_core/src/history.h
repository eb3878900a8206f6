/* Access to the filtered signal that ecg_core_t keeps. */
#ifndef ECG_CORE_HISTORY_H
#define ECG_CORE_HISTORY_H

#include "ecg_core/ecg_core_state.h"

/* Filtered sample `index`, one of the last ECG_HISTORY_SAMPLES. */
static inline int32_t ecg_history_at(const int16_t *history, uint32_t index) {
    return history[index & (ECG_HISTORY_SAMPLES - 1)];
}

#endif
