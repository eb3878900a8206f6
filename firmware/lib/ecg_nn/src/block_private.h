/* What the block kernels share: four channels of several output positions at a time. */
#ifndef BLOCK_PRIVATE_H
#define BLOCK_PRIVATE_H

#include "ecg_nn_private.h"

#if !defined(ECG_NN_HELIUM) && !defined(ECG_NN_ARM_DSP)

#ifdef ECG_NN_RISCV
#define POSITIONS 4 /* 16 sums in registers */
#else
#define POSITIONS 2
#endif

#define CHANNELS ECG_NN_BLOCK_CHANNELS

#ifdef __GNUC__
#define UNROLL _Pragma("GCC unroll 4") /* all loops of constant length, so that arrays become registers */
/* Keep a value in a register, and the order of what uses it: compilers load all weights at once, and then
 * have no registers for the sums. */
#ifdef __thumb2__
#define PIN(value) (void)0
#else
#define PIN(value) __asm__ volatile("" : "+r"(value))
#endif
#else
#define UNROLL
#define PIN(value) (void)0
#endif

/* Windows of neighbouring output positions, and where the outputs of each go. */
typedef struct {
    const int8_t *windows[POSITIONS];
    int8_t *outputs[POSITIONS];
    int32_t *space; /* the rest of the scratch memory */
} ecg_nn_block_t;

typedef int32_t ecg_nn_block_sums_t[CHANNELS][POSITIONS];

/* Compute the channels of a block from `first` to `end`, a multiple of four of them. */
typedef void ecg_nn_block_groups_t(const ecg_nn_conv_block_t *layer, const ecg_nn_block_t *block,
                                   int32_t first, int32_t end);

/* Compute a layer; a window has `bytes`. */
void ecg_nn_run_blocks(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                       uint32_t *scratch, int32_t bytes, ecg_nn_block_groups_t *groups);

/* Each sum begins with its channel's bias. */
static inline void ecg_nn_block_begin(const ecg_nn_block_channel_t *channels, ecg_nn_block_sums_t sums) {
    UNROLL
    for (int c = 0; c < CHANNELS; ++c) {
        UNROLL
        for (int p = 0; p < POSITIONS; ++p) {
            sums[c][p] = channels[c].bias;
        }
    }
}

/* The output byte of a sum. In units of half a step of the requantization: rounded once by the offset, and
 * halves of the second rounding away from zero. */
static inline int8_t ecg_nn_block_output(int32_t sum, int32_t multiplier, int32_t offset, int32_t shift,
                                         const ecg_nn_output_t *limits) {
    const int32_t high = (int32_t)((int64_t)(sum * 4) * multiplier >> 32);
    const int32_t negative = (int32_t)((uint32_t)(sum * 4) >> 31);
    return ecg_nn_limited((high + offset - 2 * negative) >> shift, limits);
}

/* Write the outputs of four channels. */
static inline void ecg_nn_block_end(const ecg_nn_block_channel_t *channels, const ecg_nn_output_t *limits,
                                    ecg_nn_block_sums_t sums, int8_t *const outputs[POSITIONS]) {
    UNROLL
    for (int c = 0; c < CHANNELS; ++c) {
        const int32_t multiplier = channels[c].multiplier, offset = channels[c].offset,
                      shift = channels[c].shift;
        UNROLL
        for (int p = 0; p < POSITIONS; ++p) {
            outputs[p][c] = ecg_nn_block_output(sums[c][p], multiplier, offset, shift, limits);
        }
    }
}

#endif

#endif
