/* ecg_nn: int8 kernels that the generated network.c calls. Same bytes as TensorFlow Lite Micro's reference
 * kernels.
 *
 * Portable C99, integers only, no heap, no globals, no libc but memcpy and memset. Every layer is a const
 * struct made by the generator (`ecg-edge export`), which has checked all ranges; the kernels check nothing.
 * The caller owns all memory. Input and output must not overlap. Every function is reentrant and none blocks.
 *
 * Layouts. Activations are int8, channels last: [height][width][channels]. Convolution weights are
 * [output channel][kernel height][kernel width][input channel], depthwise weights [kernel height][kernel
 * width][channel], fully connected weights [output][input].
 *
 * Quantization. real = scale * (q - zero point), weights symmetric (-127..127, zero point 0). The generator
 * folds the input's zero point into the bias (bias - zero point * sum of the channel's weights), so that a
 * kernel multiplies raw bytes; positions in the padding then count as the input's zero point.
 *
 * Weights. A kernel may read up to 15 bytes past the end of its weights; what stands there does not
 * matter.
 *
 * Scratch. A kernel that has a parameter `scratch` works in memory of the caller; <name>_run has it on its
 * stack. Beside it no kernel of the portable and of the ARM DSP form takes more than 250 bytes of stack. The
 * Helium forms of the convolutions and of the fully connected layer take up to 1.1 KB of it, the depthwise
 * convolution's 0.7 KB. */
#ifndef ECG_NN_ECG_NN_H
#define ECG_NN_ECG_NN_H

#include <ecg_nn/form.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From accumulator to output of one channel: output = zero point + (accumulator + bias) * multiplier *
 * 2^(shift - 31), with gemmlowp's two roundings. multiplier: 0, or 2^30 to 2^31 - 1. shift: -31 to 30,
 * positive is to the left. The generator refuses a network whose accumulator, shifted left, could reach 2^30.
 */
typedef struct {
    int32_t bias;
    int32_t multiplier;
    int32_t shift;
} ecg_nn_channel_t;

/* Values that an output byte is clamped to (fused activation), and its zero point; each -128..127. */
typedef struct {
    int32_t zero_point;
    int32_t min;
    int32_t max;
} ecg_nn_output_t;

/* A convolution, also depthwise. Sizes in elements, 1..65535; dilation 1 means none. pad_top and pad_left
 * count the positions before the first input; those after the last follow from the output's size. */
typedef struct {
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point; /* what a position in the padding holds */
    ecg_nn_output_t output;
    const int8_t *weights;
    const ecg_nn_channel_t *channels; /* [output_channels] */
} ecg_nn_conv_t;

/** Any convolution with one group. The Helium form takes two positions at a time, 16 bytes of a window an
 *  instruction, and requantizes four channels at a time where there are four and every shift is negative.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [input_height][input_width][input_channels]
 *  @param[out] output  [output_height][output_width][output_channels]; must not overlap `input`
 */
void ecg_nn_conv_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output);

/** A convolution along the width only: input, kernel and output have height 1, dilation is 1. The Helium
 *  form is the same with less to do at each position; where a window has at most 16 bytes, and there are
 *  four channels and negative shifts, the weights stay in registers.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [input_width][input_channels]
 *  @param[out] output  [output_width][output_channels]; must not overlap `input`
 */
void ecg_nn_conv_1xn_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output);

#ifdef ECG_NN_ARM_DSP

/* From accumulator to output of one channel, ready for the block kernels: the bias in bits 31..8, the shift
 * to the right (1..22) in bits 7..0, the multiplier as above, and (zero point << shift) + (1 << (shift - 1)).
 */
typedef struct {
    int32_t bias_and_shift;
    int32_t multiplier;
    int32_t offset;
} ecg_nn_paired_channel_t;

/* A convolution along the width only, with an even number of output channels. Weights (-127..127) in pairs of
 * neighbouring channels a, b: [pair][group of four taps][tap 0, 2, 1, 3], each the 16 bits of 256 b + a; a
 * tap is one element of the window [kernel width][input channel], and the last group is filled up with zeros.
 * Sums stay below 2^23. */
typedef struct {
    int32_t input_width, input_channels;
    int32_t output_width, output_channels;
    int32_t kernel_width, stride_width, pad_left;
    int32_t input_zero_point; /* what a position in the padding holds */
    ecg_nn_output_t output;
    const int8_t *weights;
    const ecg_nn_paired_channel_t *channels; /* [output_channels] */
} ecg_nn_conv_paired_t;

