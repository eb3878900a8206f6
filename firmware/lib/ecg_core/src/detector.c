#include "detector.h"

#include <stdlib.h>
#include <string.h>

#include "int_math.h"

#define PEAK_HOLD 36     /* 100 ms without a higher energy: it was a peak */
#define REFRACTORY 72    /* 200 ms: no two beats are nearer */
#define T_WAVE_REACH 130 /* 360 ms after a beat a much lower peak is its T wave */
#define DEFAULT_RR 288

void ecg_detector_init(ecg_detector_t *detector) {
    memset(detector, 0, sizeof *detector);
}

/* Sum of eight samples minus the sum of the eight before: a slope between 6 and 25 Hz. */
static int32_t slope(ecg_detector_t *detector, int16_t lowpass, uint32_t index) {
    int16_t *in = detector->slope_in;
    const uint32_t size = 2 * ECG_DETECT_SLOPE_TAPS;
    const int16_t middle = in[(index + ECG_DETECT_SLOPE_TAPS) % size];
    const int16_t oldest = in[index % size];
    detector->slope_new += lowpass - middle;
    detector->slope_old += middle - oldest;
    in[index % size] = lowpass;
    return detector->slope_new - detector->slope_old;
}

static int32_t energy(ecg_detector_t *detector, int32_t slope_value, uint32_t index) {
    uint16_t *oldest = &detector->energy_in[index % ECG_DETECT_ENERGY_TAPS];
    const int32_t magnitude = ecg_clip(abs(slope_value) / ECG_DETECT_SLOPE_TAPS, 0, UINT16_MAX);
    detector->energy += magnitude - *oldest;
    *oldest = (uint16_t)magnitude;
    return detector->energy;
}

bool ecg_detector_push(ecg_detector_t *detector, int16_t lowpass, uint32_t index,
                       ecg_candidate_t *candidate) {
    const int32_t before = detector->energy;
    const int32_t now = energy(detector, slope(detector, lowpass, index), index);
    if (now > before) detector->rising = 1;
    if (now >= detector->peak) {
        detector->peak = now;
        detector->peak_at = index;
    }
    if (index - detector->peak_at < PEAK_HOLD) return false;
    const bool found = detector->rising && detector->peak_at >= ECG_DETECTOR_DELAY;
    candidate->at = detector->peak_at - ECG_DETECTOR_DELAY;
    candidate->energy = detector->peak;
    detector->peak = now;
    detector->peak_at = index;
    detector->rising = 0;
    return found;
}

static int32_t highest_in(const ecg_queue_t *queue) {
    int32_t highest = 0;
    for (uint32_t i = 0; i < queue->count; i++) {
        if (queue->items[i].energy > highest) highest = queue->items[i].energy;
    }
    return highest;
}

static int32_t threshold(const ecg_detector_t *detector) {
    return detector->noise + (detector->signal - detector->noise) / 4;
}

static bool higher_neighbour(const ecg_queue_t *queue) {
    const ecg_candidate_t *first = &queue->items[0];
    for (uint32_t i = 1; i < queue->count; i++) {
        const ecg_candidate_t *other = &queue->items[i];
        if (other->at - first->at < REFRACTORY && other->energy > first->energy) return true;
    }
    return false;
}

static bool t_wave(const ecg_detector_t *detector, const ecg_candidate_t *candidate) {
    const uint32_t since = candidate->at - detector->beat_at;
    return detector->has_beat && since < T_WAVE_REACH && candidate->energy < detector->beat_energy / 2;
}

/* Nothing else in view reaches the threshold although a beat is overdue. */
static bool overdue(const ecg_detector_t *detector, const ecg_queue_t *queue, int32_t rr_mean) {
    const ecg_candidate_t *first = &queue->items[0];
    uint32_t gap_end = first->at + 288;
    for (uint32_t i = queue->count; i-- > 1;) {
        if (queue->items[i].energy > threshold(detector))
            gap_end = queue->items[i].at;
        else if (queue->items[i].energy > first->energy)
            return false;
    }
    const uint32_t gap = gap_end - detector->beat_at;
    return detector->has_beat && gap * 2 > (uint32_t)rr_mean * 3 && first->energy * 2 > threshold(detector);
}

static void learn(int32_t *level, int32_t value, int32_t weight) {
    *level += (value - *level) / weight;
}

static ecg_verdict_t verdict(const ecg_detector_t *detector, const ecg_queue_t *queue, int32_t rr_mean) {
    const ecg_candidate_t *first = &queue->items[0];
    if (detector->has_beat && first->at - detector->beat_at < REFRACTORY) return ECG_VERDICT_NOISE;
    if (higher_neighbour(queue) || t_wave(detector, first)) return ECG_VERDICT_NOISE;
    if (first->energy > threshold(detector)) return ECG_VERDICT_BEAT;
    return overdue(detector, queue, rr_mean) ? ECG_VERDICT_SEARCHBACK : ECG_VERDICT_NOISE;
}

ecg_verdict_t ecg_detector_judge(ecg_detector_t *detector, const ecg_queue_t *queue, int32_t rr_mean) {
    const ecg_candidate_t *first = &queue->items[0];
    if (!detector->started) {
        detector->started = 1;
        detector->signal = highest_in(queue);
    }
    const ecg_verdict_t result = verdict(detector, queue, rr_mean > 0 ? rr_mean : DEFAULT_RR);
    if (result == ECG_VERDICT_NOISE) {
        learn(&detector->noise, first->energy, 8);
    } else {
        learn(&detector->signal, first->energy, 8);
        detector->has_beat = 1;
        detector->beat_at = first->at;
        detector->beat_energy = first->energy;
    }
    return result;
}
