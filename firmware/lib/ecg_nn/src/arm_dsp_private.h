/* Arithmetic for cores with the ARM DSP extension (Cortex-M4, M7, M33): two 16-bit multiplications at a time.
 * Same results as the portable forms in ecg_nn_private.h. */
#ifndef ARM_DSP_PRIVATE_H
#define ARM_DSP_PRIVATE_H

#include <stdint.h>
#include <string.h>

/* Bytes 0 and 2 of a word, widened to its two halves. */
static inline uint32_t ecg_nn_even_bytes(uint32_t word) {
    uint32_t halves;
    __asm__("sxtb16 %0, %1" : "=r"(halves) : "r"(word));
    return halves;
}

/* Bytes 1 and 3. */
static inline uint32_t ecg_nn_odd_bytes(uint32_t word) {
    uint32_t halves;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(word));
    return halves;
}

/* sum + a.low * b.low + a.high * b.high. */
static inline int32_t ecg_nn_multiply_halves(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* sum + a * b, byte by byte; both widened already. */
static inline int32_t ecg_nn_multiply_bytes(uint32_t a_even, uint32_t a_odd, uint32_t b_even, uint32_t b_odd,
                                            int32_t sum) {
    return ecg_nn_multiply_halves(a_odd, b_odd, ecg_nn_multiply_halves(a_even, b_even, sum));
}

/* Four bytes at any address. */
static inline uint32_t ecg_nn_load_word(const int8_t *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* The low halves of two words, the first one's below, and the high halves. */
static inline uint32_t ecg_nn_low_halves(uint32_t a, uint32_t b) {
    uint32_t halves;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(halves) : "r"(a), "r"(b));
    return halves;
}

static inline uint32_t ecg_nn_high_halves(uint32_t a, uint32_t b) {
    uint32_t halves;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(halves) : "r"(b), "r"(a));
    return halves;
}

/* sum + a.low * b.low, and sum + a.high * b.high. */
static inline int32_t ecg_nn_multiply_low(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

static inline int32_t ecg_nn_multiply_high(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

/* Halves of `sums` plus bytes 0 and 2 of a word, or bytes 1 and 3. */
static inline uint32_t ecg_nn_add_even_bytes(uint32_t sums, uint32_t word) {
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2" : "=r"(result) : "r"(sums), "r"(word));
    return result;
}

static inline uint32_t ecg_nn_add_odd_bytes(uint32_t sums, uint32_t word) {
    uint32_t result;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(result) : "r"(sums), "r"(word));
    return result;
}

/* (a * b + 2^31) >> 32. */
static inline int32_t ecg_nn_high_mul(int32_t a, int32_t b) {
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
    return high;
}

/* value * multiplier * 2^(shift - 31) with gemmlowp's two roundings. The value, shifted left, is below 2^30:
 * so doubling it for SMMULR loses nothing. */
static inline int32_t ecg_nn_requantize(int32_t value, int32_t multiplier, int32_t shift) {
    if (shift >= 0) {
        return ecg_nn_high_mul(value * (2 << shift), multiplier);
    }
    const int32_t high = ecg_nn_high_mul(value * 2, multiplier);
    /* Rounded division by 2^-shift: drop all bits but one, add one half, drop the last. ~shift is -shift - 1.
     */
    return (((high - (high < 0 ? 1 : 0)) >> ~shift) + 1) >> 1;
}

/* Limited to -128..127. */
static inline int8_t ecg_nn_saturate(int32_t value) {
    int32_t byte;
    __asm__("ssat %0, #8, %1" : "=r"(byte) : "r"(value));
    return (int8_t)byte;
}

/* Sum of a[i] * b[i]. */
static inline int32_t ecg_nn_dot(const int8_t *a, const int8_t *b, int32_t length) {
    int32_t sum = 0;
    for (; length >= 4; length -= 4, a += 4, b += 4) {
        const uint32_t word_a = ecg_nn_load_word(a), word_b = ecg_nn_load_word(b);
        sum = ecg_nn_multiply_bytes(ecg_nn_even_bytes(word_a), ecg_nn_odd_bytes(word_a),
                                    ecg_nn_even_bytes(word_b), ecg_nn_odd_bytes(word_b), sum);
    }
    for (; length > 0; --length) {
        sum += *a++ * *b++;
    }
    return sum;
}

#endif
