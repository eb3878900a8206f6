#include "ecg_core/ecg_core.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "average_beat.h"
#include "beat_segments.h"
#include "beat_window.h"
#include "candidate_queue.h"
#include "config.h"
#include "detector.h"
#include "ecg_base/static_assert.h"
#include "ecg_core/ecg_core_state.h"
#include "filters.h"
#include "matched_filter.h"
#include "p_wave.h"
#include "qrs_classifier.h"
#include "qrs_start.h"
#include "resample.h"
#include "rr_context.h"
#include "rr_features.h"
#include "sqi.h"
#include "sqi_gap.h"
#include "sqi_measures.h"
#include "ventricular.h"

ECG_STATIC_ASSERT(sizeof(ecg_core_t) <= ECG_CORE_STATE_MAX_BYTES, state_fits);

/* Stages of a candidate, one per sample: feature extraction precedes them, and only beats pass
 * STAGE_CLASSIFY. */
enum {
    STAGE_NONE,
    STAGE_SCORE,
    STAGE_CLASSIFY,
    STAGE_EXTRACT,
    STAGE_COMPARE,
    STAGE_CONTEXT,
    STAGE_SEGMENTS,
    STAGE_LEARN,
    STAGES
};

/* Features are extracted this long after the R peak, the score takes the two samples after that, the beat
 * four more: 792 ms, or 800 ms when another candidate had the same R peak. The window's last point is 158
 * samples after the R peak, so it needs 281 samples; it is cut out three samples after feature extraction. */
#define DECISION_SAMPLES 279
#define EARLIEST_DECISION (ECG_CORE_WINDOW_POST + ECG_FILTER_DELAY - 4)
#define START_SAMPLES 960 /* 2.7 s: as long as the history holds the first candidates with their windows */
#define START_EARLIEST \
    240               /* after the R peak of a first candidate that comes later; leaves time for the steps */
#define PEAK_REACH 28 /* the R peak is the largest deflection within 78 ms of an energy peak or a mark */
#define REFINE_SAMPLES (PEAK_REACH + ECG_DETECTOR_REACH + ECG_FILTER_DELAY)
#define MATCH_SAMPLES (ECG_MATCHED_FILTER_REACH + ECG_FILTER_LOWPASS_DELAY)
#define LONGEST_RR_SAMPLES 720 /* 2 s: a longer interval is a pause, or beats were not seen */
#define END_GUARD 18           /* 50 ms: half a QRS complex must be there */
#define HELD_SAMPLES \
    (DECISION_SAMPLES + (2 + STAGES) * ECG_QUEUE_CANDIDATES) /* brings every waiting beat out */

uint32_t ecg_core_state_bytes(void) {
    return (uint32_t)sizeof(ecg_core_t);
}

ecg_core_config_t ecg_core_default_config(void) {
    const ecg_core_config_t config = {ECG_CORE_FS_HZ, 200, ECG_CORE_PEAKS_DETECTED, 60};
    return config;
}

bool ecg_core_config_valid(const ecg_core_config_t *config) {
    const bool peaks = config->peaks == ECG_CORE_PEAKS_DETECTED || config->peaks == ECG_CORE_PEAKS_MARKED;
    const bool mains = config->mains_hz == 0 || config->mains_hz == 50 || config->mains_hz == 60;
    const bool gain = config->adu_per_mv >= 20 && config->adu_per_mv <= 20000;
    return ecg_resample_takes(config->fs_hz) && peaks && mains && gain;
}

ecg_core_status_t ecg_core_init(ecg_core_t *core, const ecg_core_config_t *config) {
    if (core == NULL || config == NULL) {
        return ECG_CORE_BAD_ARGUMENT;
    }
    if (!ecg_core_config_valid(config)) {
        return ECG_CORE_BAD_CONFIG;
    }
    const ecg_core_config_t copy = *config; /* it may lie inside *core */
    memset(core, 0, sizeof *core);
    core->config = copy;
    core->end = UINT32_MAX;
    ecg_resample_init(&core->resample, copy.fs_hz);
    ecg_filter_init(&core->filter, &copy);
    ecg_sqi_init(&core->sqi);
    return ECG_CORE_OK;
}

static bool detects(const ecg_core_t *core) {
    return core->config.peaks == ECG_CORE_PEAKS_DETECTED;
}

/* Where the R peak is: the largest deflection nearby, but not before the one in front, so that beats leave in
 * the order of their peaks, and not after the last real sample. */
