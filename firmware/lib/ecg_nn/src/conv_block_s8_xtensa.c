#include "unsigned_private.h"

#ifdef ECG_NN_XTENSA_CALL0

/* Two taps of the windows of two positions: of each tap the one plus 2^16 times the other, and a word that
 * takes back that weights are 128 too large, and adds 2^15. Both products and that word add up to the exact
 * sums of both positions, in the halves of a word, of which the lower one is 2^15 too large: 2 * 127 * 128 is
 * less than 2^15. */
typedef struct {
    uint32_t first, second, less;
} taps_t;

#define EXCESS 0x00800080u /* of both halves, while they are put together */

static inline uint32_t pair(int8_t a, int8_t b) {
    return (((uint32_t)(uint8_t)b << 16 | (uint8_t)a) ^ EXCESS) - EXCESS;
}

/* Put the windows of two positions together. */
static void pair_windows(const int8_t *a, const int8_t *b, int32_t count, taps_t *taps) {
    for (const int8_t *const end = a + count; a != end; a += 4, b += 4, taps += 2) {
        UNROLL
        for (int t = 0; t < 2; ++t) {
            const uint32_t first = pair(a[2 * t], b[2 * t]), second = pair(a[2 * t + 1], b[2 * t + 1]);
            taps[t] = (taps_t){first, second, (1u << 15) - 128 * (first + second)};
        }
    }
}

/* Groups of four channels to compute. */
typedef struct {
    const taps_t *taps;
    const int8_t *weights;
    int32_t group_bytes;
    const ecg_nn_block_channel_t *channels;
    int32_t count;
    int8_t *a, *b;
    int32_t floor, ceiling, min, max;
    int32_t halves; /* 2^15 for every two taps */
} job_t;

/* While they are summed: a2 the taps, a3 the weights, a4-a6 two taps, a7 and a0 products, a8-a15 the sums: of
 * each channel that of all words, and that of their upper halves. Then: a2 the job, a3 the
 * channels, a4-a7 multiplier and offset of one, a8-a10 the limits, a12 and a13 the outputs, a14 a sum, a15
 * and a11 its output. On the stack: the end of the weights, the job, the lower limit, the sums, the
 * registers. */
void ecg_nn_eight_sums(job_t *job);

