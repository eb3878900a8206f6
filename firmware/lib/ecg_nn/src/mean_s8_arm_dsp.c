#include "ecg_nn_private.h"

#ifdef ECG_NN_ARM_DSP

#define ROWS_AT_ONCE 255 /* 255 * 128 fits in 16 bits */

static int8_t mean_of(const ecg_nn_mean_t *layer, int32_t sum) {
    const int32_t scaled =
        ecg_nn_requantize(sum + layer->requant.bias, layer->requant.multiplier, layer->requant.shift);
    return (int8_t)ecg_nn_clamp(scaled + layer->output_zero_point, INT8_MIN, INT8_MAX);
}

/* Add up to 255 rows of four columns to their sums. */
static void add_rows(const int8_t *columns, int32_t stride, int32_t rows, int32_t sums[4]) {
    uint32_t even = 0, odd = 0;
    for (; rows > 0; --rows, columns += stride) {
        const uint32_t word = ecg_nn_load_word(columns);
        even = ecg_nn_add_even_bytes(even, word);
        odd = ecg_nn_add_odd_bytes(odd, word);
    }
    sums[0] += (int16_t)even;
    sums[1] += (int16_t)odd;
    sums[2] += (int32_t)even >> 16;
    sums[3] += (int32_t)odd >> 16;
}

static void four_columns(const ecg_nn_mean_t *layer, const int8_t *columns, int8_t *output) {
    int32_t sums[4] = {0, 0, 0, 0};
    for (int32_t row = 0; row < layer->reduced; row += ROWS_AT_ONCE) {
        add_rows(columns + row * layer->inner, layer->inner, ecg_nn_min(layer->reduced - row, ROWS_AT_ONCE),
                 sums);
    }
    for (int32_t i = 0; i < 4; ++i) {
        output[i] = mean_of(layer, sums[i]);
    }
}

static int8_t one_column(const ecg_nn_mean_t *layer, const int8_t *column) {
    int32_t sum = 0;
    for (int32_t row = 0; row < layer->reduced; ++row, column += layer->inner) {
        sum += *column;
    }
    return mean_of(layer, sum);
}

void ecg_nn_mean_s8(const ecg_nn_mean_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t block = 0; block < layer->outer; ++block, input += layer->reduced * layer->inner) {
        int32_t i = 0;
        for (; i < layer->inner - 3; i += 4, output += 4) {
            four_columns(layer, input + i, output);
        }
        for (; i < layer->inner; ++i) {
            *output++ = one_column(layer, input + i);
        }
    }
}

#endif
