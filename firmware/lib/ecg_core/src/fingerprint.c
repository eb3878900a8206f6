#include "ecg_base/crc32.h"
#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_state.h"
#include "qrs_classifier.h"

/* clang-format off */
#define BEAT_SAMPLES 14400   /* 40 s of beats, */
#define SIGNAL_SAMPLES 25920 /* then 32 s of disturbances */
#define SLOT_SAMPLES 300     /* a beat every 0.83 s */
#define LEARNING_BEATS 12u   /* normal beats at the start: the average beat and the levels settle */
#define WIDE_BEATS 6u        /* then wide ones in time: too few to become the average beat */
#define CYCLE_BEATS 9u       /* then the kinds of beats repeat */
#define EARLY_SAMPLES 80     /* a wide beat comes 222 ms early */
#define NOISY_CYCLE_BEATS 11u /* one beat of so many lies in strong noise */
#define NOISY_BEAT 3u
#define LEAD_OFF_BEAT 40u    /* a lead is off during this one */
#define QRS_TRIALS 64        /* random feature vectors that are scored */
#define SIGNAL_EVERY 72      /* samples between two looks at the state of the signal */
#define PART_SAMPLES 1440u   /* 4 s of each disturbance */
#define SINE_PERIOD 36u      /* steps of sine(): 10 degrees each, 10 Hz at one step per sample */
#define RAIL_ADU 2047        /* where the signal stands at an ADC's rail */
#define RAIL_LENGTH 700      /* for 1.9 s */
/* clang-format on */

static uint32_t crc32_add_tensors(uint32_t crc, const ecg_core_beat_t *beat) {
    crc = ecg_crc32(crc, beat->beat, sizeof beat->beat);
    return ecg_crc32(crc, beat->rhythm, sizeof beat->rhythm);
}

uint32_t ecg_core_beat_crc32(const ecg_core_beat_t *beat) {
    return crc32_add_tensors(0, beat);
}

/* A wave of the synthetic beat: a triangle. */
typedef struct {
    int16_t middle;     /* samples from the beat's start */
    int16_t half_width; /* samples */
    int16_t height;     /* ADC units, 200 per millivolt */
} wave_t;

/* clang-format off */
static const wave_t NORMAL[] = {
    {.middle = 40,  .half_width = 16, .height = 30},  /* P */
    {.middle = 92,  .half_width = 4,  .height = -20}, /* Q */
    {.middle = 100, .half_width = 7,  .height = 220}, /* R */
    {.middle = 108, .half_width = 5,  .height = -60}, /* S */
    {.middle = 190, .half_width = 36, .height = 60},  /* T */
};
static const wave_t TALL_T[] = {
    {.middle = 40,  .half_width = 16, .height = 30},
    {.middle = 100, .half_width = 7,  .height = 200},
    {.middle = 108, .half_width = 5,  .height = -60},
    {.middle = 190, .half_width = 24, .height = 260}, /* T above R: must not count as a beat */
};
static const wave_t WIDE[] = { /* ventricular: no P, 110 ms wide */
    {.middle = 98,  .half_width = 20, .height = 280},
    {.middle = 130, .half_width = 24, .height = -160},
    {.middle = 200, .half_width = 44, .height = -70},
};
static const wave_t LOW[] = {
    {.middle = 100, .half_width = 7,  .height = 60},
    {.middle = 108, .half_width = 5,  .height = -20},
    {.middle = 190, .half_width = 36, .height = 20},
};
/* clang-format on */
#define COUNT(array) (int)(sizeof(array) / sizeof(array)[0])

/* Linear congruential generator of Numerical Recipes. */
static uint32_t next_random(uint32_t random) {
    return random * 1664525u + 1013904223u;
}

static int32_t wave_sum(const wave_t *waves, int count, int32_t at) {
    int32_t sum = 0;
    for (int i = 0; i < count; i++) {
        const int32_t distance = at > waves[i].middle ? at - waves[i].middle : waves[i].middle - at;
        if (distance < waves[i].half_width) {
            sum += waves[i].height * (waves[i].half_width - distance) / waves[i].half_width;
        }
    }
    return sum;
}

/* Sample `at` of a beat: normal ones, and the hard cases in which two detectors would differ. */
static int32_t beat_sample(uint32_t beat, int32_t at) {
    if (beat >= LEARNING_BEATS && beat < LEARNING_BEATS + WIDE_BEATS) {
        return wave_sum(WIDE, COUNT(WIDE), at);
    }
    switch (beat < LEARNING_BEATS ? 0 : beat % CYCLE_BEATS) {
        case 2:
            return wave_sum(WIDE, COUNT(WIDE), at + EARLY_SAMPLES);
        case 4:
            return wave_sum(LOW, COUNT(LOW), at);
        case 5:
            return wave_sum(TALL_T, COUNT(TALL_T), at);
        case 7:
        case 8:
            return 0; /* a long pause */
        default:
            return wave_sum(NORMAL, COUNT(NORMAL), at);
    }
}

/* 100 sin(k * 10 degrees) */
static int32_t sine(uint32_t k) {
    static const int8_t QUARTER[] = {0, 17, 34, 50, 64, 77, 87, 94, 98, 100};
    const uint32_t half = k % (SINE_PERIOD / 2);
    const int32_t height = QUARTER[half > SINE_PERIOD / 4 ? SINE_PERIOD / 2 - half : half];
    return k % SINE_PERIOD < SINE_PERIOD / 2 ? height : -height;
}

