/* The loop of ecg_nn_conv_paired_s8, included once for each way to round: WEIGH_FOUR is the function's name,
 * MULTIPLY(sum) the instructions that make of a doubled sum the high half of its product with the multiplier
 * (r11), plus the offset (r12); lr is free. */

/* All output channels of four positions. `taps` to `taps_end` are their windows, widened and side by side:
 * for every four taps the halves (0, 2) of each position, then the halves (1, 3). `output_step` is the
 * distance of two positions.
 *
 * In assembly because eight sums leave six registers, and no compiler keeps to that. For each pair of
 * channels: r0-r3 are the sums of a, r4-r7 those of 256 b + a, of the four positions; r8 the taps, r9 the
 * weights, r10 a word of weights, r11 its low bytes widened, r12 and lr the taps of two positions. On the
 * stack: taps, their end, where the loop is entered, the channels; above them the saved registers, and the
 * arguments 5 to 7. */
static __attribute__((naked, noinline)) void WEIGH_FOUR(
    const uint32_t *taps __attribute__((unused)), const uint32_t *taps_end __attribute__((unused)),
    const int8_t *weights __attribute__((unused)),
    const ecg_nn_paired_channel_t *channels __attribute__((unused)), int8_t *output __attribute__((unused)),
    int32_t output_step __attribute__((unused)),
    const ecg_nn_paired_channel_t *channels_end __attribute__((unused))) {
    __asm__ volatile(
        ".syntax unified\n"
        /* A word of weights: two taps of two channels at four positions. The sums are added to those named.
         */
        ".macro two_taps a0=r0, a1=r1, a2=r2, a3=r3, b0=r4, b1=r5, b2=r6, b3=r7\n"
        "   ldr     r10, [r9], #4\n"
        "   ldrd    r12, lr, [r8, #8]\n"
        "   sxtb16  r11, r10\n"
        "   smlad   r6, r12, r10, \\b2\n"
        "   smlad   r2, r12, r11, \\a2\n"
        "   smlad   r7, lr, r10, \\b3\n"
        "   smlad   r3, lr, r11, \\a3\n"
        "   ldrd    r12, lr, [r8], #16\n"
        "   smlad   r5, lr, r10, \\b1\n"
        "   smlad   r1, lr, r11, \\a1\n"
        "   smlad   r4, r12, r10, \\b0\n"
        "   smlad   r0, r12, r11, \\a0\n"
        ".endm\n"
        ".macro to_byte sum\n" /* r10: shift, r11: multiplier, r12: offset; the sum is doubled already */
        MULTIPLY("\\sum")
        "   asr     \\sum, \\sum, r10\n"
        "   ssat    \\sum, #8, \\sum\n"
        ".endm\n"
        "   push    {r4-r11, lr}\n"
        "   push    {r0-r3}\n"
        "   mov     r9, r2\n"
        "   subs    r1, r1, r0\n"
        "   subs    r1, r1, #32\n" /* what the loop does: groups but the first */
        "   rsb     r1, r1, #0\n"
        "   ubfx    r1, r1, #5, #2\n" /* groups that its first turn leaves out */
        "   it      eq\n"
        "   moveq   r1, #4\n"
        "   movs    r3, #(3f - 2f)\n"
        "   adr     r2, 2f\n"
        "   mla     r2, r1, r3, r2\n"
        "   orr     r2, r2, #1\n" /* Thumb */
        "   str     r2, [sp, #8]\n"
        "1:\n" /* a pair of channels */
        "   ldr     r8, [sp, #12]\n"
        "   ldr     r0, [r8]\n"
        "   ldr     r4, [r8, #12]\n"
        "   asr     r0, r0, #8\n"
        "   add     r4, r4, r0\n" /* 256 bias of b, bias of a; the shift of b is lost below */
        "   ldr     r8, [sp]\n"
        "   two_taps r0, r0, r0, r0, r4, r4, r4, r4\n"
        "   two_taps\n"
        "   ldr     pc, [sp, #8]\n"
        "   .balign 4\n"
        "2:\n"
        "   two_taps\n"
        "   two_taps\n"
        "3:\n"
        "   two_taps\n"
        "   two_taps\n"
        "   two_taps\n"
        "   two_taps\n"
        "   two_taps\n"
        "   two_taps\n"
        "   ldr     r12, [sp, #4]\n"
        "   cmp     r8, r12\n"
        "   bne     2b\n"
        "   sub     r4, r4, r0\n" /* 256 times the sum of b */
        "   sub     r5, r5, r1\n"
        "   sub     r6, r6, r2\n"
        "   sub     r7, r7, r3\n"
        "   asr     r4, r4, #7\n"
        "   asr     r5, r5, #7\n"
        "   asr     r6, r6, #7\n"
        "   asr     r7, r7, #7\n"
        "   lsl     r0, r0, #1\n"
        "   lsl     r1, r1, #1\n"
        "   lsl     r2, r2, #1\n"
        "   lsl     r3, r3, #1\n"
        "   ldr     r8, [sp, #12]\n"
        "   ldm     r8!, {r10-r12}\n"
        "   to_byte r0\n"
        "   to_byte r1\n"
        "   to_byte r2\n"
        "   to_byte r3\n"
        "   ldm     r8!, {r10-r12}\n"
        "   to_byte r4\n"
        "   to_byte r5\n"
        "   to_byte r6\n"
        "   to_byte r7\n"
        "   str     r8, [sp, #12]\n"
        "   ldrd    r10, r11, [sp, #52]\n" /* output, output_step */
        "   bfi     r0, r4, #8, #8\n"
        "   bfi     r1, r5, #8, #8\n"
        "   bfi     r2, r6, #8, #8\n"
        "   bfi     r3, r7, #8, #8\n"
        "   strh    r1, [r10, r11]\n"
        "   strh    r2, [r10, r11, lsl #1]\n"
        "   add     r11, r11, r11, lsl #1\n"
        "   strh    r3, [r10, r11]\n"
        "   strh    r0, [r10], #2\n"
        "   str     r10, [sp, #52]\n"
        "   ldr     r11, [sp, #60]\n"
        "   cmp     r8, r11\n"
        "   bne     1b\n"
        "   add     sp, sp, #16\n"
        "   pop     {r4-r11, pc}\n"
        ".purgem two_taps\n"
        ".purgem to_byte\n");
}
