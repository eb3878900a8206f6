#include "unsigned_private.h"

#if defined(ECG_NN_UNSIGNED) && !defined(ECG_NN_XTENSA_CALL0)

/* A tap of the windows of two positions in the halves of a word, each 128 too large and so not negative. A
 * weight, 128 too large as well, multiplies both at once: of the product, the upper half is exact. Two sums
 * for each channel, of the products and of their upper halves, give those of both positions. */
typedef uint32_t tap_t;

#define EXCESS 0x00800080u /* of both halves */

/* What a position adds to each sum: 128 times its taps. */
typedef struct {
    int32_t a, b;
} excess_t;

static inline tap_t pair(int8_t a, int8_t b) {
    return ((uint32_t)(uint8_t)a | (uint32_t)(uint8_t)b << 16) ^ EXCESS;
}

/* Put the windows of two positions together. */
static excess_t pair_windows(const int8_t *a, const int8_t *b, int32_t count, tap_t *taps) {
    uint32_t both = 0, upper = 0;
    for (const tap_t *const end = taps + count; taps != end; taps += ECG_NN_BLOCK_TAPS) {
        uint32_t sum = 0; /* each half is small */
        UNROLL
        for (int t = 0; t < ECG_NN_BLOCK_TAPS; ++t) {
            taps[t] = pair(a[t], b[t]);
            sum += taps[t];
        }
        both += sum;
        upper += sum >> 16;
        a += ECG_NN_BLOCK_TAPS;
        b += ECG_NN_BLOCK_TAPS;
    }
    return (excess_t){(int32_t)((both - (upper << 16)) * 128), (int32_t)(upper * 128)};
}

#ifdef ECG_NN_ARMV6M

/* Groups of four channels to compute. */
typedef struct {
    const tap_t *taps;
    const int8_t *weights;
    int32_t group_bytes;
    const ecg_nn_block_channel_t *channels;
    int32_t count;
    excess_t excess;
    int8_t *a, *b;
    int32_t floor;
} job_t;

/* While they are summed: r0 the taps, r1 the weights; r2 and r3 the taps of the two positions, r4 a weight,
 * r5 a product; r8-r12, lr, r6 and r7 the sums. Then: r1 the sums, r2 one of them, r3 its output, r4 and r8
 * the offset, r5-r7 the parts of the multiplier, r9 the shift, r10 and r11 the outputs, r12 the channel, lr
 * the floor. On the stack: the job, the end of the weights, the sums; above them the saved registers. */
