/* Looks into the signal path while it takes samples at 360 Hz. Nothing of this is on a device. */
#include "trace.h"

#include "ecg_core/ecg_core_state.h"

uint32_t candidate_bytes(void) {
    return (uint32_t)sizeof(candidate_t);
}

static int32_t mean_of(const int32_t *values) {
    int32_t sum = 0;
    for (int i = 0; i < ECG_JUDGE_BEATS; i++) sum += values[i];
    return sum / ECG_JUDGE_BEATS;
}

/* What the judge knows before a sample, as a verdict changes it. */
typedef struct {
    uint32_t first, beats;
    int32_t noise, usual;
} known_t;

static known_t known(const ecg_core_t *core) {
    const ecg_judge_t *judge = &core->judge;
    return (known_t){core->queue.first, judge->beats, judge->noise, mean_of(judge->energies)};
}

/* The candidate that has just left the queue; its place is not used again before the next sample. */
static candidate_t judged(const ecg_core_t *core, known_t before) {
    const ecg_candidate_t *item = &core->queue.items[before.first];
    return (candidate_t){
        .at = item->at,
        .energy_at = item->energy_at,
        .energy = item->energy,
        .usual = before.usual,
        .noise = before.noise,
        .score = core->judge.score,
        .accepted = core->judge.beats != before.beats,
    };
}

size_t trace_block(ecg_core_t *core, const int16_t *samples, size_t count, int16_t *filtered, int32_t *energy,
                   void *rows) {
    candidate_t *candidates = rows;
    ecg_core_beat_t beat;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const known_t before = known(core);
        const uint32_t latest = core->samples - TRACE_FILTER_DELAY;
        (void)ecg_core_push(core, samples[i], 0, &beat);
        filtered[i] = core->history[latest & (ECG_HISTORY_SAMPLES - 1)];
        energy[i] = core->detector.energy;
        if (core->queue.first != before.first) candidates[found++] = judged(core, before);
    }
    return found;
}
