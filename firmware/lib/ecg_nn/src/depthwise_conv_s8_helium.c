#include "depthwise_conv_private.h"
#include "helium_private.h"

#ifdef ECG_NN_HELIUM

#define TAPS 16       /* columns that a kernel may reach over: the lanes of a vector */
#define COLUMNS 80    /* input columns of a tile: all rows lie within 127 bytes of its middle */
#define MAX_STEP 8191 /* channels of which eight are gathered at once */

/* Four channels of a piece of the input, turned so that the columns of a channel are neighbours. */
typedef struct {
    int8_t rows[4][COLUMNS];
    int8_t spare[TAPS]; /* may be written with the last row, or read, and is then multiplied by zero */
} tile_t;

/* Copy every `step`-th byte to every `row_step`-th place of `row`. */
static inline void gather_bytes(const int8_t *bytes, int32_t step, int32_t count, int8_t *row,
                                int32_t row_step) {
    const uint16x8_t lane = vidupq_n_u16(0, 1);
    __asm__ volatile(
        "   wlstp.16 lr, %[count], 2f\n"
        "1: vldrb.u16 q0, [%[bytes], %q[from]]\n"
        "   add %[bytes], %[bytes], %[step]\n"
        "   vstrb.16 q0, [%[row], %q[to]]\n"
        "   add %[row], %[row], %[row_step]\n"
        "   letp lr, 1b\n"
        "2:\n"
        : [bytes] "+r"(bytes), [row] "+r"(row)
        : [count] "r"(count), [step] "r"(8 * step), [row_step] "r"(8 * row_step),
          [from] "w"(vmulq_n_u16(lane, (uint16_t)step)), [to] "w"(vmulq_n_u16(lane, (uint16_t)row_step))
        : "q0", "lr", "cc", "memory");
}

/* Columns `x` to `x` + `count` of the input channels that output channels `c` to `c` + 3 read. There are at
 * most 15 columns of padding before and after the input's; a row may run over into the next one, which
 * follows. */
static void fill_tile(const ecg_nn_conv_t *layer, const int8_t *input, int32_t c, int32_t x, int32_t count,
                      tile_t *tile) {
    const int32_t depth = layer->input_channels, multiplier = layer->output_channels / depth;
    const int32_t begin = ecg_nn_clamp(-x, 0, count),
                  end = ecg_nn_clamp(layer->input_width - x, begin, count);
    const int8x16_t padding = vdupq_n_s8((int8_t)layer->input_zero_point);
    int8_t *row = tile->rows[0];
    for (int32_t i = c; i < c + 4; ++i, row += COLUMNS) {
        const int32_t channel = multiplier == 1 ? i : i / multiplier;
        vst1q_s8(row, padding);
        vst1q_s8(row + end, padding);
        gather_bytes(input + (x + begin) * depth + channel, depth, end - begin, row + begin, 1);
    }
}

/* The taps of four channels, `dilation` apart, zeros between and after them. */
static void fill_taps(const ecg_nn_conv_t *layer, int32_t c, int8_t taps[4][TAPS]) {
    for (int32_t i = 0; i < 4; ++i) {
        vst1q_s8(taps[i], vdupq_n_s8(0));
        gather_bytes(layer->weights + c + i, layer->output_channels, layer->kernel_width, taps[i],
                     layer->dilation_width);
    }
}

