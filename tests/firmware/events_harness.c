/* The device's way from samples to rhythm events (firmware/src/events.c), without a network: the outputs for
 * a beat are made from its place. Reads int16 samples from standard input and prints every event and, after
 * the letter B, the label of every beat. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "ecg_core/ecg_core_state.h"
#include "ecg_link/messages.h"
#include "events.h"
#include "label.h"
#include "model.h"

#define LABELS 5u

static ecg_core_t core;

void ecg_link_send_event(ecg_link_sender_t *sender, const ecg_link_rhythm_event_t *event) {
    (void)sender;
    printf("%" PRIu32 " %u %u %u %" PRIu32 " %" PRIu32 " %u %u %u %u %u %u %u\n", event->event_index,
           event->kind, event->phase, event->flags, event->onset, event->end, event->beats, event->rate_x10,
           event->mean_rr, event->shortest_rr, event->longest_rr, event->irregularity_permille,
           event->confidence);
}

void device_event(const ecg_rhythm_event_t *event) {
    (void)event;
}

static void give(const ecg_core_beat_t *beat) {
    int8_t logits[LABELS];
    for (uint32_t k = 0; k < LABELS; k++) {
        logits[k] = (int8_t)((int32_t)(beat->r_sample / (7u + k) % 200u) - 100);
    }
    const bool in_fibrillation = events_fibrillation(&core, beat->r_sample);
    const uint8_t label = label_of(beat, logits, in_fibrillation);
    const ecg_link_beat_t report = {.label = label, .count = LABELS, .logits = logits};
    printf("B %u %u\n", label, in_fibrillation);
    events_beat(&core, beat, &report);
}

int main(int argc, char **argv) {
    ecg_core_config_t config = ecg_core_default_config();
    ecg_core_beat_t beat;
    int16_t sample;
    uint32_t samples = 0;
    config.fs_hz = (uint16_t)(argc > 1 ? atoi(argv[1]) : ECG_CORE_FS_HZ);
    if (ecg_core_init(&core, &config) != ECG_CORE_OK) {
        return 2;
    }
    events_start(config.fs_hz, NULL);
    label_start(ECG_MODEL_LABELS);
    while (fread(&sample, sizeof sample, 1, stdin) == 1) {
        const bool has_beat = ecg_core_push(&core, sample, 0, &beat) == ECG_CORE_BEAT;
        samples++;
        if (has_beat || samples % EVENTS_EVERY == 0) {
            events_follow(&core, samples);
        }
        if (has_beat) {
            give(&beat);
        }
    }
    while (ecg_core_finish(&core, &beat) == ECG_CORE_BEAT) {
        give(&beat);
    }
    events_finish(&core, samples);
    return 0;
}
