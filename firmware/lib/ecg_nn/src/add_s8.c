#include "ecg_nn_private.h"

#ifndef ECG_NN_HELIUM

static int32_t common_scale(int32_t value, int32_t multiplier, int32_t shift) {
    return ecg_nn_requantize(value * (1 << ECG_NN_ADD_LEFT_SHIFT), multiplier, shift);
}

void ecg_nn_add_s8(const ecg_nn_add_t *layer, const int8_t *a, const int8_t *b, int8_t *output) {
    for (int32_t i = 0; i < layer->elements; ++i) {
        const int32_t sum = common_scale(a[i] - layer->zero_point_a, layer->multiplier_a, layer->shift_a) +
                            common_scale(b[i] - layer->zero_point_b, layer->multiplier_b, layer->shift_b);
        const int32_t scaled = ecg_nn_requantize(sum, layer->multiplier, layer->shift);
        output[i] =
            (int8_t)ecg_nn_clamp(scaled + layer->output.zero_point, layer->output.min, layer->output.max);
    }
}

#endif
