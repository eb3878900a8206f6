#include <string.h>

#include "ecg_nn_private.h"

void ecg_nn_copy_rows_s8(const ecg_nn_copy_rows_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t row = 0; row < layer->rows; ++row) {
        memcpy(output, input, (size_t)layer->row_bytes);
        input += layer->row_bytes;
        output += layer->output_stride;
    }
}
