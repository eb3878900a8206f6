/* Ventricular tachycardia and fibrillation, from the signal path's detector. Bad signal does not end them. */
#include "private.h"

static uint8_t event_kind(uint8_t kind) {
    return kind == ECG_RHYTHM_VENTRICULAR_IS_FIBRILLATION ? ECG_RHYTHM_VENTRICULAR_FIBRILLATION
                                                          : ECG_RHYTHM_VENTRICULAR_TACHYCARDIA;
}

/* Beats of the last intervals that lie in the episode; earlier ones are not kept. */
static uint16_t beats_since(const ecg_rhythm_state_t *rhythm, uint32_t onset) {
    const ecg_rhythm_rate_t *rate = &rhythm->rate;
    uint16_t beats =
        rate->count > 0 && !ecg_rhythm_after(onset, rate->intervals[0].at - rate->intervals[0].rr);
    for (uint8_t i = 0; i < rate->count; i++) {
        beats = (uint16_t)(beats + !ecg_rhythm_after(onset, rate->intervals[i].at));
    }
    return beats;
}

/* The rate is the mean over the seconds. Fibrillation has none. */
static void extend(ecg_rhythm_state_t *rhythm, const ecg_rhythm_ventricular_t *now) {
    ecg_rhythm_episode_t *episode = &rhythm->ventricular.episode;
    episode->end = ecg_rhythm_not_before(now->until, episode->onset);
    if (now->kind == ECG_RHYTHM_VENTRICULAR_IS_TACHYCARDIA && now->rate > 0) {
        ecg_rhythm_add(&episode->figures, ecg_rhythm_clip16(60u * rhythm->times.fs_hz / now->rate));
    }
}

static void begin(ecg_rhythm_state_t *rhythm, const ecg_rhythm_ventricular_t *now) {
    ecg_rhythm_ventricular_rule_t *rule = &rhythm->ventricular;
    const uint32_t onset = ecg_rhythm_not_before(now->since, rule->ended);
    rule->episode = (ecg_rhythm_episode_t){.kind = event_kind(now->kind), .onset = onset};
    rule->episode.beats = beats_since(rhythm, onset);
    rule->kind = now->kind;
    rule->sustained = false;
    ecg_rhythm_silence_cut(rhythm);
    extend(rhythm, now);
    rule->known = rule->episode.end;
    ecg_rhythm_open(rhythm, &rule->episode);
}

static void end(ecg_rhythm_state_t *rhythm, uint8_t flags) {
    ecg_rhythm_ventricular_rule_t *rule = &rhythm->ventricular;
    const uint8_t sustained = rule->sustained ? ECG_RHYTHM_FLAG_SUSTAINED : 0;
    ecg_rhythm_close(rhythm, &rule->episode, (uint8_t)(flags | sustained));
    rule->kind = ECG_RHYTHM_VENTRICULAR_IS_NONE;
    rule->ended = rule->episode.end;
}

static void check_sustained(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_ventricular_rule_t *rule = &rhythm->ventricular;
    const bool lasted = rule->episode.end - rule->episode.onset >= rhythm->times.sustained;
    if (rule->kind == ECG_RHYTHM_VENTRICULAR_IS_TACHYCARDIA && lasted && !rule->sustained) {
        rule->sustained = true;
        ecg_rhythm_send(rhythm, &rule->episode, ECG_RHYTHM_UPDATE, ECG_RHYTHM_FLAG_SUSTAINED);
    }
}

static void follow(ecg_rhythm_state_t *rhythm, const ecg_rhythm_ventricular_t *now) {
    ecg_rhythm_ventricular_rule_t *rule = &rhythm->ventricular;
    if (rule->kind != ECG_RHYTHM_VENTRICULAR_IS_NONE && now->kind != rule->kind) {
        rule->episode.end = ecg_rhythm_not_before(now->since, rule->known);
        end(rhythm, 0);
    }
    if (now->kind == ECG_RHYTHM_VENTRICULAR_IS_NONE) {
        return;
    }
    if (rule->kind == ECG_RHYTHM_VENTRICULAR_IS_NONE) {
        begin(rhythm, now);
    } else {
        extend(rhythm, now);
        check_sustained(rhythm);
    }
}

/* There may have been no beats in the rhythm, which is known to have ended some seconds later. */
static void begin_silence(ecg_rhythm_state_t *rhythm) {
    rhythm->silence.since = ecg_rhythm_not_before(rhythm->silence.since, rhythm->ventricular.ended);
}

void ecg_rhythm_ventricular(ecg_rhythm_state_t *rhythm, const ecg_rhythm_ventricular_t *now) {
    const bool was_open = rhythm->ventricular.kind != ECG_RHYTHM_VENTRICULAR_IS_NONE;
    ecg_rhythm_settle(rhythm, now->until);
    follow(rhythm, now);
    if (was_open && rhythm->ventricular.kind == ECG_RHYTHM_VENTRICULAR_IS_NONE) {
        begin_silence(rhythm);
    }
    ecg_rhythm_reschedule(rhythm);
}

void ecg_rhythm_ventricular_beat(ecg_rhythm_state_t *rhythm) {
    if (rhythm->ventricular.kind != ECG_RHYTHM_VENTRICULAR_IS_NONE) {
        ecg_rhythm_episode_t *episode = &rhythm->ventricular.episode;
        episode->beats = ecg_rhythm_clip16(episode->beats + 1u);
    }
}

void ecg_rhythm_ventricular_cut(ecg_rhythm_state_t *rhythm) {
    end(rhythm, ECG_RHYTHM_FLAG_TRUNCATED);
}
