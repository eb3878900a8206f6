#include "ecg_nn_private.h"

#ifdef ECG_NN_ARM_DSP

/* Two outputs at a time: every word of the input is used twice. */
static inline void two_outputs(const ecg_nn_fully_connected_t *layer, const ecg_nn_channel_t *channel,
                               const int8_t *input, const int8_t *weights, int8_t *output) {
    const int8_t *const next = weights + layer->inputs;
    int32_t a = channel[0].bias, b = channel[1].bias, i = 0;
    for (; i < layer->inputs - 3; i += 4) {
        const uint32_t x = ecg_nn_load_word(input + i);
        const uint32_t u = ecg_nn_load_word(weights + i), v = ecg_nn_load_word(next + i);
        const uint32_t even = ecg_nn_even_bytes(x), odd = ecg_nn_odd_bytes(x);
        a = ecg_nn_multiply_bytes(even, odd, ecg_nn_even_bytes(u), ecg_nn_odd_bytes(u), a);
        b = ecg_nn_multiply_bytes(even, odd, ecg_nn_even_bytes(v), ecg_nn_odd_bytes(v), b);
    }
    for (; i < layer->inputs; ++i) {
        a += input[i] * weights[i];
        b += input[i] * next[i];
    }
    output[0] = ecg_nn_output_s8(a, &channel[0], &layer->output);
    output[1] = ecg_nn_output_s8(b, &channel[1], &layer->output);
}

void ecg_nn_fully_connected_s8(const ecg_nn_fully_connected_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < layer->rows; ++row, input += layer->inputs, output += layer->outputs) {
        const int8_t *weights = layer->weights;
        int32_t c = 0;
        for (; c < layer->outputs - 1; c += 2, weights += 2 * layer->inputs) {
            two_outputs(layer, &layer->channels[c], input, weights, &output[c]);
        }
        if (c < layer->outputs) {
            const ecg_nn_channel_t *channel = &layer->channels[c];
            const int32_t sum = channel->bias + ecg_nn_dot(input, weights, layer->inputs);
            output[c] = ecg_nn_output_s8(sum, channel, &layer->output);
        }
    }
}

#endif
