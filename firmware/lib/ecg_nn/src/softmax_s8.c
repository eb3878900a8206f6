#include "ecg_nn_private.h"

#define SUM_INTEGER_BITS 12 /* the sum of exponentials is Q12.19: up to 4096 classes */

static int32_t leading_zeros(uint32_t value) {
    int32_t count = 0;
    while (count < 32 && (value & 0x80000000u) == 0u) {
        value <<= 1;
        ++count;
    }
    return count;
}

static int32_t saturating_shift_left(int32_t value, int32_t bits) {
    const int64_t shifted = (int64_t)value * ((int64_t)1 << bits);
    return shifted > INT32_MAX ? INT32_MAX : shifted < INT32_MIN ? INT32_MIN : (int32_t)shifted;
}

/* 1 / (1 + x) for x in 0..1, Q0.31: gemmlowp's Newton-Raphson division, 48/17 - 32/17 d as first guess. */
static int32_t one_over_one_plus_x(int32_t x) {
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t guess = 1515870810 + ecg_nn_doubling_high_mul(half_denominator, -1010580540);
    for (int step = 0; step < 3; ++step) {
        const int32_t error = (1 << 29) - ecg_nn_doubling_high_mul(half_denominator, guess);
        guess += saturating_shift_left(ecg_nn_doubling_high_mul(guess, error), 2);
    }
    return saturating_shift_left(guess, 1);
}

static int32_t row_max(const int8_t *input, int32_t depth) {
    int32_t max = INT8_MIN;
    for (int32_t i = 0; i < depth; ++i) {
        max = ecg_nn_max(max, input[i]);
    }
    return max;
}

static int32_t sum_of_exps(const ecg_nn_softmax_t *layer, const int8_t *input, int32_t max) {
    int32_t sum = 0;
    for (int32_t i = 0; i < layer->depth; ++i) {
        const int32_t difference = max - input[i];
        if (difference < layer->table_size) {
            sum += ecg_nn_rounding_divide(layer->exp_q31[difference], SUM_INTEGER_BITS);
        }
    }
    return sum;
}

static void softmax_row(const ecg_nn_softmax_t *layer, const int8_t *input, int8_t *output) {
    const int32_t max = row_max(input, layer->depth);
    const int32_t sum = sum_of_exps(layer, input, max);
    const int32_t headroom = leading_zeros((uint32_t)sum);
    const int32_t scale = one_over_one_plus_x((int32_t)(((uint32_t)sum << headroom) - 0x80000000u));
    const int32_t exponent = SUM_INTEGER_BITS - headroom + 31 - 8;
    for (int32_t i = 0; i < layer->depth; ++i) {
        const int32_t difference = max - input[i];
        const int32_t exp = difference < layer->table_size ? layer->exp_q31[difference] : 0;
        const int32_t share = ecg_nn_rounding_divide(ecg_nn_doubling_high_mul(scale, exp), exponent);
        output[i] = (int8_t)ecg_nn_clamp(share + INT8_MIN, INT8_MIN, INT8_MAX);
    }
}

void ecg_nn_softmax_s8(const ecg_nn_softmax_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < layer->rows; ++row, input += layer->depth, output += layer->depth) {
        softmax_row(layer, input, output);
    }
}
