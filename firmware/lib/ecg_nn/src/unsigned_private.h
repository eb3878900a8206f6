/* Requantization on cores without the high word of a product. */
#ifndef UNSIGNED_PRIVATE_H
#define UNSIGNED_PRIVATE_H

#include "block_private.h"

#ifdef ECG_NN_UNSIGNED

#if defined(ECG_NN_XTENSA) && defined(__XTENSA_CALL0_ABI__)
#define ECG_NN_XTENSA_CALL0 /* all sixteen registers are the function's */
#endif

#define SUM_LIMIT ((1 << 20) - 1) /* sums beyond give an output at its limit */

/* The multiplier in three parts of 11, 10 and 10 bits: their products with a sum keep within 32 bits. */
typedef struct {
    int32_t low, middle, high, offset, shift;
} ecg_nn_parts_t;

static inline ecg_nn_parts_t ecg_nn_parts_of(const ecg_nn_block_channel_t *channel) {
    const int32_t multiplier = channel->multiplier;
    return (ecg_nn_parts_t){multiplier & 0x7FF, multiplier >> 11 & 0x3FF, multiplier >> 21, channel->offset,
                            channel->shift & 31};
}

/* The sum at and below which an output is at its lower limit. Where that is the zero point, as in a
 * rectified layer, no product is needed for the many sums that are not positive. */
static inline int32_t ecg_nn_floor_of(const ecg_nn_output_t *limits) {
    return limits->min == limits->zero_point ? 0 : -SUM_LIMIT - 1;
}

/* The output of a sum within its limit. */
static inline int8_t ecg_nn_scaled_of(int32_t sum, const ecg_nn_parts_t *parts,
                                      const ecg_nn_output_t *limits) {
    int32_t scaled = sum * parts->low >> 11;
    PIN(scaled); /* or the compiler multiplies first, and has no registers for the results */
    scaled = (sum * parts->middle + scaled) >> 10;
    PIN(scaled);
    scaled += sum * parts->high + parts->offset;
    if (sum < 0) {
        scaled -= 1 << 10; /* halves of the second rounding go away from zero */
        PIN(scaled);
    }
    return ecg_nn_limited(scaled >> parts->shift, limits);
}

static inline int8_t ecg_nn_output_of(int32_t sum, const ecg_nn_parts_t *parts, int32_t floor,
                                      const ecg_nn_output_t *limits) {
    if (sum <= floor) {
        return (int8_t)limits->min;
    }
    return sum > SUM_LIMIT ? (int8_t)limits->max : ecg_nn_scaled_of(sum, parts, limits);
}

#endif

#endif
