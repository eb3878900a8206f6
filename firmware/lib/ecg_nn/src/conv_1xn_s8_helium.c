#include "helium_private.h"

#ifdef ECG_NN_HELIUM

/* Output positions `first` to `end` read `reach` columns each that all lie in the input. */
typedef struct {
    int32_t first, end;
} range_t;

static range_t positions_inside(const ecg_nn_conv_t *layer, int32_t reach) {
    const int32_t stride = layer->stride_width, room = layer->input_width - reach + layer->pad_left;
    const int32_t first = ecg_nn_min((layer->pad_left + stride - 1) / stride, layer->output_width);
    const int32_t end = room < 0 ? 0 : ecg_nn_min(room / stride + 1, layer->output_width);
    return (range_t){first, ecg_nn_max(first, end)};
}

/* The window of output position `x`. */
static ecg_nn_stretch_t window_at(const ecg_nn_conv_t *layer, const int8_t *input, int32_t x) {
    const int32_t depth = layer->input_channels, x0 = x * layer->stride_width - layer->pad_left;
    const int32_t begin = ecg_nn_clamp(-x0, 0, layer->kernel_width);
    const int32_t end = ecg_nn_clamp(layer->input_width - x0, 0, layer->kernel_width);
    return (ecg_nn_stretch_t){input + x0 * depth, begin * depth, end * depth};
}

/* The positions outside `inside`, two at a time; the last of an odd number is taken twice. */
static void weigh_edges(const ecg_nn_conv_t *layer, const int8_t *input, range_t inside, ecg_nn_weighing_t *w,
                        int8_t *output) {
    const int32_t skipped = inside.end - inside.first, count = layer->output_width - skipped;
    for (int32_t i = 0; i < count; i += 2) {
        const int32_t j = ecg_nn_min(i + 1, count - 1);
        const int32_t xa = i < inside.first ? i : i + skipped, xb = j < inside.first ? j : j + skipped;
        const ecg_nn_stretch_t a = window_at(layer, input, xa), b = window_at(layer, input, xb);
        const ecg_nn_outputs_t outputs = {output + xa * layer->output_channels,
                                          output + xb * layer->output_channels};
        ecg_nn_helium_weigh_padded(w, &a, &b, layer->input_zero_point, outputs);
    }
}

/* Up to ECG_NN_SUMS channels at every position. */
static void weigh_positions(const ecg_nn_conv_t *layer, const int8_t *input, range_t inside,
                            ecg_nn_weighing_t *w, int8_t *output) {
    const int32_t step = layer->stride_width * layer->input_channels, channels = layer->output_channels;
    const int32_t pairs = (inside.end - inside.first) / 2;
    const int8_t *const a = input + inside.first * step - layer->pad_left * layer->input_channels;
    int8_t *const out = output + inside.first * channels;
    ecg_nn_helium_weigh(w, (ecg_nn_inputs_t){a, a + step}, 2 * step, pairs,
                        (ecg_nn_outputs_t){out, out + channels}, 2 * channels);
    weigh_edges(layer, input, (range_t){inside.first, inside.first + 2 * pairs}, w, output);
}

static void wide_windows(const ecg_nn_conv_t *layer, const int8_t *input, int right, int8_t *output) {
    const int32_t channels = layer->output_channels;
    const range_t inside = positions_inside(layer, layer->kernel_width);
    int32_t sums[ECG_NN_SUMS][2];
    ecg_nn_weighing_t w;
    w.sums = sums;
    w.length = w.step = layer->kernel_width * layer->input_channels;
    w.output = &layer->output;
    w.right = right;
    w.add = 0;
    w.finish = 1;
    for (int32_t c = 0; c < channels; c += ECG_NN_SUMS) {
        w.weights = layer->weights + c * w.length;
        w.channels = &layer->channels[c];
        w.count = ecg_nn_min(channels - c, ECG_NN_SUMS);
        weigh_positions(layer, input, inside, &w, output + c);
    }
}

/* Four channels from `c` on at `count` positions, the windows `step` bytes apart. The weights stay in q0 to
 * q3, zeros after them: a window may read 16 bytes. */
