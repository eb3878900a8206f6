/* From ADC units to the filtered signal. */
#ifndef ECG_CORE_FILTERS_H
#define ECG_CORE_FILTERS_H

#include "ecg_core/ecg_core_state.h"

/* The low-pass output is this many samples late (notch and low-pass), the filtered signal this many. */
#define ECG_FILTER_LOWPASS_DELAY 2
#define ECG_FILTER_DELAY (ECG_FILTER_LOWPASS_DELAY + ECG_FILTER_BASELINE_TAPS / 2)

/* One unit of the filtered signal: 900 a millivolt. */
#define ECG_FILTER_UNITS_PER_MV 900

typedef struct {
    int16_t lowpass;  /* mains and muscle noise removed, baseline not */
    int16_t filtered; /* baseline removed too */
} ecg_filtered_t;

void ecg_filter_init(ecg_filter_t *filter, const ecg_core_config_t *config);

/* Set the level at which the filters rest: the first sample. */
void ecg_filter_start(ecg_filter_t *filter, int16_t sample_adu);

ecg_filtered_t ecg_filter_push(ecg_filter_t *filter, int16_t sample_adu);

#endif