/** Compute a convolution with paired channels.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [input_width][input_channels]
 *  @param[out] output  [output_width][output_channels]; must not overlap `input`
 *  @param[out] scratch  memory to work in: 32 bytes for every four taps, at most 4,096 bytes; half with
 *                       fewer than four output positions
 */
void ecg_nn_conv_paired_s8(const ecg_nn_conv_paired_t *layer, const int8_t *input, int8_t *output,
                           uint32_t *scratch);

/* Bytes of weights of each channel of the next kernel: up to ten taps 0, 2, 1, 3, 4, 6, 5, 7, 8, none, 9,
 * none; zeros where there is no tap. */
#define ECG_NN_DEPTHWISE_PAIRED_BYTES 12

/* A depthwise convolution along the width only, or a convolution of one input channel: up to ten taps, stride
 * 1 or 2, one input channel or a multiple of four, at least 4 output positions for each step of the stride.
 * Sums stay below 2^23. */
typedef struct {
    int32_t input_width, input_channels;
    int32_t output_width, output_channels; /* output_channels is a multiple of input_channels */
    int32_t stride_width, pad_left;
    int32_t input_zero_point; /* what a position in the padding holds */
    ecg_nn_output_t output;
    const int8_t *weights;                   /* [output_channels][ECG_NN_DEPTHWISE_PAIRED_BYTES] */
    const ecg_nn_paired_channel_t *channels; /* [output_channels] */
} ecg_nn_depthwise_paired_t;

/** Compute a depthwise convolution with paired channels.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [input_width][input_channels]
 *  @param[out] output  [output_width][output_channels]; must not overlap `input`
 *  @param[out] scratch  memory to work in: 576 bytes; 144 where there is one input channel
 */
void ecg_nn_depthwise_paired_s8(const ecg_nn_depthwise_paired_t *layer, const int8_t *input, int8_t *output,
                                uint32_t *scratch);

#endif

#if !defined(ECG_NN_HELIUM) && !defined(ECG_NN_ARM_DSP)

#define ECG_NN_BLOCK_CHANNELS 4  /* computed at a time */
#define ECG_NN_BLOCK_TAPS 4      /* a window is filled up to a multiple of these */
#define ECG_NN_BLOCK_POSITIONS 4 /* computed at a time, at most */

/* From accumulator to output of one channel of the block kernels: the multiplier as above, a shift to the
 * right of 1..22 and one more, and 2 * ((zero point << shift) + (1 << (shift - 1))) + 1.
 *
 * With ECG_NN_UNSIGNED: a shift of 1..13 and ten more, and that offset times 2^9. Of a convolution, whose
 * weights are stored 128 too large, the bias is less by 128 times their sum, which is in bits 31..8 of the
 * shift. */
typedef struct {
    int32_t bias;
    int32_t multiplier;
    int32_t offset;
    int32_t shift;
} ecg_nn_block_channel_t;

/* A convolution along the width only. Weights: [group of four channels][tap][channel of the group], where a
 * tap is one element of the window [kernel width][input channel]; windows are filled up with zeros to `taps`,
 * a multiple of four, and the last group with channels of zeros. Sums stay below 2^29.
 *
 * Or a depthwise convolution along the width only: taps are columns of the kernel, and are not filled up;
 * output_channels is input_channels, a multiple of four. */
typedef struct {
    int32_t input_width, input_channels;
    int32_t output_width, output_channels;
    int32_t kernel_width, stride_width, pad_left;
    int32_t input_zero_point; /* what a position in the padding holds */
    ecg_nn_output_t output;
    int32_t taps;
    const int8_t *weights;
    const ecg_nn_block_channel_t *channels; /* [output_channels, filled up to a multiple of four] */
} ecg_nn_conv_block_t;

/** Compute a convolution along the width, four channels of several positions at a time.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [input_width][input_channels]
 *  @param[out] output  [output_width][output_channels]; must not overlap `input`
 *  @param[out] scratch  memory to work in: ECG_NN_BLOCK_POSITIONS times `taps` bytes; twice that with
 *                       ECG_NN_UNSIGNED
 */
void ecg_nn_conv_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                          uint32_t *scratch);

/** Compute a depthwise convolution along the width, four channels of several positions at a time.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [input_width][input_channels]
 *  @param[out] output  [output_width][output_channels]; must not overlap `input`
 *  @param[out] scratch  memory to work in: ECG_NN_BLOCK_POSITIONS windows of kernel_width by input_channels;
 * with ECG_NN_UNSIGNED 8 * (taps + 33) bytes
 */
