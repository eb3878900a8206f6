/* Arithmetic that several kernels share. */
#ifndef ECG_NN_PRIVATE_H
#define ECG_NN_PRIVATE_H

#include <ecg_nn/ecg_nn.h>

#define ECG_NN_ADD_LEFT_SHIFT 20 /* TFLM's headroom for the common scale of the two inputs of an addition */

/* value / 2^exponent to nearest, halves away from zero; exponent 0..31. */
static inline int32_t ecg_nn_rounding_divide(int32_t value, int32_t exponent) {
    const int32_t mask = (int32_t)((1u << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> exponent) + ((value & mask) > threshold ? 1 : 0);
}

#ifdef ECG_NN_XTENSA
#include "xtensa_private.h"
#else

/* High word of 2 * a * b, rounded; a and b are not both -2^31. */
static inline int32_t ecg_nn_doubling_high_mul(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

#endif

#if defined(ECG_NN_HELIUM) || defined(ECG_NN_ARM_DSP)
#include "arm_dsp_private.h"
#else

/* value * multiplier * 2^(shift - 31) with gemmlowp's two roundings. The value, shifted left, is below 2^30.
 */
static inline int32_t ecg_nn_requantize(int32_t value, int32_t multiplier, int32_t shift) {
    const int32_t left = shift > 0 ? shift : 0;
    return ecg_nn_rounding_divide(ecg_nn_doubling_high_mul(value * (1 << left), multiplier), left - shift);
}

/* Sum of a[i] * b[i]. */
static inline int32_t ecg_nn_dot(const int8_t *a, const int8_t *b, int32_t length) {
    int32_t sum = 0;
    for (int32_t i = 0; i < length; ++i) {
        sum += a[i] * b[i];
    }
    return sum;
}

#endif

static inline int32_t ecg_nn_clamp(int32_t value, int32_t min, int32_t max) {
    const int32_t above = value < min ? min : value;
    return above > max ? max : above;
}

/* The output byte of an accumulator that already holds the channel's bias. */
static inline int8_t ecg_nn_output_s8(int32_t accumulator, const ecg_nn_channel_t *channel,
                                      const ecg_nn_output_t *output) {
    const int32_t scaled = ecg_nn_requantize(accumulator, channel->multiplier, channel->shift);
    return (int8_t)ecg_nn_clamp(scaled + output->zero_point, output->min, output->max);
}

#if defined(ECG_NN_ARMV6M) || (defined(__ARM_FEATURE_SAT) && defined(__thumb2__) && !defined(ECG_NN_PORTABLE))
#define ECG_NN_SATURATES

/* To -128..127 in one instruction. The limits of an output, if narrower, follow for all bytes at once. */
static inline int8_t ecg_nn_limited(int32_t value, const ecg_nn_output_t *output) {
    (void)output;
#ifdef ECG_NN_ARMV6M
    return (int8_t)((int8_t)value == value ? value : value < 0 ? INT8_MIN : INT8_MAX);
#else
    int32_t saturated;
    __asm__("ssat %0, #8, %1" : "=r"(saturated) : "r"(value));
    return (int8_t)saturated;
#endif
}

#else

/* To the limits of the output. */
static inline int8_t ecg_nn_limited(int32_t value, const ecg_nn_output_t *output) {
    return (int8_t)ecg_nn_clamp(value, output->min, output->max);
}

#endif

/* Apply the limits that ecg_nn_limited leaves out, if there are any. */
static inline void ecg_nn_limit_bytes(int8_t *bytes, int32_t count, const ecg_nn_output_t *output) {
#ifdef ECG_NN_SATURATES
    if (output->min > INT8_MIN || output->max < INT8_MAX) {
        for (int32_t i = 0; i < count; ++i) {
            bytes[i] = (int8_t)ecg_nn_clamp(bytes[i], output->min, output->max);
        }
    }
#else
    (void)bytes, (void)count, (void)output;
#endif
}

#ifdef ECG_NN_ARM_DSP

/* The same for an output without limits; where there are some, ecg_nn_clamp_bytes follows. */
static inline int8_t ecg_nn_saturated_s8(int32_t accumulator, const ecg_nn_channel_t *channel,
                                         int32_t zero_point) {
    return ecg_nn_saturate(ecg_nn_requantize(accumulator, channel->multiplier, channel->shift) + zero_point);
}

/* Apply the limits of an output, if any, to bytes that are there. */
static inline void ecg_nn_clamp_bytes(int8_t *bytes, int32_t count, const ecg_nn_output_t *output) {
    if (output->min > INT8_MIN || output->max < INT8_MAX) {
        for (int32_t i = 0; i < count; ++i) {
            bytes[i] = (int8_t)ecg_nn_clamp(bytes[i], output->min, output->max);
        }
    }
}

#endif

static inline int32_t ecg_nn_max(int32_t a, int32_t b) {
    return a > b ? a : b;
}

static inline int32_t ecg_nn_min(int32_t a, int32_t b) {
    return a < b ? a : b;
}

/* Sum of a[i]. */
static inline int32_t ecg_nn_sum(const int8_t *a, int32_t length) {
    int32_t sum = 0;
    for (int32_t i = 0; i < length; ++i) {
        sum += a[i];
    }
    return sum;
}

#endif
