/* The signal path up to the judge, with its inputs laid open: train.py calls this through ctypes. */
#include "src/ecg_core.c"

enum { LIST = 0, TEACH = 1, JUDGE = 2 };

typedef struct {
    int16_t features[ECG_JUDGE_FEATURES];
    uint32_t at;
    int32_t energy;
    uint8_t beat;
} row_t;

static bool is_beat(ecg_core_t *core, int mode, bool truth, row_t *row) {
    if (mode == LIST) return false;
    ecg_judge_look(&core->judge, &core->queue);
    memcpy(row->features, core->judge.features, sizeof row->features);
    if (mode == TEACH) return truth;
    return !ecg_judge_refractory(&core->judge, &core->queue) && ecg_judge_score(row->features) > 0;
}

/* LIST: only candidates. TEACH: the truth is what the judge remembers. JUDGE: its own verdicts are. */
long judge_record(const int16_t *samples, long count, uint16_t adu_per_mv, int mode, const uint8_t *truth,
                  row_t *rows, long capacity) {
    static ecg_core_t core;
    ecg_core_config_t config = ecg_core_default_config();
    config.adu_per_mv = adu_per_mv;
    if (ecg_core_init(&core, &config) != ECG_CORE_OK) return -1;
    ecg_filter_start(&core.filter, samples[0]);
    long found = 0;
    int busy = 0; /* as in work(): the samples after a verdict go into the beat */
    for (uint32_t index = 0; index < (uint32_t)count + HELD_SAMPLES && found < capacity; index++) {
        if (index == (uint32_t)count) core.end = index;
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
            if (!refine(&core, index) && !match(&core, index)) describe(&core);
            continue;
        }
        row_t *row = &rows[found];
        row->at = oldest->at;
        row->energy = oldest->energy;
        row->beat = is_beat(&core, mode, truth != NULL && truth[found] != 0, row);
        if (mode != LIST) ecg_judge_learn(&core.judge, &core.queue, core.history, row->beat);
        ecg_queue_drop(&core.queue);
        busy = row->beat ? STAGES - 1 : 1;
        found++;
    }
    return found;
}
