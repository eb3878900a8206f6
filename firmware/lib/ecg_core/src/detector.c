#include "detector.h"

#include <stdlib.h>

#include "candidate_queue.h"
#include "ecg_base/int_math.h"
#include "ecg_base/static_assert.h"
#include "ecg_base/unroll.h"
#include "history.h"

#define SHAPE_STEP 3 /* samples between two points of the shape */
#define SHAPE_REACH (SHAPE_STEP * (ECG_SHAPE_POINTS / 2))
#define SHAPE_SCALE 20 /* a standard deviation of the shape */
#define SLOPE_REACH 18 /* slopes are summed within 50 ms of the R peak */
/* Half the distance, in samples, of the two samples whose difference is a slope. */
#define HF_STEP 2        /* faster than QRS */
#define QRS_STEP 5       /* QRS */
#define LF_STEP 16       /* slower than QRS */
#define AROUND_POINTS 21 /* energies within 0.22 s, whose quartile and median describe the surroundings, */
#define AROUND_LOWEST (AROUND_POINTS / 2 + 1)
#define AROUND_STEP 8 /* 22 ms apart */

ECG_STATIC_ASSERT(SLOPE_REACH + LF_STEP <= SHAPE_REACH, slopes_within_the_shape);

void ecg_detector_end_peak(ecg_detector_t *detector, uint32_t index, ecg_queue_t *queue) {
    if (detector->rising && detector->peak_at >= ECG_DETECTOR_DELAY) {
        (void)ecg_queue_add(queue, detector->peak_at - ECG_DETECTOR_DELAY, detector->peak);
    }
    detector->peak = detector->energy;
    detector->peak_at = index;
    detector->rising = 0;
}

static int32_t difference(const int16_t *at, int32_t step) {
    return abs(at[step] - at[-step]);
}

/* `at`: the R peak in the history. */
static void describe_slopes(const int16_t *at, ecg_candidate_t *candidate) {
    int32_t hf_slope = 0, all = 0, lf_slope = 0, steepest = 0;
    const int16_t *const end = at + SLOPE_REACH;
    ECG_UNROLL(4)
    for (const int16_t *x = at - SLOPE_REACH; x != end; x++) {
        const int32_t steepness = difference(x, QRS_STEP);
        steepest = steepness > steepest ? steepness : steepest;
        all += steepness;
        hf_slope += difference(x, HF_STEP);
        lf_slope += difference(x, LF_STEP);
    }
    const int32_t reference = ecg_log2_plus_one_q6(all);
    candidate->hf_slope = (int16_t)(ecg_log2_plus_one_q6(hf_slope) - reference);
    candidate->lf_slope = (int16_t)(ecg_log2_plus_one_q6(lf_slope) - reference);
    candidate->slope_crest = (int16_t)(ecg_log2_plus_one_q6(steepest) - reference);
}

static void describe_shape(const int16_t *at, ecg_candidate_t *candidate) {
    const int16_t *const first = at - SHAPE_REACH;
    int32_t sum = 0, lowest = INT16_MAX, highest = INT16_MIN;
    uint64_t squares = 0;
    ECG_UNROLL(5)
    for (uint32_t i = 0; i < ECG_SHAPE_POINTS; i++) {
        const int32_t value = first[SHAPE_STEP * i];
        sum += value;
        squares += (uint32_t)(value * value);
        if (value < lowest) {
            lowest = value;
        }
        if (value > highest) {
            highest = value;
        }
    }
    candidate->peak_to_peak = highest - lowest;
    const uint64_t variance = squares * ECG_SHAPE_POINTS - (uint64_t)((int64_t)sum * sum);
    const int32_t deviation = (int32_t)ecg_isqrt(variance) + 1;
    ECG_UNROLL(5)
    for (uint32_t i = 0; i < ECG_SHAPE_POINTS; i++) {
        const int32_t value = ECG_SHAPE_POINTS * first[SHAPE_STEP * i] - sum;
        candidate->shape[i] = ecg_clip_int8(ecg_divide(value * SHAPE_SCALE, deviation));
    }
}

/* Sorts the lowest half of the values; the others are lost. */
static void sort_lowest(uint16_t *values) {
    for (uint32_t i = 1; i < AROUND_POINTS; i++) {
        const uint16_t value = values[i];
        uint32_t at = i < AROUND_LOWEST ? i : AROUND_LOWEST;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

static void describe_surroundings(const ecg_detector_t *detector, ecg_candidate_t *candidate) {
    uint16_t around[AROUND_POINTS];
    const uint32_t first = candidate->energy_at + ECG_DETECTOR_DELAY - AROUND_STEP * (AROUND_POINTS / 2);
    for (uint32_t i = 0; i < AROUND_POINTS; i++) {
        around[i] = detector->energies[(first + AROUND_STEP * i) % ECG_DETECT_ENERGIES];
    }
    sort_lowest(around);
    const int32_t reference = ecg_log2_plus_one_q6(candidate->energy);
    candidate->energy_q1 = (int16_t)(ecg_log2_plus_one_q6(around[AROUND_POINTS / 4] * 16) - reference);
    candidate->energy_median = (int16_t)(ecg_log2_plus_one_q6(around[AROUND_POINTS / 2] * 16) - reference);
}

void ecg_detector_describe(const ecg_detector_t *detector, const int16_t *history,
                           ecg_candidate_t *candidate) {
    int16_t copy[2 * SHAPE_REACH + 1];
    const int16_t *around = ecg_history_from(history, candidate->at - SHAPE_REACH, 2 * SHAPE_REACH + 1, copy);
    describe_shape(around + SHAPE_REACH, candidate);
    describe_slopes(around + SHAPE_REACH, candidate);
    describe_surroundings(detector, candidate);
}
