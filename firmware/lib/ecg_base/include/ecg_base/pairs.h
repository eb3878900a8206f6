/* Products of pairs of 16-bit numbers: one instruction on a core with ARM's DSP extension. */
#ifndef ECG_BASE_PAIRS_H
#define ECG_BASE_PAIRS_H

#include <stdint.h>

#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#include <string.h>

typedef int16x2_t ecg_pair_t;

static inline ecg_pair_t ecg_pair_at(const int16_t *pair) {
    ecg_pair_t word;
    memcpy(&word, pair, sizeof word);
    return word;
}

/* sum + a[0] * b[0] + a[1] * b[1]; the result must fit 32 bits. */
static inline int32_t ecg_add_pairs(int32_t sum, ecg_pair_t a, ecg_pair_t b) {
    return __smlad(a, b, sum);
}

/* The same of four 8-bit numbers. */
static inline int32_t ecg_add_products_int8(int32_t sum, const int8_t *a, const int8_t *b) {
    int8x4_t a4, b4;
    memcpy(&a4, a, sizeof a4);
    memcpy(&b4, b, sizeof b4);
    const uint32_t a_odd = (uint32_t)a4 >> 8 | (uint32_t)a4 << 24,
                   b_odd = (uint32_t)b4 >> 8 | (uint32_t)b4 << 24;
    sum = __smlad(__sxtb16(a4), __sxtb16(b4), sum);
    return __smlad(__sxtb16((int8x4_t)a_odd), __sxtb16((int8x4_t)b_odd), sum);
}
#else
typedef struct {
    int16_t first, second;
} ecg_pair_t;

static inline ecg_pair_t ecg_pair_at(const int16_t *pair) {
    const ecg_pair_t word = {pair[0], pair[1]};
    return word;
}

static inline int32_t ecg_add_pairs(int32_t sum, ecg_pair_t a, ecg_pair_t b) {
    return sum + a.first * b.first + a.second * b.second;
}

static inline int32_t ecg_add_products_int8(int32_t sum, const int8_t *a, const int8_t *b) {
    return sum + a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
}
#endif

static inline int32_t ecg_add_products(int32_t sum, const int16_t *a, const int16_t *b) {
    return ecg_add_pairs(sum, ecg_pair_at(a), ecg_pair_at(b));
}

#endif
