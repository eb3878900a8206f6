/* Integer arithmetic with stated rounding, the same on every machine. */
#ifndef ECG_BASE_INT_MATH_H
#define ECG_BASE_INT_MATH_H

#include <stdint.h>

#include "ecg_base/static_assert.h"

static inline int32_t ecg_clip(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : (value > high ? high : value);
}

/* Where the core has an instruction for it, the compiler does not always see that it fits. */
#if defined(__ARM_FEATURE_SAT)
static inline int8_t ecg_clip_int8(int32_t value) {
    return (int8_t)(int32_t)__builtin_arm_ssat(value, 8);
}

static inline int16_t ecg_clip_int16(int32_t value) {
    return (int16_t)(int32_t)__builtin_arm_ssat(value, 16);
}
#else
static inline int8_t ecg_clip_int8(int32_t value) {
    return (int8_t)ecg_clip(value, -128, 127);
}

static inline int16_t ecg_clip_int16(int32_t value) {
    return (int16_t)ecg_clip(value, INT16_MIN, INT16_MAX);
}
#endif

/* value / divisor to the nearest integer, halves away from zero; divisor > 0. */
static inline int32_t ecg_divide(int32_t value, int32_t divisor) {
    const int32_t half = divisor / 2;
    return (value >= 0 ? value + half : value - half) / divisor;
}

/* C leaves >> of negative values to the compiler; all sums below need it to round down. */
ECG_STATIC_ASSERT((-3) / 2 == -1 && ((int32_t)-3 >> 1) == -2, shift_rounds_down);

/* value / 2^bits to the nearest integer, halves up. */
static inline int32_t ecg_shift_round(int32_t value, unsigned bits) {
    return (value + ((int32_t)1 << (bits - 1))) >> bits;
}

/* value * factor / 2^bits, rounded down; the product may be wider than 32 bits. */
static inline int32_t ecg_multiply_shift(int32_t value, int32_t factor, unsigned bits) {
    return (int32_t)(((int64_t)value * factor) >> bits);
}

/* Largest integer whose square is not above value. */
uint32_t ecg_isqrt(uint64_t value);

/* The same in a third of the time. */
uint32_t ecg_isqrt32(uint32_t value);

/* log2(value) * 64, at most 1 too low; value > 0. */
int32_t ecg_log2_q6(uint32_t value);

/* log2(value + 1) * 64 of a value that may be 0; value >= 0. */
static inline int32_t ecg_log2_plus_one_q6(int32_t value) {
    return ecg_log2_q6((uint32_t)value + 1);
}

#endif
