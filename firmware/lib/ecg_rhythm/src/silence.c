/* Pause and asystole: no beat for so long, in good signal, after the first beats. */
#include "private.h"

void ecg_rhythm_silence_init(ecg_rhythm_silence_t *silence) {
    *silence = (ecg_rhythm_silence_t){
        .pause = {.kind = ECG_RHYTHM_PAUSE},
        .asystole = {.kind = ECG_RHYTHM_ASYSTOLE},
    };
}

/* What has lasted from the begin of the silence to `at`. */
static void measure(const ecg_rhythm_silence_t *silence, ecg_rhythm_episode_t *episode, uint32_t at) {
    episode->onset = silence->since;
    episode->end = at;
    episode->figures = (ecg_rhythm_figures_t){0};
    ecg_rhythm_add(&episode->figures, ecg_rhythm_clip16(at - silence->since));
}

static void end(ecg_rhythm_state_t *rhythm, ecg_rhythm_episode_t *episode, uint32_t at, uint8_t flags) {
    if (episode->open) {
        measure(&rhythm->silence, episode, at);
        ecg_rhythm_close(rhythm, episode, flags);
    }
}

void ecg_rhythm_silence_end(ecg_rhythm_state_t *rhythm, uint32_t at, uint8_t flags) {
    end(rhythm, &rhythm->silence.asystole, at, flags);
    end(rhythm, &rhythm->silence.pause, at, flags);
    rhythm->silence.since = at;
}

/* Whether a silence means anything now: not before the first beats, where none may have been found yet, and
 * not in a ventricular rhythm without QRS complexes. */
bool ecg_rhythm_silence_counts(const ecg_rhythm_state_t *rhythm) {
    return !rhythm->bad && rhythm->silence.beats >= ECG_RHYTHM_SILENCE_AFTER_BEATS &&
           rhythm->ventricular.kind == ECG_RHYTHM_VENTRICULAR_IS_NONE;
}

void ecg_rhythm_silence_beat(ecg_rhythm_state_t *rhythm) {
    if (rhythm->silence.beats < ECG_RHYTHM_SILENCE_AFTER_BEATS) {
        rhythm->silence.beats++;
    }
}

/* Nothing is known of the beats up to now. */
void ecg_rhythm_silence_cut(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_silence_end(rhythm, rhythm->time, ECG_RHYTHM_FLAG_TRUNCATED);
}

static void begin(ecg_rhythm_state_t *rhythm, ecg_rhythm_episode_t *episode, uint32_t length) {
    const uint32_t at = rhythm->silence.since + length;
    if (!episode->open && !ecg_rhythm_after(at, rhythm->time)) {
        measure(&rhythm->silence, episode, at);
        ecg_rhythm_open(rhythm, episode);
    }
}

void ecg_rhythm_silence_due(ecg_rhythm_state_t *rhythm) {
    begin(rhythm, &rhythm->silence.pause, rhythm->times.pause);
    begin(rhythm, &rhythm->silence.asystole, rhythm->times.asystole);
}
