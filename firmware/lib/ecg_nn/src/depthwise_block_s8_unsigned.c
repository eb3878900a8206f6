#include "unsigned_private.h"

#ifdef ECG_NN_UNSIGNED

#define OUTPUTS 4 /* neighbouring output positions that are summed at a time */
#define SPAN 32   /* those whose inputs are widened at a time */

/* A channel. With a stride of s, windows are s columns of inputs: neighbouring outputs read neighbouring
 * inputs of a column, with every s-th weight. */
typedef struct {
    const ecg_nn_conv_block_t *layer;
    const int8_t *input, *input_end; /* of the channel */
    const ecg_nn_block_channel_t *channel;
    int32_t *sums;
    int32_t *weights, *shorter, *weights_end; /* column after column; from `shorter` on with one tap less */
    int32_t taps;                             /* of the first column */
    int32_t *column;
} job_t;

/* Inputs of a column from position `x` on, widened; those in the padding hold the zero point. */
static __attribute__((noinline)) void widen(const job_t *job, int32_t x, int32_t *column,
                                            const int32_t *end) {
    const int32_t zero_point = job->layer->input_zero_point, stride = job->layer->stride_width;
    const int32_t depth = job->layer->input_channels, step = stride * depth;
    for (; x < 0 && column != end; x += stride) {
        *column++ = zero_point;
    }
    const int8_t *next = job->input + x * depth, *inside = next + (end - column) * step;
    for (inside = inside < job->input_end ? inside : job->input_end; next < inside; next += step) {
        *column++ = *next;
    }
    while (column != end) {
        *column++ = zero_point;
    }
}

#ifdef ECG_NN_ARMV6M

/* Add a column times its weights to the sums of neighbouring outputs, four at a time. r0: the column, r1: the
 * weights, r2: a product, r3: a weight, r4-r7: the sums, r8: the weights' end, r9: the first weight, r10: the
 * column and r11: the sums of these outputs, r12: the sums' end. An odd tap enters the loop halfway. */
static __attribute__((naked, noinline)) void weigh(const int32_t *column __attribute__((unused)),
                                                   const int32_t *weights __attribute__((unused)),
                                                   int32_t taps __attribute__((unused)),
                                                   int32_t *sums __attribute__((unused)),
                                                   const int32_t *sums_end __attribute__((unused))) {
    __asm__ volatile(
        ".syntax unified\n"
        ".macro product at, sum\n"
        "   ldr     r2, [r0, #\\at]\n"
        "   muls    r2, r3, r2\n"
        "   adds    \\sum, \\sum, r2\n"
        ".endm\n"
        ".macro tap at\n"
        "   ldm     r1!, {r3}\n"
        "   product \\at, r4\n"
        "   product \\at + 4, r5\n"
        "   product \\at + 8, r6\n"
        "   product \\at + 12, r7\n"
        ".endm\n"
        "   push    {r4-r7, lr}\n"
        "   mov     r4, r8\n"
        "   mov     r5, r9\n"
        "   mov     r6, r10\n"
        "   mov     r7, r11\n"
        "   push    {r4-r7}\n"
        "   ldr     r4, [sp, #36]\n"
        "   mov     r12, r4\n"
        "   mov     r9, r1\n"
        "   mov     r10, r0\n"
        "   mov     r11, r3\n"
        "   lsls    r4, r2, #2\n"
        "   adds    r4, r4, r1\n"
        "   mov     r8, r4\n"
        "   lsls    r2, r2, #31\n"
        "   mov     lr, r2\n"
        "1: ldm     r3!, {r4-r7}\n" /* four outputs */
        "   mov     r2, lr\n"
        "   cmp     r2, #0\n"
        "   beq     2f\n"
        "   subs    r0, r0, #4\n"
        "   b       3f\n"
        "2: tap     0\n"
        "3: tap     4\n"
        "   adds    r0, r0, #8\n"
        "   cmp     r1, r8\n"
        "   bne     2b\n"
        "   mov     r3, r11\n"
        "   stm     r3!, {r4-r7}\n"
        "   mov     r11, r3\n"
        "   mov     r0, r10\n"
        "   adds    r0, r0, #16\n"
        "   mov     r10, r0\n"
        "   mov     r1, r9\n"
        "   cmp     r3, r12\n"
        "   bne     1b\n"
        "   pop     {r4-r7}\n"
        "   mov     r8, r4\n"
        "   mov     r9, r5\n"
        "   mov     r10, r6\n"
        "   mov     r11, r7\n"
        "   pop     {r4-r7, pc}\n"
        ".purgem product\n .purgem tap\n");
}

/* Outputs of sums, `step` bytes apart. r0: the sums, r1: a product, r2: a sum, r3: the output's place,
 * r4: an output, r5-r7: the parts of the multiplier, r8: the offset, r9: the shift, r10: the step, r12: the
 * sums' end. */
