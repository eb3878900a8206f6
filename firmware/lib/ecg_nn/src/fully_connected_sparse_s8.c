#include "sparse_private.h"

void ecg_nn_fully_connected_sparse_s8(const ecg_nn_fully_connected_sparse_t *layer, const int8_t *input,
                                      int8_t *output) {
    const ecg_nn_fully_connected_t *const dense = &layer->dense;
    for (int32_t row = 0; row < dense->rows; ++row, input += dense->inputs) {
        const int8_t *place = layer->places, *block = dense->weights;
        const ecg_nn_channel_t *channel = dense->channels;
        for (const ecg_nn_channel_t *const end = channel + dense->outputs; channel != end; ++channel) {
            const int32_t sum = channel->bias + ecg_nn_weigh_blocks(input, &place, &block);
            *output++ = ecg_nn_output_s8(sum, channel, &dense->output);
        }
    }
}
