#include "paired_private.h"

#ifdef ECG_NN_ARM_DSP

#define CHUNK 32                /* outputs between two packings */
#define WORDS 5                 /* of a window: up to ten taps */
#define ROW (CHUNK + WORDS - 1) /* words that the outputs of a chunk read; an even number */
#define NEIGHBOURS 4            /* input channels packed at a time */
#define TEXT_OF(tokens) #tokens
#define TEXT(macro) TEXT_OF(macro) /* for the assembly */

/* Outputs of one channel, `output_step` apart, four for every four words from `words` to `words_end`. Output
 * i reads the words i to i + 4: the halves of a word are two neighbouring taps.
 *
 * In assembly to keep the weights and the sums in registers. r0-r3: twice the sums of four outputs, r4-r8:
 * twice the weights, r9-r12: words, lr: where they are. On the stack: bias and shift, multiplier, offset, end
 * of the words, twice the bias; above them the saved registers, and the arguments 5 and 6. */
static __attribute__((naked, noinline)) void weigh_channel(const uint32_t *words __attribute__((unused)),
                                                           const uint32_t *words_end __attribute__((unused)),
                                                           const int8_t *weights __attribute__((unused)),
                                                           const ecg_nn_paired_channel_t *channel
                                                           __attribute__((unused)),
                                                           int8_t *output __attribute__((unused)),
                                                           int32_t output_step __attribute__((unused))) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro to_byte sum\n" /* r9: shift, r10: multiplier, r11: offset */
        "   smmlar  r12, \\sum, r10, r11\n"
        "   add     \\sum, r12, \\sum, asr #31\n" /* halves are rounded away from zero */
        "   asr     \\sum, \\sum, r9\n"
        "   ssat    \\sum, #8, \\sum\n"
        ".endm\n"
        "   push    {r4-r11, lr}\n"
        "   mov     lr, r0\n"
        "   mov     r12, r1\n"
        "   ldm     r2, {r4, r6, r8}\n"
        "   ldm     r3, {r9-r11}\n"
        "   asr     r3, r9, #8\n"
        "   lsl     r3, r3, #1\n"
        "   push    {r3}\n"
        "   push    {r9-r12}\n"
        "   sxtb16  r5, r4, ror #8\n"
        "   sxtb16  r4, r4\n"
        "   sxtb16  r7, r6, ror #8\n"
        "   sxtb16  r6, r6\n"
        "   sxtb16  r8, r8\n"
        "   sadd16  r4, r4, r4\n"
        "   sadd16  r5, r5, r5\n"
        "   sadd16  r6, r6, r6\n"
        "   sadd16  r7, r7, r7\n"
        "   sadd16  r8, r8, r8\n"
        "1:\n"
        "   ldr     r3, [sp, #16]\n"
        "   ldm     lr!, {r9-r12}\n"
        "   smlad   r0, r4, r9, r3\n"
        "   smlad   r1, r4, r10, r3\n"
        "   smlad   r2, r4, r11, r3\n"
        "   smlad   r3, r4, r12, r3\n"
        "   smlad   r0, r5, r10, r0\n"
        "   smlad   r1, r5, r11, r1\n"
        "   smlad   r2, r5, r12, r2\n"
        "   smlad   r0, r6, r11, r0\n"
        "   smlad   r1, r6, r12, r1\n"
        "   smlad   r0, r7, r12, r0\n"
        "   ldm     lr, {r9-r12}\n"
        "   smlad   r0, r8, r9, r0\n"
        "   smlad   r1, r7, r9, r1\n"
        "   smlad   r2, r6, r9, r2\n"
        "   smlad   r3, r5, r9, r3\n"
        "   smlad   r1, r8, r10, r1\n"
        "   smlad   r2, r7, r10, r2\n"
        "   smlad   r3, r6, r10, r3\n"
        "   smlad   r2, r8, r11, r2\n"
        "   smlad   r3, r7, r11, r3\n"
        "   smlad   r3, r8, r12, r3\n"
        "   ldm     sp, {r9-r11}\n"
        "   to_byte r0\n"
        "   to_byte r1\n"
        "   to_byte r2\n"
        "   to_byte r3\n"
        "   ldrd    r9, r10, [sp, #56]\n" /* output, output_step */
        "   strb    r0, [r9]\n"
        "   strb    r1, [r9, r10]\n"
        "   strb    r2, [r9, r10, lsl #1]\n"
        "   add     r11, r10, r10, lsl #1\n"
        "   strb    r3, [r9, r11]\n"
        "   add     r9, r9, r10, lsl #2\n"
        "   str     r9, [sp, #56]\n"
        "   ldr     r10, [sp, #12]\n"
        "   cmp     lr, r10\n"
        "   bne     1b\n"
        "   add     sp, sp, #20\n"
        "   pop     {r4-r11, pc}\n"
        ".purgem to_byte\n");
}

/* `count` outputs, at least four: where it is no multiple of four, the last four repeat some. */
static void weigh(const ecg_nn_depthwise_paired_t *layer, const uint32_t *words, int32_t c, int8_t *output,
                  int32_t count, int32_t step) {
    const int8_t *const weights = layer->weights + c * ECG_NN_DEPTHWISE_PAIRED_BYTES;
    weigh_channel(words, words + (count & ~3), weights, &layer->channels[c], output + c, step);
    if (count % ECG_NN_POSITIONS != 0) {
        const int32_t last = count - ECG_NN_POSITIONS;
        weigh_channel(words + last, words + count, weights, &layer->channels[c], output + c + last * step,
                      step);
    }
}

/* Four channels at a position; in the padding four zero points. */
static uint32_t channels_at(const ecg_nn_depthwise_paired_t *layer, const int8_t *input, int32_t x) {
    return x >= 0 && x < layer->input_width ? ecg_nn_load_word(input + x * layer->input_channels)
                                            : (uint8_t)layer->input_zero_point * 0x01010101u;
}

