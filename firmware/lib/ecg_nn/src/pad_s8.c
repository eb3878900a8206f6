#include <string.h>

#include "ecg_nn_private.h"

static size_t elements(const int32_t dims[4]) {
    return (size_t)dims[0] * (size_t)dims[1] * (size_t)dims[2] * (size_t)dims[3];
}

/* Where element (a, b, c, 0) of the input goes. */
static size_t output_offset(const ecg_nn_pad_t *layer, int32_t a, int32_t b, int32_t c) {
    const int32_t *out = layer->output, *before = layer->before;
    const int32_t row = ((a + before[0]) * out[1] + b + before[1]) * out[2] + c + before[2];
    return (size_t)(row * out[3] + before[3]);
}

void ecg_nn_pad_s8(const ecg_nn_pad_t *layer, const int8_t *input, int8_t *output) {
    const size_t row_bytes = (size_t)layer->input[3];
    memset(output, (int)layer->value, elements(layer->output));
    for (int32_t a = 0; a < layer->input[0]; ++a) {
        for (int32_t b = 0; b < layer->input[1]; ++b) {
            for (int32_t c = 0; c < layer->input[2]; ++c, input += row_bytes) {
                memcpy(output + output_offset(layer, a, b, c), input, row_bytes);
            }
        }
    }
}