/* 4 s each of growing hum of 60 Hz and of 50 Hz, a rail, a flat line and growing muscle noise; then growing
 * motion. */
static int32_t disturbed(int32_t sample, uint32_t after, uint32_t random) {
    const int32_t time = (int32_t)(after % PART_SAMPLES);
    switch (after / PART_SAMPLES) {
        case 0:
            return sample + sine(after * 6) * time / 500;
        case 1:
            return sample + sine(after * 5) * time / 350;
        case 2:
            return time < RAIL_LENGTH ? RAIL_ADU : sample;
        case 3:
            return time % 3;
        case 4:
            return sample + (int32_t)(random >> 23) * time / 500;
        default:
            return sample + sine(after / 3 + after / 40 * 7) * (int32_t)(after - 5 * PART_SAMPLES) / 1500;
    }
}

/* Beats on a slow baseline with a little noise; bursts of strong noise, and a step of the baseline. */
static int16_t synthetic_sample(uint32_t index, uint32_t *random) {
    const uint32_t beat = index / SLOT_SAMPLES;
    const int32_t slow = (int32_t)(index % 1440) - 720;
    const uint32_t noise_bits = beat >= LEARNING_BEATS && beat % NOISY_CYCLE_BEATS == NOISY_BEAT ? 8 : 4;
    *random = next_random(*random);
    const int32_t step = index > BEAT_SAMPLES / 2 ? 400 : 0;
    const int32_t sample = beat_sample(beat, (int32_t)(index % SLOT_SAMPLES)) +
                           (slow < 0 ? -slow : slow) / 8 + step + (int32_t)(*random >> (32 - noise_bits));
    return (int16_t)(index < BEAT_SAMPLES ? sample : disturbed(sample, index - BEAT_SAMPLES, *random));
}

static uint32_t crc32_add_le32(uint32_t crc, uint32_t value) {
    const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                              (uint8_t)(value >> 24)};
    return ecg_crc32(crc, bytes, sizeof bytes);
}

static uint32_t crc32_add_beat(uint32_t crc, const ecg_core_beat_t *beat) {
    crc = crc32_add_le32(crc, beat->r_sample);
    crc = crc32_add_le32(crc, beat->rr_samples | (uint32_t)beat->flags << 16);
    crc = ecg_crc32(crc, &beat->quality, 1);
    crc = ecg_crc32(crc, &beat->p_wave, 1);
    return crc32_add_tensors(crc, beat);
}

static uint32_t crc32_add_signal(uint32_t crc, const ecg_core_t *core) {
    ecg_core_signal_t signal;
    ecg_core_signal(core, &signal);
    crc = crc32_add_le32(crc, signal.since);
    return crc32_add_le32(crc, signal.reasons | (uint32_t)signal.bad << 16 | (uint32_t)signal.quality << 24);
}

static uint32_t crc32_add_ventricular(uint32_t crc, const ecg_core_t *core) {
    const ecg_ventricular_t *detector = &core->ventricular;
    for (uint32_t i = 0; i < ECG_VENTRICULAR_FEATURES; i++) {
        crc = crc32_add_le32(crc, (uint32_t)detector->features[i]);
    }
    crc = crc32_add_le32(crc, (uint32_t)detector->score_q8);
    return crc32_add_le32(crc, detector->since | (uint32_t)detector->kind << 24);
}

/* No signal reaches every weight of the classifier, so the fingerprint also covers its scores of random
 * inputs. */
static uint32_t crc32_add_scores(uint32_t crc, uint32_t random) {
    for (int i = 0; i < QRS_TRIALS; i++) {
        int16_t features[ECG_QRS_FEATURES];
        for (int k = 0; k < ECG_QRS_FEATURES; k++) {
            random = next_random(random);
            features[k] = (int16_t)((int32_t)(random >> 22) - 512);
        }
        crc = crc32_add_le32(crc, (uint32_t)ecg_qrs_score(features));
    }
    return crc;
}

uint32_t ecg_core_fingerprint(ecg_core_t *scratch) {
    const ecg_core_config_t config = ecg_core_default_config();
    ecg_core_beat_t beat;
    uint32_t crc = 0, random = 1;
    ecg_core_init(scratch, &config);
    for (uint32_t i = 0; i < SIGNAL_SAMPLES; i++) {
        const int16_t sample = synthetic_sample(i, &random);
        const uint8_t lead_flags = i / SLOT_SAMPLES == LEAD_OFF_BEAT ? ECG_CORE_LEAD_OFF_PLUS : 0;
        if (ecg_core_push(scratch, sample, lead_flags, &beat) == ECG_CORE_BEAT) {
            crc = crc32_add_beat(crc, &beat);
        }
        if (i % SIGNAL_EVERY == 0) {
            crc = crc32_add_signal(crc, scratch);
            crc = crc32_add_ventricular(crc, scratch);
        }
    }
    while (ecg_core_finish(scratch, &beat) == ECG_CORE_BEAT) {
        crc = crc32_add_beat(crc, &beat);
    }
    return crc32_add_scores(crc32_add_le32(crc, scratch->qrs_classifier.trace), random);
}
