/* A network with one hidden layer, its weights by training/ventricular/train.py. Each unit is one step of
 * work.
 */
#include "ventricular_classifier.h"

#include "ecg_base/int_math.h"
#include "ecg_base/pairs.h"
#include "ecg_base/static_assert.h"
#include "ecg_base/unroll.h"
#include "ventricular_weights.h"

ECG_STATIC_ASSERT(sizeof VENTRICULAR_CENTRE == ECG_VENTRICULAR_FEATURES * sizeof VENTRICULAR_CENTRE[0],
                  inputs);
ECG_STATIC_ASSERT(sizeof VENTRICULAR_OUTPUT_BIAS ==
                      ECG_VENTRICULAR_CLASSES * sizeof VENTRICULAR_OUTPUT_BIAS[0],
                  classes);

ECG_STATIC_ASSERT(ECG_VENTRICULAR_FEATURES % 2 == 0, inputs_in_pairs);

#define TOGETHER 4 /* units */
ECG_STATIC_ASSERT(TOGETHER == 4 && VENTRICULAR_HIDDEN % TOGETHER == 0, units_by_four);

#define INPUT_LIMIT 256 /* 4 standard deviations: nothing beyond was trained on */

/* Inputs: 64 is one standard deviation. */
static void scale_inputs(ecg_ventricular_t *state) {
    for (uint32_t i = 0; i < ECG_VENTRICULAR_FEATURES; i++) {
        const int32_t input = (state->features[i] - VENTRICULAR_CENTRE[i]) * VENTRICULAR_GAIN[i];
        state->work.inputs[i] = (int16_t)ecg_clip(ecg_shift_round(input, 8), -INPUT_LIMIT, INPUT_LIMIT);
    }
    for (uint32_t k = 0; k < ECG_VENTRICULAR_CLASSES; k++) {
        state->logits_q8[k] = VENTRICULAR_OUTPUT_BIAS[k];
    }
}

/* Hidden sums are in 1 / 16384, outputs in 1 / 256. */
static void add_unit(ecg_ventricular_t *state, uint32_t unit, int32_t sum) {
    sum += VENTRICULAR_HIDDEN_BIAS[unit];
    const int32_t hidden = sum > 0 ? sum >> 8 : 0;
    for (uint32_t k = 0; k < ECG_VENTRICULAR_CLASSES; k++) {
        state->logits_q8[k] += (hidden * VENTRICULAR_OUTPUT_WEIGHT[unit * ECG_VENTRICULAR_CLASSES + k]) >> 6;
    }
}

/* Each pair of inputs is loaded once for the four units. */
static void add_units(ecg_ventricular_t *state, uint32_t unit) {
    const int16_t *weight = &VENTRICULAR_HIDDEN_WEIGHT[unit * ECG_VENTRICULAR_FEATURES];
    int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    ECG_UNROLL(2)
    for (uint32_t i = 0; i < ECG_VENTRICULAR_FEATURES; i += 2, weight += 2) {
        const ecg_pair_t inputs = ecg_pair_at(&state->work.inputs[i]);
        sum0 = ecg_add_pairs(sum0, inputs, ecg_pair_at(weight));
        sum1 = ecg_add_pairs(sum1, inputs, ecg_pair_at(weight + ECG_VENTRICULAR_FEATURES));
        sum2 = ecg_add_pairs(sum2, inputs, ecg_pair_at(weight + 2 * ECG_VENTRICULAR_FEATURES));
        sum3 = ecg_add_pairs(sum3, inputs, ecg_pair_at(weight + 3 * ECG_VENTRICULAR_FEATURES));
    }
    add_unit(state, unit, sum0);
    add_unit(state, unit + 1, sum1);
    add_unit(state, unit + 2, sum2);
    add_unit(state, unit + 3, sum3);
}

uint32_t ecg_ventricular_classify_steps(void) {
    return VENTRICULAR_HIDDEN / TOGETHER + 1;
}

void ecg_ventricular_classify(ecg_ventricular_t *state, uint32_t step) {
    if (step == 0) {
        scale_inputs(state);
        return;
    }
    add_units(state, TOGETHER * (step - 1));
}
