#include "beat_segments.h"

#include <stdbool.h>
#include <stdlib.h>

#include "ecg_base/int_math.h"

#define POINTS ECG_CORE_BEAT_POINTS

/* Points of the window, the R peak is 48. */
#define P_FIRST 0
#define P_COUNT 38 /* until 61 ms before the R peak */
#define QRS_FIRST 38
#define QRS_COUNT 25 /* until 78 ms after it */

#define P_DISTANCE_UNIT 5 /* units of the tensor "beat" that are 1: a quarter of a standard deviation */

/* The QRS complex reaches as far from the steepest slope as slopes above 12 % of it are less than 22 ms
 * apart. */
#define STEEPEST_FIRST 36
#define STEEPEST_LAST 65
#define WIDTH_REACH 35
#define WIDTH_GAP 4
#define SLOPE_PERCENT 12
#define WIDTH_UNIT_POINTS 18 /* 100 ms */

#define FIRST_FEATURE 20
#define NORM_STEPS ECG_CORE_RHYTHM_INV_SCALE
#define P_WAVE_UNDECIDED 128
#define LIKE_AVERAGE 45   /* correlation of the QRS complexes * 64: 0.7 */
#define RESIDUAL_BEATS 16 /* the mean residual moves by 1 / 16 of each difference */

typedef struct {
    int32_t q3[P_COUNT];
} segment_t;

/* A segment of one channel without its regression line, in Q3. */
static void cut_out(const ecg_core_beat_t *beat, int channel, int first, int count, segment_t *segment) {
    int32_t sum = 0, moment = 0;
    for (int i = 0; i < count; i++) {
        const int32_t at = 2 * i - (count - 1), value = beat->beat[first + i][channel] * 8;
        segment->q3[i] = value;
        sum += value;
        moment += at * value;
    }
    const int32_t squares = count * (count * count - 1) / 3; /* of `at` */
    const int32_t slope_q8 = ecg_divide(moment * 16, squares / 16);
    const int32_t mean = ecg_divide(sum, count);
    for (int i = 0; i < count; i++) {
        const int32_t at = 2 * i - (count - 1);
        segment->q3[i] -= mean + ecg_shift_round(at * slope_q8, 8);
    }
}

/* Sums of at most 38 products of 2^11 times 2^11. */
static int8_t correlation(const segment_t *a, const segment_t *b, int count) {
    int32_t product = 0, square_a = 0, square_b = 0;
    for (int i = 0; i < count; i++) {
        const int32_t x = a->q3[i], y = b->q3[i];
        product += x * y;
        square_a += x * x;
        square_b += y * y;
    }
    const uint32_t norm = ecg_isqrt32((uint32_t)square_a) * ecg_isqrt32((uint32_t)square_b);
    return norm < NORM_STEPS ? 0 : ecg_clip_int8(ecg_divide(product, (int32_t)(norm / NORM_STEPS)));
}

static int8_t p_distance(const segment_t *a, const segment_t *b) {
    int32_t sum = 0;
    for (int i = 0; i < P_COUNT; i++) {
        sum += abs(a->q3[i] - b->q3[i]);
    }
    return ecg_clip_int8(ecg_divide(sum * ECG_CORE_RHYTHM_INV_SCALE, P_COUNT * 8 * P_DISTANCE_UNIT));
}

static int32_t slope_at(const ecg_core_beat_t *beat, int channel, int point) {
    return abs(beat->beat[point + 1][channel] - beat->beat[point][channel]);
}

static int steepest(const ecg_core_beat_t *beat, int channel) {
    int best = STEEPEST_FIRST;
    int32_t highest = 0;
    for (int i = STEEPEST_FIRST; i <= STEEPEST_LAST; i++) {
        const int32_t slope = slope_at(beat, channel, i);
        best = slope > highest ? i : best;
        highest = slope > highest ? slope : highest;
    }
    return best;
}

/* Last steep point from `from` on in steps of `step`. */
static int reach(const ecg_core_beat_t *beat, int channel, int from, int step, int32_t limit) {
    int last = from;
    for (int i = from, gap = 0, left = WIDTH_REACH; left > 0 && gap < WIDTH_GAP; left--) {
        i += step;
        const bool inside = i >= 0 && i < POINTS - 1;
        const bool steep = inside && slope_at(beat, channel, i) * 100 >= limit;
        gap = steep ? 0 : gap + 1;
        last = steep ? i : last;
    }
    return last;
}

/* Width of the QRS complex in points, at least 1. */
static int32_t qrs_width(const ecg_core_beat_t *beat, int channel) {
    const int from = steepest(beat, channel);
    const int32_t limit = slope_at(beat, channel, from) * SLOPE_PERCENT;
    return reach(beat, channel, from, 1, limit) - reach(beat, channel, from, -1, limit) + 1;
}

static int8_t log_ratio(int32_t value, int32_t reference) {
    return ecg_clip_int8(ecg_log2_q6((uint32_t)value << 8) - ecg_log2_q6((uint32_t)reference << 8));
}

void ecg_beat_segments_write(const ecg_average_beat_t *average, ecg_core_beat_t *beat) {
    int8_t *features = &beat->rhythm[FIRST_FEATURE];
    segment_t now, mean;
    cut_out(beat, 0, P_FIRST, P_COUNT, &now);
    cut_out(beat, 1, P_FIRST, P_COUNT, &mean);
    features[0] = correlation(&now, &mean, P_COUNT);
    features[1] = p_distance(&now, &mean);
    cut_out(beat, 0, QRS_FIRST, QRS_COUNT, &now);
    cut_out(beat, 1, QRS_FIRST, QRS_COUNT, &mean);
    features[2] = correlation(&now, &mean, QRS_COUNT);
    const int32_t width = qrs_width(beat, 0), mean_width = qrs_width(beat, 1);
    features[3] = log_ratio(mean_width, WIDTH_UNIT_POINTS);
    features[4] = log_ratio(width, mean_width);
    features[5] = (int8_t)(beat->p_wave == 0 ? 0 : ecg_clip_int8((beat->p_wave - P_WAVE_UNDECIDED) / 2));
    features[6] = ecg_clip_int8(average->residual_q8 / 128);
}

void ecg_beat_segments_learn(ecg_average_beat_t *average, const ecg_core_beat_t *beat) {
    if (beat->rhythm[FIRST_FEATURE + 2] < LIKE_AVERAGE) {
        return;
    }
    const int32_t step = beat->rhythm[7] * 256 - average->residual_q8;
    average->residual_q8 = (int16_t)(average->residual_q8 + step / RESIDUAL_BEATS);
}
