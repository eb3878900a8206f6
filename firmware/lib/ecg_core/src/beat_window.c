#include "beat_window.h"

#include <stdlib.h>

#include "ecg_base/int_math.h"
#include "history.h"

#define POINTS ECG_CORE_BEAT_POINTS
#define FACTOR_Q16 5243     /* 0.08 */
#define FLAT_DEVIATION 1152 /* 128 * 9 units: 0.01 mV; a smaller one would blow noise up to a beat */

uint32_t ecg_window_find_peak(const int16_t *history, uint32_t first, uint32_t last) {
    uint32_t best = first;
    int32_t highest = -1;
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
    for (uint32_t i = 0; i < POINTS; i++) {
        const int32_t value = POINTS * ecg_history_at(history, start + ECG_CORE_DECIMATION * i) - sum;
        beat->beat[i][0] = ecg_clip_int8(ecg_divide(value * ECG_CORE_BEAT_INV_SCALE, (int32_t)deviation));
    }
    return deviation;
}

static void write_average(const ecg_average_beat_t *average, ecg_core_beat_t *beat) {
    if (average->beats < ECG_AVERAGE_SETTLED) {
        beat->flags |= ECG_CORE_FLAG_LEARNING;
    }
    for (uint32_t i = 0; i < POINTS; i++) {
        beat->beat[i][1] =
            average->beats == 0 ? beat->beat[i][0] : ecg_clip_int8(ecg_shift_round(average->mean_q8[i], 8));
    }
}

/* Correlation and mean absolute difference of the channels. */
static void compare_channels(ecg_core_beat_t *beat) {
    int32_t product = 0, square0 = 0, square1 = 0, distance = 0;
    for (uint32_t i = 0; i < POINTS; i++) {
        const int32_t a = beat->beat[i][0], b = beat->beat[i][1];
        product += a * b;
        square0 += a * a;
        square1 += b * b;
        distance += abs(a - b);
    }
    const int32_t norm = (int32_t)ecg_isqrt((uint64_t)square0 * (uint64_t)square1);
    const int32_t q6 = ECG_CORE_RHYTHM_INV_SCALE;
    beat->rhythm[5] = norm == 0 ? 0 : ecg_clip_int8(ecg_divide(product * q6, norm));
    beat->rhythm[7] = ecg_clip_int8(ecg_divide(distance * q6, POINTS * ECG_CORE_BEAT_INV_SCALE));
}

void ecg_average_compare(const ecg_average_beat_t *average, uint32_t deviation, ecg_core_beat_t *beat) {
    write_average(average, beat);
    compare_channels(beat);
    beat->rhythm[6] =
        average->beats == 0 ? 0 : ecg_clip_int8(ecg_log2_q6(deviation) - ecg_log2_q6(average->deviation));
}

/* The plain mean of the first beats, then exponential with 0.08. */
void ecg_average_learn(ecg_average_beat_t *average, uint32_t deviation, const ecg_core_beat_t *beat) {
    if (average->beats < ECG_AVERAGE_SETTLED) {
        average->beats++;
    }
    const int32_t factor = average->beats < ECG_AVERAGE_SETTLED ? 65536 / average->beats : FACTOR_Q16;
    for (uint32_t i = 0; i < POINTS; i++) {
        const int32_t step = beat->beat[i][0] * 256 - average->mean_q8[i];
        average->mean_q8[i] = (int16_t)(average->mean_q8[i] + ecg_multiply_shift(step, factor, 16));
    }
    const int32_t step = (int32_t)deviation - (int32_t)average->deviation;
    average->deviation = (uint32_t)((int32_t)average->deviation + ecg_multiply_shift(step, factor, 16));
}
