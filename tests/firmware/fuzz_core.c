/* The signal path and the strips under a coverage-guided fuzzer. The bytes are a configuration and then
 * pieces of signal: raw samples, held levels, beats, steps, noise, lead flags, marks; so a few bytes make
 * many seconds. */
#include <string.h>

#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_state.h"
#include "ecg_core/ecg_strip.h"
#include "fuzz_input.h"

#define MOST_SAMPLES 7200u /* 20 s at 360 Hz */
#define START_MS 3400      /* until the signal is so long, beats may wait longer */
#define REFRACTORY 72      /* samples at 360 Hz: no two detected beats are nearer */

static ecg_core_t core;
static ecg_strip_t strip;

/* One signal, and what its beats were so far. */
typedef struct {
    ecg_core_config_t config;
    uint32_t pushed;
    uint32_t beats;
    uint32_t last_r_sample;
    uint32_t off_at;   /* the last sample at which a lead was off, */
    bool has_been_off; /* if there was one */
    int16_t level;
    uint8_t lead_flags;
    uint32_t random;
} signal_t;

static ecg_core_config_t read_config(fuzz_input_t *input) {
    static const uint16_t RATES[] = {360, 250, 500, 360};
    static const uint16_t GAINS[] = {200, 20, 20000, 1365};
    static const uint8_t MAINS[] = {60, 50, 0, 60};
    const uint8_t choice = fuzz_u8(input);
    return (ecg_core_config_t){
        .fs_hz = RATES[choice & 3],
        .adu_per_mv = GAINS[choice >> 2 & 3],
        .mains_hz = MAINS[choice >> 4 & 3],
        .peaks = (uint8_t)(choice >> 7 ? ECG_CORE_PEAKS_MARKED : ECG_CORE_PEAKS_DETECTED),
    };
}

static void check_beat(signal_t *signal, const ecg_core_beat_t *beat) {
    const bool detected = signal->config.peaks == ECG_CORE_PEAKS_DETECTED;
    const uint32_t nearest = detected ? (uint32_t)(REFRACTORY * signal->config.fs_hz / 360 - 1) : 0;
    const uint32_t rr = beat->r_sample - signal->last_r_sample;
    fuzz_check(beat->r_sample < signal->pushed);
    fuzz_check(beat->quality <= 100);
    if (signal->beats++ == 0) {
        fuzz_check(beat->rr_samples == 0);
    } else {
        fuzz_check(beat->r_sample >= signal->last_r_sample && rr >= nearest);
        const bool was_off = signal->has_been_off && signal->off_at >= signal->last_r_sample;
        fuzz_check(beat->rr_samples == (rr > UINT16_MAX ? UINT16_MAX : rr) ||
                   (beat->rr_samples == 0 && was_off));
    }
    signal->last_r_sample = beat->r_sample;
}

/* 800 ms after the start; 8 ms more with a resampler, when a candidate that was classified before had the
 * same R peak. */
static void check_wait(const signal_t *signal, uint32_t samples) {
    const uint32_t fs_hz = signal->config.fs_hz;
    const uint32_t limit_ms = fs_hz == ECG_CORE_FS_HZ ? 800 : 808;
    const bool starts = 1000u * signal->pushed <= START_MS * fs_hz;
    const bool detected = signal->config.peaks == ECG_CORE_PEAKS_DETECTED;
    fuzz_check(!detected || starts || 1000u * samples <= limit_ms * fs_hz);
}

/* A strip is due 9.8 to 10 s after the first sample, then every 5 s. */
static void take_strip(const signal_t *signal) {
    int8_t points[ECG_STRIP_POINTS];
    const uint32_t tenths = 10u * signal->pushed / signal->config.fs_hz;
    fuzz_check(tenths >= 98 && tenths % 50 >= 48);
    ecg_strip_read(&strip, points);
}

static void push(signal_t *signal, int32_t sample) {
    if (signal->pushed >= MOST_SAMPLES) {
        return;
    }
    const int32_t clipped = sample < INT16_MIN ? INT16_MIN : sample > INT16_MAX ? INT16_MAX : sample;
    ecg_core_beat_t beat;
    signal->level = (int16_t)clipped;
    if ((signal->lead_flags & (ECG_CORE_LEAD_OFF_PLUS | ECG_CORE_LEAD_OFF_MINUS)) != 0) {
        signal->has_been_off = true;
        signal->off_at = signal->pushed;
    }
    signal->pushed++;
    if (ecg_core_push(&core, signal->level, signal->lead_flags, &beat) == ECG_CORE_BEAT) {
        check_wait(signal, signal->pushed - 1 - beat.r_sample);
        check_beat(signal, &beat);
    }
    if (ecg_strip_push(&strip, signal->level)) {
        take_strip(signal);
    }
}

