/* Bigeminy and trigeminy: one ventricular beat in every two or three. */
#include "private.h"

void ecg_rhythm_pattern_init(ecg_rhythm_pattern_t *pattern, uint8_t period, ecg_rhythm_kind_t kind) {
    *pattern = (ecg_rhythm_pattern_t){.episode = {.kind = (uint8_t)kind}, .period = period};
}

void ecg_rhythm_pattern_end(ecg_rhythm_state_t *rhythm, ecg_rhythm_pattern_t *pattern, uint8_t flags) {
    ecg_rhythm_close(rhythm, &pattern->episode, flags);
    pattern->ventricular = 0;
}

/* A ventricular beat that may be the first of a pattern. */
static void start(ecg_rhythm_pattern_t *pattern, const ecg_rhythm_step_t *step) {
    pattern->ventricular = 1;
    pattern->episode.onset = step->at;
    pattern->episode.figures = (ecg_rhythm_figures_t){0};
}

static void repeat(ecg_rhythm_state_t *rhythm, ecg_rhythm_pattern_t *pattern, const ecg_rhythm_step_t *step) {
    ecg_rhythm_episode_t *episode = &pattern->episode;
    ecg_rhythm_merge(&episode->figures, &pattern->tail);
    pattern->ventricular = ecg_rhythm_clip16(pattern->ventricular + 1u);
    episode->end = step->at;
    episode->beats = ecg_rhythm_clip16((pattern->ventricular - 1u) * pattern->period + 1u);
    if (pattern->ventricular == ECG_RHYTHM_PATTERN_VENTRICULAR) {
        ecg_rhythm_open(rhythm, episode);
    }
}

void ecg_rhythm_pattern_beat(ecg_rhythm_state_t *rhythm, ecg_rhythm_pattern_t *pattern,
                             const ecg_rhythm_step_t *step) {
    ecg_rhythm_add(&pattern->tail, step->rr);
    if (step->beat_class != ECG_RHYTHM_VENTRICULAR || step->evidence.certainty < ECG_RHYTHM_RUN_CERTAINTY) {
        pattern->others = (uint8_t)(pattern->others + (pattern->others < pattern->period));
        if (pattern->others == pattern->period) {
            ecg_rhythm_pattern_end(rhythm, pattern, 0);
        }
        return;
    }
    if (pattern->ventricular > 0 && pattern->others == pattern->period - 1) {
        repeat(rhythm, pattern, step);
    } else {
        ecg_rhythm_pattern_end(rhythm, pattern, 0);
        start(pattern, step);
    }
    pattern->others = 0;
    pattern->tail = (ecg_rhythm_figures_t){0};
}
