/* From ADC units to internal units, in front of all filters. */
#ifndef ECG_CORE_INPUT_H
#define ECG_CORE_INPUT_H

#include <stdlib.h>

#include "ecg_core/ecg_core_state.h"

#define ECG_INPUT_UNITS_PER_MV 800 /* 4 for one ADC unit of MIT-BIH */
#define ECG_INPUT_FRACTION_BITS 4  /* of a unit, in what ecg_input_scale returns */

void ecg_input_init(ecg_input_t *input, uint16_t adu_per_mv);

/* Set the level that counts as zero: the first sample. */
void ecg_input_start(ecg_input_t *input, int16_t sample_adu);

/* Units from that level, with ECG_INPUT_FRACTION_BITS more; a level that leaves the range becomes zero, so
 * that after an hour at a rail the signal is seen again. */
static inline int32_t ecg_input_scale(ecg_input_t *input, int16_t sample_adu) {
    if (abs(sample_adu - input->offset_adu) > input->limit_adu) {
        input->offset_adu = sample_adu;
    }
    return ((sample_adu - input->offset_adu) * input->gain_q12) >> (12 - ECG_INPUT_FRACTION_BITS);
}

#endif