/* Four channels from `c` on at `count` positions whose columns a tile holds. */
static void weigh_tile(const ecg_nn_conv_t *layer, const tile_t *tile, int8_t taps[4][TAPS], int32_t c,
                       int32_t count, int8_t *output) {
    const int8_t *const middle = tile->rows[0] + 3 * COLUMNS / 2;
    const uint32x4_t channels = ecg_nn_four_channels(&layer->channels[c]);
    const int8_t *window = middle;
    register int8x16_t w0 __asm__("q0") = vld1q_s8(taps[0]);
    register int8x16_t w1 __asm__("q1") = vld1q_s8(taps[1]);
    register int8x16_t w2 __asm__("q2") = vld1q_s8(taps[2]);
    register int8x16_t w3 __asm__("q3") = vld1q_s8(taps[3]);
    register int32x4_t multiplier __asm__("q5") = ECG_NN_GATHER(channels, multiplier);
    register int32x4_t shift __asm__("q6") = ECG_NN_GATHER(channels, shift);
    register int32x4_t bias __asm__("q7") = ECG_NN_GATHER(channels, bias);
    int32_t s0, s1, s2, s3;
    __asm__ volatile(
        "   dls lr, %[count]\n"
        "1: vldrb.8 q4, [%[window], #-120]\n"
        "   vmladav.s8 %[s0], q0, q4\n"
        "   vldrb.8 q4, [%[window], #-40]\n"
        "   vmladav.s8 %[s1], q1, q4\n"
        "   vldrb.8 q4, [%[window], #40]\n"
        "   vmladav.s8 %[s2], q2, q4\n"
        "   vldrb.8 q4, [%[window], #120]\n"
        "   vmladav.s8 %[s3], q3, q4\n"
        "   add %[window], %[window], %[step]\n" ECG_NN_STORE_FOUR "   le lr, 1b\n"
        : [window] "+r"(window), [output] "+l"(output), [s0] "=&Te"(s0), [s1] "=&Te"(s1), [s2] "=&Te"(s2),
          [s3] "=&Te"(s3)
        : [count] "r"(count), [step] "r"(layer->stride_width), [output_step] "r"(layer->output_channels),
          [one] "r"(1), [zero_point] "r"(layer->output.zero_point), "w"(w0), "w"(w1), "w"(w2), "w"(w3),
          "w"(multiplier), "w"(shift), "w"(bias)
        : "q4", "lr", "cc", "memory");
}

static int32_t reach_of(const ecg_nn_conv_t *layer) {
    return (layer->kernel_width - 1) * layer->dilation_width + 1;
}

/* Four channels from `c` on at every position. */
static void four_channels(const ecg_nn_conv_t *layer, const int8_t *input, int32_t c, int8_t *output) {
    const int32_t reach = reach_of(layer), stride = layer->stride_width;
    const int32_t at_once = stride < COLUMNS - reach ? (COLUMNS - reach) / stride + 1 : 1;
    int8_t taps[4][TAPS];
    tile_t tile;
    fill_taps(layer, c, taps);
    for (int32_t x = 0; x < layer->output_width; x += at_once) {
        const int32_t count = ecg_nn_min(layer->output_width - x, at_once);
        fill_tile(layer, input, c, x * stride - layer->pad_left, (count - 1) * stride + reach, &tile);
        weigh_tile(layer, &tile, taps, c, count, output + x * layer->output_channels + c);
    }
}

/* One row, a kernel that one vector holds, every shift to the right. Where the number of channels is no
 * multiple of 4, some of the last four are done twice. */
static void one_row(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t c = 0; c < layer->output_channels; c += 4) {
        four_channels(layer, input, ecg_nn_min(c, layer->output_channels - 4), output);
    }
    ecg_nn_helium_clamp_bytes(output, layer->output_width * layer->output_channels, &layer->output);
}

/* Any kernel and any shifts, one output at a time. */
static void any_kernel(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    const int32_t multiplier = layer->output_channels / layer->input_channels;
    for (int32_t y = 0; y < layer->output_height; ++y) {
        for (int32_t x = 0; x < layer->output_width; ++x) {
            for (int32_t c = 0; c < layer->output_channels; ++c) {
                const ecg_nn_channel_t *channel = &layer->channels[c];
                const int32_t sum =
                    ecg_nn_depthwise_sum(layer, input, y * layer->stride_height - layer->pad_top,
                                         x * layer->stride_width - layer->pad_left, c, c / multiplier);
                *output++ = ecg_nn_output_s8(sum + channel->bias, channel, &layer->output);
            }
        }
    }
}

void ecg_nn_depthwise_conv_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output) {
    const int32_t channels = layer->output_channels;
    if (layer->input_height == 1 && layer->kernel_height == 1 && reach_of(layer) <= TAPS && channels >= 4 &&
        channels <= MAX_STEP && ecg_nn_helium_all_right(layer->channels, channels)) {
        one_row(layer, input, output);
    } else {
        any_kernel(layer, input, output);
    }
}

#endif
