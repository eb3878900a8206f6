#include "sqi.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ecg_base/int_math.h"
#include "ecg_base/static_assert.h"
#include "resample.h"
#include "sqi_gap.h"
#include "sqi_measures.h"
#include "sqi_repetition.h"
#include "sqi_waves.h"

/* Blocks around the one that is decided. */
#define BLOCKS_BEFORE 6 /* 1.2 s, so that one beat at least and the quiet around it are seen */
#define BLOCKS_AFTER ECG_SQI_BLOCKS_AFTER
#define BLOCKS_AROUND (BLOCKS_BEFORE + 1 + BLOCKS_AFTER)
#define NEAR_FIRST 2 /* of faults, hum and flatness only the last second and what follows counts */
#define NEAR (NEAR_FIRST + 1 + BLOCKS_AFTER)

#define QUARTILE 2           /* of nine blocks, the third quietest */
#define UNCERTAINTY_DECAY 12 /* blocks: 2.4 s */
#define UNCERTAINTY_FLOOR 64 /* of the running sum: as good as none */
#define UNCERTAINTY_STEPS 14
#define CONFIDENCE_STEP 13 /* half a logit */

/* The noise index, log2 * 64: the classifier's uncertainty, lower where the signal repeats itself, higher
 * where the baseline moves. The weights are those of a logistic regression on DS1 with noise and on the
 * development records of vfdb (docs/experiments/signal-quality.md). */
#define REPETITION_WEIGHT 340     /* of a signal that repeats exactly */
#define RESTLESSNESS_WEIGHT_Q6 23 /* of log2 of the baseline's movement to the signal's amplitude */
#define RESTLESSNESS_DECAY 16     /* blocks: 3.2 s */
#define RESTLESSNESS_PER_MV 90    /* 0.01 mV: a baseline that does not move */
#define LEVEL_BLOCKS 5            /* the baseline: mean of a second */
#define AMPLITUDE_PER_MV 10       /* 0.1 mV: no smaller signal */
#define AMPLITUDE_RANK 3          /* third largest range of the last 16 blocks: two may hold a jump */

/* Quality is 50 where the index is at the middle, and 25 higher where the uncertainty is half as large. */
#define INDEX_MIDDLE 540
#define QUALITY_A_FACTOR_OF_TWO 25

#define BAD_BELOW 55    /* quality with which the signal turns bad */
#define GOOD_ABOVE 70   /* and above which, */
#define START_BLOCKS 13 /* 2.6 s: 800 ms later all beats of the start are out */
#define GOOD_BLOCKS 7   /* for 1.4 s, it turns good again */

#define FLAT_PER_MV 200 /* flat: less than 1 / 200 mV from the lowest to the highest of a second */
#define JUMP_HALVES 3   /* a jump: the level before and after differ by 1.5 times the signal's amplitude, */
#define JUMP_PER_MV 2   /* and by 1 / 2 mV at least */
#define JUMP_BLOCKS 5   /* it disturbs the baseline filter for 0.7 s and the average of a beat longer */
#define JUMP_QUALITY 20
#define GAP_QUALITY 20
#define WAVES_QUALITY 20
#define HUM_BLOCKS 3 /* of the five near ones */
#define HUM_SHARE 7  /* hum of more than about half the signal's range leaves no signal to be trusted */
#define HUM_QUALITY 20
#define FAST_SHARE 5      /* fast waves: mean second difference above a fifth of the signal's range */
#define FAST_SMALLEST 240 /* units: 0.3 mV more than the range, for a flat line's noise */
#define FAST_QUALITY 20
#define MUSCLE_NOTED 64 /* units: noise of about 0.07 mV RMS from 20 to 120 Hz */
#define NOTED_BELOW 75  /* quality at which the noise is named */

ECG_STATIC_ASSERT(AMPLITUDE_RANK <= ECG_SQI_LARGEST, rank_is_kept);

/* 1024 exp(-k / 2 - 1 / 4): approximate probability that a decision with confidence k half logits is wrong.
 */
static const uint16_t UNCERTAINTY_Q10[UNCERTAINTY_STEPS] = {797, 484, 293, 178, 108, 65, 40,
                                                            24,  15,  9,   5,   3,   2,  0};

/* Start as good quality until the first block is measured. */
void ecg_sqi_init(ecg_sqi_t *state) {
    state->now.quality = state->before.quality = 100;
}

void ecg_sqi_add_uncertainty(ecg_sqi_t *state, int32_t score) {
    const int32_t confidence = abs(score) >> CONFIDENCE_STEP;
    if (confidence < UNCERTAINTY_STEPS) {
        state->new_uncertainty_q10 += UNCERTAINTY_Q10[confidence];
    }
}

