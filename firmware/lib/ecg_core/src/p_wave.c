#include "p_wave.h"

#include <stdlib.h>

#include "ecg_base/int_math.h"
#include "p_wave_weights.h"

#define POINTS ECG_P_WAVE_POINTS
#define STEP 3 /* points of the beat's window in one point here: 16.7 ms */
#define R_POINT (ECG_CORE_WINDOW_PRE / ECG_CORE_DECIMATION)
#define MEAN_BEATS 8       /* plain mean of the first eight beats, then exponential with 1 / 8 */
#define FEATURE_LIMIT 2047 /* 17 products of this and 16 bits fit 32 bits */
#define CERTAIN 127        /* of 32 a logit */
#define UNREADABLE (ECG_CORE_FLAG_UNCLASSIFIABLE | ECG_CORE_FLAG_FLAT | ECG_CORE_FLAG_LEADS_OFF)

ECG_STATIC_ASSERT(P_WAVE_INPUTS == ECG_P_WAVE_FEATURES, weights_fit_features);

/* Point i of the beat: at most 3 * 128, in Q4. */
static int32_t point_q4(const ecg_core_beat_t *beat, int i) {
    int32_t sum = 0;
    for (int k = 0; k < STEP; k++) {
        sum += beat->beat[STEP * i + k][0];
    }
    return sum * 16;
}

/* Q4 to Q2 without the regression line, so that neither baseline nor the end of a T wave looks like a wave.
 */
static void detrend(int32_t points[POINTS]) {
    int32_t sum = 0, moment = 0, squares = 0;
    for (int i = 0; i < POINTS; i++) {
        const int32_t at = 2 * i - (POINTS - 1);
        sum += points[i];
        moment += at * points[i];
        squares += at * at;
    }
    for (int i = 0; i < POINTS; i++) {
        const int32_t at = 2 * i - (POINTS - 1);
        const int32_t line = ecg_divide(sum, POINTS) + ecg_divide(at * moment, squares);
        points[i] = ecg_divide(points[i] - line, 4);
    }
}

static int16_t feature(int32_t value) {
    return (int16_t)ecg_clip(value, -FEATURE_LIMIT, FEATURE_LIMIT);
}

/* log2 of the amplitude, 64 an octave; a wave of half a quantum is the floor. */
static int16_t log_amplitude(int32_t squares) {
    return feature(ecg_log2_q6((uint32_t)squares + 16 * POINTS) / 2);
}

/* Correlation of the two, and the amplitudes of both and of their difference. */
static void compare(const int32_t now[POINTS], const int32_t mean[POINTS], int16_t *features) {
    int32_t product = 0, of_now = 0, of_mean = 0, of_rest = 0;
    for (int i = 0; i < POINTS; i++) {
        const int32_t rest = (now[i] - mean[i]) / 2; /* so that the sum fits */
        product += now[i] * mean[i];
        of_now += now[i] * now[i];
        of_mean += mean[i] * mean[i];
        of_rest += rest * rest;
    }
    const uint32_t norm = ecg_isqrt32((uint32_t)of_now) * ecg_isqrt32((uint32_t)of_mean);
    features[0] = feature(ecg_divide(product, (int32_t)(norm / 256) + 1));
    features[1] = log_amplitude(of_now);
    features[2] = log_amplitude(of_mean);
    features[3] = log_amplitude(of_rest);
}

bool ecg_p_wave_readable(const ecg_core_beat_t *beat) {
    return (beat->flags & UNREADABLE) == 0;
}

void ecg_p_wave_describe(const ecg_p_wave_t *p_wave, const ecg_core_beat_t *beat,
                         int16_t features[ECG_P_WAVE_FEATURES]) {
    int32_t now[POINTS], mean[POINTS];
    for (int i = 0; i < POINTS; i++) {
        now[i] = point_q4(beat, i);
        mean[i] = p_wave->beats == 0 ? now[i] : p_wave->mean_q4[i];
    }
    detrend(now);
    detrend(mean);
    const int32_t r = p_wave->beats == 0 ? beat->beat[R_POINT][0] * 16 : p_wave->r_q4;
    for (int i = 0; i < POINTS; i++) {
        features[i] = feature(r < 0 ? -mean[i] : mean[i]); /* as in an upright lead */
    }
    compare(now, mean, features + POINTS);
    features[ECG_P_WAVE_FEATURES - 1] = feature(abs(r));
}

static int16_t approach(int16_t mean, int32_t value, uint8_t beats) {
    return (int16_t)(mean + ecg_divide(value - mean, beats));
}

void ecg_p_wave_learn(ecg_p_wave_t *p_wave, const ecg_core_beat_t *beat) {
    p_wave->beats = (uint8_t)(p_wave->beats + (p_wave->beats < MEAN_BEATS));
    for (int i = 0; i < POINTS; i++) {
        p_wave->mean_q4[i] = approach(p_wave->mean_q4[i], point_q4(beat, i), p_wave->beats);
    }
    p_wave->r_q4 = approach(p_wave->r_q4, beat->beat[R_POINT][0] * 16, p_wave->beats);
}

/* One hidden layer of rectified sums; every product fits 28 bits. */
uint8_t ecg_p_wave_evidence(const int16_t features[ECG_P_WAVE_FEATURES]) {
    int32_t sum = P_WAVE_OUTPUT_BIAS;
    for (int k = 0; k < P_WAVE_HIDDEN; k++) {
        int32_t hidden = P_WAVE_HIDDEN_BIAS[k];
        for (int i = 0; i < P_WAVE_INPUTS; i++) {
            hidden += P_WAVE_HIDDEN_WEIGHT[k][i] * features[i];
        }
        sum += hidden > 0 ? P_WAVE_OUTPUT_WEIGHT[k] * (hidden >> P_WAVE_HIDDEN_SHIFT) : 0;
    }
    return (uint8_t)(CERTAIN + 1 + ecg_clip(sum >> P_WAVE_OUTPUT_SHIFT, -CERTAIN, CERTAIN));
}

void ecg_p_wave_take(ecg_p_wave_t *p_wave, ecg_core_beat_t *beat) {
    int16_t features[ECG_P_WAVE_FEATURES];
    if (!ecg_p_wave_readable(beat)) {
        beat->p_wave = 0;
        return;
    }
    ecg_p_wave_describe(p_wave, beat, features);
    beat->p_wave = ecg_p_wave_evidence(features);
    ecg_p_wave_learn(p_wave, beat);
}
