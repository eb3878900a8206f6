#include "paired_private.h"

#ifdef ECG_NN_ARM_DSP

/* Widen the windows of four positions, `step` bytes apart, that lie in the input with all their groups, of
 * `bytes` together; the end of what was written. r0-r3: words, then their odd bytes, r4-r7: even bytes,
 * r8-r11: the windows, r12: the output, lr: the end of the first window. */
static __attribute__((naked, noinline)) uint32_t *widen_inside(const int8_t *window __attribute__((unused)),
                                                               int32_t step __attribute__((unused)),
                                                               int32_t bytes __attribute__((unused)),
                                                               uint32_t *widened __attribute__((unused))) {
    __asm__ volatile(
        ".syntax unified\n"
        "   push    {r4-r11, lr}\n"
        "   mov     r8, r0\n"
        "   add     r9, r8, r1\n"
        "   add     r10, r9, r1\n"
        "   add     r11, r10, r1\n"
        "   mov     r12, r3\n"
        "   add     lr, r0, r2\n"
        "1:\n"
        "   ldr     r0, [r8], #4\n"
        "   ldr     r1, [r9], #4\n"
        "   ldr     r2, [r10], #4\n"
        "   ldr     r3, [r11], #4\n"
        "   sxtb16  r4, r0\n"
        "   sxtb16  r5, r1\n"
        "   sxtb16  r6, r2\n"
        "   sxtb16  r7, r3\n"
        "   stm     r12!, {r4-r7}\n"
        "   sxtb16  r0, r0, ror #8\n"
        "   sxtb16  r1, r1, ror #8\n"
        "   sxtb16  r2, r2, ror #8\n"
        "   sxtb16  r3, r3, ror #8\n"
        "   stm     r12!, {r0-r3}\n"
        "   cmp     r8, lr\n"
        "   bne     1b\n"
        "   mov     r0, r12\n"
        "   pop     {r4-r11, pc}\n");
}

/* The same where they reach over an end of the input; `at` is the first byte of the first window. */
static uint32_t *widen_edge(const ecg_nn_conv_paired_t *layer, const int8_t *input, int32_t at, int32_t step,
                            int32_t bytes, uint32_t *widened) {
    const int32_t length = layer->input_width * layer->input_channels;
    for (int32_t p = 0; p < ECG_NN_POSITIONS; ++p, at += step) {
        uint32_t *to = widened + p;
        for (int32_t i = 0; i < bytes; i += 4, to += 2 * ECG_NN_POSITIONS) {
            const uint32_t word = ecg_nn_word_at(input, at + i, length, layer->input_zero_point);
            to[0] = ecg_nn_even_bytes(word);
            to[ECG_NN_POSITIONS] = ecg_nn_odd_bytes(word);
        }
    }
    return widened + 2 * bytes;
}

const uint32_t *ecg_nn_widen_windows(const ecg_nn_conv_paired_t *layer, const int8_t *input, int32_t x,
                                     uint32_t *widened) {
    const int32_t depth = layer->input_channels, step = layer->stride_width * depth;
    const int32_t at = (x * layer->stride_width - layer->pad_left) * depth;
    const int32_t bytes = (layer->kernel_width * depth + 3) & ~3; /* of a window, in whole groups */
    const int inside = at >= 0 && at + (ECG_NN_POSITIONS - 1) * step + bytes <= layer->input_width * depth;
    return inside ? widen_inside(input + at, step, bytes, widened)
                  : widen_edge(layer, input, at, step, bytes, widened);
}

#endif