/* Block i of those around the one to be decided, the oldest first. */
static const ecg_sqi_block_t *block_around(const ecg_sqi_measures_t *measures, uint32_t i) {
    return &measures->blocks[(measures->measured - BLOCKS_AROUND + i) % ECG_SQI_BLOCKS];
}

static const ecg_sqi_block_t *near_block(const ecg_sqi_measures_t *measures, uint32_t i) {
    return block_around(measures, i + BLOCKS_BEFORE - NEAR_FIRST);
}

static uint16_t quartile(const uint16_t *values) {
    uint16_t lowest[QUARTILE + 1] = {UINT16_MAX, UINT16_MAX, UINT16_MAX};
    for (uint32_t i = 0; i < BLOCKS_AROUND; i++) {
        uint16_t value = values[i];
        for (uint32_t k = 0; k <= QUARTILE; k++) {
            if (value >= lowest[k]) {
                continue;
            }
            const uint16_t larger = lowest[k];
            lowest[k] = value;
            value = larger;
        }
    }
    return lowest[QUARTILE];
}

static uint16_t faults(const ecg_sqi_measures_t *measures, uint16_t adu_per_mv) {
    int32_t lowest = INT16_MAX, highest = INT16_MIN;
    uint16_t found = 0;
    for (uint32_t i = 0; i < NEAR; i++) {
        const ecg_sqi_block_t *block = near_block(measures, i);
        found |= block->faults;
        if (block->lowest < lowest) {
            lowest = block->lowest;
        }
        if (block->highest > highest) {
            highest = block->highest;
        }
    }
    return (highest - lowest) * FLAT_PER_MV < adu_per_mv ? (uint16_t)(found | ECG_CORE_FLAG_FLAT) : found;
}

static int32_t median(int32_t a, int32_t b, int32_t c) {
    const int32_t low = a < b ? a : b, high = a < b ? b : a;
    return ecg_clip(c, low, high);
}

/* Of the signal's waves. */
static int32_t amplitude(const ecg_sqi_measures_t *measures) {
    return measures->largest[AMPLITUDE_RANK - 1];
}

/* Three blocks against the three before: their middles, so that one wide beat is no jump. A drift is none
 * either: it goes on within the three. Nor is a change no larger than the signal's own waves. */
static bool jumps(const ecg_sqi_measures_t *measures, uint16_t adu_per_mv) {
    int32_t level[6];
    for (uint32_t i = 0; i < 6; i++) {
        level[i] = block_around(measures, BLOCKS_BEFORE - 3 + i)->level;
    }
    const int32_t before = median(level[0], level[1], level[2]), after = median(level[3], level[4], level[5]);
    const int32_t drift = abs(level[2] - level[0]) + abs(level[5] - level[3]);
    const int32_t change = abs(after - before) - drift;
    return change * 2 > amplitude(measures) * JUMP_HALVES && change * JUMP_PER_MV > adu_per_mv;
}

/* Sum of a second's levels, `back` blocks before the newest. */
static int32_t level_sum(const ecg_sqi_measures_t *measures, uint32_t back) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < LEVEL_BLOCKS; i++) {
        sum += measures->blocks[(measures->measured - 1 - back - i) % ECG_SQI_BLOCKS].level;
    }
    return sum;
}

/* How far the baseline moves in a second, against the signal's amplitude: log2 * 64, 0 or below. */
static int32_t restlessness(ecg_sqi_t *state, const ecg_sqi_measures_t *measures, uint16_t adu_per_mv) {
    const int32_t change =
        abs(level_sum(measures, 0) - level_sum(measures, LEVEL_BLOCKS)) * RESTLESSNESS_DECAY / LEVEL_BLOCKS;
    state->restlessness_adu_q4 += (change - state->restlessness_adu_q4) / RESTLESSNESS_DECAY;
    const int32_t least = RESTLESSNESS_DECAY * adu_per_mv / RESTLESSNESS_PER_MV;
    const int32_t wave = RESTLESSNESS_DECAY * (amplitude(measures) + adu_per_mv / AMPLITUDE_PER_MV);
    return ecg_log2_plus_one_q6(state->restlessness_adu_q4 + least) - ecg_log2_plus_one_q6(wave);
}

/* Grows with the classifier's uncertainty, where nothing speaks for a signal: no repetition, or a baseline
 * that moves as the waves do. */
