#include "ecg_core/ecg_core.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "beat_window.h"
#include "detector.h"
#include "ecg_core/ecg_core_state.h"
#include "filters.h"
#include "quality.h"
#include "rhythm.h"

typedef char ecg_assert_state_fits[sizeof(ecg_core_t) <= ECG_CORE_STATE_MAX_BYTES ? 1 : -1];

/* All beats come this long after their R peak (794 ms): window and filters need 282 samples. */
#define DECISION_SAMPLES 286
#define PEAK_REACH 28 /* the R peak is the largest deflection within 78 ms of an energy peak or a mark */
#define HELD_SAMPLES (DECISION_SAMPLES + ECG_QUEUE_CANDIDATES) /* brings every waiting beat to its decision \
                                                                */

uint32_t ecg_core_state_bytes(void) {
    return (uint32_t)sizeof(ecg_core_t);
}

ecg_core_config_t ecg_core_default_config(void) {
    const ecg_core_config_t config = {ECG_CORE_FS_HZ, 200, ECG_CORE_PEAKS_DETECTED, 60};
    return config;
}

static bool config_valid(const ecg_core_config_t *config) {
    const bool peaks = config->peaks == ECG_CORE_PEAKS_DETECTED || config->peaks == ECG_CORE_PEAKS_MARKED;
    const bool mains = config->mains_hz == 0 || config->mains_hz == 50 || config->mains_hz == 60;
    const bool gain = config->adu_per_mv >= 20 && config->adu_per_mv <= 20000;
    return config->fs_hz == ECG_CORE_FS_HZ && peaks && mains && gain;
}

ecg_core_status_t ecg_core_init(ecg_core_t *core, const ecg_core_config_t *config) {
    if (core == NULL || config == NULL) return ECG_CORE_BAD_ARGUMENT;
    if (!config_valid(config)) return ECG_CORE_BAD_CONFIG;
    const ecg_core_config_t copy = *config; /* it may lie inside *core */
    memset(core, 0, sizeof *core);
    core->config = copy;
    core->end = UINT32_MAX;
    ecg_filter_init(&core->filter, &copy);
    ecg_detector_init(&core->detector);
    return ECG_CORE_OK;
}

/* A full queue drops the newest: that many peaks in 800 ms are noise. */
static bool enqueue(ecg_queue_t *queue, const ecg_candidate_t *candidate) {
    if (queue->count == ECG_QUEUE_CANDIDATES) return false;
    queue->items[queue->count++] = *candidate;
    return true;
}

static void dequeue(ecg_queue_t *queue) {
    queue->count--;
    queue->refined--;
    memmove(&queue->items[0], &queue->items[1], queue->count * sizeof queue->items[0]);
}

/* No R peak lies before the one in front of it: beats leave in the order of their peaks. */
static uint32_t earliest_peak(const ecg_core_t *core, uint32_t at) {
    const uint32_t first = at < PEAK_REACH ? 0 : at - PEAK_REACH;
    const uint32_t refined = core->queue.refined;
    const uint32_t before = refined > 0 ? core->queue.items[refined - 1].at : core->last_beat_at;
    return before > first ? before : first;
}

/* Moves the next candidate onto its R peak once the filtered signal around it is there. */
static void refine(ecg_core_t *core, uint32_t index) {
    ecg_queue_t *queue = &core->queue;
    if (queue->refined == queue->count) return;
    ecg_candidate_t *next = &queue->items[queue->refined];
    if (index - next->at < PEAK_REACH + ECG_FILTER_DELAY) return;
    const uint32_t last = next->at + PEAK_REACH;
    next->at = ecg_window_find_peak(core->history, earliest_peak(core, next->at),
                                    last < core->end ? last : core->end - 1);
    queue->refined++;
}

static uint16_t interval(const ecg_core_t *core, uint32_t r_sample) {
    if (!core->has_last_beat) return 0;
    const uint32_t rr = r_sample - core->last_beat_at;
    return (uint16_t)(rr > UINT16_MAX ? UINT16_MAX : rr);
}

static void learn(ecg_core_t *core, uint32_t deviation, const ecg_core_beat_t *beat) {
    const uint16_t bad = ECG_CORE_FLAG_FLAT | ECG_CORE_FLAG_LEADS_OFF | ECG_CORE_FLAG_SATURATED;
    const bool first = core->average.beats == 0;
    if ((beat->flags & bad) == 0 && (first || ecg_rhythm_regular(&core->rhythm, beat->rr_samples))) {
        ecg_template_learn(&core->average, deviation, beat);
    }
    ecg_rhythm_learn(&core->rhythm, beat->rr_samples);
    core->last_beat_at = beat->r_sample;
    core->has_last_beat = 1;
}

