/* Features of the ventricular rhythm detector from a whole record, for training. Compiled by train.py. */
#include "ecg_core/ecg_core_state.h"
#include "filters.h"
#include "resample.h"
#include "ventricular.h"
#include "ventricular_features.h"
#include <string.h>

typedef struct {
    uint32_t until; /* sample at 360 Hz after the window's last */
    int16_t peak_to_peak_uv; /* of the window */
    int16_t features[ECG_VENTRICULAR_FEATURES];
} row_t;

static ecg_ventricular_t state;
static ecg_filter_t filter;
static ecg_resample_t resample;
static int64_t sum;

static void take(int16_t sample, long *count, row_t *rows, long hop) {
    static uint32_t n, t;
    if (count == NULL) { n = 0; t = 0; sum = 0; return; }
    if (n == 0) ecg_filter_start(&filter, sample);
    n++;
    ecg_filtered_t out = ecg_filter_push(&filter, sample);
    sum += out.filtered;
    if (n % 4) return;
    state.samples[t++ & (ECG_VENTRICULAR_SAMPLES - 1)] = (int16_t)(sum / 4);
    sum = 0;
    if (t < 450 || t % hop) return;
    state.window_end = t;
    for (uint32_t b = 0; b < 8; b++) ecg_ventricular_measure(&state, b);
    for (uint32_t b = 0; b < 8; b++) ecg_ventricular_count(&state, b);
    for (uint32_t k = 0; k < ECG_VENTRICULAR_LAGS; k++) ecg_ventricular_correlate(&state, k);
    ecg_ventricular_describe_sums(&state);
    ecg_ventricular_describe_counts(&state);
    ecg_ventricular_describe_correlation(&state);
    row_t *row = rows + (*count)++;
    row->until = n - ECG_FILTER_DELAY;
    row->peak_to_peak_uv = (int16_t)((state.sums.highest - state.sums.lowest) * 1000 / 900 > 32000 ? 32000 : (state.sums.highest - state.sums.lowest) * 1000 / 900);
    memcpy(row->features, state.features, sizeof row->features);
}

long features_of(const int16_t *samples, long n, uint16_t fs, uint16_t gain, int mains, long hop, row_t *rows) {
    const ecg_core_config_t config = {fs, gain, 0, (uint8_t)mains};
    long count = 0;
    memset(&state, 0, sizeof state);
    take(0, NULL, NULL, 0);
    ecg_resample_init(&resample, fs);
    ecg_filter_init(&filter, &config);
    for (long i = 0; i < n; i++) {
        if (!ecg_resample_needed(&resample)) { take(samples[i], &count, rows, hop); continue; }
        ecg_resampled_t out[ECG_RESAMPLE_MOST];
        const uint32_t m = ecg_resample_push(&resample, samples[i], 0, out);
        for (uint32_t k = 0; k < m; k++) take(out[k].sample_adu, &count, rows, hop);
    }
    return count;
}
