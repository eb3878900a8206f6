/* The signal path itself, with the decisions of the QRS classifier replaced; train.py calls it through
 * ctypes. */
#define ecg_qrs_classify decide
#include "src/ecg_core.c"
#undef ecg_qrs_classify

enum { NOISE = 0, BEAT = 1, OWN = 2 };

typedef struct {
    int16_t features[ECG_QRS_FEATURES];
    uint32_t at;
    int32_t energy;
    uint8_t beat;
} row_t;

static row_t *rows;
static long found, capacity;
static const uint8_t *told;

static bool is_beat(const ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue, uint8_t decision) {
    if (decision != OWN) {
        return decision == BEAT;
    }
    return !ecg_qrs_is_refractory(classifier, queue) && ecg_qrs_score(classifier->features) > 0;
}

/* In the place of ecg_qrs_classify: notes the candidate; it is a beat when the caller says so, or by the
 * score. */
ecg_qrs_decision_t decide(ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue,
                          const int16_t *history) {
    if (found == capacity) {
        return ECG_QRS_DECISION_NOISE;
    }
    row_t *row = &rows[found];
    row->at = ecg_queue_item(queue, 0)->at;
    row->energy = ecg_queue_item(queue, 0)->energy;
    memcpy(row->features, classifier->features, sizeof row->features);
    row->beat = is_beat(classifier, queue, told[found]);
    ecg_qrs_learn(classifier, queue, history, row->beat);
    found++;
    return row->beat ? ECG_QRS_DECISION_BEAT : ECG_QRS_DECISION_NOISE;
}

/* Candidates of a signal; `decisions`: one of NOISE, BEAT, OWN for each candidate. */
long classify_record(const int16_t *samples, long count, uint16_t adu_per_mv, const uint8_t *decisions,
                     row_t *result, long size) {
    static ecg_core_t core;
    ecg_core_beat_t beat;
    ecg_core_config_t config = ecg_core_default_config();
    config.adu_per_mv = adu_per_mv;
    if (ecg_core_init(&core, &config) != ECG_CORE_OK) {
        return -1;
    }
    rows = result;
    capacity = size;
    told = decisions;
    found = 0;
    for (long i = 0; i < count; i++) {
        (void)ecg_core_push(&core, samples[i], 0, &beat);
    }
    while (ecg_core_finish(&core, &beat) == ECG_CORE_BEAT) {
    }
    return found;
}
