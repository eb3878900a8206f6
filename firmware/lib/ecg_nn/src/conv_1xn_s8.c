#include "ecg_nn_private.h"

/* Channels last makes the window of a one-row convolution contiguous, in the input as in the weights:
 * `before` and `after` elements of it lie in the padding, `inside` in the input. */
typedef struct {
    const int8_t *input;
    int32_t before, inside, after;
} window_t;

static window_t window_at(const ecg_nn_conv_t *layer, const int8_t *input, int32_t x0) {
    const int32_t depth = layer->input_channels;
    const int32_t first = ecg_nn_max(x0, 0);
    const int32_t end = ecg_nn_min(x0 + layer->kernel_width, layer->input_width);
    const int32_t inside = ecg_nn_max(end - first, 0);
    const int32_t before = ecg_nn_min(first - x0, layer->kernel_width);
    return (window_t){input + first * depth, before * depth, inside * depth,
                      (layer->kernel_width - before - inside) * depth};
}

static int32_t weigh(const window_t *window, const int8_t *weights, int32_t zero_point) {
    const int8_t *after = weights + window->before + window->inside;
    int32_t sum = ecg_nn_dot(window->input, weights + window->before, window->inside);
    if (window->before + window->after > 0) {
        sum += (ecg_nn_sum(weights, window->before) + ecg_nn_sum(after, window->after)) * zero_point;
    }
    return sum;
}

void ecg_nn_conv_1xn_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    const int32_t length = layer->kernel_width * layer->input_channels;
    for (int32_t x = 0; x < layer->output_width; ++x) {
        const window_t window = window_at(layer, input, x * layer->stride_width - layer->pad_left);
        const int8_t *weights = layer->weights;
        for (int32_t c = 0; c < layer->output_channels; ++c, weights += length) {
            const ecg_nn_channel_t *channel = &layer->channels[c];
            const int32_t sum = channel->bias + weigh(&window, weights, layer->input_zero_point);
            *output++ = ecg_nn_output_s8(sum, channel, &layer->output);
        }
    }
}
