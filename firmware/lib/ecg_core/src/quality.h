/* Leads off and ADC rails in the window of a beat. */
#ifndef ECG_CORE_QUALITY_H
#define ECG_CORE_QUALITY_H

#include "ecg_core/ecg_core_state.h"

/* Takes the sample with this index. */
void ecg_quality_push(ecg_quality_t *quality, uint32_t index, int16_t sample_adu, uint8_t lead_flags,
                      uint16_t adu_per_mv);

/* ECG_CORE_FLAG_LEADS_OFF and _SATURATED for the window around an R peak. */
uint16_t ecg_quality_flags(const ecg_quality_t *quality, uint32_t r_sample);

#endif
