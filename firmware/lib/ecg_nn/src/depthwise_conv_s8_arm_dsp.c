#include "depthwise_conv_private.h"

#ifdef ECG_NN_ARM_DSP

/* Sums of four neighbouring channels. */
typedef struct {
    int32_t a, b, c, d;
} sums_t;

/* Add `count` taps. In the padding x_step is 0 and x points to four zero points. Not inlined: there the sums
 * would go to memory and back for every tap. */
static __attribute__((noinline)) sums_t add_taps(sums_t sums, const int8_t *x, int32_t x_step,
                                                 const int8_t *weights, int32_t w_step, int32_t count) {
    for (; count > 0; --count, x += x_step, weights += w_step) {
        const uint32_t value = ecg_nn_load_word(x), weight = ecg_nn_load_word(weights);
        const uint32_t value_even = ecg_nn_even_bytes(value), weight_even = ecg_nn_even_bytes(weight);
        sums.a = ecg_nn_multiply_low(value_even, weight_even, sums.a);
        sums.c = ecg_nn_multiply_high(value_even, weight_even, sums.c);
        const uint32_t value_odd = ecg_nn_odd_bytes(value), weight_odd = ecg_nn_odd_bytes(weight);
        sums.b = ecg_nn_multiply_low(value_odd, weight_odd, sums.b);
        sums.d = ecg_nn_multiply_high(value_odd, weight_odd, sums.d);
    }
    return sums;
}

/* Taps of a kernel row before, inside and after the input's width. */
typedef struct {
    int32_t before, inside, after;
} taps_t;

static taps_t taps_at(const ecg_nn_conv_t *layer, int32_t x0) {
    const int32_t step = layer->dilation_width, taps = layer->kernel_width;
    const int32_t before = x0 < 0 ? ecg_nn_min((step - 1 - x0) / step, taps) : 0;
    const int32_t room = layer->input_width - x0; /* taps that begin before the input's end, times step */
    const int32_t end = room > 0 ? ecg_nn_min((room + step - 1) / step, taps) : 0;
    const int32_t inside = ecg_nn_max(end - before, 0);
    return (taps_t){before, inside, taps - before - inside};
}

/* Add one kernel row; `row` is where its first tap would be in the input. */
static inline sums_t add_row(const ecg_nn_conv_t *layer, const int8_t *input, int32_t row, const taps_t *taps,
                             const int8_t *weights, sums_t sums) {
    const int32_t channels = layer->input_channels, step = layer->dilation_width * channels;
    const uint32_t padding = (uint32_t)(uint8_t)layer->input_zero_point * 0x01010101u;
    const int8_t *const outside = (const int8_t *)&padding;
    if (taps->before > 0) {
        sums = add_taps(sums, outside, 0, weights, channels, taps->before);
        weights += taps->before * channels;
    }
    if (taps->inside > 0) {
        sums = add_taps(sums, input + (row + taps->before * step), step, weights, channels, taps->inside);
        weights += taps->inside * channels;
    }
    if (taps->after > 0) {
        sums = add_taps(sums, outside, 0, weights, channels, taps->after);
    }
    return sums;
}

/* Four channels from `c` on, at one output position. */
static void four_channels(const ecg_nn_conv_t *layer, const int8_t *input, int32_t y0, int32_t x0,
                          const taps_t *taps, int32_t c, int8_t *output) {
    const taps_t none = {layer->kernel_width, 0, 0};
    const int32_t channels = layer->input_channels, zero_point = layer->output.zero_point;
    const ecg_nn_channel_t *channel = &layer->channels[c];
    const int8_t *weights = layer->weights + c;
    sums_t sums = {channel[0].bias, channel[1].bias, channel[2].bias, channel[3].bias};
    for (int32_t ky = 0; ky < layer->kernel_height; ++ky, weights += layer->kernel_width * channels) {
        const int32_t y = y0 + ky * layer->dilation_height;
        const int inside = y >= 0 && y < layer->input_height;
        const int32_t row = inside ? (y * layer->input_width + x0) * channels + c : 0;
        sums = add_row(layer, input, row, inside ? taps : &none, weights, sums);
    }
    output[c] = ecg_nn_saturated_s8(sums.a, &channel[0], zero_point);
    output[c + 1] = ecg_nn_saturated_s8(sums.b, &channel[1], zero_point);
    output[c + 2] = ecg_nn_saturated_s8(sums.c, &channel[2], zero_point);
    output[c + 3] = ecg_nn_saturated_s8(sums.d, &channel[3], zero_point);
}

static void output_position(const ecg_nn_conv_t *layer, const int8_t *input, int32_t y0, int32_t x0,
                            int8_t *output) {
    const taps_t taps = taps_at(layer, x0);
    const int32_t multiplier = layer->output_channels / layer->input_channels;
    int32_t c = 0;
    for (; multiplier == 1 && c < layer->output_channels - 3; c += 4) {
        four_channels(layer, input, y0, x0, &taps, c, output);
    }
    ecg_nn_clamp_bytes(output, c, &layer->output);
    for (; c < layer->output_channels; ++c) {
        const ecg_nn_channel_t *channel = &layer->channels[c];
        const int32_t sum = channel->bias + ecg_nn_depthwise_sum(layer, input, y0, x0, c, c / multiplier);
        output[c] = ecg_nn_output_s8(sum, channel, &layer->output);
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
