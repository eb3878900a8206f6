#include "sqi_measures.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ecg_base/int_math.h"
#include "ecg_base/static_assert.h"
#include "ecg_base/unroll.h"
#include "sqi_repetition.h"

#define RAIL_REPEATS 8 /* 22 ms at one extreme value: an ADC at its rail, no R peak stands that still */
#define THIRD 24       /* slopes are summed over thirds of a block: 67 ms, a QRS complex leaves one free */
#define TWO_COS_50HZ_Q8 329  /* 2 cos(50 deg) */
#define RAIL_FAULT 108       /* 300 ms at a rail are a fault; waves that are cut off are none */
#define HUM_LEAST 17         /* mean second difference in units: hum of 0.035 mV at 60 Hz, 0.05 mV at 50 Hz */
#define LEADS_OFF_SAMPLES 36 /* 100 ms */
#define LEADS_ON_SAMPLES 180 /* 500 ms */
#define HUM_PURE 3           /* hum: a filter at its frequency removes two thirds of the second differences */

ECG_STATIC_ASSERT(THIRD % ECG_SQI_TOGETHER == 0 && ECG_SQI_BLOCK_SAMPLES % ECG_SQI_TOGETHER == 0, eights);
ECG_STATIC_ASSERT(32 % ECG_SQI_TOGETHER == 0 && ECG_FILTER_LOWPASS % ECG_SQI_TOGETHER == 0, without_a_gap);

/* Sets bits, eight at most within a byte of the map, of which `first` is the index of the lowest. */
static void set_bits(uint32_t *map, uint32_t first, uint32_t count, uint32_t bits) {
    const uint32_t at = first & (ECG_HISTORY_SAMPLES - 1), shift = at & 31;
    const uint32_t mask = ((UINT32_C(1) << count) - 1) << shift;
    map[at >> 5] = (map[at >> 5] & ~mask) | bits << shift;
}

/* A word at a time: bits of the first and the last word that lie outside are masked off. */
static bool any_bit(const uint32_t *bits, uint32_t first, uint32_t count) {
    const uint32_t head = first & 31, tail = (head + count - 1) & 31;
    const uint32_t words = (head + count + 31) >> 5;
    uint32_t found = 0;
    for (uint32_t i = 0; i < words; i++) {
        uint32_t mask = UINT32_MAX;
        if (i == 0) {
            mask &= UINT32_MAX << head;
        }
        if (i + 1 == words) {
            mask &= UINT32_MAX >> (31 - tail);
        }
        found |= bits[((first >> 5) + i) & (ECG_HISTORY_SAMPLES / 32 - 1)] & mask;
    }
    return found != 0;
}

/* The rails are not known (any ADC): a value that repeats while it is the highest or lowest ever seen. */
static bool is_rail(const ecg_sqi_measures_t *measures, int32_t value, int32_t lowest, int32_t highest,
                    uint16_t adu_per_mv) {
    highest = highest > measures->highest ? highest : measures->highest;
    lowest = lowest < measures->lowest ? lowest : measures->lowest;
    return highest - lowest >= adu_per_mv /* not a flat line's noise */ &&
           (value == highest || value == lowest);
}

/* Level, range and rails; a bit for each sample at a rail. Inline, for its usual count is a constant. */
static inline uint32_t measure_samples(ecg_sqi_measures_t *measures, uint32_t count, uint16_t adu_per_mv) {
    ecg_sqi_sums_t *sums = &measures->sums;
    int32_t sum = sums->sum, last = measures->last, lowest = sums->lowest, highest = sums->highest;
    uint32_t repeats = measures->repeats, rails = 0;
    ECG_UNROLL(8)
    for (uint32_t i = 0; i < count; i++) {
        const int32_t x = measures->samples[i];
        sum += x;
        lowest = x < lowest ? x : lowest;
        highest = x > highest ? x : highest;
        repeats = x == last ? repeats + 1 : 1;
        last = x;
        if (repeats >= RAIL_REPEATS && is_rail(measures, x, lowest, highest, adu_per_mv)) {
            rails |= UINT32_C(1) << i;
            sums->faults = (uint8_t)(sums->faults | (repeats >= RAIL_FAULT ? ECG_CORE_FLAG_SATURATED : 0));
        }
    }
    sums->sum = sum;
    sums->lowest = (int16_t)lowest;
    sums->highest = (int16_t)highest;
    measures->repeats = (uint16_t)(repeats < RAIL_FAULT ? repeats : RAIL_FAULT);
    return rails;
}

