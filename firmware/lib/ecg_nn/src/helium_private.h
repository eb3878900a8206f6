/* What the Helium forms (Cortex-M55) share.
 *
 * Weights are read in whole vectors: up to 15 bytes past their end. Activations are never read past theirs.
 */
#ifndef HELIUM_PRIVATE_H
#define HELIUM_PRIVATE_H

#include "ecg_nn_private.h"

#ifdef ECG_NN_HELIUM

#include <arm_mve.h>

#define ECG_NN_SUMS 64 /* channels whose sums are held at a time */

/* What the windows of a layer, or stretches of them, are weighed with: `length` bytes a channel, `step` bytes
 * from one channel's to the next one's, for up to ECG_NN_SUMS channels. */
typedef struct {
    const int8_t *weights;
    int32_t length, step;
    const ecg_nn_channel_t *channels;
    int32_t count;
    const ecg_nn_output_t *output;
    int right;          /* every shift is to the right */
    int add;            /* keep what the sums hold from an earlier stretch */
    int finish;         /* the last stretch: requantize and store */
    int32_t (*sums)[2]; /* [channel][position], ECG_NN_SUMS channels */
} ecg_nn_weighing_t;

/* Two rows of bytes, one for each of two output positions. */
typedef struct {
    const int8_t *a, *b;
} ecg_nn_inputs_t;

typedef struct {
    int8_t *a, *b;
} ecg_nn_outputs_t;

/* Weigh windows at `pairs` times two positions; from pair to pair the inputs advance by `input_step` bytes,
 * the outputs by `output_step`. */
void ecg_nn_helium_weigh(ecg_nn_weighing_t *weighing, ecg_nn_inputs_t inputs, int32_t input_step,
                         int32_t pairs, ecg_nn_outputs_t outputs, int32_t output_step);

/* A stretch of a window of which bytes `begin` to `end` lie in the input, the others in the padding. */
typedef struct {
    const int8_t *bytes; /* where byte 0 is, or would be, in the input */
    int32_t begin, end;
} ecg_nn_stretch_t;

/* Weigh stretches that may reach into the padding, which holds `zero_point`, at two positions. */
void ecg_nn_helium_weigh_padded(ecg_nn_weighing_t *weighing, const ecg_nn_stretch_t *a,
                                const ecg_nn_stretch_t *b, int32_t zero_point, ecg_nn_outputs_t outputs);

/* `length` bytes of a stretch from `offset` on; writes whole vectors. */
void ecg_nn_helium_copy_padded(const ecg_nn_stretch_t *stretch, int32_t offset, int32_t length,
                               int32_t zero_point, int8_t *copy);

/* Whether every channel's shift is to the right. */
int ecg_nn_helium_all_right(const ecg_nn_channel_t *channels, int32_t count);

/* Apply the limits of an output, if any, to bytes that are there. */
void ecg_nn_helium_clamp_bytes(int8_t *bytes, int32_t count, const ecg_nn_output_t *output);

/* The addresses of four channels. */
static inline uint32x4_t ecg_nn_four_channels(const ecg_nn_channel_t *channels) {
    return vaddq_n_u32(vmulq_n_u32(vidupq_n_u32(0, 1), sizeof(ecg_nn_channel_t)),
                       (uint32_t)(uintptr_t)channels);
}

/* ecg_nn_requantize of four values. */
static inline int32x4_t ecg_nn_requantize_four(int32x4_t values, int32_t multiplier, int32_t shift) {
    const int32x4_t high = vqrdmulhq_n_s32(vshlq_r_s32(values, ecg_nn_max(shift, 0)), multiplier);
    return shift < 0 ? vrshlq_n_s32(vqdmlahq_n_s32(high, high, 1), shift) : high;
}

/* One member of four channels. */
#define ECG_NN_GATHER(addresses, member) \
    vldrwq_gather_base_s32(addresses, (int)offsetof(ecg_nn_channel_t, member))

/* Bytes of four channels at one position, from the sums in four registers; q5 is the multipliers, q6 the
 * shifts (all negative), q7 the biases. VQDMLAH by 1 subtracts 1 from a negative number (it adds the high
 * word of twice itself), so that VRSHL, which rounds halves up, rounds them away from zero. */
#define ECG_NN_STORE_FOUR                                  \
    "   vmov q4[2], q4[0], %[s0], %[s2]\n"                 \
    "   vmov q4[3], q4[1], %[s1], %[s3]\n"                 \
    "   vadd.i32 q4, q4, q7\n"                             \
    "   vqrdmulh.s32 q4, q4, q5\n"                         \
    "   vqdmlah.s32 q4, q4, %[one]\n"                      \
    "   vrshl.s32 q4, q4, q6\n"                            \
    "   vadd.i32 q4, q4, %[zero_point]\n"                  \
    "   vqshl.s32 q4, q4, #24\n" /* saturates to a byte */ \
    "   vshr.s32 q4, q4, #24\n"                            \
    "   vstrb.32 q4, [%[output]]\n"                        \
    "   add %[output], %[output], %[output_step]\n"

#endif
#endif
