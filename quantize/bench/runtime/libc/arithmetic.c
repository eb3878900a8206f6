/* Arithmetic that the LX106 compiler expects in the chip's ROM. */
#include <stdint.h>

uint64_t __muldi3(uint64_t a, uint64_t b);
uint32_t __udivsi3(uint32_t dividend, uint32_t divisor);
uint32_t __umodsi3(uint32_t dividend, uint32_t divisor);
int32_t __divsi3(int32_t dividend, int32_t divisor);

/* Product of two words, by halves. */
static uint64_t multiply_words(uint32_t a, uint32_t b) {
    const uint32_t a_low = a & 0xFFFFu, a_high = a >> 16, b_low = b & 0xFFFFu, b_high = b >> 16;
    const uint32_t low = a_low * b_low;
    const uint32_t middle = a_high * b_low + (low >> 16);
    const uint32_t other = a_low * b_high + (middle & 0xFFFFu);
    const uint32_t high = a_high * b_high + (middle >> 16) + (other >> 16);
    return (uint64_t)high << 32 | (other << 16 | (low & 0xFFFFu));
}

uint64_t __muldi3(uint64_t a, uint64_t b) {
    const uint32_t a_low = (uint32_t)a, b_low = (uint32_t)b;
    const uint32_t cross = (uint32_t)(a >> 32) * b_low + a_low * (uint32_t)(b >> 32);
    return multiply_words(a_low, b_low) + ((uint64_t)cross << 32);
}

/* Quotient, and what remains: one bit after the other. */
static uint32_t divide(uint32_t dividend, uint32_t divisor, uint32_t *remainder) {
    uint32_t quotient = 0, rest = 0;
    for (int bit = 31; bit >= 0; --bit) {
        const uint32_t carry = rest >> 31;
        rest = rest << 1 | (dividend >> bit & 1u);
        if (carry != 0u || rest >= divisor) {
            rest -= divisor;
            quotient |= 1u << bit;
        }
    }
    *remainder = rest;
    return quotient;
}

uint32_t __udivsi3(uint32_t dividend, uint32_t divisor) {
    uint32_t remainder;
    return divide(dividend, divisor, &remainder);
}

uint32_t __umodsi3(uint32_t dividend, uint32_t divisor) {
    uint32_t remainder;
    divide(dividend, divisor, &remainder);
    return remainder;
}

int32_t __divsi3(int32_t dividend, int32_t divisor) {
    const uint32_t quotient = __udivsi3(dividend < 0 ? 0u - (uint32_t)dividend : (uint32_t)dividend,
                                        divisor < 0 ? 0u - (uint32_t)divisor : (uint32_t)divisor);
    return (int32_t)((dividend < 0) != (divisor < 0) ? 0u - quotient : quotient);
}
