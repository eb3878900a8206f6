#include "average_beat.h"

#include <stdlib.h>

#include "ecg_base/int_math.h"
#include "ecg_base/unroll.h"

#define POINTS ECG_CORE_BEAT_POINTS
#define FACTOR_Q16 5243  /* 0.08 */
#define SETTLED_BEATS 12 /* 1 / 0.08: from here on a mean is exponential */

/* Two beats are of one shape when their QRS complexes correlate: points within -56 and +78 ms of the R peak.
 */
#define QRS_FIRST 38
#define QRS_LAST 62
#define SAME_SHAPE_PERCENT 80

#define OWN_VOTES 2   /* of a beat for its shape; every other shape loses one vote */
#define MOST_VOTES 90 /* a steady average gives way to another shape after 31 beats in a row */
#define KNOWN_VOTES 6 /* three beats of one shape */

static const ecg_beat_shape_t *dominant_shape(const ecg_average_beat_t *average) {
    return &average->shapes[average->dominant];
}

static void write_average(const ecg_average_beat_t *average, ecg_core_beat_t *beat) {
    const ecg_beat_shape_t *shape = dominant_shape(average);
    if (average->known == 0) {
        beat->flags |= ECG_CORE_FLAG_LEARNING;
    }
    ECG_UNROLL(4)
    for (uint32_t i = 0; i < POINTS; i++) {
        beat->beat[i][1] =
            shape->beats == 0 ? beat->beat[i][0] : ecg_clip_int8(ecg_shift_round(shape->mean_q8[i], 8));
    }
}

/* Correlation and mean absolute difference of the channels. */
static void compare_channels(ecg_core_beat_t *beat) {
    int32_t product = 0, square0 = 0, square1 = 0, distance = 0;
    ECG_UNROLL(4)
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
    const ecg_beat_shape_t *shape = dominant_shape(average);
    write_average(average, beat);
    compare_channels(beat);
    beat->rhythm[6] =
        shape->beats == 0 ? 0 : ecg_clip_int8(ecg_log2_q6(deviation) - ecg_log2_q6(shape->deviation));
}

/* Correlation of the QRS complexes in percent; both are z-scored over the whole window. */
static int32_t qrs_correlation_percent(const ecg_beat_shape_t *shape, const ecg_core_beat_t *beat) {
    int32_t product = 0, square0 = 0, square1 = 0;
    for (uint32_t i = QRS_FIRST; i <= QRS_LAST; i++) {
        const int32_t a = beat->beat[i][0], b = ecg_shift_round(shape->mean_q8[i], 8);
        product += a * b;
        square0 += a * a;
        square1 += b * b;
    }
    const int32_t norm = (int32_t)ecg_isqrt((uint64_t)square0 * (uint64_t)square1);
    return norm == 0 ? 0 : ecg_divide(product * 100, norm);
}

/* The shape with the fewest votes that is not the average beat. */
static uint32_t weakest_shape(const ecg_average_beat_t *average) {
    uint32_t weakest = average->dominant == 0 ? 1 : 0;
    for (uint32_t i = 0; i < ECG_BEAT_SHAPES; i++) {
        if (i != average->dominant && average->shapes[i].votes < average->shapes[weakest].votes) {
            weakest = i;
        }
    }
    return weakest;
}

/* The shape most like the beat; without one that is like it, the weakest shape, emptied. */
static uint32_t find_shape(ecg_average_beat_t *average, const ecg_core_beat_t *beat) {
    uint32_t best = ECG_BEAT_SHAPES;
    int32_t highest = SAME_SHAPE_PERCENT - 1;
    for (uint32_t i = 0; i < ECG_BEAT_SHAPES; i++) {
        const ecg_beat_shape_t *shape = &average->shapes[i];
        const int32_t correlation = shape->beats == 0 ? 0 : qrs_correlation_percent(shape, beat);
        if (correlation > highest) {
            highest = correlation;
            best = i;
        }
    }
    if (best == ECG_BEAT_SHAPES) {
        best = dominant_shape(average)->beats == 0 ? average->dominant : weakest_shape(average);
        average->shapes[best].beats = 0;
        average->shapes[best].votes = 0;
    }
    return best;
}

/* The plain mean of the first beats, then exponential with 0.08. */
static void add_to_shape(ecg_beat_shape_t *shape, uint32_t deviation, const ecg_core_beat_t *beat) {
    if (shape->beats < SETTLED_BEATS) {
        shape->beats++;
    }
    const int32_t factor = shape->beats < SETTLED_BEATS ? 65536 / shape->beats : FACTOR_Q16;
    ECG_UNROLL(4)
    for (uint32_t i = 0; i < POINTS; i++) {
        const int32_t step = beat->beat[i][0] * 256 - shape->mean_q8[i];
        shape->mean_q8[i] = (int16_t)(shape->mean_q8[i] + ecg_multiply_shift(step, factor, 16));
    }
    const int32_t step = (int32_t)deviation - (int32_t)shape->deviation;
    shape->deviation = (uint32_t)((int32_t)shape->deviation + ecg_multiply_shift(step, factor, 16));
}

static void vote(ecg_average_beat_t *average, uint32_t own) {
    for (uint32_t i = 0; i < ECG_BEAT_SHAPES; i++) {
        const int32_t change = i == own ? OWN_VOTES : -1;
        average->shapes[i].votes = (uint8_t)ecg_clip(average->shapes[i].votes + change, 0, MOST_VOTES);
    }
    if (average->shapes[own].votes > dominant_shape(average)->votes) {
        average->dominant = (uint8_t)own;
    }
    if (dominant_shape(average)->votes >= KNOWN_VOTES) {
        average->known = 1;
    }
}

void ecg_average_learn(ecg_average_beat_t *average, uint32_t deviation, const ecg_core_beat_t *beat) {
    const uint32_t own = find_shape(average, beat);
    add_to_shape(&average->shapes[own], deviation, beat);
    vote(average, own);
}
