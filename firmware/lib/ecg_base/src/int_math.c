#include "ecg_base/int_math.h"

#include "log2_table.h"

/* One binary digit of a root after the other. */
uint32_t ecg_isqrt32(uint32_t value) {
    uint32_t root = 0;
    uint32_t bit = (uint32_t)1 << 30;
    while (bit > value) {
        bit >>= 2;
    }
    for (; bit != 0; bit >>= 2) {
        const uint32_t tried = root + bit;
        root >>= 1;
        if (value >= tried) {
            value -= tried;
            root += bit;
        }
    }
    return root;
}

/* The first digits from the upper part of the value, in words; then the others. */
uint32_t ecg_isqrt(uint64_t value) {
    uint32_t pairs = 0;
    for (uint64_t upper = value >> 32; upper != 0; upper >>= 2) {
        pairs++;
    }
    uint32_t root = ecg_isqrt32((uint32_t)(value >> (2 * pairs)));
    uint64_t rest = value - ((uint64_t)root * root << (2 * pairs));
    while (pairs-- > 0) {
        const uint64_t tried = ((uint64_t)root << 2 | 1) << (2 * pairs);
        root <<= 1;
        if (rest >= tried) {
            rest -= tried;
            root |= 1;
        }
    }
    return root;
}

static uint32_t leading_zeros(uint32_t value) {
#if defined(__GNUC__)
    return (uint32_t)__builtin_clz(value);
#else
    uint32_t count = 0;
    while (value >> 31 == 0) {
        value <<= 1;
        count++;
    }
    return count;
#endif
}

/* From where the mantissa's 64th begins, one or two steps at most to the mantissa itself. */
int32_t ecg_log2_q6(uint32_t value) {
    const uint32_t zeros = leading_zeros(value), mantissa = value << zeros;
    uint32_t digits = LOG2_START[mantissa >> 25 & 63];
    while (digits < 63 && mantissa >= LOG2_FIRST[digits + 1]) {
        digits++;
    }
    return (int32_t)((31 - zeros) * 64 + digits);
}
