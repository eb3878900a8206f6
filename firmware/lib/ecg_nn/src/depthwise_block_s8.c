#include "block_private.h"

#if !defined(ECG_NN_HELIUM) && !defined(ECG_NN_ARM_DSP) && !defined(ECG_NN_UNSIGNED)

/* Add the columns of four channels times their weights, one tap at a time; `step` is from tap to tap. */
static inline void weigh(const int8_t *weights, const int8_t *const end,
                         const int8_t *const columns[POSITIONS], int32_t step, ecg_nn_block_sums_t sums) {
    const int8_t *tap[POSITIONS];
    UNROLL
    for (int p = 0; p < POSITIONS; ++p) {
        tap[p] = columns[p];
    }
    do {
        UNROLL
        for (int c = 0; c < CHANNELS; ++c) {
            const int32_t weight = weights[c];
            UNROLL
            for (int p = 0; p < POSITIONS; ++p) {
                sums[c][p] += tap[p][c] * weight;
                PIN(sums[c][p]);
            }
            PIN(weights);
        }
        UNROLL
        for (int p = 0; p < POSITIONS; ++p) {
            tap[p] += step;
        }
        weights += CHANNELS;
    } while (weights != end);
}

static void groups(const ecg_nn_conv_block_t *layer, const ecg_nn_block_t *block, int32_t first,
                   int32_t end) {
    for (; first < end; first += CHANNELS) {
        const int8_t *const weights = layer->weights + first * layer->taps;
        const ecg_nn_block_channel_t *const channels = layer->channels + first;
        const int8_t *columns[POSITIONS];
        int8_t *outputs[POSITIONS];
        UNROLL
        for (int p = 0; p < POSITIONS; ++p) {
            columns[p] = block->windows[p] + first;
            outputs[p] = block->outputs[p] + first;
        }
        ecg_nn_block_sums_t sums;
        ecg_nn_block_begin(channels, sums);
        weigh(weights, weights + CHANNELS * layer->taps, columns, layer->input_channels, sums);
        ecg_nn_block_end(channels, &layer->output, sums, outputs);
    }
}

void ecg_nn_depthwise_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                               uint32_t *scratch) {
    ecg_nn_run_blocks(layer, input, output, scratch, layer->kernel_width * layer->input_channels, groups);
}

#endif
