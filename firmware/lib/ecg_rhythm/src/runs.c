/* Couplets and runs of ventricular beats, runs of supraventricular ones. */
#include "private.h"

void ecg_rhythm_run_init(ecg_rhythm_run_t *run, uint8_t beat_class, ecg_rhythm_kind_t kind) {
    *run = (ecg_rhythm_run_t){.episode = {.kind = (uint8_t)kind}, .beat_class = beat_class};
}

void ecg_rhythm_run_end(ecg_rhythm_state_t *rhythm, ecg_rhythm_run_t *run, uint8_t flags) {
    ecg_rhythm_episode_t *episode = &run->episode;
    ecg_rhythm_close(rhythm, episode, flags);
    if (episode->beats == 2 && run->beat_class == ECG_RHYTHM_VENTRICULAR) {
        ecg_rhythm_episode_t couplet = *episode;
        couplet.kind = ECG_RHYTHM_COUPLET_V;
        ecg_rhythm_send(rhythm, &couplet, ECG_RHYTHM_END, flags);
    }
    episode->beats = 0;
}

static void extend(ecg_rhythm_episode_t *episode, const ecg_rhythm_step_t *step) {
    if (episode->beats == 0) {
        episode->onset = step->at;
        episode->figures = (ecg_rhythm_figures_t){0};
    } else {
        ecg_rhythm_add(&episode->figures, step->rr);
    }
    episode->end = step->at;
    episode->beats = ecg_rhythm_clip16(episode->beats + 1u);
}

void ecg_rhythm_run_beat(ecg_rhythm_state_t *rhythm, ecg_rhythm_run_t *run, const ecg_rhythm_step_t *step) {
    if (step->beat_class != run->beat_class) {
        ecg_rhythm_run_end(rhythm, run, 0);
        return;
    }
    extend(&run->episode, step);
    if (run->episode.beats == ECG_RHYTHM_RUN) {
        ecg_rhythm_open(rhythm, &run->episode);
    }
}
