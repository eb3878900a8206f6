#include "ecg_nn_private.h"

#ifndef ECG_NN_HELIUM

/* One kernel row at (y, x0): taps inside the input are multiplied, those in the padding count as its zero
 * point. */
static int32_t kernel_row(const ecg_nn_conv_t *layer, const int8_t *input, const int8_t *weights, int32_t y,
                          int32_t x0) {
    const int32_t depth = layer->input_channels;
    const int y_inside = y >= 0 && y < layer->input_height;
    int32_t sum = 0;
    for (int32_t kx = 0; kx < layer->kernel_width; ++kx, weights += depth) {
        const int32_t x = x0 + kx * layer->dilation_width;
        if (y_inside && x >= 0 && x < layer->input_width) {
            sum += ecg_nn_dot(input + (y * layer->input_width + x) * depth, weights, depth);
        } else {
            sum += ecg_nn_sum(weights, depth) * layer->input_zero_point;
        }
    }
    return sum;
}

static void output_position(const ecg_nn_conv_t *layer, const int8_t *input, int32_t y0, int32_t x0,
                            int8_t *output) {
    const int32_t row = layer->kernel_width * layer->input_channels;
    const int8_t *weights = layer->weights;
    for (int32_t c = 0; c < layer->output_channels; ++c) {
        const ecg_nn_channel_t *channel = &layer->channels[c];
        int32_t sum = channel->bias;
        for (int32_t ky = 0; ky < layer->kernel_height; ++ky, weights += row) {
            sum += kernel_row(layer, input, weights, y0 + ky * layer->dilation_height, x0);
        }
        output[c] = ecg_nn_output_s8(sum, channel, &layer->output);
    }
}

void ecg_nn_conv_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t y = 0; y < layer->output_height; ++y) {
        for (int32_t x = 0; x < layer->output_width; ++x, output += layer->output_channels) {
            output_position(layer, input, y * layer->stride_height - layer->pad_top,
                            x * layer->stride_width - layer->pad_left, output);
        }
    }
}

#endif