static void push_raw(signal_t *signal, fuzz_input_t *input, uint32_t count) {
    for (uint32_t i = 0; i < count && input->left > 0; i++) {
        push(signal, (int16_t)fuzz_u16(input));
    }
}

static void push_level(signal_t *signal, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        push(signal, signal->level);
    }
}

/* A triangle on the present level, which is there again after it. */
static void push_bump(signal_t *signal, int32_t height, int32_t half_width) {
    const int32_t base = signal->level;
    for (int32_t i = -half_width; i <= half_width; i++) {
        push(signal, base + height * (half_width + 1 - abs(i)) / (half_width + 1));
    }
    signal->level = (int16_t)base;
}

static void push_noise(signal_t *signal, uint32_t count, uint32_t bits) {
    const int32_t base = signal->level;
    for (uint32_t i = 0; i < count; i++) {
        signal->random = signal->random * 1664525u + 1013904223u;
        push(signal, base + (int32_t)(signal->random >> (31 - bits)) - (1 << bits));
    }
    signal->level = (int16_t)base;
}

/* A rhythm: the same beat again and again, which the classifier and the average learn from. */
static void push_rhythm(signal_t *signal, fuzz_input_t *input, uint32_t beats) {
    const int16_t height = (int16_t)(fuzz_u16(input) >> 4);
    const uint32_t pause = fuzz_u8(input), width = fuzz_u8(input) % 40;
    for (uint32_t i = 0; i < beats; i++) {
        push_level(signal, 2 * pause);
        push_bump(signal, height, (int32_t)width);
    }
}

static void mark(signal_t *signal) {
    const ecg_core_status_t status = ecg_core_mark(&core);
    const bool detected = signal->config.peaks == ECG_CORE_PEAKS_DETECTED;
    fuzz_check(status == ECG_CORE_OK || status == ECG_CORE_BAD_MODE || status == ECG_CORE_BAD_MARK);
    fuzz_check(!detected || status == ECG_CORE_BAD_MODE);
}

static void piece(signal_t *signal, fuzz_input_t *input) {
    const uint8_t choice = fuzz_u8(input);
    const uint32_t count = choice >> 3;
    switch (choice & 7) {
        case 0:
            push_raw(signal, input, 4 * count);
            break;
        case 1:
            push_level(signal, 16 * count);
            break;
        case 2:
            push_bump(signal, (int16_t)fuzz_u16(input), (int32_t)count);
            break;
        case 3:
            signal->level = (int16_t)fuzz_u16(input);
            break;
        case 4:
            push_noise(signal, 16 * count, fuzz_u8(input) & 15);
            break;
        case 5:
            signal->lead_flags = count & 3;
            break;
        case 6:
            mark(signal);
            break;
        default:
            push_rhythm(signal, input, count);
            break;
    }
}

static void check_state(const signal_t *signal) {
    ecg_core_signal_t now;
    ecg_core_signal(&core, &now);
    fuzz_check(now.quality <= 100 && now.bad <= 1);
    fuzz_check(now.since <= signal->pushed && now.until <= signal->pushed);
    ecg_core_ventricular_t ventricular;
    ecg_core_ventricular(&core, &ventricular);
    fuzz_check(ventricular.kind <= ECG_CORE_VENTRICULAR_FIBRILLATION && ventricular.confidence <= 100);
    fuzz_check(ventricular.since <= ventricular.until && ventricular.until <= signal->pushed);
    fuzz_check(ecg_core_status_text(ECG_CORE_OK) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input_t input = {data, size};
    signal_t signal = {.config = read_config(&input), .random = 1};
    ecg_core_beat_t beat;
    memset(&core, 0xA5, sizeof core); /* ecg_core_init must set all of it */
    memset(&strip, 0xA5, sizeof strip);
    fuzz_check(ecg_core_init(&core, &signal.config) == ECG_CORE_OK);
    fuzz_check(ecg_strip_init(&strip, &signal.config) == ECG_CORE_OK);
    while (input.left > 0 && signal.pushed < MOST_SAMPLES) {
        piece(&signal, &input);
        check_state(&signal);
    }
    while (ecg_core_finish(&core, &beat) == ECG_CORE_BEAT) {
        check_beat(&signal, &beat);
    }
    return 0;
}
