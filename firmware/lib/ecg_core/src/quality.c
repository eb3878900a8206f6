#include "quality.h"

#include <stdbool.h>

#define RAIL_REPEATS 8 /* 22 ms at one extreme value: an ADC at its rail, no R peak stands that still */

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

void ecg_quality_push(ecg_quality_t *quality, uint32_t index, int16_t sample_adu, uint8_t lead_flags,
                      uint16_t adu_per_mv) {
    const uint8_t off = lead_flags & (ECG_CORE_LEAD_OFF_PLUS | ECG_CORE_LEAD_OFF_MINUS);
    set_bit(quality->leads_off, index, off != 0);
    set_bit(quality->saturated, index, at_rail(quality, index, sample_adu, adu_per_mv));
}

uint16_t ecg_quality_flags(const ecg_quality_t *quality, uint32_t r_sample) {
    const uint32_t first = r_sample - ECG_CORE_WINDOW_PRE;
    const uint32_t count = ECG_CORE_WINDOW_PRE + ECG_CORE_WINDOW_POST;
    const bool leads_off = any_bit(quality->leads_off, first, count);
    const bool saturated = any_bit(quality->saturated, first, count);
    return (uint16_t)((leads_off ? ECG_CORE_FLAG_LEADS_OFF : 0u) |
                      (saturated ? ECG_CORE_FLAG_SATURATED : 0u));
}