static __attribute__((naked, noinline)) void requantize(const int32_t *sums __attribute__((unused)),
                                                        const int32_t *end __attribute__((unused)),
                                                        const ecg_nn_block_channel_t *channel
                                                        __attribute__((unused)),
                                                        int8_t *output __attribute__((unused)),
                                                        int32_t step __attribute__((unused))) {
    __asm__ volatile(
        ".syntax unified\n"
        "   push    {r4-r7, lr}\n"
        "   mov     r4, r8\n"
        "   mov     r5, r9\n"
        "   mov     r6, r10\n"
        "   push    {r4-r6}\n"
        "   ldr     r4, [sp, #32]\n"
        "   mov     r10, r4\n"
        "   ldr     r4, [r2, #12]\n"
        "   mov     r9, r4\n"
        "   ldr     r4, [r2, #8]\n"
        "   mov     r8, r4\n"
        "   ldr     r2, [r2, #4]\n"
        "   lsrs    r7, r2, #21\n"
        "   lsls    r6, r2, #11\n"
        "   lsrs    r6, r6, #22\n"
        "   lsls    r5, r2, #21\n"
        "   lsrs    r5, r5, #21\n"
        "   mov     r12, r1\n"
        "1: ldm     r0!, {r2}\n" /* an output */
        "   movs    r4, r2\n"
        "   muls    r4, r5, r4\n"
        "   asrs    r4, r4, #11\n"
        "   movs    r1, r2\n"
        "   muls    r1, r6, r1\n"
        "   adds    r4, r4, r1\n"
        "   asrs    r4, r4, #10\n"
        "   movs    r1, r2\n"
        "   muls    r1, r7, r1\n"
        "   adds    r4, r4, r1\n"
        "   add     r4, r4, r8\n"
        "   asrs    r2, r2, #31\n"
        "   lsls    r2, r2, #10\n" /* halves of the second rounding go away from zero */
        "   adds    r4, r4, r2\n"
        "   mov     r2, r9\n"
        "   asrs    r4, r4, r2\n"
        "   sxtb    r2, r4\n"
        "   cmp     r2, r4\n"
        "   beq     2f\n"
        "   asrs    r4, r4, #31\n"
        "   movs    r2, #127\n"
        "   eors    r4, r4, r2\n"
        "2: strb    r4, [r3]\n"
        "   add     r3, r3, r10\n"
        "   cmp     r0, r12\n"
        "   bne     1b\n"
        "   pop     {r4-r6}\n"
        "   mov     r8, r4\n"
        "   mov     r9, r5\n"
        "   mov     r10, r6\n"
        "   pop     {r4-r7, pc}\n");
}

static void finish(const job_t *job, int32_t count, int8_t *output) {
    requantize(job->sums, job->sums + count, job->channel, output, job->layer->output_channels);
}

#else

/* Four products of a weight. The barrier keeps their order: compilers load all operands first, and then have
 * no registers for the sums. */
#define PRODUCT(sum, x) \
    sum += one * (x);   \
    PIN(sum)
#define TAP(weight, x0, x1, x2, x3)   \
    do {                              \
        const int32_t one = (weight); \
        PRODUCT(a, x0);               \
        PRODUCT(b, x1);               \
        PRODUCT(c, x2);               \
        PRODUCT(d, x3);               \
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

#endif

/* The outputs of a channel from position `x` on, at most SPAN of them. */
static void span(const job_t *job, int32_t x, int8_t *output) {
    const ecg_nn_conv_block_t *const layer = job->layer;
    const int32_t count = ecg_nn_min(layer->output_width - x, SPAN);
    int32_t *const end = job->sums + ((count + OUTPUTS - 1) & -OUTPUTS);
    const int32_t bias = job->channel->bias;
    for (int32_t *sum = job->sums; sum != end; sum += OUTPUTS) {
        sum[0] = bias, sum[1] = bias, sum[2] = bias, sum[3] = bias;
    }
    x = x * layer->stride_width - layer->pad_left;
    int32_t taps = job->taps;
    for (const int32_t *weights = job->weights; weights != job->weights_end; weights += taps, ++x) {
        if (weights == job->shorter) {
            --taps;
        }
        widen(job, x, job->column, job->column + (end - job->sums) + taps - 1);
        weigh(job->column, weights, taps, job->sums, end);
    }
    finish(job, count, output);
}

/* The weights of a channel, column after column, from those that stand in groups. */
static void sort_weights(const ecg_nn_conv_block_t *layer, const int8_t *group, int32_t *weights) {
    const int32_t step = CHANNELS * layer->stride_width;
    const int8_t *const end = group + CHANNELS * layer->taps;
    for (const int8_t *first = group; first < end && first < group + step; first += CHANNELS) {
        for (const int8_t *next = first; next < end; next += step) {
            *weights++ = *next;
        }
    }
}

static job_t job_of(const ecg_nn_conv_block_t *layer, int32_t *scratch) {
    int32_t longest = 1;
    while (longest * layer->stride_width < layer->taps) {
        ++longest;
    }
    const int32_t longer = layer->taps - (longest - 1) * layer->stride_width; /* columns */
    int32_t *const sums = scratch, *const weights = sums + SPAN, *const column = weights + layer->taps;
    return (job_t){.layer = layer,
                   .sums = sums,
                   .weights = weights,
                   .shorter = weights + longer * longest,
                   .weights_end = column,
                   .taps = longest,
                   .column = column};
}

void ecg_nn_depthwise_block_s8(const ecg_nn_conv_block_t *layer, const int8_t *input, int8_t *output,
                               uint32_t *scratch) {
    const int32_t depth = layer->output_channels;
    job_t job = job_of(layer, (int32_t *)scratch);
    for (int32_t c = 0; c < depth; ++c) {
        job.input = input + c;
        job.input_end = job.input + layer->input_width * depth;
        job.channel = layer->channels + c;
        sort_weights(layer, layer->weights + (c & -CHANNELS) * layer->taps + c % CHANNELS, job.weights);
        for (int32_t x = 0; x < layer->output_width; x += SPAN) {
            span(&job, x, output + x * depth + c);
        }
    }
    ecg_nn_limit_bytes(output, layer->output_width * depth, &layer->output);
}

#endif
