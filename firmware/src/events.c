#include "events.h"

#include "confidence.h"
#include "device.h"
#include "ecg_rhythm/ecg_rhythm_state.h"
#include "model.h"

static ecg_rhythm_state_t rhythm;
static bool was_bad; /* state of the signal in the last tick */
static uint16_t rate_hz;
static bool leads_were_off;
static uint32_t ventricular_until; /* the detector's last state that was taken */

static void send(void *context, const ecg_rhythm_event_t *event) {
    const ecg_link_rhythm_event_t frame = {
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
        .confidence = event->confidence,
    };
    ecg_link_send_event(context, &frame);
    device_event(event);
}

uint32_t events_fingerprint(void) {
    return ecg_rhythm_fingerprint(&rhythm);
}

void events_start(uint16_t fs_hz, ecg_link_sender_t *sender) {
    ecg_rhythm_init(&rhythm, fs_hz, send, sender);
    rate_hz = fs_hz;
    was_bad = false;
    leads_were_off = false;
    ventricular_until = 0;
}

/* A new state of the ventricular rhythm detector, decided `before`. At most one lies there, because the next
 * one is decided later. */
static void settle_ventricular(const ecg_core_t *core, uint32_t before) {
    ecg_core_ventricular_t now;
    ecg_core_ventricular(core, &now);
    if (now.until != ventricular_until && now.until < before) {
        const ecg_rhythm_ventricular_t state = {now.since, now.until, now.rate, now.kind};
        ventricular_until = now.until;
        ecg_rhythm_ventricular(&rhythm, &state);
    }
}

/* Tick the rules up to `time`, as far as the signal there is decided. A change of the signal has a tick at
 * its own sample; at most one lies before `time`, because the next one is decided later. */
static void settle(const ecg_core_t *core, uint32_t time) {
    ecg_core_signal_t signal;
    ecg_core_signal(core, &signal);
    const bool is_bad = signal.bad != 0;
    if (is_bad != was_bad && signal.since <= time) {
        settle_ventricular(core, signal.since);
        was_bad = is_bad;
        ecg_rhythm_tick(&rhythm, signal.since, was_bad);
    }
    settle_ventricular(core, time + 1);
    ecg_rhythm_tick(&rhythm, signal.until < time ? signal.until : time, was_bad);
}

/* At once, not when the time is settled. */
static void follow_leads(const ecg_core_t *core) {
    ecg_core_signal_t signal;
    ecg_core_signal(core, &signal);
    const bool are_off = signal.leads_off != 0;
    if (are_off != leads_were_off) {
        leads_were_off = are_off;
        ecg_rhythm_leads(&rhythm, signal.leads_since, are_off);
    }
}

void events_follow(const ecg_core_t *core, uint32_t samples) {
    settle(core, ecg_rhythm_settled(rate_hz, samples));
    follow_leads(core);
}

static uint8_t class_of(const ecg_core_beat_t *beat, uint8_t label) {
    if ((beat->flags & ECG_CORE_FLAG_DOUBTFUL) != 0) {
        return ECG_RHYTHM_DOUBTFUL;
    }
    const bool readable = (beat->flags & ECG_CORE_FLAG_UNCLASSIFIABLE) == 0;
    const ecg_rhythm_class_t beat_class = ecg_rhythm_class_of(ECG_MODEL_LABELS, label);
    const bool unlabelled = readable && beat_class == ECG_RHYTHM_UNCLASSIFIABLE;
    return (uint8_t)(unlabelled ? ECG_RHYTHM_UNLABELLED : beat_class);
}

static bool is_ventricular(size_t label) {
    return ecg_rhythm_class_of(ECG_MODEL_LABELS, (uint8_t)label) == ECG_RHYTHM_VENTRICULAR;
}

/* A label says little before the average beat is known, of a beat four times its size, which is motion, and
 * where the network itself does not say whether the beat is ventricular. */
static uint8_t certainty_of(const ecg_core_beat_t *beat, const ecg_link_beat_t *report) {
    const bool can_compare = (beat->flags & ECG_CORE_FLAG_LEARNING) == 0 && beat->rhythm[6] < INT8_MAX;
    const bool is_own = report->count > 0 && is_ventricular(argmax(report->logits, report->count)) ==
                                                 is_ventricular(report->label);
    return can_compare && is_own ? ecg_rhythm_certainty(report->logits, report->count) : 0;
}

bool events_fibrillation(const ecg_core_t *core, uint32_t r_sample) {
    settle(core, r_sample);
    return ecg_rhythm_suspects_fibrillation(&rhythm, r_sample);
}

void events_beat(const ecg_core_t *core, const ecg_core_beat_t *beat, const ecg_link_beat_t *report) {
    const ecg_rhythm_beat_t rhythm_beat = {
        .r_sample = beat->r_sample,
        .rr_samples = beat->rr_samples,
        .beat_class = class_of(beat, report->label),
        .p_wave = beat->p_wave,
        .quality = beat->quality,
        .unlikeness = (uint8_t)(beat->rhythm[7] > 0 ? beat->rhythm[7] : 0),
        .certainty = certainty_of(beat, report),
    };
    settle(core, beat->r_sample);
    ecg_rhythm_beat(&rhythm, &rhythm_beat);
}

void events_finish(const ecg_core_t *core, uint32_t samples) {
    settle(core, samples);
    ecg_rhythm_finish(&rhythm, samples);
}
