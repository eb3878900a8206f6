/* Requantization by vectors against the definition in 64 bits, on random and extreme values. Runs on an
 * emulated Cortex-M55; prints how many values were compared, how many of the bytes were not at a limit, and
 * how many values differ. */
#include <stdbool.h>

#include "board.h"
#include "helium_private.h"

#define ROUNDS 30000 /* of 64 channels at two positions */

static uint32_t state, compared, unlimited, differing;

static uint32_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static int32_t random_sum(void) {
    static const int32_t extremes[] = {0, 1, -1, (1 << 30) - 1, 1 - (1 << 30)};
    const uint32_t choice = random_bits() % 64;
    if (choice < 5) {
        return extremes[choice];
    }
    return (int32_t)random_bits() >> (2 + random_bits() % 29);
}

/* The smallest makes ties: it is a power of two. */
static int32_t random_multiplier(void) {
    static const int32_t extremes[] = {0, 1 << 30, INT32_MAX, 1 << 30};
    const uint32_t choice = random_bits() % 16;
    return choice < 4 ? extremes[choice] : (int32_t)(random_bits() >> 2 | 1u << 30);
}

/* gemmlowp's two roundings, halves away from zero. */
static int32_t requantized(int32_t sum, int32_t multiplier, int32_t shift) {
    const int64_t left = (int64_t)sum * ((int64_t)1 << (shift > 0 ? shift : 0)),
                  right = shift < 0 ? -shift : 0;
    const int64_t high = (left * multiplier + ((int64_t)1 << 30)) >> 31;
    const int64_t half = right > 0 ? (int64_t)1 << (right - 1) : 0;
    return (int32_t)(high < 0 ? -((-high + half) >> right) : (high + half) >> right);
}

static void compare(int32_t actual, int32_t wanted, bool limited) {
    ++compared;
    unlimited += !limited;
    differing += actual != wanted;
}

static int32_t limit(int32_t value, const ecg_nn_output_t *output) {
    return value < output->min ? output->min : value > output->max ? output->max : value;
}

static void compare_byte(int8_t actual, int32_t sum, const ecg_nn_channel_t *c, const ecg_nn_output_t *o) {
    const int32_t wanted = requantized(sum + c->bias, c->multiplier, c->shift) + o->zero_point;
    compare(actual, limit(wanted, o), wanted < o->min || wanted > o->max);
}

/* The sums of two positions, as the convolutions leave them; `count` channels. */
static void pairs(int32_t sums[64][2], const ecg_nn_channel_t *channels, const ecg_nn_output_t *output,
                  int32_t count) {
    int8_t a[64], b[64];
    ecg_nn_weighing_t w = {0};
    w.channels = channels;
    w.count = count;
    w.output = output;
    w.right = ecg_nn_helium_all_right(channels, count);
    w.finish = 1;
    w.sums = sums;
    ecg_nn_helium_weigh(&w, (ecg_nn_inputs_t){a, a}, 0, 1, (ecg_nn_outputs_t){a, b}, 0);
    for (int32_t c = 0; c < count; ++c) {
        compare_byte(a[c], sums[c][0], &channels[c], output);
        compare_byte(b[c], sums[c][1], &channels[c], output);
    }
}

/* The sums of four channels in registers, as narrow windows and the depthwise convolution have them. */
static void four(int32_t sums[64][2], const ecg_nn_channel_t *channel, int32_t zero_point) {
    const ecg_nn_output_t output = {zero_point, INT8_MIN, INT8_MAX};
    const uint32x4_t addresses = ecg_nn_four_channels(channel);
    int8_t bytes[4], *end = bytes;
    register int32x4_t multiplier __asm__("q5") = ECG_NN_GATHER(addresses, multiplier);
    register int32x4_t shift __asm__("q6") = ECG_NN_GATHER(addresses, shift);
    register int32x4_t bias __asm__("q7") = ECG_NN_GATHER(addresses, bias);
    __asm__ volatile(ECG_NN_STORE_FOUR
                     : [output] "+l"(end)
                     : [output_step] "r"(4), [s0] "r"(sums[0][0]), [s1] "r"(sums[1][0]), [s2] "r"(sums[2][0]),
                       [s3] "r"(sums[3][0]), [one] "r"(1), [zero_point] "r"(zero_point), "w"(multiplier),
                       "w"(shift), "w"(bias)
                     : "q4", "memory");
    for (int32_t c = 0; c < 4; ++c) {
        compare_byte(bytes[c], sums[c][0], &channel[c], &output);
    }
}

/* One multiplier and one shift, to either side, as the mean and the addition have them. */
static void uniform(int32_t shift) {
    int32_t sums[4], actual[4];
    const int32_t multiplier = random_multiplier();
    for (int32_t i = 0; i < 4; ++i) {
        sums[i] = random_sum() >> (shift > 0 ? shift : 0);
    }
    vst1q_s32(actual, ecg_nn_requantize_four(vld1q_s32(sums), multiplier, shift));
    for (int32_t i = 0; i < 4; ++i) {
        compare(actual[i], requantized(sums[i], multiplier, shift), false);
    }
}

static void one_round(void) {
    static ecg_nn_channel_t channels[64];
    static int32_t sums[64][2];
    const int32_t zero_point = (int32_t)(random_bits() % 256) - 128;
    const ecg_nn_output_t output = {zero_point, -(int32_t)(random_bits() % 129),
                                    (int32_t)(random_bits() % 128)};
    const int32_t count = 1 + (int32_t)(random_bits() % 64);
    const uint32_t base = 1 + random_bits() % 31;
    for (int32_t c = 0; c < 64; ++c) {
        const int32_t bias = random_sum() >> 1;
        channels[c] = (ecg_nn_channel_t){bias, random_multiplier(), -1 - (int32_t)(random_bits() % base)};
        sums[c][0] = (random_sum() >> 1) - (random_bits() % 2 ? bias : 0);
        sums[c][1] = random_sum() >> 1;
    }
    pairs(sums, channels, &output, count);
    four(sums, channels, zero_point);
    uniform((int32_t)(random_bits() % 62) - 31);
}

static void print_number(uint32_t value) {
    char digits[12] = {0};
    char *place = digits + sizeof digits - 1;
    do {
        *--place = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    board_print(place);
    board_print(" ");
}

void harness_main(void) {
    state = 1;
    for (int32_t round = 0; round < ROUNDS; ++round) {
        one_round();
    }
    print_number(compared);
    print_number(unlimited);
    print_number(differing);
    board_exit();
}
