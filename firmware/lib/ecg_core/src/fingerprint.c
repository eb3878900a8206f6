#include <string.h>

#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_state.h"
#include "judge.h"

#define CRC32_POLYNOMIAL 0xEDB88320u /* CRC-32/ISO-HDLC, reflected */
#define SIGNAL_SAMPLES 3600          /* 10 s */
#define JUDGE_TRIALS 64

static uint32_t crc32_add(uint32_t crc, const uint8_t *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (CRC32_POLYNOMIAL & (0u - (crc & 1u)));
    }
    return crc;
}

static uint32_t crc32_add_tensors(uint32_t crc, const ecg_core_beat_t *beat) {
    crc = crc32_add(crc, (const uint8_t *)beat->beat, sizeof beat->beat);
    return crc32_add(crc, (const uint8_t *)beat->rhythm, sizeof beat->rhythm);
}

uint32_t ecg_core_beat_crc32(const ecg_core_beat_t *beat) {
    return ~crc32_add_tensors(UINT32_MAX, beat);
}

/* A wave of the synthetic beat: a triangle. Samples from the beat's start, ADC units. */
typedef struct {
    int16_t middle, half_width, height;
} wave_t;

static const wave_t NORMAL[] = {{40, 16, 30}, {92, 4, -20}, {100, 7, 220}, {108, 5, -60}, {190, 36, 60}};
static const wave_t WIDE[] = {{98, 20, 280}, {130, 24, -160}, {200, 44, -70}};
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static int32_t wave_sum(const wave_t *waves, size_t count, int32_t at) {
    int32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const int32_t distance = at > waves[i].middle ? at - waves[i].middle : waves[i].middle - at;
        if (distance < waves[i].half_width) {
            sum += waves[i].height * (waves[i].half_width - distance) / waves[i].half_width;
        }
    }
    return sum;
}

/* Beats every 0.83 s; each fifth is wide and early; a slow baseline and noise on top. */
static int16_t synthetic_sample(uint32_t index, uint32_t *random) {
    const uint32_t beat = index / 300;
    const int32_t at = (int32_t)(index % 300) + (beat % 5 == 3 ? 80 : 0);
    const int32_t ecg = beat % 5 == 3 ? wave_sum(WIDE, COUNT(WIDE), at) : wave_sum(NORMAL, COUNT(NORMAL), at);
    const int32_t slow = (int32_t)(index % 1440) - 720;
    *random = *random * 1664525u + 1013904223u;
    return (int16_t)(ecg + (slow < 0 ? -slow : slow) / 8 + (int32_t)(*random >> 28));
}

static uint32_t crc32_add_beat(uint32_t crc, const ecg_core_beat_t *beat) {
    const uint32_t r = beat->r_sample;
    const uint8_t position[4] = {(uint8_t)r, (uint8_t)(r >> 8), (uint8_t)(r >> 16), (uint8_t)(r >> 24)};
    return crc32_add_tensors(crc32_add(crc, position, sizeof position), beat);
}

/* The synthetic signal is easy to detect, so the judge's weights are tried on figures that no signal has. */
static uint32_t crc32_add_scores(uint32_t crc, uint32_t random) {
    for (int i = 0; i < JUDGE_TRIALS; i++) {
        int16_t features[ECG_JUDGE_FEATURES];
        for (int k = 0; k < ECG_JUDGE_FEATURES; k++) {
            random = random * 1664525u + 1013904223u;
            features[k] = (int16_t)((int32_t)(random >> 22) - 512);
        }
        const uint32_t score = (uint32_t)ecg_judge_score(features);
        const uint8_t bytes[4] = {(uint8_t)score, (uint8_t)(score >> 8), (uint8_t)(score >> 16),
                                  (uint8_t)(score >> 24)};
        crc = crc32_add(crc, bytes, sizeof bytes);
    }
    return crc;
}

uint32_t ecg_core_fingerprint(ecg_core_t *scratch) {
    const ecg_core_config_t config = ecg_core_default_config();
    ecg_core_beat_t beat;
    uint32_t crc = UINT32_MAX, random = 1;
    ecg_core_init(scratch, &config);
    for (uint32_t i = 0; i < SIGNAL_SAMPLES; i++) {
        const int16_t sample = synthetic_sample(i, &random);
        if (ecg_core_push(scratch, sample, 0, &beat) == ECG_CORE_BEAT) crc = crc32_add_beat(crc, &beat);
    }
    while (ecg_core_finish(scratch, &beat) == ECG_CORE_BEAT) crc = crc32_add_beat(crc, &beat);
    return ~crc32_add_scores(crc, random);
}
