#include "paired_private.h"

#ifdef ECG_NN_ARM_DSP

/* One less where the sum is negative: then the shift that follows rounds halves away from zero. */
#define WEIGH_FOUR weigh_four
#define MULTIPLY(sum) "   smmlar  lr, " sum ", r11, r12\n   add     " sum ", lr, " sum ", asr #31\n"
#include "weigh_four_arm_dsp.h"
#undef WEIGH_FOUR
#undef MULTIPLY

/* For a rectified output, whose lower limit is not below its zero point: what is below that becomes the
 * limit, however it was rounded. */
#define WEIGH_FOUR weigh_four_rectified
#define MULTIPLY(sum) "   smmlar  " sum ", " sum ", r11, r12\n"
#include "weigh_four_arm_dsp.h"
#undef WEIGH_FOUR
#undef MULTIPLY

static void four(const ecg_nn_conv_paired_t *layer, const int8_t *input, int8_t *output, int32_t x,
                 uint32_t *scratch) {
    const int32_t channels = layer->output_channels;
    const int rectified = layer->output.min >= layer->output.zero_point;
    const uint32_t *const widened = ecg_nn_widen_windows(layer, input, x, scratch);
    (rectified ? weigh_four_rectified : weigh_four)(scratch, widened, layer->weights, layer->channels,
                                                    output + x * channels, channels,
                                                    layer->channels + channels);
}

void ecg_nn_conv_paired_s8(const ecg_nn_conv_paired_t *layer, const int8_t *input, int8_t *output,
                           uint32_t *scratch) {
    const int32_t width = layer->output_width;
    /* Where their number is no multiple of four or two, the last positions repeat some. */
    for (int32_t x = 0; x < width;) {
        if (width >= ECG_NN_POSITIONS && width - x > 2) {
            four(layer, input, output, ecg_nn_min(x, width - ECG_NN_POSITIONS), scratch);
            x += ECG_NN_POSITIONS;
        } else {
            ecg_nn_paired_two(layer, input, output, ecg_nn_max(0, ecg_nn_min(x, width - 2)), scratch);
            x += 2;
        }
    }
    ecg_nn_clamp_bytes(output, width * layer->output_channels, &layer->output);
}

#endif
