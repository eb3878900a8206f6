/* Technical events: signal that cannot be read, and leads off. */
#include "private.h"

void ecg_rhythm_technical_init(ecg_rhythm_technical_t *technical) {
    *technical = (ecg_rhythm_technical_t){
        .unreadable = {.kind = ECG_RHYTHM_UNREADABLE},
        .leads_off = {.kind = ECG_RHYTHM_LEADS_OFF},
    };
}

/* Not where something better is known: a ventricular rhythm, or that a lead is off. */
bool ecg_rhythm_unreadable_counts(const ecg_rhythm_state_t *rhythm) {
    return rhythm->bad && !rhythm->technical.unreadable.open && !rhythm->technical.leads_off.open &&
           rhythm->ventricular.kind == ECG_RHYTHM_VENTRICULAR_IS_NONE;
}

void ecg_rhythm_unreadable_due(ecg_rhythm_state_t *rhythm) {
    ecg_rhythm_episode_t *episode = &rhythm->technical.unreadable;
    if (!ecg_rhythm_after(rhythm->technical.bad_since + rhythm->times.unreadable, rhythm->time)) {
        episode->onset = rhythm->technical.bad_since;
        episode->end = rhythm->time;
        ecg_rhythm_open(rhythm, episode);
    }
}

void ecg_rhythm_unreadable_end(ecg_rhythm_state_t *rhythm, uint32_t at, uint8_t flags) {
    rhythm->technical.unreadable.end = at;
    ecg_rhythm_close(rhythm, &rhythm->technical.unreadable, flags);
}

static void close_leads_off(ecg_rhythm_state_t *rhythm, uint32_t at, uint8_t flags) {
    ecg_rhythm_episode_t *episode = &rhythm->technical.leads_off;
    episode->end = ecg_rhythm_not_before(at, episode->onset);
    ecg_rhythm_close(rhythm, episode, flags);
}

void ecg_rhythm_leads(ecg_rhythm_state_t *rhythm, uint32_t sample, bool off) {
    ecg_rhythm_episode_t *episode = &rhythm->technical.leads_off;
    if (off && !episode->open) {
        episode->onset = episode->end = ecg_rhythm_not_before(sample, episode->end);
        ecg_rhythm_open(rhythm, episode);
    } else if (!off) {
        close_leads_off(rhythm, sample, 0);
    }
    ecg_rhythm_reschedule(rhythm);
}

void ecg_rhythm_technical_cut(ecg_rhythm_state_t *rhythm, uint32_t at) {
    ecg_rhythm_unreadable_end(rhythm, at, ECG_RHYTHM_FLAG_TRUNCATED);
    if (rhythm->technical.leads_off.open) {
        close_leads_off(rhythm, at, ECG_RHYTHM_FLAG_TRUNCATED);
    }
}
