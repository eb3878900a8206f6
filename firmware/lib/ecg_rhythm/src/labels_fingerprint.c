/* The behaviour of the labels as one number: the CRC of all constants, and of labels, shapes and votes of
 * made-up beats of more shapes than are kept, by networks with different labels. */
#include <stddef.h>

#include "ecg_base/crc32.h"
#include "ecg_base/int_math.h"
#include "ecg_rhythm/ecg_rhythm_labels.h"
#include "labels_rules.h"

#define BEATS 80
#define SHAPES 11 /* more than are known at a time */
#define OUTPUTS 6
#define EARLY_BEATS 10   /* before the average beat is known */
#define VOTES_BEFORE 970 /* so that votes are halved */

static const char *const MODELS[] = {"N,L,R,A,V", "V,N,F", "A,V", "N,S,r,e,Q,B"};

static const int32_t CONSTANTS[] = {
    ECG_RHYTHM_SHAPES,
    ECG_RHYTHM_SHAPE_FIRST,
    ECG_RHYTHM_SHAPE_POINTS,
    ECG_RHYTHM_SHAPE_SHIFT,
    ECG_RHYTHM_UNCLASSIFIED,
    OWN_VOTES,
    MOST_VOTES,
    VENTRICULAR_PART,
    LIKE_Q11,
    LEARNING_BEATS,
    ESTABLISHED_BEATS,
};

static uint32_t next(uint32_t *random, uint32_t below) {
    *random = *random * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)*random * below >> 32);
}

static uint32_t add_word(uint32_t crc, uint32_t word) {
    const uint8_t bytes[] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16),
                             (uint8_t)(word >> 24)};
    return ecg_crc32(crc, bytes, sizeof bytes);
}

static uint32_t add_votes(uint32_t crc, const ecg_rhythm_votes_t *group) {
    for (uint32_t i = 0; i <= ECG_RHYTHM_NORMAL_LABELS; i++) {
        crc = add_word(crc, group->votes[i]);
    }
    return crc;
}

static uint32_t add_state(uint32_t crc, const ecg_rhythm_labels_t *labels) {
    for (uint32_t i = 0; i < ECG_RHYTHM_SHAPES; i++) {
        const ecg_rhythm_shape_t *shape = &labels->shapes[i];
        for (uint32_t k = 0; k < ECG_RHYTHM_SHAPE_POINTS; k++) {
            crc = add_word(crc, (uint32_t)(int32_t)shape->points_q4[k]);
        }
        crc = add_votes(add_word(crc, shape->beats), &shape->votes);
    }
    return add_votes(crc, &labels->patient);
}

/* A triangle, upright or not, with a wave after it; noise that hides some of it. */
static void make_window(uint32_t *random, uint32_t shape, int8_t *window) {
    const int32_t width = 3 + 2 * (int32_t)shape, height = shape % 3 == 0 ? -110 : 110;
    const int32_t centre = 46 + (int32_t)next(random, 7);
    for (int32_t i = 0; i < ECG_RHYTHM_WINDOW_POINTS; i++) {
        const int32_t from = i < centre ? centre - i : i - centre;
        const int32_t wave =
            from < width ? height * (width - from) / width : (int32_t)shape * (i - centre) / 8;
        const int32_t noise = (int32_t)next(random, 4u + 3u * shape) - 2;
        window[i * ECG_RHYTHM_WINDOW_CHANNELS] = ecg_clip_int8(wave + noise);
    }
}

static uint32_t add_model(ecg_rhythm_labels_t *labels, uint32_t crc, const char *names, uint32_t *random) {
    int8_t window[ECG_RHYTHM_WINDOW_POINTS * ECG_RHYTHM_WINDOW_CHANNELS] = {0}, outputs[OUTPUTS];
    ecg_rhythm_labels_init(labels, names);
    labels->patient.votes[0] = VOTES_BEFORE;
    for (uint32_t i = 0; i < BEATS; i++) {
        const uint32_t shape = next(random, 3) ? next(random, 3) : next(random, SHAPES);
        make_window(random, shape, window);
        for (uint32_t k = 0; k < OUTPUTS; k++) {
            outputs[k] = (int8_t)((int32_t)next(random, 60) - 30 + ((shape + 1) % OUTPUTS == k ? 20 : 0));
        }
        const ecg_rhythm_unlabelled_t beat = {window, outputs, next(random, 16) == 0, i < EARLY_BEATS};
        const ecg_rhythm_label_t found = ecg_rhythm_labels_beat(labels, &beat);
        const uint8_t bytes[] = {found.label, found.in_fibrillation};
        crc = ecg_crc32(crc, bytes, sizeof bytes);
    }
    return add_state(crc, labels);
}

uint32_t ecg_rhythm_labels_fingerprint(ecg_rhythm_labels_t *scratch, uint32_t crc) {
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof CONSTANTS / sizeof CONSTANTS[0]; i++) {
        crc = add_word(crc, (uint32_t)CONSTANTS[i]);
    }
    for (size_t i = 0; i < sizeof MODELS / sizeof MODELS[0]; i++) {
        crc = add_model(scratch, crc, MODELS[i], &random);
    }
    return crc;
}
