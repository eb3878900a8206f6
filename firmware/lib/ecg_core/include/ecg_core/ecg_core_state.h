/* Layout of ecg_core_t. Only for static allocation (`static ecg_core_t core;`): the members belong to
 * ecg_core and change without notice. docs/signal-path.md explains each stage. */
#ifndef ECG_CORE_ECG_CORE_STATE_H
#define ECG_CORE_ECG_CORE_STATE_H

#include <stdint.h>

#include "ecg_core/ecg_core.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_CORE_STATE_MAX_BYTES 6144 /* 6 KiB, asserted in ecg_core.c */

#define ECG_FILTER_BASELINE_TAPS 241 /* moving mean that is subtracted: 669 ms, odd so that it has a middle \
                                      */
#define ECG_HISTORY_SAMPLES 512      /* filtered samples kept, a power of two above window + decision time */
#define ECG_DETECT_SLOPE_TAPS 8      /* half width of the QRS slope filter */
#define ECG_DETECT_ENERGY_TAPS 32    /* moving sum of the rectified slope: 89 ms */
#define ECG_QUEUE_CANDIDATES 16      /* peaks that wait for their window or their verdict */

/* Input scaling, mains notch, low-pass, baseline removal. */
typedef struct {
    int32_t offset_adu;             /* the first sample: the filters start at rest */
    int32_t limit_adu;              /* input is clipped this far from the offset */
    int32_t gain_q12;               /* internal units per ADC unit */
    int32_t notch_cos_q14;          /* 2 cos(2 pi mains / fs); 0: no notch */
    int32_t notch_x[2], notch_y[2]; /* the last inputs and outputs */
    int32_t taps[5];                /* low-pass: 5 taps 1 2 3 2 1 */
    int16_t baseline[ECG_FILTER_BASELINE_TAPS];
    uint16_t baseline_at;
    int32_t baseline_sum;
} ecg_filter_t;

/* A peak of the QRS energy, later of the filtered signal. */
typedef struct {
    uint32_t at;    /* sample index: energy peak, after refinement the R peak */
    int32_t energy; /* height of the energy peak */
} ecg_candidate_t;

typedef struct {
    ecg_candidate_t items[ECG_QUEUE_CANDIDATES];
    uint8_t count;   /* items in use, the oldest first */
    uint8_t refined; /* how many of them have `at` on the R peak */
} ecg_queue_t;

/* QRS energy and the levels that decide what is a beat. */
typedef struct {
    int16_t slope_in[2 * ECG_DETECT_SLOPE_TAPS];
    uint16_t energy_in[ECG_DETECT_ENERGY_TAPS];
    int32_t slope_new, slope_old; /* sums over the newer and the older half of slope_in */
    int32_t energy, energy_before;
    int32_t peak;          /* highest energy since the last candidate */
    uint32_t peak_at;      /* where */
    uint8_t rising;        /* the energy rose since the last candidate, so peak is a real maximum */
    uint8_t started;       /* the levels have a first value */
    uint8_t has_beat;      /* beat_at and beat_energy are valid */
    int32_t signal, noise; /* running heights of beats and of what was not a beat */
    uint32_t beat_at;      /* the last beat's R peak */
    int32_t beat_energy;   /* and its energy */
} ecg_detector_t;

/* The patient's running average beat. */
typedef struct {
    int16_t mean_q8[ECG_CORE_BEAT_POINTS]; /* tensor units * 256 */
    uint32_t deviation;                    /* running mean of the beats' standard deviations */
    uint8_t beats;                         /* in the average, saturates at ECG_TEMPLATE_SETTLED */
} ecg_template_t;

/* Running figures of the RR intervals; Q8 samples. */
typedef struct {
    int32_t mean_q8;
    int32_t irregularity_q8; /* mean absolute difference of successive intervals */
    uint16_t before;         /* interval before the last; 0: none */
    uint8_t intervals;       /* in the mean, saturates */
} ecg_rhythm_t;

/* Leads off and ADC rails, one bit a sample. */
typedef struct {
    uint32_t leads_off[ECG_HISTORY_SAMPLES / 32];
    uint32_t saturated[ECG_HISTORY_SAMPLES / 32];
    int16_t highest, lowest, last;
    uint16_t repeats; /* how often the last value came in a row */
} ecg_quality_t;

struct ecg_core {
    ecg_core_config_t config;
    uint32_t samples; /* pushed so far */
    uint32_t last_beat_at;
    uint8_t has_last_beat;
    int16_t last_sample;
    uint32_t held;        /* how often ecg_core_finish has repeated the last sample */
    uint32_t end;         /* index after the last real sample; UINT32_MAX before ecg_core_finish */
    int16_t history[ECG_HISTORY_SAMPLES]; /* filtered signal, by sample index */
    ecg_filter_t filter;
    ecg_detector_t detector;
    ecg_queue_t queue;
    ecg_template_t average;
    ecg_rhythm_t rhythm;
    ecg_quality_t quality;
};

#ifdef __cplusplus
}
#endif

#endif
