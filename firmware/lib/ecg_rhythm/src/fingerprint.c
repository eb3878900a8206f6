/* The behaviour of the rules as one number: the CRC of all constants, of the events and figures of a made-up
 * sequence that meets each rule, and of what no sequence reaches as a whole: scores of random figures, and
 * the classes of all labels. */
#include <stddef.h>

#include "ecg_base/crc32.h"
#include "fibrillation.h"
#include "private.h"

/* clang-format off */
#define RATE_HZ 360
#define BEATS 1536u
#define PART_BEATS 96u      /* of one kind of rhythm; each of PARTS comes twice */
#define PARTS 8u
#define LEARNING_BEATS 5u   /* of each part: their labels are not known */
#define ODD_BEAT 31u        /* one beat of so many is doubtful or cannot be read, */
#define BAD_BEAT 90u        /* and one begins bad signal, */
#define BAD_LONG_BEATS 20u  /* of one beat or of so many */
#define VENTRICULAR_EVERY 6u /* parts; behind such a one comes a ventricular rhythm */
#define VENTRICULAR_S 50u   /* tachycardia for 35 s, then fibrillation */
#define TACHYCARDIA_S 35u
#define SCORE_TRIALS 64
/* clang-format on */

/* All of ecg_rhythm_rules.h: a threshold is met exactly by few sequences. */
static const int32_t CONSTANTS[] = {
    ECG_RHYTHM_BEAT_DELAY_MS,
    ECG_RHYTHM_BEAT_DELAY_SPARE_SAMPLES,
    ECG_RHYTHM_START_MS,
    ECG_RHYTHM_PAUSE_MS,
    ECG_RHYTHM_ASYSTOLE_MS,
    ECG_RHYTHM_SILENCE_AFTER_BEATS,
    ECG_RHYTHM_UNREADABLE_MS,
    ECG_RHYTHM_RATE_INTERVALS,
    ECG_RHYTHM_RATE_INTERVALS_MIN,
    ECG_RHYTHM_RATE_SPAN_MS,
    ECG_RHYTHM_RATE_EVERY_MS,
    ECG_RHYTHM_RATE_LOWEST,
    ECG_RHYTHM_RATE_HIGHEST,
    ECG_RHYTHM_BRADYCARDIA_BELOW,
    ECG_RHYTHM_BRADYCARDIA_END,
    ECG_RHYTHM_TACHYCARDIA_ABOVE,
    ECG_RHYTHM_TACHYCARDIA_END,
    ECG_RHYTHM_TACHYCARDIA_INTERVALS,
    ECG_RHYTHM_TACHYCARDIA_SLOW_MOST,
    ECG_RHYTHM_RUN,
    ECG_RHYTHM_RUN_CERTAINTY,
    ECG_RHYTHM_RUN_QUALITY,
    ECG_RHYTHM_RUN_RATE,
    ECG_RHYTHM_RUN_PERCENT,
    ECG_RHYTHM_PATTERN_VENTRICULAR,
    ECG_RHYTHM_IRREGULAR_INTERVALS,
    ECG_RHYTHM_IRREGULAR_LEAST,
    ECG_RHYTHM_IRREGULAR_SHORT,
    ECG_RHYTHM_IRREGULAR_LAGS,
    ECG_RHYTHM_IRREGULAR_PERCENT,
    ECG_RHYTHM_IRREGULAR_LONG,
    ECG_RHYTHM_FIBRILLATION_BEGIN_Q8,
    ECG_RHYTHM_FIBRILLATION_END_Q8,
    ECG_RHYTHM_FIBRILLATION_BEGIN_LONG_Q8,
    ECG_RHYTHM_FIBRILLATION_END_LONG_Q8,
    ECG_RHYTHM_FIBRILLATION_SHORT_END_Q8,
    ECG_RHYTHM_IRREGULAR_BEGIN_Q8,
    ECG_RHYTHM_IRREGULAR_END_Q8,
    ECG_RHYTHM_IRREGULAR_SHORT_END_Q8,
    ECG_RHYTHM_IRREGULAR_STALE_MS,
    ECG_RHYTHM_FLUTTER_PERMILLE,
    ECG_RHYTHM_FLUTTER_Q8,
    ECG_RHYTHM_FLUTTER_INTERVALS,
    ECG_RHYTHM_FLUTTER_PERIODS,
    ECG_RHYTHM_SUSTAINED_MS,
};

