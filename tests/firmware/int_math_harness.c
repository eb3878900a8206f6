/* Compares ecg_log2_q6 with its definition, six squarings, on many values and all at which its table changes;
 * prints how many differ. */
#include <inttypes.h>
#include <stdio.h>

#include "ecg_base/int_math.h"

static int32_t by_squaring(uint32_t value) {
    int32_t result = 31 * 64;
    while (value >> 31 == 0) {
        value <<= 1;
        result -= 64;
    }
    for (int32_t bit = 32; bit != 0; bit >>= 1) {
        const uint64_t square = (uint64_t)value * value;
        const int carry = (int)(square >> 63);
        value = (uint32_t)(square >> (31 + carry));
        result += carry ? bit : 0;
    }
    return result;
}

static uint32_t differs(uint32_t value) {
    return value != 0 && by_squaring(value) != ecg_log2_q6(value);
}

int main(void) {
    uint32_t different = 0;
    for (uint64_t value = 1; value < (UINT64_C(1) << 32); value += 1 + (value >> 16)) {
        different += differs((uint32_t)value);
    }
    for (uint32_t value = UINT32_C(1) << 31, digits = 0; digits < 63;
         digits++) { /* where the next digit begins */
        uint32_t low = value, high = UINT32_MAX;
        while (low < high) {
            const uint32_t middle = low + (high - low) / 2;
            if (by_squaring(middle) > 31 * 64 + (int32_t)digits) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        different += differs(low) + differs(low - 1);
        value = low;
    }
    printf("%" PRIu32 "\n", different);
    return 0;
}
