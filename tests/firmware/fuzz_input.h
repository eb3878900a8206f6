/* The bytes of a fuzzer, taken one after another; when they are over, zeros. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    const uint8_t *bytes;
    size_t left;
} fuzz_input_t;

static inline uint8_t fuzz_u8(fuzz_input_t *input) {
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->bytes++;
}

static inline uint16_t fuzz_u16(fuzz_input_t *input) {
    const uint16_t low = fuzz_u8(input);
    return (uint16_t)(low | (uint32_t)fuzz_u8(input) << 8);
}

static inline uint32_t fuzz_u32(fuzz_input_t *input) {
    const uint32_t low = fuzz_u16(input);
    return low | (uint32_t)fuzz_u16(input) << 16;
}

/* What must hold for every input: the fuzzer reports the one for which it does not. */
static inline void fuzz_check(bool holds) {
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
