#include "shapes.h"

#include <string.h>

#include "ecg_base/int_math.h"
#include "labels_rules.h"

#define POINTS ECG_RHYTHM_SHAPE_POINTS
#define LEAST_ENERGY_Q8 256 /* of a shape: no division by zero */

/* The points of a beat, `shift` points later, without their mean. */
static void take_points(const int8_t *window, int32_t shift, int16_t *points) {
    const int8_t *first = &window[(ECG_RHYTHM_SHAPE_FIRST + shift) * ECG_RHYTHM_WINDOW_CHANNELS];
    int32_t sum = 0;
    for (int32_t i = 0; i < POINTS; i++) {
        sum += first[i * ECG_RHYTHM_WINDOW_CHANNELS];
    }
    const int32_t mean = ecg_divide(sum, POINTS);
    for (int32_t i = 0; i < POINTS; i++) {
        points[i] = (int16_t)(first[i * ECG_RHYTHM_WINDOW_CHANNELS] - mean);
    }
}

static int32_t product(const int16_t *a, const int16_t *b) {
    int32_t sum = 0;
    for (int32_t i = 0; i < POINTS; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* Square of the correlation, 0 where it is negative. A point is below 256, one of a shape below 4096: the
 * energies are below 2^22 and 2^30, so that their product, and the square of the points' product, are below
 * 2^52. */
static int32_t likeness_q11(const ecg_rhythm_shape_t *shape, int32_t shape_energy, const int16_t *points,
                            int32_t energy) {
    const int64_t together = product(shape->points_q4, points);
    const int64_t energies = (int64_t)shape_energy * energy;
    return together <= 0 || energies < LEAST_ENERGY_Q8 ? 0
                                                       : (int32_t)((together * together * 2048) / energies);
}

static void learn(ecg_rhythm_shape_t *shape, const int16_t *points) {
    shape->beats = (uint16_t)(shape->beats + (shape->beats < LEARNING_BEATS));
    for (int32_t i = 0; i < POINTS; i++) {
        const int32_t difference = points[i] * 16 - shape->points_q4[i];
        shape->points_q4[i] = (int16_t)(shape->points_q4[i] + ecg_divide(difference, shape->beats));
    }
}

static uint32_t rank(const ecg_rhythm_shape_t *shape) {
    return shape->beats < ESTABLISHED_BEATS ? shape->beats : ESTABLISHED_BEATS;
}

/* A place for a new shape: a free one, or that of the one with the fewest beats, the longest unseen. */
static ecg_rhythm_shape_t *make_room(ecg_rhythm_labels_t *state) {
    ecg_rhythm_shape_t *least = &state->shapes[0];
    for (uint32_t i = 1; i < ECG_RHYTHM_SHAPES; i++) {
        ecg_rhythm_shape_t *shape = &state->shapes[i];
        const bool is_older = (int32_t)(shape->last - least->last) < 0;
        if (rank(shape) < rank(least) || (rank(shape) == rank(least) && is_older)) {
            least = shape;
        }
    }
    memset(least, 0, sizeof *least);
    return least;
}

ecg_rhythm_shape_t *ecg_rhythm_find_shape(ecg_rhythm_labels_t *state, const int8_t *window) {
    ecg_rhythm_shape_t *found = NULL;
    int16_t points[POINTS], aligned[POINTS];
    int32_t energies[ECG_RHYTHM_SHAPES], most = LIKE_Q11 - 1;
    for (uint32_t i = 0; i < ECG_RHYTHM_SHAPES; i++) {
        energies[i] = product(state->shapes[i].points_q4, state->shapes[i].points_q4);
    }
    take_points(window, 0, aligned);
    for (int32_t shift = -ECG_RHYTHM_SHAPE_SHIFT; shift <= ECG_RHYTHM_SHAPE_SHIFT; shift++) {
        take_points(window, shift, points);
        const int32_t energy = product(points, points);
        for (uint32_t i = 0; i < ECG_RHYTHM_SHAPES; i++) {
            const int32_t likeness = likeness_q11(&state->shapes[i], energies[i], points, energy);
            if (likeness > most) {
                most = likeness;
                found = &state->shapes[i];
                memcpy(aligned, points, sizeof aligned);
            }
        }
    }
    if (found == NULL) {
        found = make_room(state);
    }
    learn(found, aligned);
    found->last = state->beats++;
    return found;
}