static int32_t noise_index(ecg_sqi_t *state, const ecg_sqi_measures_t *measures, uint16_t adu_per_mv) {
    state->uncertainty_q10 += state->new_uncertainty_q10 - state->uncertainty_q10 / UNCERTAINTY_DECAY;
    state->new_uncertainty_q10 = 0;
    const int32_t uncertainty =
        ecg_log2_q6((uint32_t)(state->uncertainty_q10 * 8 / UNCERTAINTY_DECAY + UNCERTAINTY_FLOOR));
    const int32_t repetition = ecg_sqi_repetition(&measures->repetition, measures->waiting) *
                               REPETITION_WEIGHT / ECG_SQI_REPETITION_ONE;
    const int32_t moving = restlessness(state, measures, adu_per_mv) * RESTLESSNESS_WEIGHT_Q6 / 64;
    return uncertainty - repetition + moving;
}

static uint8_t limited(uint8_t quality, uint8_t highest) {
    return quality < highest ? quality : highest;
}

/* QRS complexes have slopes that fast, but not all the time. */
static bool is_fast_noise(const ecg_sqi_measures_t *measures, int32_t roughness, uint16_t adu_per_mv) {
    const int32_t range = amplitude(measures) * ECG_SQI_UNITS_PER_MV / adu_per_mv + FAST_SMALLEST;
    return roughness * FAST_SHARE > range;
}

/* Beats are found where there are none. The beats of the start are not known yet when it is decided. */
static bool are_false_beats(const ecg_sqi_t *state, const ecg_sqi_measures_t *measures) {
    const bool beats = state->decided < START_BLOCKS ||
                       ecg_sqi_gap_is_beating(&state->gap, state->decided * ECG_SQI_BLOCK_SAMPLES);
    return beats && ecg_sqi_are_waves(measures);
}

/* Where a pause would be claimed next, the signal must be quiet. In a ventricular rhythm there may be no
 * beats that the detector is certain of, and the signal is read all the same. */
static int32_t beat_quality(ecg_sqi_t *state, const ecg_sqi_measures_t *measures, uint16_t adu_per_mv,
                            bool is_ventricular) {
    const int32_t below = INDEX_MIDDLE - noise_index(state, measures, adu_per_mv);
    const bool restless = ecg_sqi_gap_is_restless(&state->gap, (state->decided + 1) * ECG_SQI_BLOCK_SAMPLES);
    const int32_t highest = restless ? GAP_QUALITY : 100;
    return ecg_clip(50 + below * QUALITY_A_FACTOR_OF_TWO / 64, is_ventricular ? NOTED_BELOW : 0,
                    is_ventricular ? 100 : highest);
}

static void grade_noise(ecg_sqi_t *state, const ecg_sqi_measures_t *measures, uint16_t adu_per_mv,
                        bool is_ventricular, ecg_sqi_result_t *result) {
    uint16_t noise_slope[BLOCKS_AROUND], second_differences[BLOCKS_AROUND];
    for (uint32_t i = 0; i < BLOCKS_AROUND; i++) {
        noise_slope[i] = block_around(measures, i)->noise_slope;
        second_differences[i] = block_around(measures, i)->second_difference;
    }
    const uint16_t roughness = quartile(second_differences);
    const bool fast = roughness > quartile(noise_slope);
    result->quality = (uint8_t)beat_quality(state, measures, adu_per_mv, is_ventricular);
    if (!is_ventricular && are_false_beats(state, measures)) {
        result->quality = limited(result->quality, WAVES_QUALITY);
    }
    if (is_fast_noise(measures, roughness, adu_per_mv)) {
        result->quality = limited(result->quality, FAST_QUALITY);
    }
    if (roughness > MUSCLE_NOTED || (fast && result->quality < NOTED_BELOW)) {
        result->reasons |= ECG_CORE_FLAG_MUSCLE_NOISE;
    }
    if (!fast && result->quality < NOTED_BELOW) {
        result->reasons |= ECG_CORE_FLAG_MOTION;
    }
}

/* The mean second difference of hum is a third to a quarter of its range. */
static bool hum_hides_signal(const ecg_sqi_measures_t *measures, int32_t second_difference,
                             uint16_t adu_per_mv) {
    return measures->largest[0] * ECG_SQI_UNITS_PER_MV < HUM_SHARE * second_difference * adu_per_mv;
}

