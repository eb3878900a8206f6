#include "signal_state.h"

#include <stddef.h>
#include <stdlib.h>

#include "int_math.h"
#include "quality.h"
#include "resample.h"

/* Blocks around the one that is decided. */
#define BLOCKS_BEFORE 6 /* 1.2 s, so that one beat at least and the quiet around it are seen */
#define BLOCKS_AFTER 2  /* 0.4 s: the beat's window */
#define BLOCKS_AROUND (BLOCKS_BEFORE + 1 + BLOCKS_AFTER)
#define NEAR_FIRST 2 /* of faults, hum and flatness only the last second and what follows counts */
#define NEAR (NEAR_FIRST + 1 + BLOCKS_AFTER)

/* A block is decided when half a block after the last one needed has passed, or 276 samples after its start:
 * its first beat takes its flags a little later. */
#define DECIDE_FROM ((BLOCKS_AFTER + 1) * ECG_QUALITY_BLOCK + ECG_QUALITY_BLOCK / 2)
#define DECIDE_AT_LAST 276

#define QUARTILE 2     /* of nine blocks, the third quietest */
#define DOUBT_DECAY 8  /* blocks: 1.6 s */
#define DOUBT_FLOOR 64 /* of the running sum: as good as none */
#define DOUBTS 14
#define SURE_STEP 13 /* half a logit */

/* Quality is 50 where the index, log2 * 64, is at the middle, and 25 higher where it is half as large. On DS1
 * with noise it is about the probability, in per cent, that no verdict within a second is wrong. */
#define INDEX_MIDDLE 896
#define QUALITY_A_FACTOR_OF_TWO 25

#define BAD_BELOW 55  /* quality with which the signal turns bad */
#define GOOD_ABOVE 70 /* and above which, */
#define GOOD_BLOCKS 7 /* for 1.4 s, it turns good again */

#define FLAT_PER_MV 50 /* flat: less than 1 / 50 mV from the lowest to the highest of a second */
#define JUMP_HALF_MV 3 /* a jump: the level before and after differ by 1.5 mV */
#define JUMP_BLOCKS 5  /* it disturbs the baseline filter for 0.7 s and the average of a beat longer */
#define JUMP_QUALITY 20
#define HUM_BLOCKS 3 /* of the five near ones */
#define HUM_LOUD 400 /* units: hum of 0.8 mV leaves no signal to be trusted */
#define HUM_QUALITY 20
#define MUSCLE_NOTED 64 /* units: noise of about 0.07 mV RMS from 20 to 120 Hz */
#define NOTED_BELOW 75  /* quality at which the noise is named */

/* 1024 exp(-k / 2 - 1 / 4): how probable it is, about, that a verdict was wrong. */
static const uint16_t DOUBT_Q10[DOUBTS] = {797, 484, 293, 178, 108, 65, 40, 24, 15, 9, 5, 3, 2, 0};

/* Nothing is known against a signal of which nothing is known. */
void ecg_signal_init(ecg_signal_state_t *state) {
    state->now.quality = state->before.quality = 100;
}

void ecg_signal_doubt(ecg_signal_state_t *state, int32_t score) {
    const int32_t sure = abs(score) >> SURE_STEP;
    if (sure < DOUBTS) state->new_doubt_q10 += DOUBT_Q10[sure];
}

/* What is known of the block to be decided and of those around it, the oldest first. */
static const ecg_quality_block_t *around(const ecg_quality_t *quality, uint32_t i) {
    return &quality->blocks[(quality->measured - BLOCKS_AROUND + i) % ECG_QUALITY_BLOCKS];
}

static const ecg_quality_block_t *near(const ecg_quality_t *quality, uint32_t i) {
    return around(quality, i + BLOCKS_BEFORE - NEAR_FIRST);
}

