/* Products of pairs of 16-bit numbers: one instruction on a core with ARM's DSP extension. */
#ifndef ECG_BASE_PAIRS_H
#define ECG_BASE_PAIRS_H

#include <stdint.h>

#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#include <string.h>

static inline int16x2_t ecg_pair_at(const int16_t *pair) {
    int16x2_t word;
    memcpy(&word, pair, sizeof word);
    return word;
}

/* sum + a[0] * b[0] + a[1] * b[1]; the result must fit 32 bits. */
static inline int32_t ecg_add_products(int32_t sum, const int16_t *a, const int16_t *b) {
    return __smlad(ecg_pair_at(a), ecg_pair_at(b), sum);
}
#else
static inline int32_t ecg_add_products(int32_t sum, const int16_t *a, const int16_t *b) {
    return sum + a[0] * b[0] + a[1] * b[1];
}
#endif

#endif