static uint32_t find_r_peak(const ecg_core_t *core, uint32_t at) {
    uint32_t first = at < PEAK_REACH ? 0 : at - PEAK_REACH;
    if (core->queue.latest_at > first) {
        first = core->queue.latest_at;
    }
    const uint32_t last = at + PEAK_REACH;
    return ecg_window_find_peak(core->history, first, last < core->end ? last : core->end - 1);
}

/* Samples since the energy's peak of candidate i; negative for a mark that lies ahead of a resampled signal.
 */
static int32_t since_energy(const ecg_queue_t *queue, uint32_t i, uint32_t index) {
    return (int32_t)(index - ecg_queue_item(queue, i)->energy_at);
}

/* Moves the next candidate onto its R peak once the filtered signal around it is there. */
static bool refine(ecg_core_t *core, uint32_t index) {
    ecg_queue_t *queue = &core->queue;
    if (queue->refined == queue->count) {
        return false;
    }
    if (since_energy(queue, queue->refined, index) < REFINE_SAMPLES) {
        return false;
    }
    ecg_candidate_t *next = ecg_queue_change(queue, queue->refined);
    next->at = queue->latest_at = find_r_peak(core, next->energy_at);
    queue->refined++;
    return true;
}

/* Match the next candidate with the templates; marks need none. False when no candidate is ready. */
static bool match_templates(ecg_core_t *core, uint32_t index) {
    ecg_queue_t *queue = &core->queue;
    if (queue->matched == queue->count) {
        return false;
    }
    if (since_energy(queue, queue->matched, index) < MATCH_SAMPLES) {
        return false;
    }
    ecg_candidate_t *next = ecg_queue_change(queue, queue->matched++);
    if (detects(core)) {
        ecg_matched_filter_apply(&core->qrs_classifier.matched_filter, &core->filter, core->history, index,
                                 next);
    }
    return true;
}

/* Describes the next refined candidate; marks need no description. False when there is none. */
static bool describe(ecg_core_t *core) {
    ecg_queue_t *queue = &core->queue;
    if (queue->described == queue->refined) {
        return false;
    }
    ecg_candidate_t *next = ecg_queue_change(queue, queue->described++);
    if (detects(core)) {
        ecg_detector_describe(&core->detector, core->history, next);
    }
    return true;
}

/* A detected peak at or after the very end may be the step to the held sample. Marks are the caller's word.
 */
static bool cut_off(const ecg_core_t *core, uint32_t r_sample) {
    return detects(core) && core->end < r_sample + END_GUARD;
}

/* The resampler's delay is subtracted from the decision time, as far as the window allows. */
static uint32_t decision_samples(const ecg_core_t *core) {
    const uint32_t wanted = DECISION_SAMPLES - ecg_resample_delay(&core->resample);
    return wanted > EARLIEST_DECISION ? wanted : EARLIEST_DECISION;
}

/* The first candidates wait, so that the reference beat is chosen among all of them. Then one step a sample:
 * each is ranked, the best becomes the reference, each is matched with it. */
static bool start_up(ecg_core_t *core, uint32_t index) {
    ecg_queue_t *queue = &core->queue;
    ecg_qrs_start_t *start = &core->qrs_classifier.start;
    if (start->completed || !detects(core) || queue->described == 0) {
        return false;
    }
    if (index < core->end &&
        (index < START_SAMPLES || index - ecg_queue_item(queue, 0)->at < START_EARLIEST)) {
        return false;
    }
    if (start->ranked < queue->described) {
        ecg_qrs_start_rank(start, queue);
    } else if (!start->chosen) {
        ecg_qrs_start_choose(&core->qrs_classifier, queue, core->history);
        queue->matched = 0;
    } else {
        start->completed = !match_templates(core, index);
    }
    return true;
}

static bool waits_for_start(const ecg_core_t *core) {
    return detects(core) && !core->qrs_classifier.start.completed;
}

/* Extract the features of the oldest candidate when it is due; it is classified with the next sample, so that
 * no sample carries both. */
static bool extract_features(ecg_core_t *core, uint32_t index) {
    const ecg_queue_t *queue = &core->queue;
    if (queue->described == 0 || waits_for_start(core) ||
        index - ecg_queue_item(queue, 0)->at < decision_samples(core)) {
        return false;
    }
    if (detects(core)) {
        ecg_qrs_extract_features(&core->qrs_classifier, queue, &core->sqi_measures);
    }
    core->pending.stage = STAGE_SCORE;
    return true;
}

static void score(ecg_core_t *core) {
    /* A candidate in the refractory period is refused without a score. */
    if (detects(core) && !ecg_qrs_is_refractory(&core->qrs_classifier, &core->queue)) {
        ecg_qrs_score_first_half(&core->qrs_classifier);
    }
    core->pending.stage = STAGE_CLASSIFY;
}

