/* One channel of a depthwise convolution, for every form of that kernel. */
#ifndef DEPTHWISE_CONV_PRIVATE_H
#define DEPTHWISE_CONV_PRIVATE_H

#include "ecg_nn_private.h"

/* Sum over the kernel of one output channel `c`, which reads input channel `depth`. */
static inline int32_t ecg_nn_depthwise_sum(const ecg_nn_conv_t *layer, const int8_t *input, int32_t y0,
                                           int32_t x0, int32_t c, int32_t depth) {
    const int8_t *weights = layer->weights + c;
    int32_t sum = 0;
    for (int32_t ky = 0; ky < layer->kernel_height; ++ky) {
        const int32_t y = y0 + ky * layer->dilation_height;
        const int y_inside = y >= 0 && y < layer->input_height;
        for (int32_t kx = 0; kx < layer->kernel_width; ++kx, weights += layer->output_channels) {
            const int32_t x = x0 + kx * layer->dilation_width;
            const int inside = y_inside && x >= 0 && x < layer->input_width;
            const int32_t at = (y * layer->input_width + x) * layer->input_channels + depth;
            sum += *weights * (inside ? input[at] : layer->input_zero_point);
        }
    }
    return sum;
}

/* Whether no tap of the window at (y0, x0) is in the padding. */
static inline int ecg_nn_depthwise_inside(const ecg_nn_conv_t *layer, int32_t y0, int32_t x0) {
    return y0 >= 0 && x0 >= 0 &&
           y0 + (layer->kernel_height - 1) * layer->dilation_height < layer->input_height &&
           x0 + (layer->kernel_width - 1) * layer->dilation_width < layer->input_width;
}

/* The same sum for such a window; `tap` is its first input of that channel. */
static inline int32_t ecg_nn_depthwise_inside_sum(const ecg_nn_conv_t *layer, const int8_t *tap, int32_t c) {
    const int32_t step = layer->dilation_width * layer->input_channels;
    const int32_t row = layer->dilation_height * layer->input_width * layer->input_channels;
    const int8_t *weights = layer->weights + c;
    int32_t sum = 0;
    for (int32_t ky = 0; ky < layer->kernel_height; ++ky, tap += row) {
        const int8_t *next = tap;
        for (int32_t kx = layer->kernel_width; kx > 0;
             --kx, next += step, weights += layer->output_channels) {
            sum += *weights * *next;
        }
    }
    return sum;
}

#endif
