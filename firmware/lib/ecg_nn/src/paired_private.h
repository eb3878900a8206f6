/* What the kernels of the ARM DSP form share that compute four positions at a time. */
#ifndef PAIRED_PRIVATE_H
#define PAIRED_PRIVATE_H

#include "ecg_nn_private.h"

#ifdef ECG_NN_ARM_DSP

#define ECG_NN_POSITIONS 4 /* neighbouring output positions computed at a time */

/* Widen the windows of the four positions from `x` on, side by side: for every four taps the halves (0, 2) of
 * each position, then the halves (1, 3). Padding holds the input's zero point. Returns the end. */
const uint32_t *ecg_nn_widen_windows(const ecg_nn_conv_paired_t *layer, const int8_t *input, int32_t x,
                                     uint32_t *widened);

/* All channels of the positions `x` and x + 1, or of the only one there is. */
void ecg_nn_paired_two(const ecg_nn_conv_paired_t *layer, const int8_t *input, int8_t *output, int32_t x,
                       uint32_t *scratch);

/* Four bytes of a row from `at` on; what lies outside it counts as the zero point. */
static inline uint32_t ecg_nn_word_at(const int8_t *row, int32_t at, int32_t length, int32_t zero_point) {
    if (at >= 0 && at + 4 <= length) {
        return ecg_nn_load_word(row + at);
    }
    uint32_t word = (uint8_t)zero_point * 0x01010101u;
    for (int32_t i = ecg_nn_max(at, 0); i < ecg_nn_min(at + 4, length); ++i) {
        const int32_t place = 8 * (i - at);
        word = (word & ~(0xFFu << place)) | (uint32_t)(uint8_t)row[i] << place;
    }
    return word;
}

#endif

#endif
