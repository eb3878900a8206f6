#include "ecg_core/ecg_core.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "beat_window.h"
#include "detector.h"
#include "ecg_core/ecg_core_state.h"
#include "filters.h"
#include "judge.h"
#include "quality.h"
#include "queue.h"
#include "rhythm.h"

typedef char ecg_assert_state_fits[sizeof(ecg_core_t) <= ECG_CORE_STATE_MAX_BYTES ? 1 : -1];

/* What a beat goes through after the verdict, one sample each. */
enum { STAGE_NONE, STAGE_EXTRACT, STAGE_COMPARE, STAGE_LEARN, STAGES };

/* The verdict comes this long after the R peak, the beat two samples later: 800 ms. Window and filters need
 * 282. */
#define DECISION_SAMPLES 286
#define PEAK_REACH 28 /* the R peak is the largest deflection within 78 ms of an energy peak or a mark */
#define END_GUARD 18  /* 50 ms: half a QRS complex must be there */
#define HELD_SAMPLES (DECISION_SAMPLES + STAGES * ECG_QUEUE_CANDIDATES) /* brings every waiting beat out */

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
    return ECG_CORE_OK;
}

static bool detects(const ecg_core_t *core) {
    return core->config.peaks == ECG_CORE_PEAKS_DETECTED;
}

/* Where the R peak is: the largest deflection nearby, but not before the one in front, so that beats leave in
 * the order of their peaks, and not after the last real sample. */
static uint32_t find_r_peak(const ecg_core_t *core, uint32_t at) {
    uint32_t first = at < PEAK_REACH ? 0 : at - PEAK_REACH;
    if (core->queue.latest_at > first) first = core->queue.latest_at;
    const uint32_t last = at + PEAK_REACH;
    return ecg_window_find_peak(core->history, first, last < core->end ? last : core->end - 1);
}

/* Moves the next candidate onto its R peak once the filtered signal around it is there. */
static bool refine(ecg_core_t *core, uint32_t index) {
    ecg_queue_t *queue = &core->queue;
    if (queue->refined == queue->count) return false;
    ecg_candidate_t *next = ecg_queue_change(queue, queue->refined);
    if (index - next->energy_at < PEAK_REACH + ECG_DETECTOR_REACH + ECG_FILTER_DELAY) return false;
    next->at = queue->latest_at = find_r_peak(core, next->energy_at);
    queue->refined++;
    return true;
}

/* Describes the next refined candidate; marks need no description. */
static void describe(ecg_core_t *core) {
    ecg_queue_t *queue = &core->queue;
    if (queue->described == queue->refined) return;
    ecg_candidate_t *next = ecg_queue_change(queue, queue->described++);
    if (detects(core)) ecg_detector_describe(&core->detector, core->history, next);
}

/* A detected peak at the very end may be the step to the held sample. Marks are the caller's word. */
static bool cut_off(const ecg_core_t *core, uint32_t r_sample) {
    return detects(core) && core->end - r_sample < END_GUARD;
}

/* Takes the oldest candidate out of the queue when its time has come, and starts its beat if it is one. */
static bool decide(ecg_core_t *core, uint32_t index) {
    ecg_queue_t *queue = &core->queue;
    const uint32_t r_sample = ecg_queue_item(queue, 0)->at;
    if (queue->described == 0 || index - r_sample < DECISION_SAMPLES) return false;
    const ecg_verdict_t verdict = detects(core) ? ecg_judge_decide(&core->judge, queue) : ECG_VERDICT_BEAT;
    ecg_queue_drop(queue);
    if (verdict == ECG_VERDICT_NOISE || cut_off(core, r_sample)) return true;
    core->pending.beat.r_sample = r_sample;
    core->pending.beat.flags = verdict == ECG_VERDICT_SEARCHBACK ? ECG_CORE_FLAG_SEARCHBACK : 0;
    core->pending.stage = STAGE_EXTRACT;
    return true;
}

static uint16_t interval(const ecg_core_t *core, uint32_t r_sample) {
    if (!core->has_last_beat) return 0;
    const uint32_t rr = r_sample - core->last_beat_at;
    return (uint16_t)(rr > UINT16_MAX ? UINT16_MAX : rr);
}

static void extract(ecg_core_t *core) {
    ecg_core_beat_t *beat = &core->pending.beat;
    beat->rr_samples = interval(core, beat->r_sample);
    beat->flags |= ecg_quality_flags(&core->quality, beat->r_sample);
    core->pending.deviation = ecg_window_extract(core->history, beat);
    core->pending.stage = STAGE_COMPARE;
}

static void compare(ecg_core_t *core) {
    ecg_core_beat_t *beat = &core->pending.beat;
    ecg_rhythm_write(&core->rhythm, beat->rr_samples, beat);
    ecg_template_compare(&core->average, core->pending.deviation, beat);
    core->pending.stage = STAGE_LEARN;
}

static void learn(ecg_core_t *core) {
    const ecg_core_beat_t *beat = &core->pending.beat;
    const uint16_t bad = ECG_CORE_FLAG_FLAT | ECG_CORE_FLAG_LEADS_OFF | ECG_CORE_FLAG_SATURATED;
    const bool first = core->average.beats == 0;
    if ((beat->flags & bad) == 0 && (first || ecg_rhythm_regular(&core->rhythm, beat->rr_samples))) {
        ecg_template_learn(&core->average, core->pending.deviation, beat);
    }
    ecg_rhythm_learn(&core->rhythm, beat->rr_samples);
    core->last_beat_at = beat->r_sample;
    core->has_last_beat = 1;
    core->pending.stage = STAGE_NONE;
}

/* One heavy piece of work a sample: a beat that is being made goes before a verdict, that before a
 * description. */
static ecg_core_status_t work(ecg_core_t *core, uint32_t index, bool refined, ecg_core_beat_t *beat) {
    switch (core->pending.stage) {
        case STAGE_EXTRACT:
            extract(core);
            return ECG_CORE_OK;
        case STAGE_COMPARE:
            compare(core);
            *beat = core->pending.beat;
            return ECG_CORE_BEAT;
        case STAGE_LEARN:
            learn(core);
            return ECG_CORE_OK;
        default:
            if (!decide(core, index) && !refined) describe(core);
            return ECG_CORE_OK;
    }
}

static ecg_core_status_t step(ecg_core_t *core, int16_t sample_adu, ecg_core_beat_t *beat) {
    const uint32_t index = core->samples++;
    if (index == 0) ecg_filter_start(&core->filter, sample_adu);
    const ecg_filtered_t out = ecg_filter_push(&core->filter, sample_adu);
    core->history[(index - ECG_FILTER_DELAY) & (ECG_HISTORY_SAMPLES - 1)] = out.filtered;
    core->last_sample = sample_adu;
    if (detects(core)) ecg_detector_push(&core->detector, out.lowpass, index, &core->queue);
    const bool refined = refine(core, index);
    return work(core, index, refined, beat);
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
    return ecg_queue_add(&core->queue, core->samples - 1, 0) ? ECG_CORE_OK : ECG_CORE_BAD_MARK;
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
