#include "block_private.h"

#ifdef ECG_NN_RISCV

/* `count` groups of four channels at four positions. Weights from `weights` on, `group_bytes` a group;
 * `channels` and the outputs of the block are those of the first group.
 *
 * In assembly because sixteen sums leave twelve registers, and no compiler keeps to that. s0-s11 and t3-t6
 * are the sums, four positions of a channel each. While they are summed: a4-a7 the windows, a1 the weights,
 * a2 their end, t0-t2 and a0 the taps of the positions, a3 a weight, ra a product. Then: a4-a7 the outputs,
 * a3 the channels, a0 the multiplier, ra the offset, a2 the shift, t1 and t2 the limits, t0 an output. On
 * the stack: block, group_bytes, channels, count, limits, what the outputs have moved on; above them the
 * saved registers. */
static __attribute__((naked, noinline)) void sixteen_sums(
    const ecg_nn_block_t *block __attribute__((unused)), const int8_t *weights __attribute__((unused)),
    int32_t group_bytes __attribute__((unused)),
    const ecg_nn_block_channel_t *channels __attribute__((unused)), int32_t count __attribute__((unused)),
    const ecg_nn_output_t *limits __attribute__((unused))) {
    __asm__ volatile(
        ".macro all what, at=0, step=0\n"
        "   \\what  s0, s1, s2, s3, \\at\n"
        "   \\what  s4, s5, s6, s7, \\at + \\step\n"
        "   \\what  s8, s9, s10, s11, \\at + 2 * \\step\n"
        "   \\what  t3, t4, t5, t6, \\at + 3 * \\step\n"
        ".endm\n"
        ".macro begin s0, s1, s2, s3, at\n"
        "   lw      \\s0, 16 * (\\at)(a3)\n"
        "   mv      \\s1, \\s0\n"
        "   mv      \\s2, \\s0\n"
        "   mv      \\s3, \\s0\n"
        ".endm\n"
        ".macro weigh s0, s1, s2, s3, at\n"
        "   lb      a3, \\at(a1)\n"
        "   mul     ra, t0, a3\n"
        "   add     \\s0, \\s0, ra\n"
        "   mul     ra, t1, a3\n"
        "   add     \\s1, \\s1, ra\n"
        "   mul     ra, t2, a3\n"
        "   add     \\s2, \\s2, ra\n"
        "   mul     ra, a0, a3\n"
        "   add     \\s3, \\s3, ra\n"
        ".endm\n"
        ".macro one_tap at\n"
        "   lb      t0, \\at(a4)\n"
        "   lb      t1, \\at(a5)\n"
        "   lb      t2, \\at(a6)\n"
        "   lb      a0, \\at(a7)\n"
        "   all     weigh, 4 * (\\at), 1\n"
        ".endm\n"
        ".macro byte sum, to, at\n"
        "   slli    \\sum, \\sum, 2\n"
        "   mulh    t0, \\sum, a0\n"
        "   bgez    \\sum, 7f\n"
        "   addi    t0, t0, -2\n"
        "7: add     t0, t0, ra\n"
        "   sra     t0, t0, a2\n"
        "   bge     t0, t1, 8f\n"
        "   mv      t0, t1\n"
        "8: bge     t2, t0, 9f\n"
        "   mv      t0, t2\n"
        "9: sb      t0, \\at(\\to)\n"
        ".endm\n"
        ".macro finish s0, s1, s2, s3, at\n"
        "   lw      a0, 16 * (\\at) + 4(a3)\n"
        "   lw      ra, 16 * (\\at) + 8(a3)\n"
        "   lw      a2, 16 * (\\at) + 12(a3)\n"
        "   byte    \\s0, a4, \\at\n"
        "   byte    \\s1, a5, \\at\n"
        "   byte    \\s2, a6, \\at\n"
        "   byte    \\s3, a7, \\at\n"
        ".endm\n"
        ".macro saved what\n"
        "   .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11\n"
        "   \\what  s\\n, 28 + 4 * \\n(sp)\n"
        "   .endr\n"
        "   \\what  ra, 24(sp)\n"
        ".endm\n"
        ".macro four what, from, at\n"
        "   \\what  a4, \\at(\\from)\n"
        "   \\what  a5, \\at + 4(\\from)\n"
        "   \\what  a6, \\at + 8(\\from)\n"
        "   \\what  a7, \\at + 12(\\from)\n"
        ".endm\n"
        "   addi    sp, sp, -80\n"
        "   saved   sw\n"
        "   sw      a0, (sp)\n"
        "   sw      a2, 4(sp)\n"
        "   sw      a3, 8(sp)\n"
        "   sw      a4, 12(sp)\n"
        "   sw      a5, 16(sp)\n"
        "   sw      zero, 20(sp)\n"
        "1: all     begin, 0, 1\n" /* a group */
        "   four    lw, a0, 0\n"
        "   add     a2, a1, a2\n"
        "2: one_tap 0\n" /* four taps */
        "   one_tap 1\n"
        "   one_tap 2\n"
        "   one_tap 3\n"
        "   addi    a4, a4, 4\n"
        "   addi    a5, a5, 4\n"
        "   addi    a6, a6, 4\n"
        "   addi    a7, a7, 4\n"
        "   addi    a1, a1, 16\n"
        "   bne     a1, a2, 2b\n"
        "   lw      a0, (sp)\n"
        "   lw      a2, 16(sp)\n"
        "   lw      a3, 8(sp)\n"
        "   lw      t0, 20(sp)\n"
        "   lw      t1, 4(a2)\n"
        "   lw      t2, 8(a2)\n"
        "   four    lw, a0, 16\n"
        "   add     a4, a4, t0\n"
        "   add     a5, a5, t0\n"
        "   add     a6, a6, t0\n"
        "   add     a7, a7, t0\n"
        "   addi    t0, t0, 4\n"
        "   sw      t0, 20(sp)\n"
        "   all     finish, 0, 1\n"
        "   lw      t0, 12(sp)\n"
        "   lw      a0, (sp)\n"
        "   lw      a2, 4(sp)\n"
        "   addi    a3, a3, 64\n"
        "   sw      a3, 8(sp)\n"
        "   addi    t0, t0, -1\n"
        "   sw      t0, 12(sp)\n"
        "   bnez    t0, 1b\n"
        "   saved   lw\n"
        "   addi    sp, sp, 80\n"
        "   ret\n"
        ".purgem all\n .purgem begin\n .purgem weigh\n .purgem one_tap\n .purgem byte\n .purgem finish\n"
        ".purgem saved\n .purgem four\n");
}

