#include "quality.h"

#include <stdbool.h>
#include <stdlib.h>

#include "int_math.h"

#define RAIL_REPEATS 8 /* 22 ms at one extreme value: an ADC at its rail, no R peak stands that still */
#define THIRD 24       /* slopes are summed over thirds of a block: 67 ms, a QRS complex leaves one free */
#define TWO_COS_50HZ_Q8 329 /* 2 cos(50 deg) */
#define UNITS_PER_MV 800
#define RAIL_SAMPLES 18 /* 50 ms of a block at a rail are a fault; a QRS complex that is cut off is none */
#define HUM_LEAST 24    /* mean bend in units: hum of 0.05 mV at 60 Hz, 0.07 mV at 50 Hz */
#define HUM_PURE 3      /* the bends' magnitudes to what is left of them without the hum's frequency */

static void set_bit(uint32_t *bits, uint32_t index, bool value) {
    const uint32_t at = index & (ECG_HISTORY_SAMPLES - 1);
    const uint32_t mask = (uint32_t)1 << (at & 31);
    bits[at >> 5] = value ? bits[at >> 5] | mask : bits[at >> 5] & ~mask;
}

/* A word at a time: bits of the first and the last word that lie outside are masked off. */
static bool any_bit(const uint32_t *bits, uint32_t first, uint32_t count) {
    const uint32_t head = first & 31, tail = (head + count - 1) & 31;
    const uint32_t words = (head + count + 31) >> 5;
    uint32_t found = 0;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t mask = UINT32_MAX;
        if (i == 0) mask &= UINT32_MAX << head;
        if (i + 1 == words) mask &= UINT32_MAX >> (31 - tail);
        found |= bits[((first >> 5) + i) & (ECG_HISTORY_SAMPLES / 32 - 1)] & mask;
    }
    return found != 0;
}

/* The rails are not known (any ADC): a value that repeats while it is the highest or lowest ever seen. */
static bool at_rail(ecg_quality_t *quality, uint32_t index, int16_t sample_adu, uint16_t adu_per_mv) {
    if (index == 0) quality->highest = quality->lowest = sample_adu;
    if (sample_adu > quality->highest) quality->highest = sample_adu;
    if (sample_adu < quality->lowest) quality->lowest = sample_adu;
    const bool same = index != 0 && sample_adu == quality->last;
    quality->repeats = (uint16_t)(!same ? 1 : quality->repeats + (quality->repeats < RAIL_REPEATS));
    quality->last = sample_adu;
    const bool spread = quality->highest - quality->lowest >= adu_per_mv; /* not a flat line's noise */
    const bool extreme = sample_adu == quality->highest || sample_adu == quality->lowest;
    return spread && extreme && quality->repeats >= RAIL_REPEATS;
}

/* The second difference lets hum and muscle noise through (60 Hz unchanged) and holds QRS complexes back. A
 * filter x[n] - 2 cos x[n - 1] + x[n - 2] then tells how much of it is at 60 or at 50 Hz. */
static void measure_bend(ecg_quality_t *quality, int16_t sample_adu) {
    ecg_quality_sums_t *sums = &quality->sums;
    const int32_t bend = sample_adu - 2 * quality->last + quality->before;
    const int32_t around = bend + quality->bend_before;
    sums->bends += abs(bend);
    sums->rest_60 += abs(around - quality->bend);
    sums->rest_50 += abs(around - ((quality->bend * TWO_COS_50HZ_Q8) >> 8));
    quality->bend_before = quality->bend;
    quality->bend = bend;
}

static void measure_slope(ecg_quality_t *quality, uint32_t index, int16_t lowpass) {
    ecg_quality_sums_t *sums = &quality->sums;
    int16_t *oldest = &quality->lowpass[index % ECG_QUALITY_SLOPE_SAMPLES];
    sums->slopes += abs(lowpass - *oldest);
    *oldest = lowpass;
    if (sums->samples % THIRD != 0) return;
    if (sums->samples == THIRD || sums->slopes < sums->quietest) sums->quietest = sums->slopes;
    sums->slopes = 0;
}

static void measure_level(ecg_quality_sums_t *sums, int16_t sample_adu) {
    if (sums->samples == 1 || sample_adu < sums->lowest) sums->lowest = sample_adu;
    if (sums->samples == 1 || sample_adu > sums->highest) sums->highest = sample_adu;
    sums->sum += sample_adu;
}

static uint16_t clip_uint16(int32_t value) {
    return (uint16_t)ecg_clip(value, 0, UINT16_MAX);
}

/* What came before the first block counts as like it. */
static void repeat_first(ecg_quality_t *quality) {
    for (uint32_t i = 1; i < ECG_QUALITY_BLOCKS; i++) quality->blocks[i] = quality->blocks[0];
}

static void close_block(ecg_quality_t *quality, uint16_t adu_per_mv) {
    const ecg_quality_sums_t *sums = &quality->sums;
    ecg_quality_block_t *block = &quality->blocks[quality->measured++ % ECG_QUALITY_BLOCKS];
    const int32_t rest = sums->rest_60 < sums->rest_50 ? sums->rest_60 : sums->rest_50;
    block->level = (int16_t)(sums->sum / ECG_QUALITY_BLOCK);
    block->lowest = sums->lowest;
    block->highest = sums->highest;
    block->quiet = clip_uint16(sums->quietest / THIRD);
    block->sharp = clip_uint16(sums->bends / ECG_QUALITY_BLOCK * UNITS_PER_MV / adu_per_mv);
    block->hum = block->sharp >= HUM_LEAST && rest < sums->bends / HUM_PURE;
    block->faults = sums->faults;
    if (sums->railed >= RAIL_SAMPLES) block->faults |= ECG_CORE_FLAG_SATURATED;
    if (quality->measured == 1) repeat_first(quality);
    quality->sums = (ecg_quality_sums_t){0};
}

void ecg_quality_push(ecg_quality_t *quality, uint32_t index, int16_t sample_adu, uint8_t lead_flags,
                      int16_t lowpass, uint16_t adu_per_mv) {
    if (index == 0) quality->last = quality->before = sample_adu;
    const bool off = (lead_flags & (ECG_CORE_LEAD_OFF_PLUS | ECG_CORE_LEAD_OFF_MINUS)) != 0;
    const int16_t before = quality->last;
    quality->sums.samples++;
    measure_bend(quality, sample_adu);
    measure_slope(quality, index, lowpass);
    measure_level(&quality->sums, sample_adu);
    const bool rail = at_rail(quality, index, sample_adu, adu_per_mv);
    quality->before = before;
    set_bit(quality->leads_off, index, off);
    set_bit(quality->saturated, index, rail);
    if (off) quality->sums.faults |= ECG_CORE_FLAG_LEADS_OFF;
    quality->sums.railed = (uint8_t)(quality->sums.railed + rail);
    if (quality->sums.samples == ECG_QUALITY_BLOCK) close_block(quality, adu_per_mv);
}

uint16_t ecg_quality_flags(const ecg_quality_t *quality, uint32_t r_sample) {
    const uint32_t first = r_sample - ECG_CORE_WINDOW_PRE;
    const uint32_t count = ECG_CORE_WINDOW_PRE + ECG_CORE_WINDOW_POST;
    const bool leads_off = any_bit(quality->leads_off, first, count);
    const bool saturated = any_bit(quality->saturated, first, count);
    return (uint16_t)((leads_off ? ECG_CORE_FLAG_LEADS_OFF : 0u) |
                      (saturated ? ECG_CORE_FLAG_SATURATED : 0u));
}
