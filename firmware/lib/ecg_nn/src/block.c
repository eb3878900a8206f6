#include <string.h>

#include "block_private.h"

#if !defined(ECG_NN_HELIUM) && !defined(ECG_NN_ARM_DSP)

typedef struct {
    const ecg_nn_conv_block_t *layer;
    const int8_t *input;
    int8_t *scratch, *output;
    int32_t window_bytes, input_bytes;
} job_t;

/* The window that begins `at` bytes into the input, as a copy: it reaches beyond the input. */
static const int8_t *copied(const job_t *job, int32_t at, int8_t *copy) {
    const int32_t from = ecg_nn_max(at, 0), to = ecg_nn_min(at + job->window_bytes, job->input_bytes);
    memset(copy, (int)job->layer->input_zero_point, (size_t)job->window_bytes);
    if (to > from) {
        memcpy(copy + (from - at), job->input + from, (size_t)(to - from));
    }
    return copy;
}

/* The positions from `x` on; past the last one it is that one again. */
static void block_at(const job_t *job, int32_t x, ecg_nn_block_t *block) {
    const ecg_nn_conv_block_t *const layer = job->layer;
    const int32_t last = job->input_bytes - job->window_bytes;
    const int32_t step = layer->stride_width * layer->input_channels;
    int32_t at = x * step - layer->pad_left * layer->input_channels;
    int8_t *output = job->output + x * layer->output_channels, *copy = job->scratch;
    for (int p = 0; p < POSITIONS; ++p, copy += job->window_bytes) {
        block->windows[p] = at >= 0 && at <= last ? job->input + at : copied(job, at, copy);
        block->outputs[p] = output;
        if (++x < layer->output_width) {
            at += step;
            output += layer->output_channels;
        }
    }
}

/* The channels of a block that do not fill a group of four. */
static void last_channels(const ecg_nn_conv_block_t *layer, const ecg_nn_block_t *block, int32_t first,
                          ecg_nn_block_groups_t *groups) {
    int8_t bytes[POSITIONS][CHANNELS];
    ecg_nn_block_t aside = *block;
    for (int p = 0; p < POSITIONS; ++p) {
        aside.outputs[p] = bytes[p] - first;
    }
    groups(layer, &aside, first, first + CHANNELS);
    for (int p = 0; p < POSITIONS; ++p) {
        memcpy(block->outputs[p] + first, bytes[p], (size_t)(layer->output_channels - first));
    }
}

void ecg_nn_run_blocks(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                       uint32_t *scratch, int32_t bytes, ecg_nn_block_groups_t *groups) {
    const job_t job = {layer,  input, (int8_t *)scratch,
                       output, bytes, layer->input_width * layer->input_channels};
    const int32_t filled = layer->output_channels & -CHANNELS;
    ecg_nn_block_t block = {.space = (int32_t *)scratch + bytes / 4 * POSITIONS};
    for (int32_t x = 0; x < layer->output_width; x += POSITIONS) {
        block_at(&job, x, &block);
        groups(layer, &block, 0, filled);
        if (filled < layer->output_channels) {
            last_channels(layer, &block, filled, groups);
        }
    }
    ecg_nn_limit_bytes(output, layer->output_width * layer->output_channels, &layer->output);
}

#endif
