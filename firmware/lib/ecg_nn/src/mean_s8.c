#include "ecg_nn_private.h"

#if !defined(ECG_NN_ARM_DSP) && !defined(ECG_NN_HELIUM)

static int8_t column_mean(const ecg_nn_mean_t *layer, const int8_t *column) {
    int32_t sum = layer->requant.bias;
    for (int32_t i = 0; i < layer->reduced; ++i, column += layer->inner) {
        sum += *column;
    }
    const int32_t scaled = ecg_nn_requantize(sum, layer->requant.multiplier, layer->requant.shift);
    return (int8_t)ecg_nn_clamp(scaled + layer->output_zero_point, INT8_MIN, INT8_MAX);
}

void ecg_nn_mean_s8(const ecg_nn_mean_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t block = 0; block < layer->outer; ++block, input += layer->reduced * layer->inner) {
        for (int32_t i = 0; i < layer->inner; ++i) {
            *output++ = column_mean(layer, input + i);
        }
    }
}

#endif
