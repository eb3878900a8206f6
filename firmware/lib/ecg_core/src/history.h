/* Access to the filtered signal that ecg_core_t keeps. */
#ifndef ECG_CORE_HISTORY_H
#define ECG_CORE_HISTORY_H

#include <string.h>

#include "ecg_core/ecg_core_state.h"

/* Filtered sample `index`, one of the last ECG_HISTORY_SAMPLES. */
static inline int32_t ecg_history_at(const int16_t *history, uint32_t index) {
    return history[index & (ECG_HISTORY_SAMPLES - 1)];
}

/* `count` samples from `first` on, side by side: in the ring, or in `copy` where they lie around its end. */
static inline const int16_t *ecg_history_from(const int16_t *history, uint32_t first, uint32_t count,
                                              int16_t *copy) {
    const uint32_t at = first & (ECG_HISTORY_SAMPLES - 1), there = ECG_HISTORY_SAMPLES - at;
    if (count <= there) {
        return history + at;
    }
    memcpy(copy, history + at, there * sizeof *copy);
    memcpy(copy + there, history, (count - there) * sizeof *copy);
    return copy;
}

#endif
