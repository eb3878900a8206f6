#include "filters.h"

#include <string.h>

#include "ecg_base/static_assert.h"

ECG_STATIC_ASSERT((ECG_FILTER_LOWPASS & (ECG_FILTER_LOWPASS - 1)) == 0 &&
                      ECG_FILTER_BASELINE_TAPS < ECG_FILTER_LOWPASS,
                  ring);

void ecg_filter_init(ecg_filter_t *filter, const ecg_core_config_t *config) {
    memset(filter, 0, sizeof *filter);
    ecg_input_init(&filter->input, config->adu_per_mv);
    if (config->mains_hz == 60) {
        filter->notch_cos_q14 = ECG_FILTER_TWO_COS_60HZ_Q14;
    }
    if (config->mains_hz == 50) {
        filter->notch_cos_q14 = ECG_FILTER_TWO_COS_50HZ_Q14;
    }
}

void ecg_filter_start(ecg_filter_t *filter, int16_t sample_adu) {
    ecg_input_start(&filter->input, sample_adu);
}
