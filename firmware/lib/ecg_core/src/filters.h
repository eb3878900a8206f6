/* From ADC units to the filtered signal. */
#ifndef ECG_CORE_FILTERS_H
#define ECG_CORE_FILTERS_H

#include <stdbool.h>

#include "ecg_base/int_math.h"
#include "ecg_core/ecg_core_state.h"
#include "input.h"

/* The low-pass output is this many samples late (notch and low-pass), the filtered signal this many. */
#define ECG_FILTER_LOWPASS_DELAY 2
#define ECG_FILTER_DELAY (ECG_FILTER_LOWPASS_DELAY + ECG_FILTER_BASELINE_TAPS / 2)

/* One unit of the filtered signal: 900 a millivolt. */
#define ECG_FILTER_UNITS_PER_MV 900

/* Notch: zeros on the unit circle at the mains frequency, poles behind them at radius 0.9 (11 Hz wide,
 * rings for 30 ms). The gain makes slow signals pass unchanged: (1 - 0.9 c + 0.81) / (2 - c), c = 2 cos. */
#define ECG_FILTER_POLE_RADIUS_Q14 14746
#define ECG_FILTER_POLE_RADIUS_SQUARED_Q14 13271
#define ECG_FILTER_TWO_COS_60HZ_Q14 16384 /* 2 cos(60 deg) */
#define ECG_FILTER_TWO_COS_50HZ_Q14 21063 /* 2 cos(50 deg) */
#define ECG_FILTER_GAIN_60HZ_Q14 14909
#define ECG_FILTER_GAIN_50HZ_Q14 14975

typedef struct {
    int16_t lowpass;  /* mains and muscle noise removed, baseline not */
    int16_t filtered; /* baseline removed too */
} ecg_filtered_t;

void ecg_filter_init(ecg_filter_t *filter, const ecg_core_config_t *config);

/* Set the level at which the filters rest: the first sample. */
void ecg_filter_start(ecg_filter_t *filter, int16_t sample_adu);

/* Low-pass output with sample `index`, one of the last ECG_FILTER_LOWPASS. */
static inline int16_t ecg_filter_lowpass(const ecg_filter_t *filter, uint32_t index) {
    return filter->lowpass[index % ECG_FILTER_LOWPASS];
}

/* One form for each frequency, with its constants. At 60 Hz 2 cos is 1. */
static inline int32_t ecg_filter_notch(ecg_filter_t *filter, int32_t x, int32_t cos_q14, int32_t gain_q14) {
    const int32_t x1 = filter->notch_x[0], y1 = filter->taps[3];
    const bool is_one = cos_q14 == ECG_FILTER_TWO_COS_60HZ_Q14;
    const int32_t zeros = x + filter->notch_x[1] - (is_one ? x1 : ecg_multiply_shift(x1, cos_q14, 14));
    const int32_t pole = is_one ? y1 : ecg_multiply_shift(y1, cos_q14, 14);
    const int64_t sum = (int64_t)zeros * gain_q14 + (int64_t)pole * ECG_FILTER_POLE_RADIUS_Q14 -
                        (int64_t)filter->taps[2] * ECG_FILTER_POLE_RADIUS_SQUARED_Q14;
    filter->notch_x[1] = x1;
    filter->notch_x[0] = x;
    return (int32_t)((sum + (1 << 13)) >> 14); /* the recursion rounds ECG_INPUT_FRACTION_BITS below a unit */
}

static inline int32_t ecg_filter_remove_mains(ecg_filter_t *filter, int32_t x) {
    if (filter->notch_cos_q14 == ECG_FILTER_TWO_COS_60HZ_Q14) {
        return ecg_filter_notch(filter, x, ECG_FILTER_TWO_COS_60HZ_Q14, ECG_FILTER_GAIN_60HZ_Q14);
    }
    return filter->notch_cos_q14 == 0
               ? x
               : ecg_filter_notch(filter, x, ECG_FILTER_TWO_COS_50HZ_Q14, ECG_FILTER_GAIN_50HZ_Q14);
}

/* 1 2 3 2 1, two moving sums of three: -3 dB at 40 Hz, linear phase, delay two samples. Gain 9 / 8. */
static inline int16_t ecg_filter_remove_muscle_noise(ecg_filter_t *filter, int32_t x) {
    int32_t *t = filter->taps;
    const int32_t sum = t[0] + 2 * t[1] + 3 * t[2] + 2 * t[3] + x;
    t[0] = t[1], t[1] = t[2], t[2] = t[3], t[3] = x;
    return ecg_clip_int16(ecg_shift_round(sum, 3 + ECG_INPUT_FRACTION_BITS));
}

/* The middle of the last 669 ms minus their mean: -15 dB at 0.5 Hz, -3 dB at 1.1 Hz, no phase distortion. */
static inline int16_t ecg_filter_remove_baseline(ecg_filter_t *filter, int16_t newest, uint32_t index) {
    const uint32_t taps = ECG_FILTER_BASELINE_TAPS;
    filter->lowpass[index % ECG_FILTER_LOWPASS] = newest;
    filter->baseline_sum += newest - ecg_filter_lowpass(filter, index - taps);
    /* To the nearest; odd taps leave no halves. Made positive, since that is divided faster. */
    const uint32_t mean = ((uint32_t)filter->baseline_sum + taps / 2 - (uint32_t)INT16_MIN * taps) / taps;
    return ecg_clip_int16(ecg_filter_lowpass(filter, index - taps / 2) - ((int32_t)mean + INT16_MIN));
}

/* Take sample `index`. */
static inline ecg_filtered_t ecg_filter_push(ecg_filter_t *filter, int16_t sample_adu, uint32_t index) {
    ecg_filtered_t out;
    const int32_t x = ecg_filter_remove_mains(filter, ecg_input_scale(&filter->input, sample_adu));
    out.lowpass = ecg_filter_remove_muscle_noise(filter, x);
    out.filtered = ecg_filter_remove_baseline(filter, out.lowpass, index);
    return out;
}

#endif
