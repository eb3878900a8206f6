#include "events.h"

#include "ecg_link/messages.h"
#include "ecg_rhythm/ecg_rhythm_state.h"
#include "model_info.h"

static ecg_rhythm_state_t rhythm;
static bool was_bad; /* what the rules were told last */

static void send(void *context, const ecg_rhythm_event_t *event) {
    const ecg_link_event_t frame = {
        .event_index = event->index,
        .kind = event->kind,
        .phase = event->phase,
        .flags = event->flags,
        .onset = event->onset,
        .end = event->end,
        .beats = event->beats,
        .rate_x10 = event->rate_x10,
        .mean_rr = event->mean_rr,
        .shortest_rr = event->shortest_rr,
        .longest_rr = event->longest_rr,
        .irregularity_permille = event->irregularity_permille,
    };
    ecg_link_send_event(context, &frame);
}

void events_start(ecg_link_sender_t *sender) {
    ecg_rhythm_init(&rhythm, send, sender);
    was_bad = false;
}

/* Settle the time up to `time`, as far as the signal there is decided. A change of the signal is told at its
 * own sample; the next one comes later than what is settled by then. */
static void settle(const ecg_core_t *core, uint32_t time) {
    ecg_core_signal_t signal;
    ecg_core_signal(core, &signal);
    const bool is_bad = signal.bad != 0;
    if (is_bad != was_bad && signal.since <= time) {
        was_bad = is_bad;
        ecg_rhythm_tick(&rhythm, signal.since, was_bad);
    }
    ecg_rhythm_tick(&rhythm, signal.until < time ? signal.until : time, was_bad);
}

void events_follow(const ecg_core_t *core, uint32_t samples) {
    if (samples > ECG_RHYTHM_BEAT_DELAY) {
        settle(core, samples - 1u - ECG_RHYTHM_BEAT_DELAY);
    }
}

void events_beat(const ecg_core_t *core, const ecg_core_beat_t *beat, uint8_t label) {
    const bool is_readable = (beat->flags & ECG_CORE_FLAG_UNCLASSIFIABLE) == 0;
    const ecg_rhythm_beat_t given = {
        .r_sample = beat->r_sample,
        .rr_samples = beat->rr_samples,
        .beat_class =
            (uint8_t)(is_readable ? ecg_rhythm_class_of(ECG_MODEL_LABELS, label) : ECG_RHYTHM_UNCLASSIFIABLE),
    };
    settle(core, beat->r_sample);
    ecg_rhythm_beat(&rhythm, &given);
}

void events_finish(const ecg_core_t *core, uint32_t samples) {
    settle(core, samples);
    ecg_rhythm_finish(&rhythm, samples);
}