static void grade_hum(const ecg_sqi_measures_t *measures, uint16_t adu_per_mv, ecg_sqi_result_t *result) {
    int32_t humming = 0, loudness = 0;
    for (uint32_t i = 0; i < NEAR; i++) {
        if (!near_block(measures, i)->hum) {
            continue;
        }
        humming++;
        loudness += near_block(measures, i)->second_difference;
    }
    if (humming < HUM_BLOCKS) {
        return;
    }
    result->reasons |= ECG_CORE_FLAG_MAINS_HUM;
    result->reasons &= (uint16_t)~ECG_CORE_FLAG_MUSCLE_NOISE;
    if (hum_hides_signal(measures, loudness / humming, adu_per_mv)) {
        result->quality = limited(result->quality, HUM_QUALITY);
    }
}

static void grade_jump(ecg_sqi_t *state, const ecg_sqi_measures_t *measures, uint16_t adu_per_mv,
                       ecg_sqi_result_t *result) {
    if (state->jump_blocks_left > 0) {
        state->jump_blocks_left--;
    }
    if (jumps(measures, adu_per_mv)) {
        state->jump_blocks_left = JUMP_BLOCKS;
    }
    if (state->jump_blocks_left == 0) {
        return;
    }
    result->reasons |= ECG_CORE_FLAG_BASELINE_JUMP;
    result->quality = limited(result->quality, JUMP_QUALITY);
}

static void change_state(ecg_sqi_t *state, bool bad) {
    state->bad = bad;
    state->since = state->decided;
    state->good_blocks = 0;
    if (bad) {
        state->reasons = 0;
    }
}

/* Bad at once, good only after a while. No change before the first beats are out, which come late. */
static void update_state(ecg_sqi_t *state) {
    const uint8_t quality = state->now.quality;
    if (state->decided < START_BLOCKS) {
        return;
    }
    if (!state->bad && quality < BAD_BELOW) {
        change_state(state, true);
    }
    if (!state->bad) {
        return;
    }
    state->good_blocks = (uint8_t)(quality > GOOD_ABOVE ? state->good_blocks + 1 : 0);
    if (state->good_blocks > GOOD_BLOCKS) {
        change_state(state, false);
    } else if (quality <= GOOD_ABOVE) {
        state->reasons |= state->now.reasons;
    }
}

void ecg_sqi_update(ecg_sqi_t *state, const ecg_sqi_measures_t *measures, uint16_t adu_per_mv,
                    bool is_ventricular) {
    if (measures->measured - state->decided <= BLOCKS_AFTER) {
        return; /* the signal has ended */
    }
    ecg_sqi_result_t result = {0};
    grade_noise(state, measures, adu_per_mv, is_ventricular, &result);
    grade_hum(measures, adu_per_mv, &result);
    grade_jump(state, measures, adu_per_mv, &result);
    const uint16_t fault = faults(measures, adu_per_mv);
    if (fault != 0) {
        result.quality = 0;
    }
    result.reasons |= fault;
    state->before = state->now;
    state->now = result;
    update_state(state);
    state->decided++;
}

/* An R peak that was found late may lie in the block before the last one decided. */
void ecg_sqi_flag_beat(const ecg_sqi_t *state, ecg_core_beat_t *beat) {
    const uint32_t windows = ECG_CORE_FLAG_LEADS_OFF | ECG_CORE_FLAG_SATURATED | ECG_CORE_FLAG_FLAT;
    const uint32_t blind = ECG_CORE_FLAG_LEADS_OFF | ECG_CORE_FLAG_FLAT;
    const uint32_t block = beat->r_sample / ECG_SQI_BLOCK_SAMPLES;
    const ecg_sqi_result_t *result = block + 1 < state->decided ? &state->before : &state->now;
    const bool bad = block < START_BLOCKS   ? result->quality < BAD_BELOW
                     : block < state->since ? !state->bad
                                            : state->bad;
    beat->quality = result->quality;
    beat->flags |= (uint16_t)(result->reasons & ~windows);
    if (bad || (beat->flags & blind) != 0) {
        beat->flags |= ECG_CORE_FLAG_UNCLASSIFIABLE;
    }
}

void ecg_core_signal(const ecg_core_t *core, ecg_core_signal_t *signal) {
    if (core == NULL || signal == NULL) {
        return;
    }
    const ecg_sqi_t *state = &core->sqi;
    signal->since = ecg_resample_board_index(&core->resample, state->since * ECG_SQI_BLOCK_SAMPLES);
    signal->until = ecg_resample_board_index(&core->resample, state->decided * ECG_SQI_BLOCK_SAMPLES);
    signal->reasons = state->reasons;
    signal->bad = state->bad;
    signal->quality = state->now.quality;
    signal->leads_off = core->sqi_measures.leads_are_off;
    signal->leads_since = ecg_resample_board_index(&core->resample, core->sqi_measures.leads_since);
}
