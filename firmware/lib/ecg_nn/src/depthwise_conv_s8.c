#include "depthwise_conv_private.h"

#if !defined(ECG_NN_ARM_DSP) && !defined(ECG_NN_HELIUM)

static void output_position(const ecg_nn_conv_t *layer, const int8_t *input, int32_t y0, int32_t x0,
                            int8_t *output) {
    const int32_t multiplier = layer->output_channels / layer->input_channels;
    const int inside = ecg_nn_depthwise_inside(layer, y0, x0);
    const int32_t first = inside ? (y0 * layer->input_width + x0) * layer->input_channels : 0;
    int32_t c = 0;
    for (int32_t depth = 0; depth < layer->input_channels; ++depth) {
        for (int32_t m = 0; m < multiplier; ++m, ++c) {
            const ecg_nn_channel_t *channel = &layer->channels[c];
            const int32_t sum = inside ? ecg_nn_depthwise_inside_sum(layer, input + first + depth, c)
                                       : ecg_nn_depthwise_sum(layer, input, y0, x0, c, depth);
            output[c] = ecg_nn_output_s8(channel->bias + sum, channel, &layer->output);
        }
    }
}

void ecg_nn_depthwise_conv_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t y = 0; y < layer->output_height; ++y) {
        for (int32_t x = 0; x < layer->output_width; ++x, output += layer->output_channels) {
            output_position(layer, input, y * layer->stride_height - layer->pad_top,
                            x * layer->stride_width - layer->pad_left, output);
        }
    }
}

#endif
