#include "conv_1xn_private.h"

#ifndef ECG_NN_HELIUM

void ecg_nn_conv_1xn_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    const int32_t length = layer->kernel_width * layer->input_channels;
    for (int32_t x = 0; x < layer->output_width; ++x) {
        const ecg_nn_row_window_t window =
            ecg_nn_row_window_at(layer, input, x * layer->stride_width - layer->pad_left);
        const int8_t *weights = layer->weights;
        for (int32_t c = 0; c < layer->output_channels; ++c, weights += length) {
            const ecg_nn_channel_t *channel = &layer->channels[c];
            const int32_t sum = channel->bias + ecg_nn_weigh_row(&window, weights, layer->input_zero_point);
            *output++ = ecg_nn_output_s8(sum, channel, &layer->output);
        }
    }
}

#endif
