#include "conv_1xn_private.h"

#ifdef ECG_NN_XTENSA

#define MAX_WINDOW 256 /* bytes of a window that is widened on the stack; larger ones take the slower way */

/* One tap of the windows of two neighbouring positions. The core loads 16 bits with their sign, but not 8. */
typedef struct {
    int16_t a, b;
} tap_t;

/* Two positions by two output channels. */
typedef struct {
    int32_t a0, a1, b0, b1;
} block_t;

/* Widen the window of position `x` into every second half word from `tap` on. */
static void widen(const ecg_nn_conv_t *layer, const int8_t *input, int32_t x, int16_t *tap) {
    const ecg_nn_row_window_t window =
        ecg_nn_row_window_at(layer, input, x * layer->stride_width - layer->pad_left);
    const int16_t zero_point = (int16_t)layer->input_zero_point;
    for (int32_t i = 0; i < window.before; ++i, tap += 2) {
        *tap = zero_point;
    }
    for (int32_t i = 0; i < window.inside; ++i, tap += 2) {
        *tap = window.input[i];
    }
    for (int32_t i = 0; i < window.after; ++i, tap += 2) {
        *tap = zero_point;
    }
}

static inline block_t weigh_block(const tap_t *taps, const int8_t *w0, const int8_t *w1, int32_t length,
                                  block_t sums) {
    for (int32_t i = 0; i < length; ++i) {
        const int16_t a = taps[i].a, b = taps[i].b, u = w0[i], v = w1[i];
        sums.a0 += a * u;
        sums.b0 += b * u;
        sums.a1 += a * v;
        sums.b1 += b * v;
    }
    return sums;
}

/* Two neighbouring positions from `x` on. The last of an odd number of channels is weighed twice. */
static void two_positions(const ecg_nn_conv_t *layer, const int8_t *input, int32_t x, tap_t *taps,
                          int8_t *output) {
    const int32_t length = layer->kernel_width * layer->input_channels;
    widen(layer, input, x, &taps->a);
    widen(layer, input, x + 1, &taps->b);
    int8_t *const next = output + layer->output_channels;
    const int8_t *weights = layer->weights;
    for (int32_t c = 0; c < layer->output_channels; c += 2, weights += 2 * length) {
        const int32_t second = c + 1 < layer->output_channels ? 1 : 0;
        const ecg_nn_channel_t *const channel = &layer->channels[c], *const other = channel + second;
        const block_t bias = {channel->bias, other->bias, channel->bias, other->bias};
        const block_t block = weigh_block(taps, weights, weights + second * length, length, bias);
        output[c] = ecg_nn_output_s8(block.a0, channel, &layer->output);
        next[c] = ecg_nn_output_s8(block.b0, channel, &layer->output);
        output[c + second] = ecg_nn_output_s8(block.a1, other, &layer->output);
        next[c + second] = ecg_nn_output_s8(block.b1, other, &layer->output);
    }
}

void ecg_nn_conv_1xn_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    const int32_t channels = layer->output_channels;
    const int pairs = layer->kernel_width * layer->input_channels <= MAX_WINDOW;
    tap_t taps[MAX_WINDOW];
    int32_t x = 0;
    for (; pairs && x < layer->output_width - 1; x += 2, output += 2 * channels) {
        two_positions(layer, input, x, taps, output);
    }
    for (; x < layer->output_width; ++x, output += channels) {
        ecg_nn_row_position(layer, input, x, output);
    }
}

#endif
