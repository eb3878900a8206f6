/* The slopes of the patient's usual beats: a filter matched to them finds a beat in noise of any height. */
#ifndef ECG_CORE_PATTERN_H
#define ECG_CORE_PATTERN_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* Low-pass outputs after the energy's peak that ecg_pattern_match looks at. */
#define ECG_PATTERN_REACH 60

/* Compares the low-pass output around the candidate's energy peak with the patterns; fills match, fit, lag
 * and pattern. `filter` has taken in the sample `index`. */
void ecg_pattern_match(const ecg_patterns_t *patterns, const ecg_filter_t *filter, uint32_t index,
                       ecg_candidate_t *candidate);

/* Takes a beat into the pattern that it fits. */
void ecg_pattern_learn(ecg_patterns_t *patterns, const int16_t *history, const ecg_candidate_t *candidate);

#endif
