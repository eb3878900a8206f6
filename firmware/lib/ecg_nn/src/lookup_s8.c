#include "ecg_nn_private.h"

#ifndef ECG_NN_HELIUM

void ecg_nn_lookup_s8(const ecg_nn_lookup_t *layer, const int8_t *input, int8_t *output) {
    for (int32_t i = 0; i < layer->elements; ++i) {
        output[i] = layer->table[input[i] - INT8_MIN];
    }
}

#endif
