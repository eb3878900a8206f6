/* Figures of the last 4 s of the signal, by which a ventricular rhythm is told from others. All but the lag
 * of a peak and the two at the end are ratios, which the signal's amplitude does not change. */
#ifndef ECG_CORE_VENTRICULAR_FEATURES_H
#define ECG_CORE_VENTRICULAR_FEATURES_H

#include "ecg_core/ecg_core_state.h"

/* x: filtered signal at 90 Hz; d: difference of successive x. The highest of |x| and |d| are means over the
 * four seconds. Ratios are log2 * 64, shares in per mille, correlations 1000 at most. */
enum {
    ECG_VENTRICULAR_SLOPE_CREST,  /* mean |d| against its highest */
    ECG_VENTRICULAR_CREST,        /* mean |x| against its highest */
    ECG_VENTRICULAR_MOBILITY,     /* mean |d| against mean |x| */
    ECG_VENTRICULAR_COMPLEXITY,   /* mean difference of successive d against mean |d| */
    ECG_VENTRICULAR_SPREAD,       /* highest |x| of a second: greatest against least */
    ECG_VENTRICULAR_SLOPE_SPREAD, /* highest |d| of a second: greatest against least */
    ECG_VENTRICULAR_FLAT_16,      /* share of |d| below 1/16 of the highest */
    ECG_VENTRICULAR_FLAT_8,       /* below 1/8 */
    ECG_VENTRICULAR_FLAT_4,       /* below 1/4 */
    ECG_VENTRICULAR_HIGH_5,       /* share of |x| above 1/5 of the highest */
    ECG_VENTRICULAR_HIGH_2,       /* above 1/2 */
    ECG_VENTRICULAR_CROSSINGS,    /* share of samples before which x crossed zero */
    ECG_VENTRICULAR_LEAKAGE,      /* of a filter at the mean frequency ("VF filter") */
    ECG_VENTRICULAR_OCCUPIED,     /* cells of the phase space x(t), x(t - 0.5 s) */
    ECG_VENTRICULAR_SKEW,         /* highest x against lowest, the larger to the smaller */
    ECG_VENTRICULAR_CORRELATION,  /* autocorrelation at 22, 44, 89, 133, 178 ms */
    ECG_VENTRICULAR_PEAK = ECG_VENTRICULAR_CORRELATION + 5, /* its highest peak from 156 ms on */
    ECG_VENTRICULAR_PEAK_LAG,                               /* log2 of the lag */
    ECG_VENTRICULAR_TROUGH,                                 /* its lowest value before that peak */
    ECG_VENTRICULAR_SECOND_PEAK,                            /* its value at twice the lag */
    ECG_VENTRICULAR_FIRST_PEAK,                             /* its first peak */
    ECG_VENTRICULAR_FIRST_PEAK_LAG,
    ECG_VENTRICULAR_REST,       /* highest |x| of half a second: mean against least */
    ECG_VENTRICULAR_SLOPE_REST, /* highest |d| of half a second: mean against least */
};

/* Measure block 0 to ECG_VENTRICULAR_BLOCKS - 1 of the window; block 0 first. */
void ecg_ventricular_measure(ecg_ventricular_t *state, uint32_t block);

/* Count what lies below or above the levels that were measured, in one block. */
void ecg_ventricular_count(ecg_ventricular_t *state, uint32_t block);

/* Compute the autocorrelation of every second sample from `lag` on, or nothing when an earlier step has done
 * it; 0, 2, 4 and so on, one after another. */
void ecg_ventricular_correlate(ecg_ventricular_t *state, uint32_t lag);

/* Make the features, in three parts. */
void ecg_ventricular_describe_sums(ecg_ventricular_t *state);
void ecg_ventricular_describe_counts(ecg_ventricular_t *state);
void ecg_ventricular_describe_correlation(ecg_ventricular_t *state);

/* Peak to peak of the window in microvolts. */
int32_t ecg_ventricular_peak_to_peak_uv(const ecg_ventricular_t *state);

/* Waves a minute by the autocorrelation; 0: not known. */
uint16_t ecg_ventricular_rate(const ecg_ventricular_t *state);

#endif
