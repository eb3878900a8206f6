/* Couplets and runs of ventricular beats, runs of supraventricular ones. A label that is not to be relied on
 * belongs to none. */
#include <string.h>

#include "private.h"

void ecg_rhythm_run_init(ecg_rhythm_run_t *run, uint8_t beat_class, ecg_rhythm_kind_t kind) {
    *run = (ecg_rhythm_run_t){.episode = {.kind = (uint8_t)kind}, .beat_class = beat_class};
}

/* The labels of the last `beats` beats are certain enough, on average. */
static bool is_certain(const ecg_rhythm_run_t *run, uint32_t beats) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < beats; i++) {
        sum += run->certainties[i];
    }
    return sum >= beats * ECG_RHYTHM_RUN_CERTAINTY;
}

/* Faster than the rhythm before it, or fast in itself; paced and escape beats are not. */
static bool is_fast(const ecg_rhythm_state_t *rhythm, const ecg_rhythm_run_t *run) {
    const ecg_rhythm_figures_t *figures = &run->episode.figures;
    const uint64_t limit = ECG_RHYTHM_RUN_PERCENT * run->rr_before / ECG_RHYTHM_RATE_INTERVALS;
    const uint64_t sum = figures->rr_sum; /* of days, where the beats are too slow for a run */
    return figures->intervals * 60u * rhythm->times.fs_hz >= ECG_RHYTHM_RUN_RATE * sum ||
           100 * sum <= limit * figures->intervals;
}

void ecg_rhythm_run_end(ecg_rhythm_state_t *rhythm, ecg_rhythm_run_t *run, uint8_t flags) {
    ecg_rhythm_episode_t *episode = &run->episode;
    ecg_rhythm_close(rhythm, episode, flags);
    if (episode->beats == 2 && run->beat_class == ECG_RHYTHM_VENTRICULAR && is_certain(run, 2)) {
        ecg_rhythm_episode_t couplet = *episode;
        couplet.kind = ECG_RHYTHM_COUPLET_V;
        ecg_rhythm_send(rhythm, &couplet, ECG_RHYTHM_END, flags);
    }
    episode->beats = 0;
}

static void extend(const ecg_rhythm_state_t *rhythm, ecg_rhythm_run_t *run, const ecg_rhythm_step_t *step) {
    ecg_rhythm_episode_t *episode = &run->episode;
    if (episode->beats == 0) {
        run->rr_before = ecg_rhythm_rate_sum(rhythm, ECG_RHYTHM_RATE_INTERVALS);
        episode->onset = step->at;
        episode->figures = (ecg_rhythm_figures_t){0};
    } else {
        ecg_rhythm_add(&episode->figures, step->rr);
    }
    episode->end = step->at;
    episode->beats = ecg_rhythm_clip16(episode->beats + 1u);
    memmove(run->certainties + 1, run->certainties, sizeof run->certainties - 1);
    run->certainties[0] = step->evidence.quality >= ECG_RHYTHM_RUN_QUALITY ? step->evidence.certainty : 0;
}

void ecg_rhythm_run_beat(ecg_rhythm_state_t *rhythm, ecg_rhythm_run_t *run, const ecg_rhythm_step_t *step) {
    ecg_rhythm_episode_t *episode = &run->episode;
    if (step->beat_class != run->beat_class || step->evidence.certainty == 0) {
        ecg_rhythm_run_end(rhythm, run, 0);
        return;
    }
    extend(rhythm, run, step);
    const bool is_run = episode->beats >= ECG_RHYTHM_RUN && is_certain(run, ECG_RHYTHM_RUN);
    if (!episode->open && is_run && is_fast(rhythm, run)) {
        ecg_rhythm_open(rhythm, episode);
    }
}
