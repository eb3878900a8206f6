#include "helium_private.h"

#ifdef ECG_NN_HELIUM

static inline int32x4_t common_scale(int32x4_t values, int32_t zero_point, int32_t multiplier,
                                     int32_t shift) {
    const int32x4_t shifted = vshlq_n_s32(vsubq_n_s32(values, zero_point), ECG_NN_ADD_LEFT_SHIFT);
    return ecg_nn_requantize_four(shifted, multiplier, shift);
}

void ecg_nn_add_s8(const ecg_nn_add_t *layer, const int8_t *a, const int8_t *b, int8_t *output) {
    const ecg_nn_add_t l = *layer;
    const int32x4_t min = vdupq_n_s32(l.output.min), max = vdupq_n_s32(l.output.max);
    for (int32_t i = 0; i < l.elements; i += 4) {
        const mve_pred16_t there = vctp32q((uint32_t)(l.elements - i));
        const int32x4_t sum =
            vaddq_s32(common_scale(vldrbq_z_s32(a + i, there), l.zero_point_a, l.multiplier_a, l.shift_a),
                      common_scale(vldrbq_z_s32(b + i, there), l.zero_point_b, l.multiplier_b, l.shift_b));
        const int32x4_t scaled =
            vaddq_n_s32(ecg_nn_requantize_four(sum, l.multiplier, l.shift), l.output.zero_point);
        vstrbq_p_s32(output + i, vminq_s32(vmaxq_s32(scaled, min), max), there);
    }
}

#endif
