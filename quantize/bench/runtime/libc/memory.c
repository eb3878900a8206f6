/* memcpy and memset for compilers that come without a C library: words where both sides are aligned. */
#include <stdint.h>
#include <string.h>

/* Or the compiler makes a call of memcpy of what memcpy does. */
#define NO_CALLS __attribute__((optimize("no-tree-loop-distribute-patterns")))

typedef uint32_t __attribute__((may_alias)) word_t;

NO_CALLS void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    uint8_t *target = to;
    const uint8_t *source = from;
    if ((((uintptr_t)target | (uintptr_t)source) & 3u) == 0u) {
        for (; bytes >= 4u; bytes -= 4u, target += 4, source += 4) {
            *(word_t *)(void *)target = *(const word_t *)(const void *)source;
        }
    }
    for (; bytes > 0u; --bytes) {
        *target++ = *source++;
    }
    return to;
}

NO_CALLS void *memset(void *to, int value, size_t bytes) {
    uint8_t *target = to;
    const uint32_t word = (uint8_t)value * 0x01010101u;
    for (; bytes > 0u && ((uintptr_t)target & 3u) != 0u; --bytes) {
        *target++ = (uint8_t)value;
    }
    for (; bytes >= 4u; bytes -= 4u, target += 4) {
        *(word_t *)(void *)target = word;
    }
    for (; bytes > 0u; --bytes) {
        *target++ = (uint8_t)value;
    }
    return to;
}