/* The kinds of rhythm. */
enum { DRIFT, FIBRILLATION, IRREGULAR, BIGEMINY, TRIGEMINY, VENTRICULAR_RUNS, OTHER_RUNS, SILENCES };

typedef struct {
    ecg_rhythm_state_t *rhythm;
    uint32_t crc;
    uint32_t random;
    uint32_t time;
} trial_t;

static void add_word(trial_t *trial, uint32_t word) {
    const uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
                              (uint8_t)(word >> 24)};
    trial->crc = ecg_crc32(trial->crc, bytes, sizeof bytes);
}

static void add_event(void *context, const ecg_rhythm_event_t *event) {
    trial_t *trial = context;
    add_word(trial, event->onset);
    add_word(trial, event->end);
    add_word(trial, event->kind | (uint32_t)event->phase << 8 | (uint32_t)event->flags << 16);
    add_word(trial, event->beats | (uint32_t)event->rate_x10 << 16);
    add_word(trial, event->shortest_rr | (uint32_t)event->longest_rr << 16);
    add_word(trial, event->irregularity_permille | (uint32_t)event->confidence << 16);
}

/* 0 to `below` - 1; linear congruential generator of Numerical Recipes. */
static uint32_t next(trial_t *trial, uint32_t below) {
    trial->random = trial->random * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)trial->random * below >> 32);
}

/* Interval before beat `k` of a part. */
static uint32_t interval(trial_t *trial, uint32_t part, uint32_t k) {
    switch (part) {
        case FIBRILLATION:
        case IRREGULAR:
            return 110 + next(trial, 60 + 2 * k);
        case BIGEMINY:
        case TRIGEMINY:
        case VENTRICULAR_RUNS:
        case OTHER_RUNS:
            return 190 + next(trial, 30) + 150 * (k % 2);
        case SILENCES:
            return k % 8 == 0 ? 660 + 5 * k + next(trial, 60) : 300;
        default: /* from 48 to 150 a minute and back */
            return 140 + 6 * (k < PART_BEATS / 2 ? k : PART_BEATS - k) + next(trial, 9);
    }
}

static uint8_t class_in(trial_t *trial, uint32_t part, uint32_t k) {
    switch (part) {
        case BIGEMINY:
            return k % 2 ? ECG_RHYTHM_NORMAL : ECG_RHYTHM_VENTRICULAR;
        case TRIGEMINY:
            return k % 3 ? ECG_RHYTHM_NORMAL : ECG_RHYTHM_VENTRICULAR;
        case VENTRICULAR_RUNS:
            return next(trial, 4) ? ECG_RHYTHM_VENTRICULAR : ECG_RHYTHM_NORMAL;
        case FIBRILLATION: /* in which no beat is supraventricular */
        case OTHER_RUNS:
            return next(trial, 4) ? ECG_RHYTHM_SUPRAVENTRICULAR : ECG_RHYTHM_NORMAL;
        default:
            return next(trial, 12) ? ECG_RHYTHM_NORMAL : ECG_RHYTHM_VENTRICULAR;
    }
}

static ecg_rhythm_beat_t make_beat(trial_t *trial, uint32_t index) {
    const uint32_t part = index / PART_BEATS % PARTS, k = index % PART_BEATS;
    const uint32_t rr = interval(trial, part, k);
    ecg_rhythm_beat_t beat = {
        .rr_samples = (uint16_t)rr,
        .beat_class = class_in(trial, part, k),
        .p_wave = (uint8_t)((part == FIBRILLATION ? 40 : 140) + next(trial, 60)),
        .quality = (uint8_t)(85 + next(trial, 16)),
        .unlikeness = (uint8_t)(5 + next(trial, 20)),
        .certainty = (uint8_t)next(trial, 48),
    };
    if (index % ODD_BEAT == 0) {
        beat.beat_class = (uint8_t)(ECG_RHYTHM_UNCLASSIFIABLE + next(trial, 2));
    } else if (k < LEARNING_BEATS) {
        beat.beat_class = ECG_RHYTHM_UNLABELLED;
    }
    trial->time += rr;
    beat.r_sample = trial->time;
    return beat;
}

