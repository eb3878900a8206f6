#include <string.h>

#include "conv_1xn_private.h"
#include "sparse_private.h"

/* The window of output position `x`: in the padding the input's zero point, and after it as many bytes as
 * complete a block. */
static void copy_window(const ecg_nn_conv_t *conv, const int8_t *input, int32_t x, int8_t *copy) {
    const ecg_nn_row_window_t window =
        ecg_nn_row_window_at(conv, input, x * conv->stride_width - conv->pad_left);
    const int32_t taps = window.before + window.inside + window.after;
    memset(copy, (int)conv->input_zero_point, (size_t)((taps + ECG_NN_BLOCK - 1) & -ECG_NN_BLOCK));
    memcpy(copy + window.before, window.input, (size_t)window.inside);
}

void ecg_nn_conv_sparse_s8(const ecg_nn_conv_sparse_t *layer, const int8_t *input, int8_t *output) {
    const ecg_nn_conv_t *const conv = &layer->dense;
    int8_t window[ECG_NN_SPARSE_WINDOW];
    for (int32_t x = 0; x < conv->output_width; ++x) {
        copy_window(conv, input, x, window);
        const int8_t *place = layer->places, *block = conv->weights;
        for (int32_t c = 0; c < conv->output_channels; ++c) {
            const ecg_nn_channel_t *channel = &conv->channels[c];
            const int32_t sum = channel->bias + ecg_nn_weigh_blocks(window, &place, &block);
            *output++ = ecg_nn_output_s8(sum, channel, &conv->output);
        }
    }
}
