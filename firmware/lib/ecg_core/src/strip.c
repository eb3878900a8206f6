#include <stddef.h>
#include <string.h>

#include "config.h"
#include "ecg_base/int_math.h"
#include "ecg_base/static_assert.h"
#include "ecg_core/ecg_strip.h"
#include "input.h"
#include "resample.h"
#include "strip_baseline.h"

ECG_STATIC_ASSERT(sizeof(ecg_strip_t) <= ECG_STRIP_STATE_MAX_BYTES, strip_fits);

#define DECIMATION (ECG_CORE_FS_HZ / ECG_STRIP_FS_HZ)
#define EVERY_POINTS (ECG_STRIP_EVERY_SECONDS * ECG_STRIP_FS_HZ)
/* A record of 10 s brings a strip at every rate, although the resampler keeps its last samples. */
#define SPARE_POINTS 10
#define STEP_BITS 4 /* 800 units a millivolt to 50 steps */

ECG_STATIC_ASSERT(ECG_INPUT_UNITS_PER_MV == ECG_STRIP_STEPS_PER_MV << STEP_BITS, steps_fit);

/* Middle to end of the symmetric low-pass, Q15: firwin(57, 38, window=("kaiser", 4.2), fs=360) of scipy, the
 * middle rounded so that the whole adds up to 1. Flat within 0.12 dB to 30 Hz, -28 dB at 45 Hz, less than
 * -50 dB from 48 Hz on: of what lies above 45 Hz, only a rest of 42 to 48 Hz is mirrored into the strip. */
/* clang-format off */
static const int16_t LOW_PASS[ECG_STRIP_TAPS / 2 + 1] = {
    6930, 6419, 5023, 3116, 1181, -342, -1189, -1326, -930, -296,
    281, 602, 610, 382, 64, -199, -318, -283, -148, 7,
    116, 148, 113, 45, -17, -50, -51, -31, -8};
/* clang-format on */

ecg_core_status_t ecg_strip_init(ecg_strip_t *strip, const ecg_core_config_t *config) {
    if (strip == NULL || config == NULL) {
        return ECG_CORE_BAD_ARGUMENT;
    }
    if (!ecg_core_config_valid(config)) {
        return ECG_CORE_BAD_CONFIG;
    }
    memset(strip, 0, sizeof *strip);
    ecg_resample_init(&strip->resample, config->fs_hz);
    ecg_input_init(&strip->input, config->adu_per_mv);
    strip->until_due = ECG_STRIP_POINTS - SPARE_POINTS;
    return ECG_CORE_OK;
}

static uint32_t next(uint32_t at, uint32_t size) {
    return at + 1 == size ? 0 : at + 1;
}

/* The low-pass over the last samples; the filter is symmetric, so the oldest sample may come first. */
static int16_t low_pass(const ecg_strip_t *strip) {
    int32_t sum = 0;
    uint32_t from = strip->tap_at;
    for (int32_t i = -(ECG_STRIP_TAPS / 2); i <= ECG_STRIP_TAPS / 2; i++) {
        sum += strip->taps[from] * LOW_PASS[i < 0 ? -i : i];
        from = next(from, ECG_STRIP_TAPS);
    }
    return ecg_clip_int16(ecg_shift_round(sum, 15));
}

static bool add_point(ecg_strip_t *strip, int16_t point) {
    strip->points[strip->point_at] = point;
    strip->point_at = (uint16_t)next(strip->point_at, ECG_STRIP_POINTS);
    if (--strip->until_due != 0) {
        return false;
    }
    strip->until_due = EVERY_POINTS;
    return true;
}

/* One sample at 360 Hz; every fourth brings a point. */
static bool step(ecg_strip_t *strip, int16_t sample_adu) {
    if (strip->samples == 0) {
        ecg_input_start(&strip->input, sample_adu);
    }
    const int32_t scaled = ecg_input_scale(&strip->input, sample_adu);
    strip->taps[strip->tap_at] = ecg_clip_int16(ecg_shift_round(scaled, ECG_INPUT_FRACTION_BITS));
    strip->tap_at = (uint8_t)next(strip->tap_at, ECG_STRIP_TAPS);
    return ++strip->samples % DECIMATION == 0 && add_point(strip, low_pass(strip));
}

bool ecg_strip_push(ecg_strip_t *strip, int16_t sample_adu) {
    if (!ecg_resample_needed(&strip->resample)) {
        return step(strip, sample_adu);
    }
    ecg_resampled_t out[ECG_RESAMPLE_MOST];
    const uint32_t count = ecg_resample_push(&strip->resample, sample_adu, 0, out);
    bool due = false;
    for (uint32_t i = 0; i < count; i++) {
        due |= step(strip, out[i].sample_adu);
    }
    return due;
}

void ecg_strip_read(const ecg_strip_t *strip, int8_t *out) {
    ecg_baseline_t baseline;
    ecg_baseline_start(&baseline, strip);
    for (uint32_t i = 0; i < ECG_STRIP_POINTS; i++) {
        const int32_t level = ecg_baseline_point(strip, (int32_t)i) - ecg_baseline_level(&baseline);
        out[i] = ecg_clip_int8(ecg_shift_round(level, STEP_BITS));
        ecg_baseline_next(&baseline, strip);
    }
}
