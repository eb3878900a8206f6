#include "input.h"

#include "ecg_base/int_math.h"

#define INPUT_LIMIT_MV 34 /* electrode drift fits, and every sum of the filters fits 32 bits */

void ecg_input_init(ecg_input_t *input, uint16_t adu_per_mv) {
    input->offset_adu = 0;
    input->limit_adu = (int32_t)adu_per_mv * INPUT_LIMIT_MV;
    input->gain_q12 = ecg_divide(ECG_INPUT_UNITS_PER_MV * 4096, adu_per_mv);
}

void ecg_input_start(ecg_input_t *input, int16_t sample_adu) {
    input->offset_adu = sample_adu;
}
