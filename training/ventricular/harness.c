/* Decisions of the ventricular rhythm detector on a whole signal, with the features that led to them.
 * train.py compiles it with other weights. */
#include <string.h>

#include "ecg_core/ecg_core_state.h"
#include "filters.h"
#include "resample.h"
#include "ventricular.h"
#include "ventricular_features.h"

typedef struct {
    uint32_t until; /* these count samples at 360 Hz */
    uint32_t since;
    int32_t score_q8;
    int32_t peak_to_peak_uv;
    int16_t features[ECG_VENTRICULAR_FEATURES];
    uint16_t rate;
    uint8_t kind;
} row_t;

typedef struct {
    ecg_resample_t resample;
    ecg_filter_t filter;
    ecg_ventricular_t detector;
    uint32_t samples;
} path_t;

static void write_row(const ecg_ventricular_t *detector, row_t *row) {
    row->until = detector->decided * 4 - ECG_FILTER_DELAY;
    row->since = detector->since > 0 ? detector->since * 4 - ECG_FILTER_DELAY : 0;
    row->score_q8 = detector->score_q8;
    row->peak_to_peak_uv = ecg_ventricular_peak_to_peak_uv(detector);
    row->rate = detector->rate;
    row->kind = detector->kind;
    memcpy(row->features, detector->features, sizeof row->features);
}

/* Returns 1 when a row was written. */
static int step(path_t *path, int16_t sample_adu, row_t *row) {
    const uint32_t before = path->detector.decided;
    const uint32_t index = path->samples++;
    if (index == 0) {
        ecg_filter_start(&path->filter, sample_adu);
    }
    ecg_ventricular_push(&path->detector, ecg_filter_push(&path->filter, sample_adu, index).filtered);
    if (path->samples % ECG_VENTRICULAR_DECIMATION == 0) {
        ecg_ventricular_keep(&path->detector);
    }
    ecg_ventricular_work(&path->detector, true);
    if (path->detector.decided == before) {
        return 0;
    }
    write_row(&path->detector, row);
    return 1;
}

/* rows: one for every second of the signal. Returns how many were written. */
long decide_record(const int16_t *samples, long count, const ecg_core_config_t *config, row_t *rows) {
    static path_t path;
    long written = 0;
    memset(&path, 0, sizeof path);
    ecg_resample_init(&path.resample, config->fs_hz);
    ecg_filter_init(&path.filter, config);
    for (long i = 0; i < count; i++) {
        ecg_resampled_t out[ECG_RESAMPLE_MOST] = {{samples[i], 0}};
        const uint32_t brought =
            ecg_resample_needed(&path.resample) ? ecg_resample_push(&path.resample, samples[i], 0, out) : 1;
        for (uint32_t k = 0; k < brought; k++) {
            written += step(&path, out[k].sample_adu, rows + written);
        }
    }
    return written;
}