static uint16_t quartile(const uint16_t *values) {
    uint16_t lowest[QUARTILE + 1] = {UINT16_MAX, UINT16_MAX, UINT16_MAX};
    for (uint32_t i = 0; i < BLOCKS_AROUND; i++) {
        uint16_t value = values[i];
        for (uint32_t k = 0; k <= QUARTILE; k++) {
            if (value >= lowest[k]) continue;
            const uint16_t larger = lowest[k];
            lowest[k] = value;
            value = larger;
        }
    }
    return lowest[QUARTILE];
}

static uint16_t faults(const ecg_quality_t *quality, uint16_t adu_per_mv) {
    int32_t lowest = INT16_MAX, highest = INT16_MIN;
    uint16_t found = 0;
    for (uint32_t i = 0; i < NEAR; i++) {
        const ecg_quality_block_t *block = near(quality, i);
        found |= block->faults;
        if (block->lowest < lowest) lowest = block->lowest;
        if (block->highest > highest) highest = block->highest;
    }
    return (highest - lowest) * FLAT_PER_MV < adu_per_mv ? (uint16_t)(found | ECG_CORE_FLAG_FLAT) : found;
}

static int32_t median(int32_t a, int32_t b, int32_t c) {
    const int32_t low = a < b ? a : b, high = a < b ? b : a;
    return ecg_clip(c, low, high);
}

/* Three blocks against the three before: their middles, so that one wide beat is no jump. A drift is none
 * either: it goes on within the three. */
static bool jumps(const ecg_quality_t *quality, uint16_t adu_per_mv) {
    int32_t level[6];
    for (uint32_t i = 0; i < 6; i++) level[i] = around(quality, BLOCKS_BEFORE - 3 + i)->level;
    const int32_t before = median(level[0], level[1], level[2]), after = median(level[3], level[4], level[5]);
    const int32_t drift = abs(level[2] - level[0]) + abs(level[5] - level[3]);
    return abs(after - before) * 2 > JUMP_HALF_MV * adu_per_mv + drift * 2;
}

/* Grows with the judge's doubt and with the slopes of the noise between beats. */
static int32_t noise_index(ecg_signal_state_t *state, const uint16_t *quiet) {
    state->doubt_q10 += state->new_doubt_q10 - state->doubt_q10 / DOUBT_DECAY;
    state->new_doubt_q10 = 0;
    const int32_t doubt = ecg_log2_q6((uint32_t)(state->doubt_q10 + DOUBT_FLOOR));
    return doubt + ecg_log2_q6((uint32_t)quartile(quiet) + 1) / 2;
}

static uint8_t limited(uint8_t quality, uint8_t highest) {
    return quality < highest ? quality : highest;
}

static void judge_noise(ecg_signal_state_t *state, const ecg_quality_t *quality, ecg_signal_note_t *note) {
    uint16_t quiet[BLOCKS_AROUND], sharp[BLOCKS_AROUND];
    for (uint32_t i = 0; i < BLOCKS_AROUND; i++) {
        quiet[i] = around(quality, i)->quiet;
        sharp[i] = around(quality, i)->sharp;
    }
    const int32_t below = INDEX_MIDDLE - noise_index(state, quiet);
    note->quality = (uint8_t)ecg_clip(50 + below * QUALITY_A_FACTOR_OF_TWO / 64, 0, 100);
    const uint16_t bends = quartile(sharp);
    const bool fast = bends > quartile(quiet);
    if (bends > MUSCLE_NOTED || (fast && note->quality < NOTED_BELOW))
        note->reasons |= ECG_CORE_FLAG_MUSCLE_NOISE;
    if (!fast && note->quality < NOTED_BELOW) note->reasons |= ECG_CORE_FLAG_MOTION;
}

