#include "unsigned_private.h"

#ifdef ECG_NN_UNSIGNED

#define OUTPUTS 4 /* neighbouring output positions that are summed at a time */
#define SPAN 16   /* those whose inputs are widened at a time */

/* `count` inputs of a channel from column `x` on, widened; those in the padding hold the zero point. */
static void widen(const ecg_nn_conv_block_t *layer, const int8_t *channel, int32_t x, int32_t count,
                  int32_t *column) {
    const int32_t depth = layer->input_channels, width = layer->input_width,
                  zero_point = layer->input_zero_point;
    const int8_t *next = channel + x * depth;
    for (const int32_t *const end = column + count; column != end; ++x, next += depth) {
        *column++ = x >= 0 && x < width ? *next : zero_point;
    }
}

/* Sums of four outputs, whose windows are `step` inputs apart. */
static inline void weigh(const int32_t *column, const int32_t *weights, const int32_t *const end,
                         int32_t step, int32_t sums[OUTPUTS]) {
    int32_t a = sums[0], b = a, c = a, d = a;
    for (; weights != end; ++column) {
        const int32_t weight = *weights++;
        a += weight * column[0];
        b += weight * column[step];
        c += weight * column[2 * step];
        d += weight * column[3 * step];
        PIN(column); /* or the compiler keeps the inputs that overlap, and has no registers for the rest */
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

/* The outputs of a channel from position `x` on, at most SPAN of them. */
static void span(const ecg_nn_conv_block_t *layer, const int8_t *input, int32_t channel, int32_t x,
                 const int32_t *weights, int32_t *column, int8_t *output) {
    const int32_t count = ecg_nn_min(layer->output_width - x, SPAN), step = layer->stride_width;
    const ecg_nn_parts_t parts = ecg_nn_parts_of(&layer->channels[channel]);
    const ecg_nn_output_t limits = layer->output;
    const int32_t floor = ecg_nn_floor_of(&limits);
    widen(layer, input + channel, x * step - layer->pad_left, (SPAN - 1) * step + layer->taps, column);
    for (int32_t first = 0; first < count; first += OUTPUTS, column += OUTPUTS * step) {
        int32_t sums[OUTPUTS] = {layer->channels[channel].bias};
        if (step == 1) {
            weigh(column, weights, weights + layer->taps, 1, sums);
        } else if (step == 2) {
            weigh(column, weights, weights + layer->taps, 2, sums);
        } else {
            weigh(column, weights, weights + layer->taps, step, sums);
        }
        for (int32_t i = 0; i < OUTPUTS && first + i < count; ++i, output += layer->output_channels) {
            *output = ecg_nn_output_of(sums[i], &parts, floor, &limits);
        }
    }
}

void ecg_nn_depthwise_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                               uint32_t *scratch) {
    int32_t *const weights = (int32_t *)scratch, *const column = weights + layer->taps;
    for (int32_t channel = 0; channel < layer->output_channels; ++channel) {
        const int8_t *const group = layer->weights + (channel & -CHANNELS) * layer->taps;
        for (int32_t t = 0; t < layer->taps; ++t) {
            weights[t] = group[CHANNELS * t + channel % CHANNELS];
        }
        for (int32_t x = 0; x < layer->output_width; x += SPAN) {
            span(layer, input, channel, x, weights, column, output + x * layer->output_channels + channel);
        }
    }
    ecg_nn_limit_bytes(output, layer->output_width * layer->output_channels, &layer->output);
}

#endif
