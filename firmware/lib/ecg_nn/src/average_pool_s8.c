#include "pool_private.h"

#ifndef ECG_NN_HELIUM

static int32_t sum_of(const ecg_nn_pool_t *layer, const ecg_nn_window_t *window, const int8_t *input) {
    int32_t sum = 0;
    for (int32_t y = window->y_first; y < window->y_end; ++y) {
        for (int32_t x = window->x_first; x < window->x_end; ++x) {
            sum += input[(y * layer->input_width + x) * layer->channels];
        }
    }
    return sum;
}

void ecg_nn_average_pool_s8(const ecg_nn_pool_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t y = 0; y < layer->output_height; ++y) {
        for (int32_t x = 0; x < layer->output_width; ++x) {
            const ecg_nn_window_t window = ecg_nn_pool_window(layer, y, x);
            const int32_t count = (window.y_end - window.y_first) * (window.x_end - window.x_first);
            for (int32_t c = 0; c < layer->channels; ++c) {
                const int32_t average = ecg_nn_divide_rounded(sum_of(layer, &window, input + c), count);
                *output++ = (int8_t)ecg_nn_clamp(average, layer->min, layer->max);
            }
        }
    }
}

#endif
