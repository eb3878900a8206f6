/* The RR interval among the last 32: elements 8 on of the tensor "rhythm".
 *
 * All in log2 * 64, so that a ratio is a difference. Two kinds of reference stand side by side: those that
 * early beats and pauses move (means, extremes) and those that they do not (medians, the sinus interval).
 */
#ifndef ECG_CORE_RR_CONTEXT_H
#define ECG_CORE_RR_CONTEXT_H

#include "ecg_core/ecg_core_state.h"

/* Write the features for an interval in samples; `mean_q8` is the running mean, 0: none. */
void ecg_rr_context_write(const ecg_rr_context_t *state, uint16_t rr_samples, int32_t mean_q8,
                          ecg_core_beat_t *beat);

void ecg_rr_context_update(ecg_rr_context_t *state, uint16_t rr_samples);

#endif
