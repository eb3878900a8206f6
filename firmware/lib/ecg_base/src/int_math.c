#include "ecg_base/int_math.h"

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

/* Shifts value to [1, 2) in Q31 and returns by how much. */
static int32_t normalize(uint32_t *value) {
    int32_t shift = 0;
    for (int32_t step = 16; step != 0; step >>= 1) {
        if (*value >> (32 - step) == 0) {
            *value <<= step;
            shift += step;
        }
    }
    return shift;
}

int32_t ecg_log2_q6(uint32_t value) {
    int32_t result = (31 - normalize(&value)) * 64;
    for (int32_t bit = 32; bit != 0; bit >>= 1) { /* each squaring gives the next binary digit */
        const uint64_t square = (uint64_t)value * value;
        if (square >> 63) {
            value = (uint32_t)(square >> 32);
            result += bit;
        } else {
            value = (uint32_t)(square >> 31);
        }
    }
    return result;
}
