#include "beat_window.h"

#include <stdlib.h>

#include "ecg_base/int_math.h"
#include "ecg_base/unroll.h"
#include "history.h"

#define POINTS ECG_CORE_BEAT_POINTS
#define FLAT_DEVIATION 1152 /* 128 * 9 units: 0.01 mV; a smaller one would blow noise up to a beat */

uint32_t ecg_window_find_peak(const int16_t *history, uint32_t first, uint32_t last) {
    uint32_t best = first;
    int32_t highest = -1;
    ECG_UNROLL(4)
    for (uint32_t i = first; i < last + 1; i++) {
        const int32_t height = abs(ecg_history_at(history, i));
        if (height > highest) {
            highest = height;
            best = i;
        }
    }
    return best;
}

/* Both sums over the window's points; with 128 points of 16 bits they fit 22 and 37 bits. */
static void sum_window(const int16_t *history, uint32_t start, int32_t *sum, uint64_t *squares) {
    *sum = 0;
    *squares = 0;
    ECG_UNROLL(4)
    for (uint32_t i = 0; i < POINTS; i++) {
        const int32_t value = ecg_history_at(history, start + ECG_CORE_DECIMATION * i);
        *sum += value;
        *squares += (uint32_t)(value * value);
    }
}

/* All in units * 128, so that neither mean nor standard deviation is rounded before the division. */
uint32_t ecg_window_extract(const int16_t *history, ecg_core_beat_t *beat) {
    const uint32_t start = beat->r_sample - ECG_CORE_WINDOW_PRE;
    int32_t sum;
    uint64_t squares;
    sum_window(history, start, &sum, &squares);
    const uint64_t variance = squares * POINTS - (uint64_t)((int64_t)sum * sum);
    uint32_t deviation = ecg_isqrt(variance);
    if (deviation < FLAT_DEVIATION) {
        deviation = FLAT_DEVIATION;
        beat->flags |= ECG_CORE_FLAG_FLAT;
    }
    ECG_UNROLL(4)
    for (uint32_t i = 0; i < POINTS; i++) {
        const int32_t value = POINTS * ecg_history_at(history, start + ECG_CORE_DECIMATION * i) - sum;
        beat->beat[i][0] = ecg_clip_int8(ecg_divide(value * ECG_CORE_BEAT_INV_SCALE, (int32_t)deviation));
    }
    return deviation;
}