/* Take the oldest candidate out of the queue and start its beat if it is one. */
static void classify(ecg_core_t *core) {
    ecg_queue_t *queue = &core->queue;
    const uint32_t r_sample = ecg_queue_item(queue, 0)->at;
    const ecg_qrs_decision_t decision =
        detects(core) ? ecg_qrs_classify(&core->qrs_classifier, queue, core->history) : ECG_QRS_DECISION_BEAT;
    if (detects(core)) {
        ecg_sqi_add_uncertainty(&core->sqi, core->qrs_classifier.score);
        ecg_sqi_gap_candidate(&core->sqi.gap, ecg_queue_item(queue, 0), decision != ECG_QRS_DECISION_NOISE);
    }
    ecg_queue_drop(queue);
    core->pending.stage = STAGE_NONE;
    if (decision == ECG_QRS_DECISION_NOISE || cut_off(core, r_sample)) {
        return;
    }
    core->pending.beat.r_sample = r_sample;
    core->pending.beat.flags = decision == ECG_QRS_DECISION_SEARCHBACK ? ECG_CORE_FLAG_SEARCHBACK : 0;
    core->pending.stage = STAGE_EXTRACT;
}

static uint16_t interval(const ecg_core_t *core, uint32_t last_beat_at, uint32_t r_sample) {
    if (!core->has_last_beat) {
        return 0;
    }
    const uint32_t rr = r_sample - last_beat_at;
    return (uint16_t)(rr > UINT16_MAX ? UINT16_MAX : rr);
}

/* Write the beat in samples of the board. */
static void emit_beat(const ecg_core_t *core, ecg_core_beat_t *beat) {
    *beat = core->pending.beat;
    const uint32_t last_beat_at = ecg_resample_board_index(&core->resample, core->last_beat_at);
    beat->r_sample = ecg_resample_board_index(&core->resample, beat->r_sample);
    beat->rr_samples = interval(core, last_beat_at, beat->r_sample);
}

/* The beat's interval, 0 where it tells nothing of the rate. */
static uint16_t rate_interval(const ecg_core_beat_t *beat) {
    return beat->rr_samples > LONGEST_RR_SAMPLES ? 0 : beat->rr_samples;
}

static void extract(ecg_core_t *core) {
    ecg_core_beat_t *beat = &core->pending.beat;
    beat->rr_samples = interval(core, core->last_beat_at, beat->r_sample);
    beat->flags |= ecg_sqi_window_flags(&core->sqi_measures, beat->r_sample);
    core->pending.deviation = ecg_window_extract(core->history, beat);
    ecg_sqi_flag_beat(&core->sqi, beat);
    core->pending.stage = STAGE_COMPARE;
}

static void compare(ecg_core_t *core) {
    ecg_core_beat_t *beat = &core->pending.beat;
    ecg_rr_write(&core->rr, rate_interval(beat), beat);
    ecg_average_compare(&core->average, core->pending.deviation, beat);
    if (detects(core)) {
        ecg_sqi_gap_beat(&core->sqi.gap, beat);
    }
    ecg_p_wave_take(&core->p_wave, beat);
    core->pending.stage = STAGE_CONTEXT;
}

static void add_context(ecg_core_t *core) {
    ecg_core_beat_t *beat = &core->pending.beat;
    ecg_rr_context_write(&core->rr_context, rate_interval(beat), core->rr.mean_q8, beat);
    core->pending.stage = STAGE_SEGMENTS;
}

static void learn(ecg_core_t *core) {
    const ecg_core_beat_t *beat = &core->pending.beat;
    ecg_beat_segments_learn(&core->average, beat);
    const bool bad = (beat->flags & ECG_CORE_FLAG_UNCLASSIFIABLE) != 0;
    if (!bad && ecg_rr_is_regular(&core->rr, rate_interval(beat))) {
        ecg_average_learn(&core->average, core->pending.deviation, beat);
    }
    ecg_rr_update(&core->rr, rate_interval(beat));
    ecg_rr_context_update(&core->rr_context, rate_interval(beat));
    core->last_beat_at = beat->r_sample;
    core->has_last_beat = !core->sqi_measures.leads_are_off;
    core->pending.stage = STAGE_NONE;
}

