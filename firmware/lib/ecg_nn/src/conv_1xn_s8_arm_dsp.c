#include "conv_1xn_private.h"

#ifdef ECG_NN_ARM_DSP

#define MAX_WINDOW 256 /* bytes of a window that is widened on the stack; larger ones take the slower way */

/* Four bytes of the windows of two neighbouring positions, widened. */
typedef struct {
    uint32_t even_a, odd_a, even_b, odd_b;
} taps_t;

/* Two positions by two output channels. */
typedef struct {
    int32_t a[2], b[2]; /* [channel] of the first and of the second position */
} block_t;

/* The window as it stands in the input, or, where it reaches into the padding, copied and filled up. */
static const int8_t *window_bytes(const ecg_nn_conv_t *layer, const int8_t *input, int32_t x, int8_t *copy) {
    const ecg_nn_row_window_t window =
        ecg_nn_row_window_at(layer, input, x * layer->stride_width - layer->pad_left);
    if (window.before + window.after == 0) {
        return window.input;
    }
    memset(copy, (int)layer->input_zero_point, (size_t)(window.before + window.inside + window.after));
    memcpy(copy + window.before, window.input, (size_t)window.inside);
    return copy;
}

/* The last, 1 to 3, bytes as a word, zeros after them. */
static uint32_t last_bytes(const int8_t *bytes, int32_t count) {
    uint32_t word = 0;
    for (int32_t i = count; i > 0; --i) {
        word = word << 8 | (uint8_t)bytes[i - 1];
    }
    return word;
}

/* Widen two windows of `length` bytes side by side; the number of taps_t written. */
static int32_t widen(const int8_t *a, const int8_t *b, int32_t length, taps_t *taps) {
    taps_t *const first = taps;
    for (; length > 0; length -= 4, a += 4, b += 4, ++taps) {
        const uint32_t p = length > 3 ? ecg_nn_load_word(a) : last_bytes(a, length);
        const uint32_t q = length > 3 ? ecg_nn_load_word(b) : last_bytes(b, length);
        *taps =
            (taps_t){ecg_nn_even_bytes(p), ecg_nn_odd_bytes(p), ecg_nn_even_bytes(q), ecg_nn_odd_bytes(q)};
    }
    return (int32_t)(taps - first);
}

/* Where the length is no multiple of 4, the last words reach beyond the weights' rows: there the taps are 0.
 */
static inline block_t weigh_block(const taps_t *taps, int32_t count, const int8_t *w0, const int8_t *w1,
                                  const ecg_nn_channel_t *channels) {
    int32_t a0 = channels[0].bias, a1 = channels[1].bias, b0 = channels[0].bias, b1 = channels[1].bias;
    for (const taps_t *const end = taps + count; taps != end; ++taps, w0 += 4, w1 += 4) {
        const taps_t x = *taps;
        const uint32_t u = ecg_nn_load_word(w0);
        const uint32_t u_even = ecg_nn_even_bytes(u), u_odd = ecg_nn_odd_bytes(u);
        a0 = ecg_nn_multiply_bytes(x.even_a, x.odd_a, u_even, u_odd, a0);
        b0 = ecg_nn_multiply_bytes(x.even_b, x.odd_b, u_even, u_odd, b0);
        const uint32_t v = ecg_nn_load_word(w1);
        const uint32_t v_even = ecg_nn_even_bytes(v), v_odd = ecg_nn_odd_bytes(v);
        a1 = ecg_nn_multiply_bytes(x.even_a, x.odd_a, v_even, v_odd, a1);
        b1 = ecg_nn_multiply_bytes(x.even_b, x.odd_b, v_even, v_odd, b1);
    }
    return (block_t){{a0, a1}, {b0, b1}};
}

/* Two neighbouring positions from `x` on. */
static void two_positions(const ecg_nn_conv_t *layer, const int8_t *input, int32_t x, int8_t *output) {
    const int32_t length = layer->kernel_width * layer->input_channels, channels = layer->output_channels;
    taps_t taps[MAX_WINDOW / 4];
    int8_t copy_a[MAX_WINDOW], copy_b[MAX_WINDOW];
    const int32_t count =
        widen(window_bytes(layer, input, x, copy_a), window_bytes(layer, input, x + 1, copy_b), length, taps);
    const int8_t *weights = layer->weights;
    const ecg_nn_channel_t *channel = layer->channels;
    const int32_t zero_point = layer->output.zero_point;
    int8_t *const next = output + channels;
    for (int32_t c = 0; c < channels; c += 2, channel += 2, weights += 2 * length) {
        const block_t block = weigh_block(taps, count, weights, weights + length, channel);
        output[c] = ecg_nn_saturated_s8(block.a[0], &channel[0], zero_point);
        next[c] = ecg_nn_saturated_s8(block.b[0], &channel[0], zero_point);
        output[c + 1] = ecg_nn_saturated_s8(block.a[1], &channel[1], zero_point);
        next[c + 1] = ecg_nn_saturated_s8(block.b[1], &channel[1], zero_point);
    }
}

/* One position, every channel. */
static void one_position(const ecg_nn_conv_t *layer, const int8_t *input, int32_t x, int8_t *output) {
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

void ecg_nn_conv_1xn_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    const int32_t channels = layer->output_channels;
    const int pairs = layer->kernel_width * layer->input_channels <= MAX_WINDOW && channels % 2 == 0;
    int32_t x = 0;
    for (; pairs && x < layer->output_width - 1; x += 2, output += 2 * channels) {
        two_positions(layer, input, x, output);
        ecg_nn_clamp_bytes(output, 2 * channels, &layer->output);
    }
    for (; x < layer->output_width; ++x, output += channels) {
        one_position(layer, input, x, output);
    }
}

#endif
