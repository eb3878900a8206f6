#include "conv_1xn_private.h"

#ifndef ECG_NN_HELIUM

void ecg_nn_conv_1xn_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t x = 0; x < layer->output_width; ++x, output += layer->output_channels) {
        ecg_nn_row_position(layer, input, x, output);
    }
}

#endif
