#include "helium_private.h"

#ifdef ECG_NN_HELIUM

void ecg_nn_lookup_s8(const ecg_nn_lookup_t *layer, const int8_t *input, int8_t *output) {
    const int8x16_t first = vdupq_n_s8(INT8_MIN); /* as an unsigned byte, an element less it is its place */
    for (int32_t i = 0; i < layer->elements; i += 16) {
        const mve_pred16_t there = vctp8q((uint32_t)(layer->elements - i));
        const uint8x16_t places = vreinterpretq_u8_s8(vsubq_s8(vldrbq_z_s8(input + i, there), first));
        vst1q_p_s8(output + i, vldrbq_gather_offset_z_s8(layer->table, places, there), there);
    }
}

#endif