static void judge_hum(const ecg_quality_t *quality, ecg_signal_note_t *note) {
    uint32_t humming = 0, loudness = 0;
    for (uint32_t i = 0; i < NEAR; i++) {
        if (!near(quality, i)->hum) continue;
        humming++;
        loudness += near(quality, i)->sharp;
    }
    if (humming < HUM_BLOCKS) return;
    note->reasons |= ECG_CORE_FLAG_MAINS_HUM;
    note->reasons &= (uint16_t)~ECG_CORE_FLAG_MUSCLE_NOISE;
    if (loudness > humming * HUM_LOUD) note->quality = limited(note->quality, HUM_QUALITY);
}

static void judge_jump(ecg_signal_state_t *state, const ecg_quality_t *quality, uint16_t adu_per_mv,
                       ecg_signal_note_t *note) {
    if (state->jumped > 0) state->jumped--;
    if (jumps(quality, adu_per_mv)) state->jumped = JUMP_BLOCKS;
    if (state->jumped == 0) return;
    note->reasons |= ECG_CORE_FLAG_BASELINE_JUMP;
    note->quality = limited(note->quality, JUMP_QUALITY);
}

static void turn(ecg_signal_state_t *state, bool bad) {
    state->bad = bad;
    state->since = state->decided;
    state->calm = 0;
    if (bad) state->reasons = 0;
}

/* Bad at once, good only after a while. */
static void follow(ecg_signal_state_t *state) {
    const uint8_t quality = state->now.quality;
    if (!state->bad && quality < BAD_BELOW) turn(state, true);
    if (!state->bad) return;
    state->calm = (uint8_t)(quality > GOOD_ABOVE ? state->calm + 1 : 0);
    if (state->calm > GOOD_BLOCKS) {
        turn(state, false);
    } else if (quality <= GOOD_ABOVE) {
        state->reasons |= state->now.reasons;
    }
}

void ecg_signal_decide(ecg_signal_state_t *state, const ecg_quality_t *quality, uint32_t index, bool idle,
                       uint16_t adu_per_mv) {
    const uint32_t since = index - state->decided * ECG_QUALITY_BLOCK;
    if (since < (idle ? DECIDE_FROM : DECIDE_AT_LAST)) return;
    if (quality->measured - state->decided <= BLOCKS_AFTER) return; /* the signal has ended */
    ecg_signal_note_t note = {0};
    judge_noise(state, quality, &note);
    judge_hum(quality, &note);
    judge_jump(state, quality, adu_per_mv, &note);
    const uint16_t fault = faults(quality, adu_per_mv);
    if (fault != 0) note.quality = 0;
    note.reasons |= fault;
    state->before = state->now;
    state->now = note;
    follow(state);
    state->decided++;
}

/* An R peak that was found late may lie in the block before the last one decided. */
void ecg_signal_mark(const ecg_signal_state_t *state, ecg_core_beat_t *beat) {
    const uint32_t windows = ECG_CORE_FLAG_LEADS_OFF | ECG_CORE_FLAG_SATURATED | ECG_CORE_FLAG_FLAT;
    const uint32_t blind = ECG_CORE_FLAG_LEADS_OFF | ECG_CORE_FLAG_FLAT;
    const uint32_t block = beat->r_sample / ECG_QUALITY_BLOCK;
    const ecg_signal_note_t *note = block + 1 < state->decided ? &state->before : &state->now;
    const bool bad = block < state->since ? !state->bad : state->bad;
    beat->quality = note->quality;
    beat->flags |= (uint16_t)(note->reasons & ~windows);
    if (bad || (beat->flags & blind) != 0) beat->flags |= ECG_CORE_FLAG_UNCLASSIFIABLE;
}

void ecg_core_signal(const ecg_core_t *core, ecg_core_signal_t *signal) {
    if (core == NULL || signal == NULL) return;
    const ecg_signal_state_t *state = &core->signal;
    signal->since = ecg_resample_board_index(&core->resample, state->since * ECG_QUALITY_BLOCK);
    signal->until = ecg_resample_board_index(&core->resample, state->decided * ECG_QUALITY_BLOCK);
    signal->reasons = state->reasons;
    signal->bad = state->bad;
    signal->quality = state->now.quality;
}
