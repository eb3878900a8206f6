/* Blocks of weights, for the sparse kernels in C. */
#ifndef SPARSE_PRIVATE_H
#define SPARSE_PRIVATE_H

#include "ecg_nn_private.h"

static inline int32_t ecg_nn_multiply_block(const int8_t *taps, const int8_t *block) {
#ifdef ECG_NN_ARM_DSP
    return ecg_nn_dot(taps, block, ECG_NN_BLOCK);
#else /* compilers leave a loop of four as a loop */
    return taps[0] * block[0] + taps[1] * block[1] + taps[2] * block[2] + taps[3] * block[3];
#endif
}

/* Sum of a window times the blocks of one channel; both pointers move on to the next channel's. */
static inline int32_t ecg_nn_weigh_blocks(const int8_t *window, const int8_t **places,
                                          const int8_t **blocks) {
    const int8_t *place = *places, *block = *blocks;
    int32_t sum = 0;
    do {
        sum += ecg_nn_multiply_block(window + (*place & 127) * ECG_NN_BLOCK, block);
        block += ECG_NN_BLOCK;
    } while (*place++ >= 0);
    *places = place;
    *blocks = block;
    return sum;
}

#endif