/* Is the signal bad behind beat `index`: for one beat, or for many? */
static bool is_bad(uint32_t index) {
    const uint32_t since = index % (4 * BAD_BEAT);
    return since == BAD_BEAT || (since >= 3 * BAD_BEAT && since < 3 * BAD_BEAT + BAD_LONG_BEATS);
}

/* A tachycardia without beats, which becomes fibrillation; then a lead is off. */
static void give_ventricular(trial_t *trial) {
    const uint32_t since = trial->time;
    for (uint32_t second = 0; second < VENTRICULAR_S; second++) {
        const bool fast = second < TACHYCARDIA_S;
        trial->time += RATE_HZ;
        const ecg_rhythm_ventricular_t now = {
            .since = fast ? since : since + TACHYCARDIA_S * RATE_HZ,
            .until = trial->time,
            .rate = (uint16_t)(150 + next(trial, 50)),
            .kind = fast ? ECG_RHYTHM_VENTRICULAR_IS_TACHYCARDIA : ECG_RHYTHM_VENTRICULAR_IS_FIBRILLATION,
        };
        ecg_rhythm_ventricular(trial->rhythm, &now);
    }
    const ecg_rhythm_ventricular_t over = {.since = trial->time, .until = trial->time};
    ecg_rhythm_ventricular(trial->rhythm, &over);
    ecg_rhythm_leads(trial->rhythm, trial->time, true);
    ecg_rhythm_leads(trial->rhythm, trial->time + RATE_HZ, false);
}

static void add_features(trial_t *trial) {
    int16_t features[ECG_RHYTHM_FEATURES];
    if (ecg_rhythm_describe(&trial->rhythm->irregular, ECG_RHYTHM_IRREGULAR_INTERVALS, RATE_HZ, features)) {
        for (int k = 0; k < ECG_RHYTHM_FEATURES; k++) {
            add_word(trial, (uint32_t)features[k]);
        }
        add_word(trial, ecg_rhythm_flutter_excess(&trial->rhythm->irregular.flutter));
    }
}

static void give_sequence(trial_t *trial) {
    for (uint32_t index = 0; index < BEATS; index++) {
        const ecg_rhythm_beat_t beat = make_beat(trial, index);
        add_word(trial, ecg_rhythm_suspects_fibrillation(trial->rhythm, beat.r_sample));
        ecg_rhythm_beat(trial->rhythm, &beat);
        ecg_rhythm_tick(trial->rhythm, trial->time + 1u, is_bad(index));
        add_features(trial);
        if ((index + 1) % (PART_BEATS * VENTRICULAR_EVERY) == 0) {
            give_ventricular(trial);
        }
    }
    ecg_rhythm_finish(trial->rhythm, trial->time + RATE_HZ);
}

static void add_constants(trial_t *trial) {
    for (size_t i = 0; i < sizeof CONSTANTS / sizeof CONSTANTS[0]; i++) {
        add_word(trial, (uint32_t)CONSTANTS[i]);
    }
}

/* No sequence reaches every weight. */
static void add_scores(trial_t *trial) {
    for (int i = 0; i < SCORE_TRIALS; i++) {
        int16_t features[ECG_RHYTHM_FEATURES];
        for (int k = 0; k < ECG_RHYTHM_FEATURES; k++) {
            features[k] = (int16_t)next(trial, 1024);
        }
        add_word(trial, (uint32_t)ecg_rhythm_score_fibrillation(features));
        add_word(trial, (uint32_t)ecg_rhythm_score_irregular(features));
        add_word(trial, ecg_rhythm_percent((int32_t)next(trial, 4096) - 2048));
    }
}

static void add_labels(trial_t *trial) {
    for (int symbol = '!'; symbol <= '~'; symbol++) {
        const char labels[] = {'N', ',', (char)symbol, '\0'};
        const int8_t outputs[] = {(int8_t)symbol, (int8_t)next(trial, 128), (int8_t)next(trial, 128)};
        add_word(trial, (uint32_t)ecg_rhythm_class_of(labels, 1));
        add_word(trial, ecg_rhythm_certainty(outputs, sizeof outputs));
    }
}

uint32_t ecg_rhythm_fingerprint(ecg_rhythm_state_t *scratch) {
    trial_t trial = {.rhythm = scratch, .random = 1};
    ecg_rhythm_init(scratch, RATE_HZ, add_event, &trial);
    add_constants(&trial);
    give_sequence(&trial);
    add_scores(&trial);
    add_labels(&trial);
    return trial.crc;
}
