#include "helium_private.h"
#include "pool_private.h"

#ifdef ECG_NN_HELIUM

/* Up to 16 neighbouring channels. */
static int8x16_t largest(const ecg_nn_pool_t *layer, const ecg_nn_window_t *window, const int8_t *input,
                         mve_pred16_t there) {
    int8x16_t max = vdupq_n_s8(INT8_MIN);
    for (int32_t y = window->y_first; y < window->y_end; ++y) {
        for (int32_t x = window->x_first; x < window->x_end; ++x) {
            max = vmaxq_s8(max, vldrbq_z_s8(input + (y * layer->input_width + x) * layer->channels, there));
        }
    }
    return max;
}

void ecg_nn_max_pool_s8(const ecg_nn_pool_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t y = 0; y < layer->output_height; ++y) {
        for (int32_t x = 0; x < layer->output_width; ++x, output += layer->channels) {
            const ecg_nn_window_t window = ecg_nn_pool_window(layer, y, x);
            for (int32_t c = 0; c < layer->channels; c += 16) {
                const mve_pred16_t there = vctp8q((uint32_t)(layer->channels - c));
                const int8x16_t max =
                    vmaxq_s8(largest(layer, &window, input + c, there), vdupq_n_s8((int8_t)layer->min));
                vst1q_p_s8(output + c, vminq_s8(max, vdupq_n_s8((int8_t)layer->max)), there);
            }
        }
    }
}

#endif
