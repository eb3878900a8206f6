#include "confidence.h"

#define ONE_Q16 65536u
#define LOG2_E_Q16 94548u /* log2(e) * 65536 */

/* 2^(-i / 16) * 65536 */
static const uint32_t POWERS_Q16[17] = {
    65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393, 46341,
    44376, 42495, 40693, 38968, 37316, 35734, 34219, 32768,
};

/* 2^-x in Q16, by the table and a line between its entries. */
static uint32_t power_of_half(uint32_t x_q16) {
    const uint32_t whole = x_q16 >> 16;
    if (whole > 16) {
        return 0;
    }
    const uint32_t entry = (x_q16 >> 12) & 0xFu;
    const uint32_t between = x_q16 & 0xFFFu;
    const uint32_t step = POWERS_Q16[entry] - POWERS_Q16[entry + 1];
    return (POWERS_Q16[entry] - ((step * between) >> 12)) >> whole;
}

size_t argmax(const int8_t *logits, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (logits[i] > logits[best]) {
            best = i;
        }
    }
    return best;
}

uint8_t confidence(const int8_t *logits, size_t count, size_t label, uint32_t scale_q16) {
    const size_t best = argmax(logits, count);
    const size_t named = label < count ? label : best;
    const uint64_t log2_step_q16 = ((uint64_t)scale_q16 * LOG2_E_Q16) >> 16; /* log2 of e^scale */
    uint32_t sum_q16 = ONE_Q16;                                              /* that of the largest itself */
    uint32_t own_q16 = ONE_Q16;
    for (size_t i = 0; i < count; i++) {
        const uint64_t below_q16 = log2_step_q16 * (uint64_t)(logits[best] - logits[i]);
        const uint32_t part_q16 = power_of_half(below_q16 < UINT32_MAX ? (uint32_t)below_q16 : UINT32_MAX);
        sum_q16 += i != best ? part_q16 : 0;
        own_q16 = i == named ? part_q16 : own_q16;
    }
    return (uint8_t)((255u * own_q16 + sum_q16 / 2u) / sum_q16);
}
