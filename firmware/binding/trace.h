/* See trace.c. */
#ifndef ECG_EDGE_TRACE_H
#define ECG_EDGE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "detector.h"
#include "ecg_core/ecg_core.h"
#include "ecg_core/ecg_core_qrs_features.h"
#include "filters.h"
#include "p_wave.h"
#include "qrs_classifier.h"

/* Delay of the filtered signal and of the energy, in samples. */
#define TRACE_FILTER_DELAY ECG_FILTER_DELAY
#define TRACE_ENERGY_DELAY ECG_DETECTOR_DELAY
#define TRACE_UNITS_PER_MV ECG_FILTER_UNITS_PER_MV
#define TRACE_REFUSED ECG_QRS_SCORE_REFUSED /* the score of a candidate that could not be a beat */

typedef struct {
    uint32_t at;         /* R peak */
    uint32_t energy_at;  /* peak of the energy */
    int32_t energy;      /* its height */
    int32_t beat_energy; /* mean energy of the last eight beats at that time */
    int32_t noise;       /* running energy of rejected candidates at that time */
    int32_t score;       /* above 0: a beat; 16384: one logit */
    uint8_t accepted;
} candidate_t;

/* One input of the QRS classifier, as in ecg_core_qrs_features.h. */
typedef struct {
    const char *name, *unit, *description;
} qrs_feature_t;

/* `feature`: 0 to ECG_QRS_FEATURES - 1. */
qrs_feature_t qrs_feature(uint32_t feature);

#define TRACE_P_WAVE_FEATURES ECG_P_WAVE_FEATURES

/* Figures of the P wave of `count` beats in a row: tensors "beat" and flags. Beats that cannot be read have
 * none; gives the number of those that have. */
size_t p_wave_features(const int8_t *beats, const uint16_t *flags, size_t count, int16_t *features);

uint32_t candidate_bytes(void);

/* Push `count` samples with their lead flags, with room for `count` values in each array, and give the number
 * of candidates. */
size_t trace_block(ecg_core_t *core, const int16_t *samples, const uint8_t *lead_flags, size_t count,
                   int16_t *filtered, int32_t *energy, void *rows);

#endif
