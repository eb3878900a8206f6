#include "helium_private.h"
#include "pool_private.h"

#ifdef ECG_NN_HELIUM

/* Up to four neighbouring channels. */
static int32x4_t sum_of(const ecg_nn_pool_t *layer, const ecg_nn_window_t *window, const int8_t *input,
                        mve_pred16_t there) {
    int32x4_t sum = vdupq_n_s32(0);
    for (int32_t y = window->y_first; y < window->y_end; ++y) {
        for (int32_t x = window->x_first; x < window->x_end; ++x) {
            sum = vaddq_s32(sum, vldrbq_z_s32(input + (y * layer->input_width + x) * layer->channels, there));
        }
    }
    return sum;
}

static void average_position(const ecg_nn_pool_t *layer, const ecg_nn_window_t *window, const int8_t *input,
                             int8_t *output) {
    const int32_t count = (window->y_end - window->y_first) * (window->x_end - window->x_first);
    for (int32_t c = 0; c < layer->channels; c += 4) {
        const int32_t channels = ecg_nn_min(layer->channels - c, 4);
        int32_t sums[4];
        vst1q_s32(sums, sum_of(layer, window, input + c, vctp32q((uint32_t)channels)));
        for (int32_t i = 0; i < channels; ++i) {
            const int32_t average = ecg_nn_divide_rounded(sums[i], count);
            output[c + i] = (int8_t)ecg_nn_clamp(average, layer->min, layer->max);
        }
    }
}

void ecg_nn_average_pool_s8(const ecg_nn_pool_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t y = 0; y < layer->output_height; ++y) {
        for (int32_t x = 0; x < layer->output_width; ++x, output += layer->channels) {
            const ecg_nn_window_t window = ecg_nn_pool_window(layer, y, x);
            average_position(layer, &window, input, output);
        }
    }
}

#endif
