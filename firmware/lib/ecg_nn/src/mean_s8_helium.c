#include "helium_private.h"

#ifdef ECG_NN_HELIUM

#define ROWS_AT_ONCE 255 /* 255 * 128 fits in 16 bits */

/* Sums of eight neighbouring columns: of the even and of the odd ones. */
typedef struct {
    int32x4_t even, odd;
} sums_t;

static inline int16x8_t sum_rows(const int8_t *columns, int32_t stride, int32_t rows, mve_pred16_t there) {
    int16x8_t sums = vdupq_n_s16(0);
    for (; rows > 0; --rows, columns += stride) {
        sums = vaddq_s16(sums, vldrbq_z_s16(columns, there));
    }
    return sums;
}

static inline sums_t sum_columns(const ecg_nn_mean_t *layer, const int8_t *columns, mve_pred16_t there) {
    sums_t sums = {vdupq_n_s32(layer->requant.bias), vdupq_n_s32(layer->requant.bias)};
    for (int32_t row = 0; row < layer->reduced; row += ROWS_AT_ONCE) {
        const int16x8_t block = sum_rows(columns + row * layer->inner, layer->inner,
                                         ecg_nn_min(layer->reduced - row, ROWS_AT_ONCE), there);
        sums.even = vaddq_s32(sums.even, vmovlbq_s16(block));
        sums.odd = vaddq_s32(sums.odd, vmovltq_s16(block));
    }
    return sums;
}

static inline int32x4_t mean_of(const ecg_nn_mean_t *layer, int32x4_t sums) {
    const int32x4_t scaled = ecg_nn_requantize_four(sums, layer->requant.multiplier, layer->requant.shift);
    return vaddq_n_s32(scaled, layer->output_zero_point);
}

void ecg_nn_mean_s8(const ecg_nn_mean_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t block = 0; block < layer->outer; ++block, input += layer->reduced * layer->inner) {
        for (int32_t i = 0; i < layer->inner; i += 8) {
            const mve_pred16_t there = vctp16q((uint32_t)(layer->inner - i));
            const sums_t sums = sum_columns(layer, input + i, there);
            const int16x8_t even = vqmovnbq_s32(vdupq_n_s16(0), mean_of(layer, sums.even));
            const int16x8_t both = vqmovntq_s32(even, mean_of(layer, sums.odd));
            const int8x16_t bytes = vqmovnbq_s16(vdupq_n_s8(0), both); /* the even ones */
            vstrbq_p_s16(output + i, vreinterpretq_s16_s8(bytes), there);
        }
        output += layer->inner;
    }
}

#endif
