#include "unsigned_private.h"

#ifdef ECG_NN_UNSIGNED

#define OUTPUTS 4 /* neighbouring output positions that are summed at a time */
#define SPAN 16   /* those whose inputs are widened at a time */

/* A channel, and `count` of its outputs that are next. With a stride of s, windows are s columns of inputs, of
 * which neighbouring outputs read neighbouring ones, with every s-th weight. */
typedef struct {
    const ecg_nn_conv_block_t *layer;
    const int8_t *input, *input_end; /* of the channel */
    const int8_t *weights;           /* of the channel, CHANNELS apart */
    const ecg_nn_block_channel_t *channel;
    int32_t *column, *column_weights, *sums;
} job_t;

/* Inputs of a column from position `x` on, widened; those in the padding hold the zero point. */
static __attribute__((noinline)) void widen(const job_t *job, int32_t x, int32_t *column, const int32_t *end) {
    const int32_t zero_point = job->layer->input_zero_point, stride = job->layer->stride_width;
    const int32_t step = stride * job->layer->input_channels;
    const int8_t *next = job->input + x * job->layer->input_channels, *const input_end = job->input_end;
    for (; x < 0 && column != end; x += stride, next += step) {
        *column++ = zero_point;
    }
    for (; next < input_end && column != end; next += step) {
        *column++ = *next;
    }
    while (column != end) {
        *column++ = zero_point;
    }
}

/* Four products of a weight. The barrier keeps their order: compilers load all operands first, and then have
 * no registers for the sums. */
#define TAP(weight, x0, x1, x2, x3)                                                                          \
    do {                                                                                                     \
        const int32_t one = (weight);                                                                        \
        a += one * (x0), b += one * (x1), c += one * (x2), d += one * (x3);                                  \
        PIN(a);                                                                                              \
        PIN(b);                                                                                              \
        PIN(c);                                                                                              \
        PIN(d);                                                                                              \
    } while (0)

/* Add a column times its weights to the sums of neighbouring outputs. */
static __attribute__((noinline)) void weigh(const int32_t *column, const int32_t *weights, int32_t taps,
                                            int32_t *sums, const int32_t *sums_end) {
    for (; sums != sums_end; sums += OUTPUTS, column += OUTPUTS) {
        int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];
        const int32_t *x = column, *w = weights;
        for (const int32_t *const few = weights + taps % 4; w != few; ++x, ++w) {
            TAP(*w, x[0], x[1], x[2], x[3]);
            PIN(x);
        }
        int32_t x0 = x[0], x1 = x[1], x2 = x[2], x3;
        for (const int32_t *const end = weights + taps; w != end; x += 4, w += 4) {
            x3 = x[3];
            TAP(w[0], x0, x1, x2, x3);
            x0 = x[4];
            TAP(w[1], x1, x2, x3, x0);
            x1 = x[5];
            TAP(w[2], x2, x3, x0, x1);
            x2 = x[6];
            TAP(w[3], x3, x0, x1, x2);
        }
        sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
    }
}

/* The outputs of sums, `step` bytes apart. */
static __attribute__((noinline)) void finish(const job_t *job, int32_t count, int8_t *output) {
    const ecg_nn_parts_t parts = ecg_nn_parts_of(job->channel);
    const ecg_nn_output_t limits = job->layer->output;
    const int32_t step = job->layer->output_channels;
    for (const int32_t *sums = job->sums, *const end = sums + count; sums != end; ++sums, output += step) {
        *output = ecg_nn_scaled_of(*sums, &parts, &limits);
    }
}

/* The outputs of a channel from position `x` on, at most SPAN of them. */
static void span(const job_t *job, int32_t x, int8_t *output) {
    const ecg_nn_conv_block_t *const layer = job->layer;
    const int32_t count = ecg_nn_min(layer->output_width - x, SPAN), stride = layer->stride_width;
    const int32_t filled = (count + OUTPUTS - 1) & -OUTPUTS;
    for (int32_t i = 0; i < filled; ++i) {
        job->sums[i] = job->channel->bias;
    }
    x = x * stride - layer->pad_left;
    for (int32_t first = 0; first < ecg_nn_min(stride, layer->taps); ++first) {
        int32_t taps = 0;
        for (int32_t t = first; t < layer->taps; t += stride) {
            job->column_weights[taps++] = job->weights[CHANNELS * t];
        }
        widen(job, x + first, job->column, job->column + filled + taps - 1);
        weigh(job->column, job->column_weights, taps, job->sums, job->sums + filled);
    }
    finish(job, count, output);
}

void ecg_nn_depthwise_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                               uint32_t *scratch) {
    const int32_t depth = layer->output_channels;
    job_t job = {.layer = layer, .sums = (int32_t *)scratch};
    job.column_weights = job.sums + SPAN;
    job.column = job.column_weights + layer->taps;
    for (int32_t c = 0; c < depth; ++c) {
        job.input = input + c;
        job.input_end = job.input + layer->input_width * depth;
        job.weights = layer->weights + (c & -CHANNELS) * layer->taps + c % CHANNELS;
        job.channel = layer->channels + c;
        for (int32_t x = 0; x < layer->output_width; x += SPAN) {
            span(&job, x, output + x * depth + c);
        }
    }
    ecg_nn_limit_bytes(output, layer->output_width * depth, &layer->output);
}

#endif
