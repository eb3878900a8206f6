#include "paired_private.h"

#ifdef ECG_NN_ARM_DSP

/* All output channels of two positions. `taps` to `taps_end` are their windows, widened and side by side: for
 * every four taps the halves (0, 2) of each position, then the halves (1, 3). `output_step` is the distance
 * of the positions.
 *
 * In assembly to keep all operands in registers. For each pair of channels: r0, r1 are the sums of a, r2, r3
 * those of 256 b + a, of the two positions; r4-r7 four taps of each, r8 where they are, r9 the weights, r10,
 * r11 two words of weights, r12, lr their low bytes widened. On the stack: taps, their end, where the loop is
 * entered, the channels; above them the saved registers, and the arguments 5 to 7. */
static __attribute__((naked, noinline)) void weigh_two(
    const uint32_t *taps __attribute__((unused)), const uint32_t *taps_end __attribute__((unused)),
    const int8_t *weights __attribute__((unused)),
    const ecg_nn_paired_channel_t *channels __attribute__((unused)), int8_t *output __attribute__((unused)),
    int32_t output_step __attribute__((unused)),
    const ecg_nn_paired_channel_t *channels_end __attribute__((unused))) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro four_taps\n"
        "   ldrd    r10, r11, [r9], #8\n"
        "   ldm     r8!, {r4-r7}\n"
        "   sxtb16  r12, r10\n"
        "   sxtb16  lr, r11\n"
        "   smlad   r0, r4, r12, r0\n"
        "   smlad   r1, r5, r12, r1\n"
        "   smlad   r2, r4, r10, r2\n"
        "   smlad   r3, r5, r10, r3\n"
        "   smlad   r0, r6, lr, r0\n"
        "   smlad   r1, r7, lr, r1\n"
        "   smlad   r2, r6, r11, r2\n"
        "   smlad   r3, r7, r11, r3\n"
        ".endm\n"
        ".macro to_byte sum\n" /* r10: shift, r11: multiplier, r12: offset; the sum is doubled already */
        "   smmlar  lr, \\sum, r11, r12\n"
        "   add     \\sum, lr, \\sum, asr #31\n" /* halves are rounded away from zero */
        "   asr     \\sum, \\sum, r10\n"
        "   ssat    \\sum, #8, \\sum\n"
        ".endm\n"
        "   push    {r4-r11, lr}\n"
        "   push    {r0-r3}\n"
        "   mov     r9, r2\n"
        "   subs    r1, r0, r1\n"
        "   ubfx    r1, r1, #4, #2\n" /* groups of four taps that the loop's first turn leaves out */
        "   movs    r3, #(3f - 2f)\n"
        "   adr     r2, 2f\n"
        "   mla     r2, r1, r3, r2\n"
        "   orr     r2, r2, #1\n" /* Thumb */
        "   str     r2, [sp, #8]\n"
        "1:\n" /* a pair of channels */
        "   ldr     r8, [sp, #12]\n"
        "   ldr     r0, [r8]\n"
        "   ldr     r2, [r8, #12]\n"
        "   asr     r0, r0, #8\n"
        "   add     r2, r2, r0\n" /* 256 bias of b, bias of a; the shift of b is lost below */
        "   mov     r1, r0\n"
        "   mov     r3, r2\n"
        "   ldr     r8, [sp]\n"
        "   ldr     pc, [sp, #8]\n"
        "   .balign 4\n"
        "2:\n"
        "   four_taps\n"
        "3:\n"
        "   four_taps\n"
        "   four_taps\n"
        "   four_taps\n"
        "   ldr     r12, [sp, #4]\n"
        "   cmp     r8, r12\n"
        "   bne     2b\n"
        "   sub     r2, r2, r0\n" /* 256 times the sum of b */
        "   sub     r3, r3, r1\n"
        "   asr     r2, r2, #7\n"
        "   asr     r3, r3, #7\n"
        "   lsl     r0, r0, #1\n"
        "   lsl     r1, r1, #1\n"
        "   ldr     r8, [sp, #12]\n"
        "   ldm     r8!, {r10-r12}\n"
        "   to_byte r0\n"
        "   to_byte r1\n"
        "   ldm     r8!, {r10-r12}\n"
        "   to_byte r2\n"
        "   to_byte r3\n"
        "   str     r8, [sp, #12]\n"
        "   ldrd    r10, r11, [sp, #52]\n" /* output, output_step */
        "   bfi     r0, r2, #8, #8\n"
        "   bfi     r1, r3, #8, #8\n"
        "   strh    r1, [r10, r11]\n"
        "   strh    r0, [r10], #2\n"
        "   str     r10, [sp, #52]\n"
        "   ldr     r11, [sp, #60]\n"
        "   cmp     r8, r11\n"
        "   bne     1b\n"
        "   add     sp, sp, #16\n"
        "   pop     {r4-r11, pc}\n"
        ".purgem four_taps\n"
        ".purgem to_byte\n");
}

static inline void widen(uint32_t first, uint32_t second, uint32_t *widened) {
    widened[0] = ecg_nn_even_bytes(first);
    widened[1] = ecg_nn_even_bytes(second);
    widened[2] = ecg_nn_odd_bytes(first);
    widened[3] = ecg_nn_odd_bytes(second);
}

/* Widen two windows, which begin `at` bytes into the input, `step` bytes apart; the end. */
static const uint32_t *widen_two(const ecg_nn_conv_paired_t *layer, const int8_t *input, int32_t at,
                                 int32_t step, uint32_t *widened) {
    const int32_t length = layer->input_width * layer->input_channels, zero_point = layer->input_zero_point;
    const int32_t bytes = (layer->kernel_width * layer->input_channels + 3) & ~3; /* whole groups */
    const uint32_t *const end = widened + bytes;
    if (at >= 0 && at + step + bytes <= length) {
        for (const int8_t *window = input + at; widened != end; window += 4, widened += 4) {
            widen(ecg_nn_load_word(window), ecg_nn_load_word(window + step), widened);
        }
        return end;
    }
    for (; widened != end; at += 4, widened += 4) {
        widen(ecg_nn_word_at(input, at, length, zero_point),
              ecg_nn_word_at(input, at + step, length, zero_point), widened);
    }
    return end;
}

void ecg_nn_paired_two(const ecg_nn_conv_paired_t *layer, const int8_t *input, int8_t *output, int32_t x,
                       uint32_t *scratch) {
    const int32_t depth = layer->input_channels, channels = layer->output_channels;
    const int32_t more = layer->output_width > 1; /* or the only position twice */
    const uint32_t *const end = widen_two(layer, input, (x * layer->stride_width - layer->pad_left) * depth,
                                          more * layer->stride_width * depth, scratch);
    weigh_two(scratch, end, layer->weights, layer->channels, output + x * channels, more * channels,
              layer->channels + channels);
}

#endif