/* The second difference lets hum and muscle noise through (60 Hz unchanged) and holds QRS complexes back. A
 * filter x[n] - 2 cos x[n - 1] + x[n - 2] then tells how much of it is at 60 or at 50 Hz. */
static void measure_second_differences(ecg_sqi_measures_t *measures) {
    int32_t sum = 0, rest_60 = 0, rest_50 = 0;
    int32_t last = measures->last, slope = last - measures->before;
    int32_t middle = measures->second_difference, before = measures->second_difference_before;
    ECG_UNROLL(8)
    for (uint32_t i = 0; i < ECG_SQI_TOGETHER; i++) {
        const int32_t x = measures->samples[i], newest = x - last - slope, around = newest + before;
        sum += abs(newest);
        rest_60 += abs(around - middle);
        rest_50 += abs(around - ((middle * TWO_COS_50HZ_Q8) >> 8));
        slope = x - last;
        last = x;
        before = middle;
        middle = newest;
    }
    measures->second_difference = middle;
    measures->second_difference_before = before;
    measures->sums.second_differences += sum;
    measures->sums.rest_60 += rest_60;
    measures->sums.rest_50 += rest_50;
}

static void close_third(ecg_sqi_sums_t *sums) {
    if (sums->samples == THIRD || sums->slopes < sums->quietest) {
        sums->quietest = sums->slopes;
    }
    if (sums->slopes > sums->steepest) {
        sums->steepest = sums->slopes;
    }
    sums->all_slopes += sums->slopes;
    sums->slopes = 0;
}

/* Slopes of the low-pass output; returns its sum. */
static int32_t measure_slopes(ecg_sqi_measures_t *measures, const ecg_filter_t *filter, uint32_t first) {
    const int16_t *lowpass = &filter->lowpass[first % ECG_FILTER_LOWPASS];
    const int16_t *before = &filter->lowpass[(first - ECG_SQI_TOGETHER) % ECG_FILTER_LOWPASS];
    int32_t slopes = 0, sum = 0;
    ECG_UNROLL(8)
    for (uint32_t i = 0; i < ECG_SQI_TOGETHER; i++) {
        slopes += abs(lowpass[i] - before[i]);
        sum += lowpass[i];
    }
    measures->sums.slopes += slopes;
    return sum;
}

/* Leads are off after 100 ms without contact, and on again after 500 ms with it. */
void ecg_sqi_follow_leads(ecg_sqi_measures_t *measures, uint32_t index, bool off) {
    const uint16_t enough = measures->leads_are_off ? LEADS_ON_SAMPLES : LEADS_OFF_SAMPLES;
    measures->leads_other = (uint16_t)(off == (measures->leads_are_off != 0) ? 0 : measures->leads_other + 1);
    if (measures->leads_other == enough) {
        measures->leads_are_off = off;
        measures->leads_since = index + 1 - enough;
        measures->leads_other = 0;
    }
}

static uint16_t clip_uint16(int32_t value) {
    return (uint16_t)ecg_clip(value, 0, UINT16_MAX);
}

/* What came before the first block counts as like it. */
static void repeat_first(ecg_sqi_measures_t *measures) {
    for (uint32_t i = 1; i < ECG_SQI_BLOCKS; i++) {
        measures->blocks[i] = measures->blocks[0];
    }
}

static void find_largest(ecg_sqi_measures_t *measures) {
    int32_t largest[ECG_SQI_LARGEST] = {0};
    for (uint32_t i = 0; i < ECG_SQI_BLOCKS; i++) {
        int32_t range = measures->blocks[i].highest - measures->blocks[i].lowest;
        for (uint32_t k = 0; k < ECG_SQI_LARGEST; k++) {
            if (range > largest[k]) {
                const int32_t smaller = largest[k];
                largest[k] = range;
                range = smaller;
            }
        }
    }
    for (uint32_t k = 0; k < ECG_SQI_LARGEST; k++) {
        measures->largest[k] = (uint16_t)largest[k];
    }
}