/* Add two windows times the weights of four channels, four taps at a time. */
static inline void weigh_two(const int8_t *weights, const int8_t *const end, const int8_t *first,
                             const int8_t *second, int32_t sums[CHANNELS][2]) {
    do {
        UNROLL
        for (int t = 0; t < ECG_NN_BLOCK_TAPS; ++t) {
            const int32_t a = first[t], b = second[t];
            UNROLL
            for (int c = 0; c < CHANNELS; ++c) {
                const int32_t weight = weights[CHANNELS * t + c];
                sums[c][0] += a * weight;
                PIN(sums[c][0]);
                sums[c][1] += b * weight;
                PIN(sums[c][1]);
            }
        }
        first += ECG_NN_BLOCK_TAPS;
        second += ECG_NN_BLOCK_TAPS;
        weights += CHANNELS * ECG_NN_BLOCK_TAPS;
    } while (weights != end);
}

/* `count` groups of four channels at the first two positions of a block. */
static void eight_sums(const ecg_nn_block_t *block, const int8_t *weights, int32_t group_bytes,
                       const ecg_nn_block_channel_t *channels, int32_t count, const ecg_nn_output_t *limits) {
    int8_t *first = block->outputs[0], *second = block->outputs[1];
    for (; count > 0; --count, channels += CHANNELS, weights += group_bytes) {
        int32_t sums[CHANNELS][2];
        UNROLL
        for (int c = 0; c < CHANNELS; ++c) {
            sums[c][0] = sums[c][1] = channels[c].bias;
        }
        weigh_two(weights, weights + group_bytes, block->windows[0], block->windows[1], sums);
        UNROLL
        for (int c = 0; c < CHANNELS; ++c) {
            const int32_t multiplier = channels[c].multiplier, offset = channels[c].offset,
                          shift = channels[c].shift;
            *first++ = ecg_nn_block_output(sums[c][0], multiplier, offset, shift, limits);
            *second++ = ecg_nn_block_output(sums[c][1], multiplier, offset, shift, limits);
        }
    }
}

/* The last block of a row may hold two positions and repeat the second. */
static void groups(const ecg_nn_conv_block_t *layer, const ecg_nn_block_t *block, int32_t first,
                   int32_t end) {
    if (first < end) {
        ecg_nn_block_t moved = *block;
        for (int p = 0; p < POSITIONS; ++p) {
            moved.outputs[p] += first;
        }
        const int two = block->outputs[2] == block->outputs[1];
        (two ? eight_sums : sixteen_sums)(&moved, layer->weights + first * layer->taps,
                                          CHANNELS * layer->taps, &layer->channels[first],
                                          (end - first) / CHANNELS, &layer->output);
    }
}

void ecg_nn_conv_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                          uint32_t *scratch) {
    ecg_nn_run_blocks(layer, input, output, scratch, layer->taps, groups);
}

#endif
