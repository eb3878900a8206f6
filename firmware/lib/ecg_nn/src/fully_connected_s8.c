#include "ecg_nn_private.h"

#if !defined(ECG_NN_ARM_DSP) && !defined(ECG_NN_HELIUM)

void ecg_nn_fully_connected_s8(const ecg_nn_fully_connected_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < layer->rows; ++row, input += layer->inputs) {
        const int8_t *weights = layer->weights;
        for (int32_t c = 0; c < layer->outputs; ++c, weights += layer->inputs) {
            const ecg_nn_channel_t *channel = &layer->channels[c];
            const int32_t sum = channel->bias + ecg_nn_dot(input, weights, layer->inputs);
            *output++ = ecg_nn_output_s8(sum, channel, &layer->output);
        }
    }
}

#endif
