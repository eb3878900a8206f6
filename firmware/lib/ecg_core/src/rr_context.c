#include "rr_context.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ecg_base/int_math.h"

#define PAST ECG_RR_PAST
#define SINUS ECG_RR_SINUS
#define FRACTION_BITS 4 /* of an interval whose log2 is taken */
#define FIRST_FEATURE 8
#define FEATURES 12

/* Limits of log2 ratios * 64. */
#define EARLY (-12)   /* 0.88 of the sinus interval */
#define LONG 31       /* 1.4 of it */
#define SINUS_STEP 1  /* so far an interval beyond these limits moves it: 1.1 % */
#define CORE 5        /* within 6 % of the median */
#define IRREGULAR 9   /* 10 % from the interval before */
#define FIRST_SINUS 3 /* intervals that are all taken */
#define RECENT 16     /* intervals in which the longest, and a repeat, are looked for */
#define UNREPEATED 64 /* no two intervals like the last two */
#define SHARE_ONE 64  /* a share of all */

static int32_t log_interval(uint16_t rr_samples) {
    return ecg_log2_q6((uint32_t)rr_samples << FRACTION_BITS);
}

static void insert(int16_t *ascending, uint32_t count, int32_t value) {
    uint32_t at = count;
    for (; at > 0 && ascending[at - 1] > value; at--) {
        ascending[at] = ascending[at - 1];
    }
    ascending[at] = (int16_t)value;
}

static void prepend(int16_t *newest_first, uint32_t count, int32_t value) {
    memmove(&newest_first[1], &newest_first[0], (count - 1) * sizeof *newest_first);
    newest_first[0] = (int16_t)value;
}

/* Median of the last intervals that were neither early nor long. */
static int32_t sinus_interval(const ecg_rr_context_t *state) {
    int16_t ascending[SINUS] = {0};
    for (uint32_t i = 0; i < state->sinus; i++) {
        insert(ascending, i, state->sinus_q6[i]);
    }
    return ascending[state->sinus / 2];
}

static uint32_t count_bits(uint32_t bits) {
    uint32_t count = 0;
    for (; bits != 0; bits &= bits - 1) {
        count++;
    }
    return count;
}

static int8_t share(const ecg_rr_context_t *state, uint32_t count) {
    return (int8_t)(count * SHARE_ONE / state->intervals);
}

static int32_t longest(const ecg_rr_context_t *state) {
    int32_t most = state->past_q6[0];
    for (uint32_t i = 1; i < RECENT && i < state->intervals; i++) {
        most = state->past_q6[i] > most ? state->past_q6[i] : most;
    }
    return most;
}

static uint32_t count_irregular(const ecg_rr_context_t *state) {
    uint32_t count = 0;
    for (uint32_t i = 0; i + 1 < state->intervals; i++) {
        count += abs(state->past_q6[i] - state->past_q6[i + 1]) > IRREGULAR;
    }
    return count;
}

static uint32_t near_median(const ecg_rr_context_t *state, int32_t median) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->intervals; i++) {
        count += abs(state->past_q6[i] - median) <= CORE;
    }
    return count;
}

/* How far the last two intervals are from two that followed each other before: small in bigeminy, not in
 * fibrillation. */
static int32_t nearest_repeat(const ecg_rr_context_t *state, int32_t rr) {
    const int16_t *past = state->past_q6;
    int32_t nearest = UNREPEATED;
    for (uint32_t i = 0; i < RECENT && i + 1 < state->intervals; i++) {
        const int32_t distance = abs(rr - past[i]) + abs(past[0] - past[i + 1]);
        nearest = distance < nearest ? distance : nearest;
    }
    return nearest;
}

/* Median of the early intervals among the last 32, or `otherwise`. */
static int32_t early_interval(const ecg_rr_context_t *state, int32_t otherwise) {
    int16_t ascending[PAST] = {0};
    uint32_t count = 0;
    for (uint32_t age = 0; age < state->intervals; age++) {
        if ((state->early >> age & 1) != 0) {
            insert(ascending, count++, state->past_q6[age]);
        }
    }
    return count == 0 ? otherwise : ascending[count / 2];
}

void ecg_rr_context_write(const ecg_rr_context_t *state, uint16_t rr_samples, int32_t mean_q8,
                          ecg_core_beat_t *beat) {
    int8_t *features = &beat->rhythm[FIRST_FEATURE];
    memset(features, 0, FEATURES);
    if (state->intervals == 0 || rr_samples == 0) {
        return;
    }
    const int32_t rr = log_interval(rr_samples), mean = ecg_log2_q6((uint32_t)mean_q8 >> (8 - FRACTION_BITS));
    const int32_t sinus = sinus_interval(state), count = state->intervals;
    int16_t ascending[PAST] = {0};
    for (uint32_t i = 0; i < state->intervals; i++) {
        insert(ascending, i, state->past_q6[i]);
    }
    const int32_t median = ascending[count / 2];
    features[0] = ecg_clip_int8(rr - sinus);
    features[1] = ecg_clip_int8(state->past_q6[0] - sinus);
    features[2] = ecg_clip_int8((count > 1 ? state->past_q6[1] : sinus) - sinus);
    features[3] = ecg_clip_int8(rr - median);
    features[4] = ecg_clip_int8(mean - median);
    features[5] = ecg_clip_int8(rr - longest(state));
    features[6] = ecg_clip_int8(ascending[count * 3 / 4] - ascending[count / 4]);
    features[7] = share(state, near_median(state, median));
    features[8] = share(state, count_bits(state->early));
    features[9] = share(state, count_irregular(state));
    features[10] = ecg_clip_int8(nearest_repeat(state, rr));
    features[11] = ecg_clip_int8(rr - early_interval(state, rr));
}

/* An early or long interval moves the sinus interval by a step, so that another rate is reached in time. */
static bool learn_sinus(ecg_rr_context_t *state, int32_t rr) {
    const bool is_first = state->sinus < FIRST_SINUS;
    const int32_t sinus = is_first ? rr : sinus_interval(state);
    const int32_t away = rr - sinus;
    const int32_t step = away < EARLY ? -SINUS_STEP : SINUS_STEP;
    state->sinus = (uint8_t)(state->sinus + (state->sinus < SINUS));
    prepend(state->sinus_q6, state->sinus, away < EARLY || away > LONG ? sinus + step : rr);
    return away < EARLY;
}

void ecg_rr_context_update(ecg_rr_context_t *state, uint16_t rr_samples) {
    if (rr_samples == 0) {
        return;
    }
    const int32_t rr = log_interval(rr_samples);
    state->early = state->early << 1 | learn_sinus(state, rr);
    state->intervals = (uint8_t)(state->intervals + (state->intervals < PAST));
    prepend(state->past_q6, state->intervals, rr);
}
