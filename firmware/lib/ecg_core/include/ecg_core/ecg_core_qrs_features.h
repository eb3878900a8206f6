/* The inputs of the QRS classifier: one table, from which the enumeration, the Python names and
 * docs/reference/qrs-features.md are made. The order is that of the trained weights. */
#ifndef ECG_CORE_ECG_CORE_QRS_FEATURES_H
#define ECG_CORE_ECG_CORE_QRS_FEATURES_H

/* X(name, unit, description). "The mean" is of the last eight beats; log2 is of a ratio, * 64. Later
 * candidates: near within the refractory period of 200 ms, next beyond it. */
/* clang-format off */
#define ECG_QRS_FEATURE_LIST(X) \
    X(LOG_ENERGY_VS_MEAN,        "log2 * 64",         "energy to the mean energy of the last eight beats") \
    X(LOG_ENERGY_VS_LOWEST,      "log2 * 64",         "energy to the lowest of those energies") \
    X(LOG_ENERGY_VS_NOISE,       "log2 * 64",         "energy to the running energy of rejected candidates") \
    X(LOG_ENERGY_VS_LAST,        "log2 * 64",         "energy to that of the last beat") \
    X(LOG_PEAK_TO_PEAK_VS_MEAN,  "log2 * 64",         "peak-to-peak amplitude to the mean of the last eight beats") \
    X(RR_VS_MEAN,                "ratio * 64",        "interval since the last beat to the running mean interval, at most 8") \
    X(RR_SAMPLES,                "samples",           "interval since the last beat, at most 2 s") \
    X(MEAN_RR_SAMPLES,           "samples",           "running mean interval, factor 1 / 8") \
    X(SHAPE_CORR_BEST,           "correlation * 128", "highest correlation of the shape with one of the last eight beats") \
    X(SHAPE_CORR_MEAN,           "correlation * 128", "mean correlation of the shape with the last eight beats") \
    X(LOG_NEAR_ENERGY,           "log2 * 64",         "highest energy of the near candidates to its own") \
    X(LOG_NEXT_ENERGY,           "log2 * 64",         "highest energy of the next candidates, up to 0.6 s, to its own") \
    X(NEXT_DISTANCE,             "samples",           "distance of that next candidate; 222 when there is none") \
    X(LOG_REJECTED_ENERGY,       "log2 * 64",         "highest energy rejected since the last beat to its own") \
    X(REJECTED_DISTANCE,         "samples",           "distance of that rejected candidate, at most 400") \
    X(HF_SLOPE,                  "log2 * 64",         "slopes faster than QRS to QRS slopes, within 50 ms") \
    X(LF_SLOPE,                  "log2 * 64",         "slopes slower than QRS to QRS slopes, within 50 ms") \
    X(SLOPE_CREST,               "log2 * 64",         "steepest QRS slope to the sum of QRS slopes") \
    X(ENERGY_Q1,                 "log2 * 64",         "lower quartile of the energy around to its own") \
    X(ENERGY_MEDIAN,             "log2 * 64",         "median of the energy around to its own") \
    X(HF_SLOPE_VS_MEAN,          "log2 * 64",         "HF_SLOPE minus its mean over the last eight beats") \
    X(LF_SLOPE_VS_MEAN,          "log2 * 64",         "LF_SLOPE minus its mean over the last eight beats") \
    X(TEMPLATE_GAIN,             "gain * 64",         "amplitude of the best matching template in the signal; 1 as in the average beat") \
    X(TEMPLATE_CORR,             "correlation * 128", "correlation of the signal with that template") \
    X(NEAR_TEMPLATE_GAIN,        "gain * 64",         "highest gain of the near candidates; -64 when there is none") \
    X(NEXT_TEMPLATE_GAIN,        "gain * 64",         "highest gain of the next candidates, up to 0.55 s; -64 when there is none") \
    X(REJECTED_TEMPLATE_GAIN,    "gain * 64",         "highest gain rejected since the last beat; -64 when there is none") \
    X(TEMPLATE_GAIN_1_RR_BACK,   "gain * 64",         "highest gain one slow mean interval earlier; -64 when there is none") \
    X(TEMPLATE_GAIN_2_RR_BACK,   "gain * 64",         "highest gain two slow mean intervals earlier; -64 when there is none") \
    X(RR_VS_SLOW_MEAN,           "ratio * 64",        "interval since the last beat to the slow mean interval, at most 8") \
    X(TWO_RR_VS_SLOW_MEAN,       "ratio * 64",        "the same since the beat before that") \
    X(MEAN_TEMPLATE_CORR,        "correlation * 128", "running mean of TEMPLATE_CORR over beats, factor 1 / 8") \
    X(SLOW_MEAN_RR_SAMPLES,      "samples",           "slow running mean interval, factor 1 / 24") \
    X(THREE_RR_VS_SLOW_MEAN,     "ratio * 64",        "RR_VS_SLOW_MEAN since the third last beat") \
    X(NOISE_TEMPLATE_GAIN,       "gain * 64",         "running mean of TEMPLATE_GAIN over rejected candidates, factor 1 / 16") \
    X(LOG_ENERGY,                "log2 * 64",         "its energy") \
    X(LOG_PEAK_TO_PEAK,          "log2 * 64",         "its peak-to-peak amplitude") \
    X(KNOWN_BEATS,               "beats",             "beats so far, at most eight") \
    X(AT,                        "samples",           "distance from the first sample, at most 200") \
    X(REPEAT_CORR,               "correlation * 128", "highest correlation of the shape with one of the last twelve candidates of like energy; -128 when there is none") \
    X(SECOND_REPEAT_CORR,        "correlation * 128", "the second highest") \
    X(TEMPLATE_AT,               "samples",           "R peak by the best matching template, from the first sample, -50 to 200") \
    X(LOG_ENERGY_VS_REST,        "log2 * 64",         "energy to that of the quietest thirds of the blocks of 200 ms, over 3.2 s") \
    X(LOG_STEEPEST_VS_MEAN,      "log2 * 64",         "slope of the steepest third of a block to the mean slope, over 3.2 s") \
    X(SHAPE_STEP,                "deviations * 20",   "difference between the ends of the shape") \
    X(REPETITION,                "correlation * 128", "highest autocorrelation of the slopes") \
    X(RR_REPETITION,             "correlation * 128", "autocorrelation of the slopes at the interval since the last beat; -128 from 1.4 s on") \
    X(SLOW_RR_REPETITION,        "correlation * 128", "the same at the slow mean interval")
/* clang-format on */

typedef enum {
#define ECG_QRS_X(name, unit, description) ECG_QRS_##name,
    ECG_QRS_FEATURE_LIST(ECG_QRS_X)
#undef ECG_QRS_X
        ECG_QRS_FEATURES /* how many there are */
} ecg_qrs_feature_t;

#endif