static __attribute__((naked, noinline)) void eight_sums(job_t *job __attribute__((unused))) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro channel at, both, upper\n"
        "   ldrb    r3, [r1, #\\at]\n"
        "   muls    r3, r2, r3\n"
        "   add     \\both, \\both, r3\n"
        "   lsrs    r3, r3, #16\n"
        "   add     \\upper, \\upper, r3\n"
        ".endm\n"
        ".macro one_tap at\n"
        "   ldm     r0!, {r2}\n"
        "   channel \\at, r8, r9\n"
        "   channel \\at + 1, r10, r11\n"
        "   channel \\at + 2, r12, lr\n"
        "   channel \\at + 3, r6, r7\n"
        ".endm\n"
        ".macro store at, both, upper\n" /* r0: the channels, r1 and r5: what the positions add, r4: the sums
                                          */
        "   ldr     r2, [r0, #16 * \\at]\n"
        "   subs    r3, r2, r5\n"
        "   add     r3, r3, \\upper\n"
        "   subs    r2, r2, r1\n"
        "   add     r2, r2, \\both\n"
        "   mov     \\both, r3\n"
        "   mov     r3, \\upper\n"
        "   lsls    r3, r3, #16\n"
        "   subs    r2, r2, r3\n"
        "   mov     r3, \\both\n"
        "   stm     r4!, {r2, r3}\n"
        ".endm\n"
        ".macro byte at, to\n"
        "   ldm     r1!, {r2}\n"
        "   asrs    r3, r2, #20\n"
        "   beq     8f\n"
        "   cmp     r2, lr\n"
        "   ble     6f\n"
        "   adds    r3, r3, #1\n"
        "   bne     7f\n"
        "   mov     r4, r8\n"
        "   movs    r3, #1\n" /* halves of the second rounding go away from zero */
        "   lsls    r3, r3, #10\n"
        "   subs    r4, r4, r3\n"
        "   b       5f\n"
        "8: mov     r4, r8\n"
        "5: movs    r3, r2\n"
        "   muls    r3, r5, r3\n"
        "   asrs    r3, r3, #11\n"
        "   movs    r0, r2\n"
        "   muls    r0, r6, r0\n"
        "   adds    r3, r3, r0\n"
        "   asrs    r3, r3, #10\n"
        "   muls    r2, r7, r2\n"
        "   adds    r3, r3, r2\n"
        "   adds    r3, r3, r4\n"
        "   mov     r0, r9\n"
        "   asrs    r3, r3, r0\n"
        "   sxtb    r0, r3\n"
        "   cmp     r0, r3\n"
        "   beq     9f\n"
        "   movs    r2, r3\n"
        "6: movs    r3, #128\n" /* the limit below */
        "   cmp     r2, #0\n"
        "   blt     9f\n"
        "7: movs    r3, #127\n"
        "9: mov     r0, \\to\n"
        "   strb    r3, [r0, #\\at]\n"
        ".endm\n"
        ".macro finish at\n"
        "   mov     r0, r12\n"
        "   ldr     r3, [r0, #16 * \\at + 4]\n"
        "   ldr     r4, [r0, #16 * \\at + 8]\n"
        "   mov     r8, r4\n"
        "   ldr     r4, [r0, #16 * \\at + 12]\n"
        "   mov     r9, r4\n"
        "   lsrs    r7, r3, #21\n"
        "   lsls    r6, r3, #11\n"
        "   lsrs    r6, r6, #22\n"
        "   lsls    r5, r3, #21\n"
        "   lsrs    r5, r5, #21\n"
        "   byte    \\at, r10\n"
        "   byte    \\at, r11\n"
        ".endm\n"
        "   push    {r4-r7, lr}\n"
        "   mov     r4, r8\n"
        "   mov     r5, r9\n"
        "   mov     r6, r10\n"
        "   mov     r7, r11\n"
        "   push    {r4-r7}\n"
        "   sub     sp, #40\n"
        "   str     r0, [sp]\n"
        "1: movs    r6, #0\n" /* a group */
        "   movs    r7, #0\n"
        "   mov     r8, r6\n"
        "   mov     r9, r6\n"
        "   mov     r10, r6\n"
        "   mov     r11, r6\n"
        "   mov     r12, r6\n"
        "   mov     lr, r6\n"
        "   ldr     r1, [r0, #4]\n"
        "   ldr     r2, [r0, #8]\n"
        "   adds    r2, r2, r1\n"
        "   str     r2, [sp, #4]\n"
        "   str     r2, [r0, #4]\n"
        "   ldr     r0, [r0]\n"
        "   mov     r5, r2\n"
        "2: one_tap 0\n" /* four taps */
        "   one_tap 4\n"
        "   one_tap 8\n"
        "   one_tap 12\n"
        "   adds    r1, r1, #16\n"
        "   cmp     r1, r5\n"
        "   bne     2b\n"
        "   ldr     r0, [sp]\n"
        "   ldr     r1, [r0, #20]\n"
        "   ldr     r5, [r0, #24]\n"
        "   ldr     r0, [r0, #12]\n"
        "   add     r4, sp, #8\n"
        "   store   0, r8, r9\n"
        "   store   1, r10, r11\n"
        "   store   2, r12, lr\n"
        "   store   3, r6, r7\n"
        "   mov     r1, r0\n"
        "   ldr     r0, [sp]\n"
        "   mov     r12, r1\n"
        "   adds    r1, r1, #64\n"
        "   str     r1, [r0, #12]\n"
        "   ldr     r1, [r0, #28]\n"
        "   mov     r10, r1\n"
        "   adds    r1, r1, #4\n"
        "   str     r1, [r0, #28]\n"
        "   ldr     r1, [r0, #32]\n"
        "   mov     r11, r1\n"
        "   adds    r1, r1, #4\n"
        "   str     r1, [r0, #32]\n"
        "   ldr     r1, [r0, #36]\n"
        "   mov     lr, r1\n"
        "   add     r1, sp, #8\n"
        "   finish  0\n"
        "   finish  1\n"
        "   finish  2\n"
        "   finish  3\n"
        "   ldr     r0, [sp]\n"
        "   ldr     r1, [r0, #16]\n"
        "   subs    r1, r1, #1\n"
        "   str     r1, [r0, #16]\n"
        "   beq     3f\n"
        "   b       1b\n"
        "3: add     sp, #40\n"
        "   pop     {r4-r7}\n"
        "   mov     r8, r4\n"
        "   mov     r9, r5\n"
        "   mov     r10, r6\n"
        "   mov     r11, r7\n"
        "   pop     {r4-r7, pc}\n"
        "  .purgem store\n .purgem channel\n .purgem one_tap\n .purgem byte\n .purgem finish\n");
}

