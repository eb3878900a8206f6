#include "block_private.h"

#if !defined(ECG_NN_HELIUM) && !defined(ECG_NN_ARM_DSP) && !defined(ECG_NN_RISCV) && !defined(ECG_NN_UNSIGNED)

/* Add the windows times the weights of four channels, four taps at a time. */
static inline void weigh(const int8_t *weights, const int8_t *const end,
                         const int8_t *const windows[POSITIONS], ecg_nn_block_sums_t sums) {
    const int8_t *tap[POSITIONS];
    UNROLL
    for (int p = 0; p < POSITIONS; ++p) {
        tap[p] = windows[p];
    }
    do {
        UNROLL
        for (int t = 0; t < ECG_NN_BLOCK_TAPS; ++t) {
            int32_t values[POSITIONS];
            UNROLL
            for (int p = 0; p < POSITIONS; ++p) {
                values[p] = tap[p][t];
            }
            UNROLL
            for (int c = 0; c < CHANNELS; ++c) {
                const int32_t weight = weights[CHANNELS * t + c];
                UNROLL
                for (int p = 0; p < POSITIONS; ++p) {
                    sums[c][p] += values[p] * weight;
                    PIN(sums[c][p]);
                }
                PIN(weights);
            }
        }
        UNROLL
        for (int p = 0; p < POSITIONS; ++p) {
            tap[p] += ECG_NN_BLOCK_TAPS;
        }
        weights += CHANNELS * ECG_NN_BLOCK_TAPS;
    } while (weights != end);
}

static void groups(const ecg_nn_conv_block_t *layer, const ecg_nn_block_t *block, int32_t first,
                   int32_t end) {
    const int32_t step = CHANNELS * layer->taps;
    const int8_t *weights = layer->weights + first * layer->taps;
    const ecg_nn_block_channel_t *channels = layer->channels + first;
    int8_t *outputs[POSITIONS];
    UNROLL
    for (int p = 0; p < POSITIONS; ++p) {
        outputs[p] = block->outputs[p] + first;
    }
    for (; first < end; first += CHANNELS) {
        ecg_nn_block_sums_t sums;
        ecg_nn_block_begin(channels, sums);
        weigh(weights, weights + step, block->windows, sums);
        ecg_nn_block_end(channels, &layer->output, sums, outputs);
        weights += step;
        channels += CHANNELS;
        UNROLL
        for (int p = 0; p < POSITIONS; ++p) {
            outputs[p] += CHANNELS;
        }
    }
}

void ecg_nn_conv_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                          uint32_t *scratch) {
    ecg_nn_run_blocks(layer, input, output, scratch, layer->taps, groups);
}

#endif
