/* The signal path up to the QRS classifier, with its features exposed; train.py calls it through ctypes. */
#include "src/ecg_core.c"

enum { LIST = 0, TEACH = 1, CLASSIFY = 2 };

typedef struct {
    int16_t features[ECG_QRS_FEATURES];
    uint32_t at;
    int32_t energy;
    uint8_t beat;
} row_t;

static bool is_beat(ecg_core_t *core, int mode, bool truth, row_t *row) {
    if (mode == LIST) {
        return false;
    }
    ecg_qrs_extract_features(&core->qrs_classifier, &core->queue);
    memcpy(row->features, core->qrs_classifier.features, sizeof row->features);
    if (mode == TEACH) {
        return truth;
    }
    return !ecg_qrs_is_refractory(&core->qrs_classifier, &core->queue) && ecg_qrs_score(row->features) > 0;
}

/* LIST: candidates only. TEACH: the classifier learns the annotated beats. CLASSIFY: it learns its own
 * decisions. */
long classify_record(const int16_t *samples, long count, uint16_t adu_per_mv, int mode, const uint8_t *truth,
                     row_t *rows, long capacity) {
    static ecg_core_t core;
    ecg_core_config_t config = ecg_core_default_config();
    config.adu_per_mv = adu_per_mv;
    if (ecg_core_init(&core, &config) != ECG_CORE_OK) {
        return -1;
    }
    ecg_filter_start(&core.filter, samples[0]);
    long found = 0;
    int busy = 0; /* as in run_stage(): the samples after a decision complete the beat */
    for (uint32_t index = 0; index < (uint32_t)count + HELD_SAMPLES && found < capacity; index++) {
        if (index == (uint32_t)count) {
            core.end = index;
        }
        const ecg_filtered_t out =
            ecg_filter_push(&core.filter, samples[index < core.end ? index : core.end - 1]);
        core.history[(index - ECG_FILTER_DELAY) & (ECG_HISTORY_SAMPLES - 1)] = out.filtered;
        ecg_detector_push(&core.detector, out.lowpass, index, &core.queue);
        if (busy > 0) {
            busy--;
            continue;
        }
        const ecg_candidate_t *oldest = ecg_queue_item(&core.queue, 0);
        if (core.queue.described == 0 || index - oldest->at < DECISION_SAMPLES) {
            if (!refine(&core, index) && !match_templates(&core, index)) {
                describe(&core);
            }
            continue;
        }
        row_t *row = &rows[found];
        row->at = oldest->at;
        row->energy = oldest->energy;
        row->beat = is_beat(&core, mode, truth != NULL && truth[found] != 0, row);
        if (mode != LIST) {
            ecg_qrs_learn(&core.qrs_classifier, &core.queue, core.history, row->beat);
        }
        ecg_queue_drop(&core.queue);
        busy = row->beat ? STAGES - 1 : 1;
        found++;
    }
    return found;
}