void ecg_nn_depthwise_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                               uint32_t *scratch);

#endif

/** Depthwise convolution; output_channels is a multiple of input_channels (the depth multiplier). The Helium
 *  form takes four channels at a time in one row, with a kernel that reaches over at most 16 columns, 4 to
 *  8191 output channels, and negative shifts; everything else one output at a time.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [input_height][input_width][input_channels]
 *  @param[out] output  [output_height][output_width][output_channels]; must not overlap `input`
 */
void ecg_nn_depthwise_conv_s8(const ecg_nn_conv_t *layer, const int8_t *input, int8_t *output);

/* Fully connected: `rows` vectors of `inputs` elements to `rows` vectors of `outputs`. */
typedef struct {
    int32_t rows, inputs, outputs;
    ecg_nn_output_t output;
    const int8_t *weights;
    const ecg_nn_channel_t *channels; /* [outputs] */
} ecg_nn_fully_connected_t;

/** Compute a fully connected layer.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [rows][inputs]
 *  @param[out] output  [rows][outputs]; must not overlap `input`
 */
void ecg_nn_fully_connected_s8(const ecg_nn_fully_connected_t *layer, const int8_t *input, int8_t *output);

/* Sparse layers: of their weights, only the blocks are stored that are not all zero. An output channel's
 * window (kernel width by input channels, or the inputs) is divided into blocks of four neighbouring taps.
 * `weights` are blocks of four bytes, channel after channel, the last block of a window filled up with zeros.
 * `places` has one byte a block: the block's place in its window, 0..126, and 128 more (so that it is
 * negative) in the last of its channel. Places ascend; a channel without weights has one block of zeros. */
#define ECG_NN_BLOCK 4
#define ECG_NN_SPARSE_WINDOW 508 /* taps, at most */

/* A convolution along the width only, as in ecg_nn_conv_1xn_s8. */
typedef struct {
    ecg_nn_conv_t dense;
    const int8_t *places;
} ecg_nn_conv_sparse_t;

/** Compute a sparse convolution along the width.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [input_width][input_channels]
 *  @param[out] output  [output_width][output_channels]; must not overlap `input`
 */
void ecg_nn_conv_sparse_s8(const ecg_nn_conv_sparse_t *layer, const int8_t *input, int8_t *output);

/* Inputs are a multiple of four. */
typedef struct {
    ecg_nn_fully_connected_t dense;
    const int8_t *places;
} ecg_nn_fully_connected_sparse_t;

/** Compute a sparse fully connected layer.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [rows][inputs]
 *  @param[out] output  [rows][outputs]; must not overlap `input`
 */
void ecg_nn_fully_connected_sparse_s8(const ecg_nn_fully_connected_sparse_t *layer, const int8_t *input,
                                      int8_t *output);

#ifdef ECG_NN_ARM_DSP

/* A convolution along the width only with at least 4 output positions, and any number of output channels;
 * biases are below 2^23. Scratch as in ecg_nn_conv_paired_s8. */
typedef struct {
    ecg_nn_conv_paired_t dense;
    const int8_t *places;
} ecg_nn_conv_sparse_four_t;

/** Compute a sparse convolution, four positions at a time.
 *
 *  @param[in]  layer   sizes, quantization and weights
 *  @param[in]  input   [input_width][input_channels]
 *  @param[out] output  [output_width][output_channels]; must not overlap `input`
 *  @param[out] scratch  memory to work in: as in ecg_nn_conv_paired_s8
 */
void ecg_nn_conv_sparse_four_s8(const ecg_nn_conv_sparse_four_t *layer, const int8_t *input, int8_t *output,
                                uint32_t *scratch);

#endif

/* A pooling window; the padding takes no part. Input and output have the same quantization; `min` and `max`
 * clamp. */
typedef struct {
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t min, max;
} ecg_nn_pool_t;

/** Compute the maximum of each window.
 *
 *  @param[in]  layer   sizes and limits
 *  @param[in]  input   [input_height][input_width][channels]
 *  @param[out] output  [output_height][output_width][channels]; must not overlap `input`
 */
void ecg_nn_max_pool_s8(const ecg_nn_pool_t *layer, const int8_t *input, int8_t *output);

/** Average, rounded to nearest, halves away from zero.
 *
 *  @param[in]  layer   sizes and limits
 *  @param[in]  input   [input_height][input_width][channels]
 *  @param[out] output  [output_height][output_width][channels]; must not overlap `input`
 */
