/* Slow baseline of a strip: around each point the mean of 2 s under a triangle, which every heart rate above
 * 40 a minute leaves flat within some ten microvolts, so that no ST segment is bent. -6 dB at 0.44 Hz.
 * Outside of the strip its ends are mirrored. */
#ifndef ECG_CORE_STRIP_BASELINE_H
#define ECG_CORE_STRIP_BASELINE_H

#include "ecg_core/ecg_strip.h"

typedef struct {
    int32_t at;       /* point that the sums belong to */
    int32_t weighted; /* sum under the triangle */
    int32_t behind;   /* sum of this point and of those behind it, which lose weight with the next point */
    int32_t ahead;    /* sum of the points ahead, which gain weight */
} ecg_baseline_t;

/* Point `index` of the strip, 0 the oldest; mirrored where it lies outside. */
int32_t ecg_baseline_point(const ecg_strip_t *strip, int32_t index);

void ecg_baseline_start(ecg_baseline_t *baseline, const ecg_strip_t *strip);

int32_t ecg_baseline_level(const ecg_baseline_t *baseline);

void ecg_baseline_next(ecg_baseline_t *baseline, const ecg_strip_t *strip);

#endif
