#include "paired_private.h"

#ifdef ECG_NN_ARM_DSP

/* All output channels of four positions, whose windows, widened and side by side, are `taps`. `output_step`
 * is the distance of two positions.
 *
 * In assembly because no compiler keeps all of the inner loop in registers: r0-r3 are the sums of the four
 * positions, r4-r7 their taps, r8 where these are, r9 a block of weights, r10 half of it widened, r11 `taps`,
 * r12 the places, lr the blocks. On the stack: the channels; above them the saved registers, and the
 * arguments 5 to 7. */
static __attribute__((naked, noinline)) void weigh_four(
    const uint32_t *taps __attribute__((unused)), const int8_t *places __attribute__((unused)),
    const int8_t *blocks __attribute__((unused)),
    const ecg_nn_paired_channel_t *channels __attribute__((unused)), int8_t *output __attribute__((unused)),
    int32_t output_step __attribute__((unused)),
    const ecg_nn_paired_channel_t *channels_end __attribute__((unused))) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro multiply_halves\n"
        "   smlad   r0, r4, r10, r0\n"
        "   smlad   r1, r5, r10, r1\n"
        "   smlad   r2, r6, r10, r2\n"
        "   smlad   r3, r7, r10, r3\n"
        ".endm\n"
        ".macro to_byte sum\n" /* r4: shift, r5: multiplier, r6: offset */
        "   lsl     \\sum, \\sum, #1\n"
        "   smmlar  r7, \\sum, r5, r6\n"
        "   add     \\sum, r7, \\sum, asr #31\n" /* halves are rounded away from zero */
        "   asr     \\sum, \\sum, r4\n"
        "   ssat    \\sum, #8, \\sum\n"
        ".endm\n"
        "   push    {r4-r11, lr}\n"
        "   push    {r3}\n"
        "   mov     r11, r0\n"
        "   mov     r12, r1\n"
        "   mov     lr, r2\n"
        "1:\n" /* a channel */
        "   ldr     r8, [sp]\n"
        "   ldr     r0, [r8]\n"
        "   asr     r0, r0, #8\n"
        "   mov     r1, r0\n"
        "   mov     r2, r0\n"
        "   mov     r3, r0\n"
        "2:\n" /* a block */
        "   ldrb    r8, [r12], #1\n"
        "   ldr     r9, [lr], #4\n"
        "   lsls    r8, r8, #25\n" /* carry: it is the channel's last */
        "   add     r8, r11, r8, lsr #20\n"
        "   ldm     r8!, {r4-r7}\n"
        "   sxtb16  r10, r9\n"
        "   multiply_halves\n"
        "   ldm     r8, {r4-r7}\n"
        "   sxtb16  r10, r9, ror #8\n"
        "   multiply_halves\n"
        "   bcc     2b\n"
        "   ldr     r8, [sp]\n"
        "   ldm     r8!, {r4-r6}\n"
        "   str     r8, [sp]\n"
        "   to_byte r0\n"
        "   to_byte r1\n"
        "   to_byte r2\n"
        "   to_byte r3\n"
        "   ldrd    r4, r5, [sp, #40]\n" /* output, output_step */
        "   ldr     r6, [sp, #48]\n"     /* channels_end */
        "   strb    r1, [r4, r5]\n"
        "   strb    r2, [r4, r5, lsl #1]\n"
        "   add     r5, r5, r5, lsl #1\n"
        "   strb    r3, [r4, r5]\n"
        "   strb    r0, [r4], #1\n"
        "   str     r4, [sp, #40]\n"
        "   cmp     r8, r6\n"
        "   bne     1b\n"
        "   add     sp, sp, #4\n"
        "   pop     {r4-r11, pc}\n"
        ".purgem multiply_halves\n"
        ".purgem to_byte\n");
}

void ecg_nn_conv_sparse_four_s8(const ecg_nn_conv_sparse_four_t *layer, const int8_t *input, int8_t *output,
                                uint32_t *scratch) {
    const ecg_nn_conv_paired_t *const conv = &layer->dense;
    const int32_t channels = conv->output_channels, width = conv->output_width;
    for (int32_t x = 0; x < width; x += ECG_NN_POSITIONS) {
        /* Where their number is no multiple of four, the last four repeat some. */
        const int32_t first = ecg_nn_min(x, width - ECG_NN_POSITIONS);
        int8_t *const bytes = output + first * channels;
        ecg_nn_widen_windows(conv, input, first, scratch);
        weigh_four(scratch, layer->places, conv->weights, conv->channels, bytes, channels,
                   conv->channels + channels);
        ecg_nn_clamp_bytes(bytes, ECG_NN_POSITIONS * channels, &conv->output);
    }
}

#endif
