#include "helium_private.h"

#ifdef ECG_NN_HELIUM

#define SEGMENT 48 /* bytes of a window that three vector registers hold */

/* For every channel: its weights times the windows of both positions, in q0 to q2 and q3 to q5. FIRST is
 * VMLADAV, which starts a sum, or VMLADAVA after LOAD has fetched the sums. */
#define WEIGH_48(LOAD, FIRST)                  \
    "   dls lr, %[channels]\n"                 \
    "1:\n" LOAD                                \
    "   vldrb.8 q6, [%[weights]]\n"            \
    "   " FIRST                                \
    " %[x], q0, q6\n"                          \
    "   vldrb.8 q7, [%[weights], #16]\n"       \
    "   " FIRST                                \
    " %[y], q3, q6\n"                          \
    "   vldrb.8 q6, [%[weights], #32]\n"       \
    "   vmladava.s8 %[x], q1, q7\n"            \
    "   vmladava.s8 %[y], q4, q7\n"            \
    "   vmladava.s8 %[x], q2, q6\n"            \
    "   vmladava.s8 %[y], q5, q6\n"            \
    "   add %[weights], %[weights], %[step]\n" \
    "   strd %[x], %[y], [%[sums]], #8\n"      \
    "   le lr, 1b\n"

/* The same with two vectors a position: q0, q1 and q3, q4. */
#define WEIGH_32(LOAD, FIRST)                  \
    "   dls lr, %[channels]\n"                 \
    "1:\n" LOAD                                \
    "   vldrb.8 q6, [%[weights]]\n"            \
    "   " FIRST                                \
    " %[x], q0, q6\n"                          \
    "   vldrb.8 q7, [%[weights], #16]\n"       \
    "   " FIRST                                \
    " %[y], q3, q6\n"                          \
    "   vmladava.s8 %[x], q1, q7\n"            \
    "   vmladava.s8 %[y], q4, q7\n"            \
    "   add %[weights], %[weights], %[step]\n" \
    "   strd %[x], %[y], [%[sums]], #8\n"      \
    "   le lr, 1b\n"

/* Windows of 33 to 48 bytes; what the last vectors lack is zero. */
#define LOAD_48                     \
    "   vctp.8 %[x]\n"              \
    "   vpstt\n"                    \
    "   vldrbt.8 q2, [%[a], #32]\n" \
    "   vldrbt.8 q5, [%[b], #32]\n" \
    "   vldrb.8 q0, [%[a]]\n"       \
    "   vldrb.8 q1, [%[a], #16]\n"  \
    "   vldrb.8 q3, [%[b]]\n"       \
    "   vldrb.8 q4, [%[b], #16]\n"

/* Windows of 1 to 32 bytes. */
#define LOAD_32                     \
    "   vctp.8 %[y]\n"              \
    "   vpstt\n"                    \
    "   vldrbt.8 q0, [%[a]]\n"      \
    "   vldrbt.8 q3, [%[b]]\n"      \
    "   vctp.8 %[x]\n"              \
    "   vpstt\n"                    \
    "   vldrbt.8 q1, [%[a], #16]\n" \
    "   vldrbt.8 q4, [%[b], #16]\n"

#define FETCH "   ldrd %[x], %[y], [%[sums]]\n"

/* x comes as the bytes of the last vector, y as the length: each is read before the loop takes its register.
 */
