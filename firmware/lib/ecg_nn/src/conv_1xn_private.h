/* The window of a one-row convolution, for every form of that kernel. */
#ifndef CONV_1XN_PRIVATE_H
#define CONV_1XN_PRIVATE_H

#include "ecg_nn_private.h"

/* Channels last makes the window of a one-row convolution contiguous, in the input as in the weights:
 * `before` and `after` elements of it lie in the padding, `inside` in the input. */
typedef struct {
    const int8_t *input;
    int32_t before, inside, after;
} ecg_nn_row_window_t;

static inline ecg_nn_row_window_t ecg_nn_row_window_at(const ecg_nn_conv_t *layer, const int8_t *input,
                                                       int32_t x0) {
    const int32_t depth = layer->input_channels;
    const int32_t first = ecg_nn_max(x0, 0);
    const int32_t end = ecg_nn_min(x0 + layer->kernel_width, layer->input_width);
    const int32_t inside = ecg_nn_max(end - first, 0);
    const int32_t before = ecg_nn_min(first - x0, layer->kernel_width);
    return (ecg_nn_row_window_t){input + first * depth, before * depth, inside * depth,
                                 (layer->kernel_width - before - inside) * depth};
}

/* Sum of the whole window times the weights, without the bias. */
static inline int32_t ecg_nn_weigh_row(const ecg_nn_row_window_t *window, const int8_t *weights,
                                       int32_t zero_point) {
    const int8_t *after = weights + window->before + window->inside;
    int32_t sum = ecg_nn_dot(window->input, weights + window->before, window->inside);
    if (window->before + window->after > 0) {
        sum += (ecg_nn_sum(weights, window->before) + ecg_nn_sum(after, window->after)) * zero_point;
    }
    return sum;
}

/* One position, every channel. */
static inline void ecg_nn_row_position(const ecg_nn_conv_t *layer, const int8_t *input, int32_t x,
                                       int8_t *output) {
    const int32_t length = layer->kernel_width * layer->input_channels;
    const ecg_nn_row_window_t window =
        ecg_nn_row_window_at(layer, input, x * layer->stride_width - layer->pad_left);
    const int8_t *weights = layer->weights;
    for (int32_t c = 0; c < layer->output_channels; ++c, weights += length) {
        const ecg_nn_channel_t *channel = &layer->channels[c];
        const int32_t sum = channel->bias + ecg_nn_weigh_row(&window, weights, layer->input_zero_point);
        output[c] = ecg_nn_output_s8(sum, channel, &layer->output);
    }
}

#endif
