/* Arithmetic for Xtensa cores. Same results as the portable forms in ecg_nn_private.h. */
#ifndef XTENSA_PRIVATE_H
#define XTENSA_PRIVATE_H

#include <stdint.h>

/* What the core has, where the compiler comes with its configuration (an ESP32's does, the LX106's does not).
 */
#if defined(__has_include)
#if __has_include(<xtensa/config/core-isa.h>)
#include <xtensa/config/core-isa.h>
#endif
#endif

/* High word of 2 * a * b, rounded; a and b are not both -2^31. */
static inline int32_t ecg_nn_doubling_high_mul(int32_t a, int32_t b) {
#if defined(XCHAL_HAVE_MUL32_HIGH) && XCHAL_HAVE_MUL32_HIGH
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
#else
    /* By halves: without a multiplication that gives the high word, the compiler calls a function. */
    /* cppcheck-suppress shiftNegativeLHS */
    const int32_t a_high = a >> 16, b_high = b >> 16; /* arithmetic shifts, as everywhere in this library */
    const int32_t a_low = a & 0xFFFF, b_low = b & 0xFFFF;
    const uint32_t low = (uint32_t)a_low * (uint32_t)b_low;
    const int32_t middle = a_high * b_low + (int32_t)(low >> 16);
    const int32_t other = a_low * b_high + (middle & 0xFFFF);
    const uint32_t high = (uint32_t)(a_high * b_high + (middle >> 16) + (other >> 16));
    const uint32_t bottom = (uint32_t)other << 16 | (low & 0xFFFFu);
    const uint32_t rounded = bottom + (1u << 30);
    return (int32_t)((high + (rounded < bottom ? 1u : 0u)) << 1 | rounded >> 31);
#endif
}

#endif