/* Run the pending stage. */
static ecg_core_status_t run_stage(ecg_core_t *core, ecg_core_beat_t *beat) {
    switch (core->pending.stage) {
        case STAGE_SCORE:
            score(core);
            return ECG_CORE_OK;
        case STAGE_CLASSIFY:
            classify(core);
            return ECG_CORE_OK;
        case STAGE_EXTRACT:
            extract(core);
            return ECG_CORE_OK;
        case STAGE_COMPARE:
            compare(core);
            return ECG_CORE_OK;
        case STAGE_CONTEXT:
            add_context(core);
            return ECG_CORE_OK;
        case STAGE_SEGMENTS:
            ecg_beat_segments_write(&core->average, &core->pending.beat);
            core->pending.stage = STAGE_LEARN;
            emit_beat(core, beat);
            return ECG_CORE_BEAT;
        default:
            learn(core);
            return ECG_CORE_OK;
    }
}

/* Samples until a candidate's time comes, when that is sooner than `wait`. */
static int32_t sooner(int32_t wait, int32_t due) {
    return due < wait ? due : wait;
}

/* Samples until the next candidate is to be decided, refined or matched, when there is nothing to do now. */
static int32_t samples_to_next(const ecg_core_t *core, uint32_t index) {
    const ecg_queue_t *queue = &core->queue;
    int32_t wait = ECG_HISTORY_SAMPLES;
    if (waits_for_start(core)) {
        return 1;
    }
    if (queue->described > 0) {
        const int32_t since = (int32_t)(index - ecg_queue_item(queue, 0)->at);
        wait = sooner(wait, (int32_t)decision_samples(core) - since);
    }
    if (queue->refined < queue->count) {
        wait = sooner(wait, REFINE_SAMPLES - since_energy(queue, queue->refined, index));
    }
    if (queue->matched < queue->count) {
        wait = sooner(wait, MATCH_SAMPLES - since_energy(queue, queue->matched, index));
    }
    return wait;
}

/* Begins with the candidate whose time has come, or else prepares one of the others; false when there is
 * nothing to do, which holds until the next one's time unless one is added. */
static bool prepare(ecg_core_t *core, uint32_t index) {
    if (core->queue.count == core->queue_count && (int32_t)(index - core->quiet_until) < 0) {
        return false;
    }
    if (start_up(core, index) || extract_features(core, index) || refine(core, index) ||
        match_templates(core, index) || describe(core)) {
        return true;
    }
    core->queue_count = core->queue.count;
    core->quiet_until = index + (uint32_t)samples_to_next(core, index);
    return false;
}

/* What the sample adds to the signal's quality and to the ventricular window; those that ecg_core_finish adds
 * say nothing of either. */
static void measure(ecg_core_t *core, uint32_t index, uint8_t lead_flags) {
    if (index > core->end) {
        return;
    }
    if (index == core->end) {
        ecg_sqi_end(&core->sqi_measures, index, core->config.adu_per_mv);
        return;
    }
    const bool off = (lead_flags & (ECG_CORE_LEAD_OFF_PLUS | ECG_CORE_LEAD_OFF_MINUS)) != 0;
    ecg_sqi_measure(&core->sqi_measures, &core->filter, index, off, core->config.adu_per_mv);
    if (core->sqi_measures.leads_are_off) {
        core->has_last_beat = 0; /* what lies between this and the next beat is no interval */
    }
    if (lead_flags != 0) {
        ecg_ventricular_blind(&core->ventricular);
    }
    if (index % ECG_VENTRICULAR_DECIMATION == ECG_VENTRICULAR_DECIMATION - 1) {
        ecg_ventricular_keep(&core->ventricular);
    }
}

/* The next sample with work: the fourth, or sooner where something waits or is due. */
static uint32_t next_work(const ecg_core_t *core, uint32_t index) {
    const uint32_t next = index + 1, fourth = next | (ECG_VENTRICULAR_DECIMATION - 1);
    const bool waits = core->pending.stage != STAGE_NONE || core->queue.count != core->queue_count ||
                       core->ventricular.step != ECG_VENTRICULAR_IDLE ||
                       ecg_sqi_leads_change(&core->sqi_measures) || core->end != UINT32_MAX ||
                       ecg_sqi_is_due(&core->sqi, fourth - 1, true);
    if (waits) {
        return next;
    }
    const int32_t quiet = (int32_t)(core->quiet_until - next);
    return next + (uint32_t)ecg_clip(quiet, 0, (int32_t)(fourth - next));
}

