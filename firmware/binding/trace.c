/* Trace of the signal path at 360 Hz: intermediate signals and decisions. Not part of the firmware. */
#include "trace.h"

#include <string.h>

#include "ecg_core/ecg_core_state.h"

qrs_feature_t qrs_feature(uint32_t feature) {
    static const qrs_feature_t FEATURES[ECG_QRS_FEATURES] = {
#define ECG_QRS_X(name, unit, description) {#name, unit, description},
        ECG_QRS_FEATURE_LIST(ECG_QRS_X)
#undef ECG_QRS_X
    };
    return FEATURES[feature];
}

uint32_t candidate_bytes(void) {
    return (uint32_t)sizeof(candidate_t);
}

static int32_t mean_of(const int32_t *values) {
    int32_t sum = 0;
    for (int i = 0; i < ECG_QRS_BEATS; i++) {
        sum += values[i];
    }
    return sum / ECG_QRS_BEATS;
}

/* Reference levels before a sample, because a decision changes them. */
typedef struct {
    uint32_t first, beats;
    int32_t noise, beat_energy;
} known_t;

static known_t known(const ecg_core_t *core) {
    const ecg_qrs_classifier_t *classifier = &core->qrs_classifier;
    return (known_t){core->queue.first, classifier->beats, classifier->noise, mean_of(classifier->energies)};
}

/* The candidate that has just left the queue; its place is not used again before the next sample. */
static candidate_t classified(const ecg_core_t *core, known_t before) {
    const ecg_candidate_t *item = &core->queue.items[before.first];
    return (candidate_t){
        .at = item->at,
        .energy_at = item->energy_at,
        .energy = item->energy,
        .beat_energy = before.beat_energy,
        .noise = before.noise,
        .score = core->qrs_classifier.score,
        .accepted = core->qrs_classifier.beats != before.beats,
    };
}

size_t trace_block(ecg_core_t *core, const int16_t *samples, const uint8_t *lead_flags, size_t count,
                   int16_t *filtered, int32_t *energy, void *rows) {
    candidate_t *candidates = rows;
    ecg_core_beat_t beat;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const known_t before = known(core);
        const uint32_t latest = core->samples - TRACE_FILTER_DELAY;
        (void)ecg_core_push(core, samples[i], lead_flags[i], &beat);
        filtered[i] = core->history[latest & (ECG_HISTORY_SAMPLES - 1)];
        energy[i] = core->detector.energy;
        if (core->queue.first != before.first) {
            candidates[found++] = classified(core, before);
        }
    }
    return found;
}

size_t p_wave_features(const int8_t *beats, const uint16_t *flags, size_t count, int16_t *features) {
    ecg_p_wave_t p_wave = {.beats = 0};
    ecg_core_beat_t beat;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(beat.beat, beats + i * sizeof beat.beat, sizeof beat.beat);
        beat.flags = flags[i];
        if (ecg_p_wave_readable(&beat)) {
            ecg_p_wave_describe(&p_wave, &beat, features + ECG_P_WAVE_FEATURES * found++);
            ecg_p_wave_learn(&p_wave, &beat);
        }
    }
    return found;
}