static void close_block(ecg_sqi_measures_t *measures, uint16_t adu_per_mv) {
    const ecg_sqi_sums_t *sums = &measures->sums;
    ecg_sqi_block_t *block = &measures->blocks[measures->measured++ % ECG_SQI_BLOCKS];
    const int32_t rest = sums->rest_60 < sums->rest_50 ? sums->rest_60 : sums->rest_50;
    block->level = (int16_t)(sums->sum / ECG_SQI_BLOCK_SAMPLES);
    block->lowest = sums->lowest;
    block->highest = sums->highest;
    block->noise_slope = clip_uint16(sums->quietest / THIRD);
    block->mean_slope = clip_uint16(sums->all_slopes / ECG_SQI_BLOCK_SAMPLES);
    block->steepest = clip_uint16(sums->steepest / THIRD);
    const int32_t sum_q3 = sums->second_differences / 8;
    block->second_difference =
        clip_uint16(sum_q3 * ECG_SQI_UNITS_PER_MV / adu_per_mv / (ECG_SQI_BLOCK_SAMPLES / 8));
    block->hum = block->second_difference >= HUM_LEAST && rest < sums->second_differences / HUM_PURE;
    block->faults = sums->faults;
    if (measures->measured == 1) {
        repeat_first(measures);
    }
    find_largest(measures);
    measures->sums = (ecg_sqi_sums_t){0};
}

/* Marks the samples that wait and where a lead was off or the ADC at a rail; `first` is the oldest of them.
 */
static inline void mark_samples(ecg_sqi_measures_t *measures, uint32_t first, uint32_t count,
                                uint16_t adu_per_mv) {
    const uint32_t off = measures->leads_bits;
    set_bits(measures->leads_off, first, count, off);
    set_bits(measures->saturated, first, count, measure_samples(measures, count, adu_per_mv));
    if (off != 0) {
        measures->sums.faults |= ECG_CORE_FLAG_LEADS_OFF;
    }
}

void ecg_sqi_start(ecg_sqi_measures_t *measures, int16_t sample_adu) {
    measures->last = measures->before = measures->highest = measures->lowest = sample_adu;
}

void ecg_sqi_measure_together(ecg_sqi_measures_t *measures, const ecg_filter_t *filter, uint32_t first,
                              uint16_t adu_per_mv) {
    ecg_sqi_sums_t *sums = &measures->sums;
    if (sums->samples == 0) {
        sums->lowest = sums->highest = measures->samples[0];
    }
    mark_samples(measures, first, ECG_SQI_TOGETHER, adu_per_mv);
    measure_second_differences(measures);
    ecg_sqi_repetition_add(&measures->repetition, measure_slopes(measures, filter, first));
    measures->before = measures->samples[ECG_SQI_TOGETHER - 2];
    measures->last = measures->samples[ECG_SQI_TOGETHER - 1];
    measures->highest = sums->highest > measures->highest ? sums->highest : measures->highest;
    measures->lowest = sums->lowest < measures->lowest ? sums->lowest : measures->lowest;
    measures->leads_bits = 0;
    sums->samples = (uint8_t)(sums->samples + ECG_SQI_TOGETHER);
    if (sums->samples % THIRD == 0) {
        close_third(sums);
    }
    if (sums->samples == ECG_SQI_BLOCK_SAMPLES) {
        close_block(measures, adu_per_mv);
    }
}

void ecg_sqi_end(ecg_sqi_measures_t *measures, uint32_t index, uint16_t adu_per_mv) {
    if (measures->sums.samples == 0) {
        measures->sums.lowest = measures->sums.highest = measures->samples[0];
    }
    measures->waiting = (uint8_t)(index % ECG_SQI_TOGETHER);
    mark_samples(measures, index - measures->waiting, measures->waiting, adu_per_mv);
}

uint16_t ecg_sqi_window_flags(const ecg_sqi_measures_t *measures, uint32_t r_sample) {
    const uint32_t first = r_sample - ECG_CORE_WINDOW_PRE;
    const uint32_t count = ECG_CORE_WINDOW_PRE + ECG_CORE_WINDOW_POST;
    const bool leads_off = any_bit(measures->leads_off, first, count);
    const bool saturated = any_bit(measures->saturated, first, count);
    return (uint16_t)((leads_off ? ECG_CORE_FLAG_LEADS_OFF : 0u) |
                      (saturated ? ECG_CORE_FLAG_SATURATED : 0u));
}
