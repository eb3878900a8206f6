/* What every form of the poolings needs. */
#ifndef POOL_PRIVATE_H
#define POOL_PRIVATE_H

#include "ecg_nn_private.h"

/* A window, cut to the input. */
typedef struct {
    int32_t y_first, y_end, x_first, x_end; /* input positions; end is one past the last */
} ecg_nn_window_t;

static inline ecg_nn_window_t ecg_nn_pool_window(const ecg_nn_pool_t *layer, int32_t y, int32_t x) {
    const int32_t y0 = y * layer->stride_height - layer->pad_top;
    const int32_t x0 = x * layer->stride_width - layer->pad_left;
    return (ecg_nn_window_t){ecg_nn_max(y0, 0), ecg_nn_min(y0 + layer->kernel_height, layer->input_height),
                             ecg_nn_max(x0, 0), ecg_nn_min(x0 + layer->kernel_width, layer->input_width)};
}

/* To nearest, halves away from zero. */
static inline int32_t ecg_nn_divide_rounded(int32_t sum, int32_t count) {
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

#endif