/* All work of a sample but the filters and the detector; one heavy piece at most. */
static ecg_core_status_t work(ecg_core_t *core, uint32_t index, uint8_t lead_flags, ecg_core_beat_t *beat) {
    measure(core, index, lead_flags);
    const bool begun = core->pending.stage != STAGE_NONE;
    const bool idle = !begun && !prepare(core, index);
    if (core->end == UINT32_MAX) {
        const bool decides = ecg_sqi_is_due(&core->sqi, index, idle);
        if (decides) {
            ecg_sqi_update(&core->sqi, &core->sqi_measures, core->config.adu_per_mv,
                           core->ventricular.kind != ECG_CORE_VENTRICULAR_NONE);
        }
        ecg_ventricular_work(&core->ventricular, idle && !decides);
    }
    const ecg_core_status_t status = begun ? run_stage(core, beat) : ECG_CORE_OK;
    core->next_work = next_work(core, index);
    return status;
}

/* One sample at 360 Hz. */
static inline ecg_core_status_t step(ecg_core_t *core, int16_t sample_adu, uint8_t lead_flags,
                                     ecg_core_beat_t *beat) {
    const uint32_t index = core->samples++;
    if (index == 0) {
        ecg_filter_start(&core->filter, sample_adu);
        ecg_sqi_start(&core->sqi_measures, sample_adu);
    }
    const ecg_filtered_t out = ecg_filter_push(&core->filter, sample_adu, index);
    core->history[(index - ECG_FILTER_DELAY) & (ECG_HISTORY_SAMPLES - 1)] = out.filtered;
    ecg_sqi_take(&core->sqi_measures, index, sample_adu);
    ecg_ventricular_push(&core->ventricular, out.filtered);
    if (ecg_detector_push(&core->detector, &core->filter, out.lowpass, index) && detects(core)) {
        ecg_detector_end_peak(&core->detector, index, &core->queue);
        core->next_work = index;
    }
    const bool quick = lead_flags == 0 && (int32_t)(index - core->next_work) < 0;
    return quick ? ECG_CORE_OK : work(core, index, lead_flags, beat);
}

/* One sample of a board of another rate: none, one or two at 360 Hz, of which at most one brings a beat. */
static ecg_core_status_t take_resampled(ecg_core_t *core, int16_t sample_adu, uint8_t lead_flags,
                                        ecg_core_beat_t *beat) {
    ecg_resampled_t out[ECG_RESAMPLE_MOST];
    const uint32_t count = ecg_resample_push(&core->resample, sample_adu, lead_flags, out);
    ecg_core_status_t result = ECG_CORE_OK;
    for (uint32_t i = 0; i < count; i++) {
        if (step(core, out[i].sample_adu, out[i].lead_flags, beat) == ECG_CORE_BEAT) {
            result = ECG_CORE_BEAT;
        }
    }
    return result;
}

static ecg_core_status_t feed(ecg_core_t *core, int16_t sample_adu, uint8_t lead_flags,
                              ecg_core_beat_t *beat) {
    return ecg_resample_needed(&core->resample) ? take_resampled(core, sample_adu, lead_flags, beat)
                                                : step(core, sample_adu, lead_flags, beat);
}

ecg_core_status_t ecg_core_push(ecg_core_t *core, int16_t sample_adu, uint8_t lead_flags,
                                ecg_core_beat_t *beat) {
    if (core == NULL || beat == NULL) {
        return ECG_CORE_BAD_ARGUMENT;
    }
    core->last_sample = sample_adu;
    core->pushed++;
    return feed(core, sample_adu, lead_flags, beat);
}

ecg_core_status_t ecg_core_mark(ecg_core_t *core) {
    if (core == NULL) {
        return ECG_CORE_BAD_ARGUMENT;
    }
    if (core->config.peaks != ECG_CORE_PEAKS_MARKED || core->pushed == 0) {
        return ECG_CORE_BAD_MODE;
    }
    const uint32_t at = ecg_resample_index(&core->resample, core->pushed - 1);
    core->next_work = core->samples;
    return ecg_queue_add(&core->queue, at, 0) ? ECG_CORE_OK : ECG_CORE_BAD_MARK;
}

/* The last sample is held until the latest beat has its window; marks may also lie on the last sample. */
ecg_core_status_t ecg_core_finish(ecg_core_t *core, ecg_core_beat_t *beat) {
    if (core == NULL || beat == NULL) {
        return ECG_CORE_BAD_ARGUMENT;
    }
    if (core->end == UINT32_MAX) {
        core->end = ecg_resample_count(&core->resample, core->pushed);
        core->next_work = core->samples;
    }
    while ((int32_t)(core->samples - core->end) < HELD_SAMPLES) {
        if (feed(core, core->last_sample, 0, beat) == ECG_CORE_BEAT) {
            return ECG_CORE_BEAT;
        }
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