#define WEIGH(CODE)                                                                             \
    __asm__ volatile(CODE                                                                       \
                     : [weights] "+r"(weights), [sums] "+r"(sums), [x] "+&Te"(x), [y] "+&Te"(y) \
                     : [a] "r"(a), [b] "r"(b), [step] "r"(w->step), [channels] "r"(w->count)    \
                     : "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "lr", "cc", "memory")

static inline void weigh_segment(ecg_nn_weighing_t *w, const int8_t *a, const int8_t *b, int32_t length,
                                 const int8_t *weights, int add) {
    int32_t *sums = w->sums[0];
    int32_t x = length > 32 ? length - 32 : ecg_nn_max(length - 16, 0), y = length;
    if (length > 32 && add) {
        WEIGH(LOAD_48 WEIGH_48(FETCH, "vmladava.s8"));
    } else if (length > 32) {
        WEIGH(LOAD_48 WEIGH_48("", "vmladav.s8"));
    } else if (add) {
        WEIGH(LOAD_32 WEIGH_32(FETCH, "vmladava.s8"));
    } else {
        WEIGH(LOAD_32 WEIGH_32("", "vmladav.s8"));
    }
}

/* What to take of the `rest` of a window: 48 or 32 bytes, or all. */
static inline int32_t segment_length(int32_t rest) {
    return rest <= SEGMENT ? rest : rest <= 64 ? 32 : SEGMENT;
}

static inline void weigh_windows(ecg_nn_weighing_t *w, ecg_nn_inputs_t inputs) {
    int add = w->add;
    for (int32_t offset = 0; offset < w->length; add = 1) {
        const int32_t length = segment_length(w->length - offset);
        weigh_segment(w, inputs.a + offset, inputs.b + offset, length, w->weights + offset, add);
        offset += length;
    }
}

/* Four channels at a time, `quads` times, at two positions; every shift is negative. Requantized as
 * ECG_NN_STORE_FOUR does it. */
static inline void store_quads(const int32_t *sums, uint32x4_t channels, int32_t quads,
                               const ecg_nn_output_t *output, int8_t *a, int8_t *b) {
    register int32x4_t min __asm__("q5") = vdupq_n_s32(output->min);
    register int32x4_t max __asm__("q6") = vdupq_n_s32(output->max);
    register uint32x4_t before __asm__("q7") = vsubq_n_u32(channels, 4 * sizeof(ecg_nn_channel_t));
    __asm__ volatile(
        "   dls lr, %[quads]\n"
        "1: vld20.32 {q0, q1}, [%[sums]]\n"
        "   vldrw.32 q4, [q7, #48]!\n"
        "   vld21.32 {q0, q1}, [%[sums]]!\n"
        "   vldrw.32 q2, [q7, #4]\n"
        "   vadd.i32 q0, q0, q4\n"
        "   vadd.i32 q1, q1, q4\n"
        "   vldrw.32 q3, [q7, #8]\n"
        "   vqrdmulh.s32 q0, q0, q2\n"
        "   vqrdmulh.s32 q1, q1, q2\n"
        "   vqdmlah.s32 q0, q0, %[one]\n"
        "   vqdmlah.s32 q1, q1, %[one]\n"
        "   vrshl.s32 q0, q0, q3\n"
        "   vrshl.s32 q1, q1, q3\n"
        "   vadd.i32 q0, q0, %[zero_point]\n"
        "   vadd.i32 q1, q1, %[zero_point]\n"
        "   vmax.s32 q0, q0, q5\n"
        "   vmax.s32 q1, q1, q5\n"
        "   vmin.s32 q0, q0, q6\n"
        "   vmin.s32 q1, q1, q6\n"
        "   vstrb.32 q0, [%[a]], #4\n"
        "   vstrb.32 q1, [%[b]], #4\n"
        "   le lr, 1b\n"
        : [sums] "+r"(sums), [a] "+l"(a), [b] "+l"(b), "+w"(before)
        : [quads] "r"(quads), [one] "r"(1), [zero_point] "r"(output->zero_point), "w"(min), "w"(max)
        : "q0", "q1", "q2", "q3", "q4", "lr", "cc", "memory");
}

/* Any shifts, any number of channels. */
static void store_each(const ecg_nn_weighing_t *w, ecg_nn_outputs_t outputs) {
    for (int32_t c = 0; c < w->count; ++c) {
        const ecg_nn_channel_t *channel = &w->channels[c];
        outputs.a[c] = ecg_nn_output_s8(w->sums[c][0] + channel->bias, channel, w->output);
        outputs.b[c] = ecg_nn_output_s8(w->sums[c][1] + channel->bias, channel, w->output);
    }
}

/* Where the number of channels is no multiple of 4, some of the last four are done twice. */
static inline void store(const ecg_nn_weighing_t *w, uint32x4_t addresses, ecg_nn_outputs_t outputs) {
    const int32_t last = w->count - 4;
    if (!w->right || last < 0) {
        store_each(w, outputs);
        return;
    }
    store_quads(w->sums[0], addresses, w->count / 4, w->output, outputs.a, outputs.b);
    if (w->count % 4 != 0) {
        store_quads(w->sums[last], ecg_nn_four_channels(&w->channels[last]), 1, w->output, outputs.a + last,
                    outputs.b + last);
    }
}

void ecg_nn_helium_weigh(ecg_nn_weighing_t *weighing, ecg_nn_inputs_t inputs, int32_t input_step,
                         int32_t pairs, ecg_nn_outputs_t outputs, int32_t output_step) {
    const uint32x4_t addresses = ecg_nn_four_channels(weighing->channels);
    for (; pairs > 0; --pairs) {
        weigh_windows(weighing, inputs);
        if (weighing->finish) {
            store(weighing, addresses, outputs);
        }
        inputs.a += input_step;
        inputs.b += input_step;
        outputs.a += output_step;
        outputs.b += output_step;
    }
}

void ecg_nn_helium_copy_padded(const ecg_nn_stretch_t *stretch, int32_t offset, int32_t length,
                               int32_t zero_point, int8_t *copy) {
    for (int32_t i = offset; i < offset + length; i += 16, copy += 16) {
        const uint32_t begin = (uint32_t)ecg_nn_max(stretch->begin - i, 0);
        const uint32_t end = (uint32_t)ecg_nn_max(stretch->end - i, 0);
        const mve_pred16_t inside = vctp8q(end) & (mve_pred16_t)~vctp8q(begin);
        const int8x16_t padding = vdupq_n_s8((int8_t)zero_point);
        vst1q_s8(copy, vpselq_s8(vldrbq_z_s8(stretch->bytes + i, inside), padding, inside));
    }
}

void ecg_nn_helium_weigh_padded(ecg_nn_weighing_t *weighing, const ecg_nn_stretch_t *a,
                                const ecg_nn_stretch_t *b, int32_t zero_point, ecg_nn_outputs_t outputs) {
    int8_t copy_a[SEGMENT], copy_b[SEGMENT];
    ecg_nn_weighing_t part = *weighing;
    for (int32_t offset = 0; offset < weighing->length; offset += SEGMENT, part.add = 1) {
        part.weights = weighing->weights + offset;
        part.length = ecg_nn_min(weighing->length - offset, SEGMENT);
        part.finish = weighing->finish && offset + part.length == weighing->length;
        ecg_nn_helium_copy_padded(a, offset, part.length, zero_point, copy_a);
        ecg_nn_helium_copy_padded(b, offset, part.length, zero_point, copy_b);
        ecg_nn_helium_weigh(&part, (ecg_nn_inputs_t){copy_a, copy_b}, 0, 1, outputs, 0);
    }
}

int ecg_nn_helium_all_right(const ecg_nn_channel_t *channels, int32_t count) {
    int32_t largest = INT32_MIN;
    uint32x4_t addresses = ecg_nn_four_channels(channels);
    for (; count > 0; count -= 4) {
        const mve_pred16_t there = vctp32q((uint32_t)count);
        const int32x4_t shifts =
            vldrwq_gather_base_z_s32(addresses, offsetof(ecg_nn_channel_t, shift), there);
        largest = vmaxvq_p_s32(largest, shifts, there);
        addresses = vaddq_n_u32(addresses, 4 * sizeof(ecg_nn_channel_t));
    }
    return largest < 0;
}

void ecg_nn_helium_clamp_bytes(int8_t *bytes, int32_t count, const ecg_nn_output_t *output) {
    if (output->min == INT8_MIN && output->max == INT8_MAX) {
        return;
    }
    const int8x16_t min = vdupq_n_s8((int8_t)output->min), max = vdupq_n_s8((int8_t)output->max);
    for (; count > 0; count -= 16, bytes += 16) {
        const mve_pred16_t there = vctp8q((uint32_t)count);
        vst1q_p_s8(bytes, vminq_s8(vmaxq_s8(vldrbq_z_s8(bytes, there), min), max), there);
    }
}

#endif