void ecg_nn_average_pool_s8(const ecg_nn_pool_t *layer, const int8_t *input, int8_t *output);

/* Mean over the middle of [outer][reduced][inner]; requant.bias is -(input's zero point) * reduced. */
typedef struct {
    int32_t outer, reduced, inner;
    int32_t output_zero_point;
    ecg_nn_channel_t requant;
} ecg_nn_mean_t;

/** Compute the mean over the middle dimension.
 *
 *  @param[in]  layer   sizes and quantization
 *  @param[in]  input   [outer][reduced][inner]
 *  @param[out] output  [outer][inner]; must not overlap `input`
 */
void ecg_nn_mean_s8(const ecg_nn_mean_t *layer, const int8_t *input, int8_t *output);

/* Element-wise sum of two tensors of the same shape. Each input is (q - zero_point) * 2^20, scaled; both
 * factors and the output's are below 1 (shift <= 0). */
typedef struct {
    int32_t elements;
    int32_t zero_point_a, multiplier_a, shift_a;
    int32_t zero_point_b, multiplier_b, shift_b;
    int32_t multiplier, shift;
    ecg_nn_output_t output;
} ecg_nn_add_t;

/** Compute the element-wise sum.
 *
 *  @param[in]  layer   sizes and quantization
 *  @param[in]  a       [elements]
 *  @param[in]  b       [elements]
 *  @param[out] output  [elements]; must not overlap `a` or `b`
 */
void ecg_nn_add_s8(const ecg_nn_add_t *layer, const int8_t *a, const int8_t *b, int8_t *output);

/* Softmax along the last dimension of [rows][depth]; output scale 1/256, zero point -128. exp_q31[d] is e^(-d
 * * beta * scale) in Q0.31 for d in 0..table_size - 1; larger differences give probability 0. */
typedef struct {
    int32_t rows, depth;
    int32_t table_size; /* 1..256 */
    const int32_t *exp_q31;
} ecg_nn_softmax_t;

/** Compute the softmax of each row.
 *
 *  @param[in]  layer   sizes and table
 *  @param[in]  input   [rows][depth]
 *  @param[out] output  [rows][depth]; must not overlap `input`
 */
void ecg_nn_softmax_s8(const ecg_nn_softmax_t *layer, const int8_t *input, int8_t *output);

/* Any function of one byte (quantize, relu, relu6, logistic): output = table[input + 128]. */
typedef struct {
    int32_t elements;
    const int8_t *table; /* [256] */
} ecg_nn_lookup_t;

/** Map each byte through the table.
 *
 *  @param[in]  layer   size and table
 *  @param[in]  input   [elements]
 *  @param[out] output  [elements]; must not overlap `input`
 */
void ecg_nn_lookup_s8(const ecg_nn_lookup_t *layer, const int8_t *input, int8_t *output);

/* Copy `rows` rows of `row_bytes` into an output whose rows are `output_stride` bytes apart (concatenation).
 */
typedef struct {
    int32_t rows, row_bytes, output_stride;
} ecg_nn_copy_rows_t;

/** Copy the rows.
 *
 *  @param[in]  layer   sizes
 *  @param[in]  input   [rows][row_bytes]
 *  @param[out] output  `rows` rows, `output_stride` bytes apart; must not overlap `input`
 */
void ecg_nn_copy_rows_s8(const ecg_nn_copy_rows_t *layer, const int8_t *input, int8_t *output);

/* Put a tensor of up to four dimensions into a larger one that is filled with `value`; unused leading
 * dimensions are 1. before[d]: elements before the input along dimension d. */
typedef struct {
    int32_t input[4], before[4], output[4];
    int32_t value; /* -128..127 */
} ecg_nn_pad_t;

/** Pad the tensor.
 *
 *  @param[in]  layer   sizes and value
 *  @param[in]  input   `input` of the layer
 *  @param[out] output  `output` of the layer; must not overlap `input`
 */
void ecg_nn_pad_s8(const ecg_nn_pad_t *layer, const int8_t *input, int8_t *output);

/** Compute the checksum of the constant tables.
 *
 *  @param[in] data  `size` bytes
 *  @param[in] size  number of bytes
 *  @return          CRC-32/ISO-HDLC, as zlib's
 */
uint32_t ecg_nn_crc32(const void *data, size_t size);

/** Get the form that the kernels were compiled in.
 *
 *  @return  "portable", "arm-dsp", "helium" or "xtensa"
 */
const char *ecg_nn_kernels_name(void);

#ifdef __cplusplus
}
#endif

#endif
