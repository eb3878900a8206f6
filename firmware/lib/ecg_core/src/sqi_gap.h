/* Where no beats are found: is there nothing, or something that may be beats? And beats that are too low and
 * too unlike the patient's to be taken for a pulse, such as P waves without QRS complexes. */
#ifndef ECG_CORE_SQI_GAP_H
#define ECG_CORE_SQI_GAP_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* Take a classified candidate, before its beat if it is one. */
void ecg_sqi_gap_candidate(ecg_sqi_gap_t *gap, const ecg_candidate_t *candidate, bool is_beat);

/* Take a beat after its comparison with the average beat. A beat that is doubtful gets
 * ECG_CORE_FLAG_DOUBTFUL and _UNCLASSIFIABLE. */
void ecg_sqi_gap_beat(ecg_sqi_gap_t *gap, ecg_core_beat_t *beat);

/* Up to sample `index`: for so long no beat that a pause is near, but candidates with a beat's energy. */
bool ecg_sqi_gap_is_restless(const ecg_sqi_gap_t *gap, uint32_t index);

/* True within 2 s of the last beat, and in the first 2 s of the signal. */
bool ecg_sqi_gap_is_beating(const ecg_sqi_gap_t *gap, uint32_t index);

#endif
