#include "filters.h"

#include <stdbool.h>
#include <string.h>

#include "ecg_base/int_math.h"
#include "input.h"

#define NOTCH_FRACTION_BITS ECG_INPUT_FRACTION_BITS /* the recursion rounds this far below one unit */

/* Notch: zeros on the unit circle at the mains frequency, poles behind them at radius 0.9 (11 Hz wide,
 * rings for 30 ms). The gain makes slow signals pass unchanged: (1 - 0.9 c + 0.81) / (2 - c), c = 2 cos. */
#define POLE_RADIUS_Q14 14746
#define POLE_RADIUS_SQUARED_Q14 13271
#define TWO_COS_60HZ_Q14 16384 /* 2 cos(60 deg) */
#define TWO_COS_50HZ_Q14 21063 /* 2 cos(50 deg) */
#define GAIN_60HZ_Q14 14909
#define GAIN_50HZ_Q14 14975

void ecg_filter_init(ecg_filter_t *filter, const ecg_core_config_t *config) {
    memset(filter, 0, sizeof *filter);
    ecg_input_init(&filter->input, config->adu_per_mv);
    if (config->mains_hz == 60) {
        filter->notch_cos_q14 = TWO_COS_60HZ_Q14;
    }
    if (config->mains_hz == 50) {
        filter->notch_cos_q14 = TWO_COS_50HZ_Q14;
    }
}

void ecg_filter_start(ecg_filter_t *filter, int16_t sample_adu) {
    ecg_input_start(&filter->input, sample_adu);
}

/* One form for each frequency, with its constants. At 60 Hz 2 cos is 1. */
static inline int32_t notch(ecg_filter_t *filter, int32_t x, int32_t cos_q14, int32_t gain_q14) {
    const int32_t x1 = filter->notch_x[0], y1 = filter->notch_y[0];
    const bool is_one = cos_q14 == TWO_COS_60HZ_Q14;
    const int32_t zeros = x + filter->notch_x[1] - (is_one ? x1 : ecg_multiply_shift(x1, cos_q14, 14));
    const int32_t pole = is_one ? y1 : ecg_multiply_shift(y1, cos_q14, 14);
    const int64_t sum = (int64_t)zeros * gain_q14 + (int64_t)pole * POLE_RADIUS_Q14 -
                        (int64_t)filter->notch_y[1] * POLE_RADIUS_SQUARED_Q14;
    const int32_t y = (int32_t)((sum + (1 << 13)) >> 14);
    filter->notch_x[1] = x1;
    filter->notch_x[0] = x;
    filter->notch_y[1] = y1;
    filter->notch_y[0] = y;
    return y;
}

static int32_t remove_mains(ecg_filter_t *filter, int32_t x) {
    if (filter->notch_cos_q14 == TWO_COS_60HZ_Q14) {
        return notch(filter, x, TWO_COS_60HZ_Q14, GAIN_60HZ_Q14);
    }
    return filter->notch_cos_q14 == 0 ? x : notch(filter, x, TWO_COS_50HZ_Q14, GAIN_50HZ_Q14);
}

/* 1 2 3 2 1, two moving sums of three: -3 dB at 40 Hz, linear phase, delay two samples. Gain 9 / 8. */
static int16_t remove_muscle_noise(ecg_filter_t *filter, int32_t x) {
    int32_t *t = filter->taps;
    const int32_t sum = t[0] + 2 * t[1] + 3 * t[2] + 2 * t[3] + x;
    t[0] = t[1], t[1] = t[2], t[2] = t[3], t[3] = x;
    return ecg_clip_int16(ecg_shift_round(sum, 3 + NOTCH_FRACTION_BITS));
}

/* The middle of the last 669 ms minus their mean: -15 dB at 0.5 Hz, -3 dB at 1.1 Hz, no phase distortion. */
static int16_t remove_baseline(ecg_filter_t *filter, int16_t x) {
    const uint16_t at = filter->baseline_at;
    filter->baseline_sum += x - filter->baseline[at];
    filter->baseline[at] = x;
    filter->baseline_at = (uint16_t)(at + 1 == ECG_FILTER_BASELINE_TAPS ? 0 : at + 1);
    const unsigned half = ECG_FILTER_BASELINE_TAPS / 2;
    const int32_t middle = filter->baseline[at >= half ? at - half : at + half + 1];
    return ecg_clip_int16(middle - ecg_divide(filter->baseline_sum, ECG_FILTER_BASELINE_TAPS));
}

ecg_filtered_t ecg_filter_push(ecg_filter_t *filter, int16_t sample_adu) {
    ecg_filtered_t out;
    out.lowpass =
        remove_muscle_noise(filter, remove_mains(filter, ecg_input_scale(&filter->input, sample_adu)));
    out.filtered = remove_baseline(filter, out.lowpass);
    return out;
}
