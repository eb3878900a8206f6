#include "sqi_measures.h"

#include <stdbool.h>
#include <stdlib.h>

#include "ecg_base/int_math.h"
#include "sqi_repetition.h"

#define RAIL_REPEATS 8 /* 22 ms at one extreme value: an ADC at its rail, no R peak stands that still */
#define THIRD 24       /* slopes are summed over thirds of a block: 67 ms, a QRS complex leaves one free */
#define TWO_COS_50HZ_Q8 329  /* 2 cos(50 deg) */
#define RAIL_FAULT 108       /* 300 ms at a rail are a fault; waves that are cut off are none */
#define HUM_LEAST 17         /* mean second difference in units: hum of 0.035 mV at 60 Hz, 0.05 mV at 50 Hz */
#define LEADS_OFF_SAMPLES 36 /* 100 ms */
#define LEADS_ON_SAMPLES 180 /* 500 ms */
#define HUM_PURE 3           /* hum: a filter at its frequency removes two thirds of the second differences */

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
static bool at_rail(ecg_sqi_measures_t *measures, uint32_t index, int16_t sample_adu, uint16_t adu_per_mv) {
    if (index == 0) {
        measures->highest = measures->lowest = sample_adu;
    }
    if (sample_adu > measures->highest) {
        measures->highest = sample_adu;
    }
    if (sample_adu < measures->lowest) {
        measures->lowest = sample_adu;
    }
    const bool same = index != 0 && sample_adu == measures->last;
    measures->repeats = (uint16_t)(!same ? 1 : measures->repeats + (measures->repeats < RAIL_FAULT));
    measures->last = sample_adu;
    const bool spread = measures->highest - measures->lowest >= adu_per_mv; /* not a flat line's noise */
    const bool extreme = sample_adu == measures->highest || sample_adu == measures->lowest;
    return spread && extreme && measures->repeats >= RAIL_REPEATS;
}

/* The second difference lets hum and muscle noise through (60 Hz unchanged) and holds QRS complexes back. A
 * filter x[n] - 2 cos x[n - 1] + x[n - 2] then tells how much of it is at 60 or at 50 Hz. */
static void measure_second_difference(ecg_sqi_measures_t *measures, int16_t sample_adu) {
    ecg_sqi_sums_t *sums = &measures->sums;
    const int32_t second_difference = sample_adu - 2 * measures->last + measures->before;
    const int32_t around = second_difference + measures->second_difference_before;
    sums->second_differences += abs(second_difference);
    sums->rest_60 += abs(around - measures->second_difference);
    sums->rest_50 += abs(around - ((measures->second_difference * TWO_COS_50HZ_Q8) >> 8));
    measures->second_difference_before = measures->second_difference;
    measures->second_difference = second_difference;
}

static void measure_slope(ecg_sqi_measures_t *measures, uint32_t index, int16_t lowpass) {
    ecg_sqi_sums_t *sums = &measures->sums;
    int16_t *oldest = &measures->lowpass[index % ECG_SQI_SLOPE_SAMPLES];
    sums->slopes += abs(lowpass - *oldest);
    *oldest = lowpass;
    if (sums->samples % THIRD != 0) {
        return;
    }
    if (sums->samples == THIRD || sums->slopes < sums->quietest) {
        sums->quietest = sums->slopes;
    }
    if (sums->slopes > sums->steepest) {
        sums->steepest = sums->slopes;
    }
    sums->all_slopes += sums->slopes;
    sums->slopes = 0;
}

static void measure_level(ecg_sqi_sums_t *sums, int16_t sample_adu) {
    if (sums->samples == 1 || sample_adu < sums->lowest) {
        sums->lowest = sample_adu;
    }
    if (sums->samples == 1 || sample_adu > sums->highest) {
        sums->highest = sample_adu;
    }
    sums->sum += sample_adu;
}

/* Leads are off after 100 ms without contact, and on again after 500 ms with it. */
static void follow_leads(ecg_sqi_measures_t *measures, uint32_t index, bool off) {
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
    measures->sums = (ecg_sqi_sums_t){0};
}

void ecg_sqi_measure(ecg_sqi_measures_t *measures, uint32_t index, int16_t sample_adu, uint8_t lead_flags,
                     int16_t lowpass, uint16_t adu_per_mv) {
    if (index == 0) {
        measures->last = measures->before = sample_adu;
    }
    const bool off = (lead_flags & (ECG_CORE_LEAD_OFF_PLUS | ECG_CORE_LEAD_OFF_MINUS)) != 0;
    const int16_t before = measures->last;
    measures->sums.samples++;
    measure_second_difference(measures, sample_adu);
    measure_slope(measures, index, lowpass);
    measure_level(&measures->sums, sample_adu);
    ecg_sqi_repetition_push(&measures->repetition, lowpass);
    const bool rail = at_rail(measures, index, sample_adu, adu_per_mv);
    measures->before = before;
    set_bit(measures->leads_off, index, off);
    follow_leads(measures, index, off);
    set_bit(measures->saturated, index, rail);
    if (off) {
        measures->sums.faults |= ECG_CORE_FLAG_LEADS_OFF;
    }
    if (rail && measures->repeats >= RAIL_FAULT) {
        measures->sums.faults |= ECG_CORE_FLAG_SATURATED;
    }
    if (measures->sums.samples == ECG_SQI_BLOCK_SAMPLES) {
        close_block(measures, adu_per_mv);
    }
}

uint16_t ecg_sqi_window_flags(const ecg_sqi_measures_t *measures, uint32_t r_sample) {
    const uint32_t first = r_sample - ECG_CORE_WINDOW_PRE;
    const uint32_t count = ECG_CORE_WINDOW_PRE + ECG_CORE_WINDOW_POST;
    const bool leads_off = any_bit(measures->leads_off, first, count);
    const bool saturated = any_bit(measures->saturated, first, count);
    return (uint16_t)((leads_off ? ECG_CORE_FLAG_LEADS_OFF : 0u) |
                      (saturated ? ECG_CORE_FLAG_SATURATED : 0u));
}