static void narrow_quad(const ecg_nn_conv_t *layer, const int8_t *window, int32_t step, int32_t count,
                        int32_t c, int8_t *output) {
    const int32_t length = layer->kernel_width * layer->input_channels;
    const int8_t *const weights = layer->weights + c * length;
    const mve_pred16_t taps = vctp8q((uint32_t)length);
    const uint32x4_t channels = ecg_nn_four_channels(&layer->channels[c]);
    register int8x16_t w0 __asm__("q0") = vldrbq_z_s8(weights, taps);
    register int8x16_t w1 __asm__("q1") = vldrbq_z_s8(weights + length, taps);
    register int8x16_t w2 __asm__("q2") = vldrbq_z_s8(weights + 2 * length, taps);
    register int8x16_t w3 __asm__("q3") = vldrbq_z_s8(weights + 3 * length, taps);
    register int32x4_t multiplier __asm__("q5") = ECG_NN_GATHER(channels, multiplier);
    register int32x4_t shift __asm__("q6") = ECG_NN_GATHER(channels, shift);
    register int32x4_t bias __asm__("q7") = ECG_NN_GATHER(channels, bias);
    int32_t s0, s1, s2, s3;
    __asm__ volatile(
        "   dls lr, %[count]\n"
        "1: vldrb.8 q4, [%[window]]\n"
        "   add %[window], %[window], %[step]\n"
        "   vmladav.s8 %[s0], q0, q4\n"
        "   vmladav.s8 %[s1], q1, q4\n"
        "   vmladav.s8 %[s2], q2, q4\n"
        "   vmladav.s8 %[s3], q3, q4\n" ECG_NN_STORE_FOUR "   le lr, 1b\n"
        : [window] "+r"(window), [output] "+l"(output), [s0] "=&Te"(s0), [s1] "=&Te"(s1), [s2] "=&Te"(s2),
          [s3] "=&Te"(s3)
        : [count] "r"(count), [step] "r"(step), [output_step] "r"(layer->output_channels), [one] "r"(1),
          [zero_point] "r"(layer->output.zero_point), "w"(w0), "w"(w1), "w"(w2), "w"(w3), "w"(multiplier),
          "w"(shift), "w"(bias)
        : "q4", "lr", "cc", "memory");
}

/* Where the number of channels is no multiple of 4, some of the last four are done twice. */
static void narrow_positions(const ecg_nn_conv_t *layer, const int8_t *window, int32_t step, int32_t count,
                             int8_t *output) {
    const int32_t last = layer->output_channels - 4;
    for (int32_t c = 0; count > 0 && c < layer->output_channels; c += 4) {
        const int32_t from = ecg_nn_min(c, last);
        narrow_quad(layer, window, step, count, from, output + from);
    }
}

/* A window of up to 16 bytes, where four channels' weights fit in registers. */
static void narrow_windows(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    const int32_t depth = layer->input_channels, step = layer->stride_width * depth;
    const int32_t channels = layer->output_channels;
    const range_t inside = positions_inside(layer, ecg_nn_max(layer->kernel_width, (15 + depth) / depth));
    for (int32_t x = 0; x < layer->output_width; ++x) {
        if (x == inside.first && inside.end > x) {
            narrow_positions(layer, input + x * step - layer->pad_left * depth, step, inside.end - x,
                             output + x * channels);
            x = inside.end - 1;
        } else {
            int8_t copy[16];
            const ecg_nn_stretch_t window = window_at(layer, input, x);
            ecg_nn_helium_copy_padded(&window, 0, 16, layer->input_zero_point, copy);
            narrow_positions(layer, copy, 0, 1, output + x * channels);
        }
    }
    ecg_nn_helium_clamp_bytes(output, layer->output_width * channels, &layer->output);
}

void ecg_nn_conv_1xn_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    const int right = ecg_nn_helium_all_right(layer->channels, layer->output_channels);
    if (right && layer->output_channels >= 4 && layer->kernel_width * layer->input_channels <= 16) {
        narrow_windows(layer, input, output);
    } else {
        wide_windows(layer, input, right, output);
    }
}

#endif