__asm__(
    ".section .text.ecg_nn_eight_sums, \"ax\"\n"
    ".align 4\n"
    ".global ecg_nn_eight_sums\n"
    ".type ecg_nn_eight_sums, @function\n"
    ".macro begin at, both, upper\n" /* a3: the channels, a4: the halves */
    "   l32i    a5, a3, 16 * \\at + 12\n"
    "   l32i    \\upper, a3, 16 * \\at\n"
    "   srai    a5, a5, 8\n"
    "   add     \\upper, \\upper, a5\n"
    "   slli    \\both, \\upper, 16\n"
    "   add     \\both, \\both, \\upper\n"
    "   sub     \\both, \\both, a4\n"
    ".endm\n"
    ".macro channel at, both, upper\n"
    "   l8ui    a7, a3, \\at\n"
    "   l8ui    a0, a3, \\at + 4\n"
    "   mull    a7, a7, a5\n"
    "   mull    a0, a0, a6\n"
    "   add     a7, a7, a4\n"
    "   add     a7, a7, a0\n"
    "   add     \\both, \\both, a7\n"
    "   srai    a7, a7, 16\n"
    "   add     \\upper, \\upper, a7\n"
    ".endm\n"
    ".macro two_taps at, weights\n"
    "   l32i    a5, a2, \\at\n"
    "   l32i    a6, a2, \\at + 4\n"
    "   l32i    a4, a2, \\at + 8\n"
    "   channel \\weights, a8, a9\n"
    "   channel \\weights + 1, a10, a11\n"
    "   channel \\weights + 2, a12, a13\n"
    "   channel \\weights + 3, a14, a15\n"
    ".endm\n"
    ".macro store at, both, upper\n"
    "   slli    a7, \\upper, 16\n"
    "   sub     \\both, \\both, a7\n"
    "   s32i    \\both, sp, 12 + 8 * \\at\n"
    "   s32i    \\upper, sp, 16 + 8 * \\at\n"
    ".endm\n"
    ".macro output at, sum, to\n"
    "   l32i    a14, sp, 12 + 8 * \\at + \\sum\n"
    "   bge     a8, a14, 5f\n"
    "   blt     a9, a14, 3f\n"
    "   mull    a15, a14, a4\n"
    "   mull    a11, a14, a5\n"
    "   srai    a15, a15, 11\n"
    "   add     a15, a15, a11\n"
    "   mull    a11, a14, a6\n"
    "   srai    a15, a15, 10\n"
    "   add     a11, a11, a7\n"
    "   add     a15, a15, a11\n"
    "   bltz    a14, 4f\n"
    "   sra     a15, a15\n"
    "   bge     a10, a15, 6f\n"
    "3: mov     a15, a10\n"
    "   j       6f\n"
    "4: addmi   a15, a15, -0x400\n" /* halves of the second rounding go away from zero */
    "   sra     a15, a15\n"
    "   l32i    a11, sp, 8\n"
    "   bge     a15, a11, 6f\n"
    "5: l32i    a15, sp, 8\n"
    "6: s8i     a15, \\to, \\at\n"
    ".endm\n"
    ".macro finish at\n"
    "   l32i    a6, a3, 16 * \\at + 4\n"
    "   l32i    a15, a3, 16 * \\at + 12\n"
    "   l32i    a7, a3, 16 * \\at + 8\n"
    "   extui   a4, a6, 0, 11\n"
    "   ssr     a15\n"
    "   extui   a5, a6, 11, 10\n"
    "   extui   a6, a6, 21, 10\n"
    "   output  \\at, 0, a12\n"
    "   output  \\at, 4, a13\n"
    ".endm\n"
    "ecg_nn_eight_sums:\n"
    "   addi    sp, sp, -64\n"
    "   s32i    a0, sp, 44\n"
    "   s32i    a12, sp, 48\n"
    "   s32i    a13, sp, 52\n"
    "   s32i    a14, sp, 56\n"
    "   s32i    a15, sp, 60\n"
    "   s32i    a2, sp, 4\n"
    "   l32i    a0, a2, 36\n"
    "   s32i    a0, sp, 8\n"
    "1: l32i    a3, a2, 12\n" /* a group */
    "   l32i    a4, a2, 44\n"
    "   begin   0, a8, a9\n"
    "   begin   1, a10, a11\n"
    "   begin   2, a12, a13\n"
    "   begin   3, a14, a15\n"
    "   l32i    a3, a2, 4\n"
    "   l32i    a0, a2, 8\n"
    "   add     a0, a0, a3\n"
    "   s32i    a0, sp, 0\n"
    "   s32i    a0, a2, 4\n"
    "   l32i    a2, a2, 0\n"
    "2: two_taps 0, 0\n"
    "   two_taps 12, 8\n"
    "   l32i    a0, sp, 0\n"
    "   addi    a3, a3, 16\n"
    "   addi    a2, a2, 24\n"
    "   sub     a0, a0, a3\n"
    "   bnez    a0, 2b\n"
    "   store   0, a8, a9\n"
    "   store   1, a10, a11\n"
    "   store   2, a12, a13\n"
    "   store   3, a14, a15\n"
    "   l32i    a2, sp, 4\n"
    "   l32i    a3, a2, 12\n"
    "   l32i    a8, a2, 28\n"
    "   l32i    a9, a2, 32\n"
    "   l32i    a10, a2, 40\n"
    "   l32i    a12, a2, 20\n"
    "   l32i    a13, a2, 24\n"
    "   finish  0\n"
    "   finish  1\n"
    "   finish  2\n"
    "   finish  3\n"
    "   l32i    a4, a2, 16\n"
    "   addi    a3, a3, 64\n"
    "   addi    a12, a12, 4\n"
    "   addi    a13, a13, 4\n"
    "   s32i    a3, a2, 12\n"
    "   s32i    a12, a2, 20\n"
    "   s32i    a13, a2, 24\n"
    "   addi    a4, a4, -1\n"
    "   s32i    a4, a2, 16\n"
    "   bnez    a4, 1b\n"
    "   l32i    a0, sp, 44\n"
    "   l32i    a12, sp, 48\n"
    "   l32i    a13, sp, 52\n"
    "   l32i    a14, sp, 56\n"
    "   l32i    a15, sp, 60\n"
    "   addi    sp, sp, 64\n"
    "   ret\n"
    ".size ecg_nn_eight_sums, . - ecg_nn_eight_sums\n"
    ".purgem begin\n .purgem channel\n .purgem two_taps\n .purgem store\n .purgem output\n .purgem finish\n"
    ".text\n");

static void groups(const ecg_nn_conv_block_t *layer, const ecg_nn_block_t *block, int32_t first,
                   int32_t end) {
    taps_t *const taps = (taps_t *)block->space;
    job_t job = {
        .taps = taps,
        .weights = layer->weights + first * layer->taps,
        .group_bytes = CHANNELS * layer->taps,
        .channels = layer->channels + first,
        .count = (end - first) / CHANNELS,
        .a = block->outputs[0] + first,
        .b = block->outputs[1] + first,
        .floor = ecg_nn_floor_of(&layer->output),
        .ceiling = SUM_LIMIT,
        .min = layer->output.min,
        .max = layer->output.max,
        .halves = layer->taps << 14,
    };
    pair_windows(block->windows[0], block->windows[1], layer->taps, taps);
    if (job.count > 0) {
        ecg_nn_eight_sums(&job);
    }
}

void ecg_nn_conv_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                          uint32_t *scratch) {
    ecg_nn_run_blocks(layer, input, output, scratch, layer->taps, groups);
}

#endif