/* Words of four neighbouring channels, a row for each, from `row` to `end`; `at` is their first position,
 * those that follow are `step` bytes apart. r4-r7: four positions, r8, r9, r4, r5: two channels of two of
 * them each. */
static __attribute__((naked, noinline)) void pack_inside(const int8_t *at __attribute__((unused)),
                                                         int32_t step __attribute__((unused)),
                                                         uint32_t *row __attribute__((unused)),
                                                         const uint32_t *end __attribute__((unused))) {
    __asm__ volatile(
        ".syntax unified\n"
        "   push    {r4-r9, lr}\n"
        "   add     r12, r1, r1, lsl #1\n"
        "1:\n"
        "   ldr     r4, [r0]\n"
        "   ldr     r5, [r0, r1]\n"
        "   ldr     r6, [r0, r1, lsl #1]\n"
        "   ldr     r7, [r0, r12]\n"
        "   add     r0, r0, r1, lsl #2\n"
        "   pkhbt   r8, r4, r5, lsl #16\n"
        "   pkhbt   r9, r6, r7, lsl #16\n"
        "   pkhtb   r4, r5, r4, asr #16\n"
        "   pkhtb   r5, r7, r6, asr #16\n"
        "   sxtb16  r6, r8\n"
        "   sxtb16  r7, r9\n"
        "   strd    r6, r7, [r2], #8\n"
        "   sxtb16  r6, r8, ror #8\n"
        "   sxtb16  r7, r9, ror #8\n"
        "   strd    r6, r7, [r2, #4 * " TEXT(ROW) " - 8]\n"
        "   sxtb16  r6, r4\n"
        "   sxtb16  r7, r5\n"
        "   strd    r6, r7, [r2, #8 * " TEXT(ROW) " - 8]\n"
        "   sxtb16  r6, r4, ror #8\n"
        "   sxtb16  r7, r5, ror #8\n"
        "   strd    r6, r7, [r2, #12 * " TEXT(ROW) " - 8]\n"
        "   cmp     r2, r3\n"
        "   bne     1b\n"
        "   pop     {r4-r9, pc}\n");
}

/* The same for `count` words, an even number, from position `x` on, which may lie in the padding. */
static void pack_channels(const ecg_nn_depthwise_paired_t *layer, const int8_t *input, int32_t x,
                          int32_t count, uint32_t *row) {
    const int32_t step = layer->input_channels;
    for (const uint32_t *const end = row + count; row != end;) {
        const int32_t inside = x < 0 ? 0 : ecg_nn_min((int32_t)(end - row), (layer->input_width - x) / 4 * 2);
        const int32_t words = ecg_nn_max(inside, 2);
        if (inside > 0) {
            pack_inside(input + x * step, step, row, row + words);
        } else {
            const uint32_t edge[4] = {channels_at(layer, input, x), channels_at(layer, input, x + 1),
                                      channels_at(layer, input, x + 2), channels_at(layer, input, x + 3)};
            pack_inside((const int8_t *)edge, 4, row, row + words);
        }
        row += words;
        x += 2 * words;
    }
}

/* Words of an input with one channel. */
static void pack_one_channel(const ecg_nn_depthwise_paired_t *layer, const int8_t *input, int32_t x,
                             int32_t count, uint32_t *row) {
    for (const uint32_t *const end = row + count; row != end; row += 2, x += 4) {
        const uint32_t word = ecg_nn_word_at(input, x, layer->input_width, layer->input_zero_point);
        const uint32_t even = ecg_nn_even_bytes(word), odd = ecg_nn_odd_bytes(word);
        row[0] = ecg_nn_low_halves(even, odd);
        row[1] = ecg_nn_high_halves(even, odd);
    }
}

/* `count` outputs, `step` bytes apart, of every channel; the first window begins at position `x`. */
static void chunk(const ecg_nn_depthwise_paired_t *layer, const int8_t *input, int32_t x, int32_t count,
                  int8_t *output, int32_t step, uint32_t *scratch) {
    const int32_t multiplier = layer->output_channels / layer->input_channels;
    const int32_t words = (count + WORDS) & ~1; /* count + WORDS - 1, made even */
    for (int32_t c = 0, depth = 0; depth < layer->input_channels; ++depth) {
        if (layer->input_channels == 1) {
            pack_one_channel(layer, input, x, words, scratch);
        } else if (depth % NEIGHBOURS == 0) {
            pack_channels(layer, input + depth, x, words, scratch);
        }
        for (const int32_t end = c + multiplier; c < end; ++c) {
            weigh(layer, scratch + depth % NEIGHBOURS * ROW, c, output, count, step);
        }
    }
}

void ecg_nn_depthwise_paired_s8(const ecg_nn_depthwise_paired_t *layer, const int8_t *input, int8_t *output,
                                uint32_t *scratch) {
    /* Windows two positions apart begin at neighbouring words. With stride 1 the even and the odd outputs are
     * such windows each. */
    const int32_t phases = 3 - layer->stride_width, step = phases * layer->output_channels;
    for (int32_t phase = 0; phase < phases; ++phase) {
        const int32_t count = (layer->output_width + phases - 1 - phase) / phases;
        for (int32_t start = 0; start < count; start += CHUNK) {
            const int32_t first = ecg_nn_min(start, count - ECG_NN_POSITIONS);
            chunk(layer, input, 2 * first + phase - layer->pad_left, ecg_nn_min(count - first, CHUNK),
                  output + first * step + phase * layer->output_channels, step, scratch);
        }
    }
    ecg_nn_clamp_bytes(output, layer->output_width * layer->output_channels, &layer->output);
}

#endif