static void groups(const ecg_nn_conv_block_t *layer, const ecg_nn_block_t *block, int32_t first,
                   int32_t end) {
    tap_t *const taps = (tap_t *)block->space;
    job_t job = {
        .taps = taps,
        .weights = layer->weights + first * layer->taps,
        .group_bytes = CHANNELS * layer->taps,
        .channels = layer->channels + first,
        .count = (end - first) / CHANNELS,
        .excess = pair_windows(block->windows[0], block->windows[1], layer->taps, taps),
        .a = block->outputs[0] + first,
        .b = block->outputs[1] + first,
        .floor = ecg_nn_floor_of(&layer->output),
    };
    if (job.count > 0) {
        eight_sums(&job);
    }
}

#else

/* Four channels at two positions: taps times weights from `weights` to `end`. Of each channel there is a sum
 * of the products, and one of their upper halves; both begin with the bias less the excess. */
static __attribute__((noinline)) void weigh_eight(const tap_t *taps, const int8_t *weights, const int8_t *end,
                                                  const ecg_nn_block_channel_t *channels,
                                                  const excess_t *excess, int32_t result[CHANNELS][2]) {
    uint32_t sums[CHANNELS][2];
    UNROLL
    for (int c = 0; c < CHANNELS; ++c) {
        sums[c][1] = (uint32_t)(channels[c].bias - excess->b);
        sums[c][0] = (uint32_t)(channels[c].bias - excess->a) + (sums[c][1] << 16);
    }
    do {
        UNROLL
        for (int t = 0; t < ECG_NN_BLOCK_TAPS; ++t) {
            const tap_t tap = taps[t];
            UNROLL
            for (int c = 0; c < CHANNELS; ++c) {
                const uint32_t product = tap * (uint8_t)weights[CHANNELS * t + c];
                sums[c][0] += product;
                sums[c][1] += product >> 16;
                PIN(sums[c][0]);
                PIN(sums[c][1]);
                PIN(weights);
            }
        }
        taps += ECG_NN_BLOCK_TAPS;
        weights += CHANNELS * ECG_NN_BLOCK_TAPS;
    } while (weights != end);
    UNROLL
    for (int c = 0; c < CHANNELS; ++c) {
        result[c][0] = (int32_t)(sums[c][0] - (sums[c][1] << 16));
        result[c][1] = (int32_t)sums[c][1];
    }
}

/* Their outputs. */
static __attribute__((noinline)) void finish_eight(int32_t sums[CHANNELS][2],
                                                   const ecg_nn_block_channel_t *channel,
                                                   const ecg_nn_output_t *limits, int8_t *a, int8_t *b) {
    const int32_t floor = ecg_nn_floor_of(limits);
    for (const ecg_nn_block_channel_t *const end = channel + CHANNELS; channel != end; ++channel, ++sums) {
        const ecg_nn_parts_t parts = ecg_nn_parts_of(channel);
        *a++ = ecg_nn_output_of((*sums)[0], &parts, floor, limits);
        *b++ = ecg_nn_output_of((*sums)[1], &parts, floor, limits);
    }
}

static void groups(const ecg_nn_conv_block_t *layer, const ecg_nn_block_t *block, int32_t first,
                   int32_t end) {
    tap_t *const taps = (tap_t *)block->space;
    const excess_t excess = pair_windows(block->windows[0], block->windows[1], layer->taps, taps);
    const int8_t *weights = layer->weights + first * layer->taps;
    for (; first < end; first += CHANNELS) {
        int32_t sums[CHANNELS][2];
        const int8_t *const next = weights + CHANNELS * layer->taps;
        weigh_eight(taps, weights, next, layer->channels + first, &excess, sums);
        finish_eight(sums, layer->channels + first, &layer->output, block->outputs[0] + first,
                     block->outputs[1] + first);
        weights = next;
    }
}

#endif

void ecg_nn_conv_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                          uint32_t *scratch) {
    ecg_nn_run_blocks(layer, input, output, scratch, layer->taps, groups);
}

#endif