static void write_beat(ecg_core_t *core, uint32_t r_sample, uint16_t flags, ecg_core_beat_t *beat) {
    beat->r_sample = r_sample;
    beat->rr_samples = interval(core, r_sample);
    beat->flags = (uint16_t)(flags | ecg_quality_flags(&core->quality, r_sample));
    const uint32_t deviation = ecg_window_extract(core->history, beat);
    ecg_template_write(&core->average, beat);
    ecg_rhythm_write(&core->rhythm, beat->rr_samples, beat);
    ecg_template_compare(&core->average, deviation, beat);
    learn(core, deviation, beat);
}

static ecg_core_status_t decide(ecg_core_t *core, uint32_t index, ecg_core_beat_t *beat) {
    ecg_queue_t *queue = &core->queue;
    if (queue->refined == 0 || index - queue->items[0].at < DECISION_SAMPLES) return ECG_CORE_OK;
    ecg_verdict_t verdict = ECG_VERDICT_BEAT;
    if (core->config.peaks == ECG_CORE_PEAKS_DETECTED) {
        verdict = ecg_detector_judge(&core->detector, queue, core->rhythm.mean_q8 / 256);
    }
    const uint32_t r_sample = queue->items[0].at;
    dequeue(queue);
    if (verdict == ECG_VERDICT_NOISE || r_sample >= core->end) return ECG_CORE_OK;
    write_beat(core, r_sample, verdict == ECG_VERDICT_SEARCHBACK ? ECG_CORE_FLAG_SEARCHBACK : 0, beat);
    return ECG_CORE_BEAT;
}

static void detect(ecg_core_t *core, int16_t lowpass, uint32_t index) {
    ecg_candidate_t candidate;
    if (core->config.peaks != ECG_CORE_PEAKS_DETECTED) return;
    if (ecg_detector_push(&core->detector, lowpass, index, &candidate)) enqueue(&core->queue, &candidate);
}

static ecg_core_status_t step(ecg_core_t *core, int16_t sample_adu, ecg_core_beat_t *beat) {
    const uint32_t index = core->samples++;
    if (index == 0) ecg_filter_start(&core->filter, sample_adu);
    const ecg_filtered_t out = ecg_filter_push(&core->filter, sample_adu);
    core->history[(index - ECG_FILTER_DELAY) & (ECG_HISTORY_SAMPLES - 1)] = out.filtered;
    core->last_sample = sample_adu;
    detect(core, out.lowpass, index);
    refine(core, index);
    return decide(core, index, beat);
}

ecg_core_status_t ecg_core_push(ecg_core_t *core, int16_t sample_adu, uint8_t lead_flags,
                                ecg_core_beat_t *beat) {
    if (core == NULL || beat == NULL) return ECG_CORE_BAD_ARGUMENT;
    ecg_quality_push(&core->quality, core->samples, sample_adu, lead_flags, core->config.adu_per_mv);
    return step(core, sample_adu, beat);
}

ecg_core_status_t ecg_core_mark(ecg_core_t *core) {
    if (core == NULL) return ECG_CORE_BAD_ARGUMENT;
    if (core->config.peaks != ECG_CORE_PEAKS_MARKED || core->samples == 0) return ECG_CORE_BAD_MODE;
    const ecg_candidate_t candidate = {core->samples - 1, 0};
    return enqueue(&core->queue, &candidate) ? ECG_CORE_OK : ECG_CORE_BAD_MARK;
}

/* The last sample is held until the latest beat has its window; marks may also lie on the last sample. */
ecg_core_status_t ecg_core_finish(ecg_core_t *core, ecg_core_beat_t *beat) {
    if (core == NULL || beat == NULL) return ECG_CORE_BAD_ARGUMENT;
    if (core->held == 0) core->end = core->samples;
    while (core->held < HELD_SAMPLES) {
        core->held++;
        if (step(core, core->last_sample, beat) == ECG_CORE_BEAT) return ECG_CORE_BEAT;
    }
    return ECG_CORE_OK;
}

const char *ecg_core_status_text(ecg_core_status_t status) {
    switch (status) {
#define ECG_CORE_X(name, value, text) \
    case name:                        \
        return text;
        ECG_CORE_STATUS_LIST(ECG_CORE_X)
#undef ECG_CORE_X
    }
    return "unknown status";
}
