/* Matched filters: the slopes of the patient's two most common QRS shapes, correlated with the signal around
 * a candidate. Their gain does not depend on the noise level. */
#ifndef ECG_CORE_MATCHED_FILTER_H
#define ECG_CORE_MATCHED_FILTER_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* Low-pass outputs needed after the energy's peak. */
#define ECG_MATCHED_FILTER_REACH 60

/* Correlate the slopes around the candidate's energy peak with the templates; fills template_gain,
 * template_corr, lag and template_index. `index`: the newest sample in `filter`. */
void ecg_matched_filter_apply(const ecg_matched_filter_t *matched, const ecg_filter_t *filter,
                              const int16_t *history, uint32_t index, ecg_candidate_t *candidate);

/* Average a beat into the template that it correlates with. */
void ecg_matched_filter_learn(ecg_matched_filter_t *matched, const int16_t *history,
                              const ecg_candidate_t *candidate);

#endif
