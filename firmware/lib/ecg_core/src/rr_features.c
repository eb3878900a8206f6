#include "rr_features.h"

#include <stdlib.h>

#include "ecg_base/int_math.h"

#define MEAN_INTERVALS 16        /* the mean moves by 1 / 16 of each difference */
#define REFERENCE_RR_SAMPLES 288 /* 0.8 s */

/* Premature beats stay out of the average beat; the beat after a pause may enter. */
#define REGULAR_LEAST_PERCENT 87
#define REGULAR_MOST_PERCENT 150

static int8_t ratio_minus_one(int32_t value, int32_t reference) {
    if (value <= 0 || reference <= 0) {
        return 0;
    }
    return ecg_clip_int8(ecg_divide((value - reference) * ECG_CORE_RHYTHM_INV_SCALE, reference));
}

static int32_t to_q8(uint16_t rr_samples) {
    return rr_samples * 256;
}

void ecg_rr_write(const ecg_rr_t *state, uint16_t rr_samples, ecg_core_beat_t *beat) {
    const int32_t rr = to_q8(rr_samples);
    const int32_t before = to_q8(state->before);
    const int32_t mean = state->intervals == 0 ? rr : state->mean_q8;
    beat->rhythm[0] = ratio_minus_one(rr, mean);
    beat->rhythm[1] = ratio_minus_one(rr, before);
    beat->rhythm[2] = ratio_minus_one(before, mean);
    beat->rhythm[3] = ratio_minus_one(mean, REFERENCE_RR_SAMPLES * 256);
    beat->rhythm[4] = mean == 0 ? 0 : ecg_clip_int8(ecg_divide(state->irregularity_q8 * 64, mean));
}

bool ecg_rr_is_regular(const ecg_rr_t *state, uint16_t rr_samples) {
    if (state->intervals == 0) {
        return true; /* nothing to compare with */
    }
    const int32_t rr_percent = to_q8(rr_samples) * 100;
    return rr_percent >= state->mean_q8 * REGULAR_LEAST_PERCENT &&
           rr_percent <= state->mean_q8 * REGULAR_MOST_PERCENT;
}

/* Sorts the interval into the first ones; returns their median, the upper one of an even number. */
static int32_t first_median(ecg_rr_t *state, uint16_t rr_samples) {
    uint32_t at = state->intervals;
    for (; at > 0 && state->first[at - 1] > rr_samples; at--) {
        state->first[at] = state->first[at - 1];
    }
    state->first[at] = rr_samples;
    state->intervals++;
    return to_q8(state->first[state->intervals / 2]);
}

void ecg_rr_update(ecg_rr_t *state, uint16_t rr_samples) {
    if (rr_samples == 0) {
        return;
    }
    const int32_t rr = to_q8(rr_samples);
    if (state->intervals < ECG_RR_FIRST) {
        state->mean_q8 = first_median(state, rr_samples);
    } else {
        state->mean_q8 += ecg_divide(rr - state->mean_q8, MEAN_INTERVALS);
    }
    if (state->before != 0) {
        const int32_t difference = abs(rr - to_q8(state->before));
        state->irregularity_q8 += ecg_divide(difference - state->irregularity_q8, MEAN_INTERVALS);
    }
    state->before = rr_samples;
}
