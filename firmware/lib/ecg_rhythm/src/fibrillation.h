/* Is a stretch of intervals atrial fibrillation, or irregular at least? Figures of the intervals, and a
 * logistic score of them. */
#ifndef ECG_RHYTHM_FIBRILLATION_H
#define ECG_RHYTHM_FIBRILLATION_H

#include "ecg_rhythm/ecg_rhythm_state.h"

/* X(name, description); shares are in per mille of the intervals that count. */
#define ECG_RHYTHM_FEATURE_LIST(X)                                                        \
    X(FAR_1, "share that differs by 8 % from the interval before")                        \
    X(FAR_2, "share that differs by 8 % from the second before")                          \
    X(FAR_3, "share that differs by 8 % from the third before")                           \
    X(FAR_4, "share that differs by 8 % from the fourth before")                          \
    X(FAR, "smallest of these four")                                                      \
    X(BENT, "share that differs by 8 % from the line through the two before")             \
    X(EARLY, "share of unlike neighbours that are hardly longer than two mean intervals") \
    X(SPREAD_5, "5 % of the intervals are at most so long, in per mille of the median")   \
    X(SPREAD_10, "10 % of the intervals")                                                 \
    X(SPREAD_25, "25 % of the intervals")                                                 \
    X(SPREAD_75, "75 % of the intervals")                                                 \
    X(SPREAD_90, "90 % of the intervals")                                                 \
    X(SPREAD_95, "95 % of the intervals")                                                 \
    X(ENTROPY, "of the intervals' distribution around the median, 64 a bit")              \
    X(RATE, "beats a minute")                                                             \
    X(P_WAVE, "mean evidence of a P wave, 32 a logit")                                    \
    X(NO_P_WAVE, "share without a P wave")                                                \
    X(LEFT_OUT, "share of beats left out: ventricular, unreadable, or behind such")       \
    X(QUALITY, "mean quality of the signal, 0 to 100")                                    \
    X(UNLIKE, "mean difference from the patient's average beat, 64 a standard deviation") \
    X(FEW, "12,000 by the number of intervals")

enum {
#define ECG_RHYTHM_X(name, description) ECG_RHYTHM_FEATURE_##name,
    ECG_RHYTHM_FEATURE_LIST(ECG_RHYTHM_X)
#undef ECG_RHYTHM_X
        ECG_RHYTHM_FEATURES
};

/* Describe the newest `count` intervals. False with fewer than ECG_RHYTHM_IRREGULAR_LEAST that count. */
bool ecg_rhythm_describe(const ecg_rhythm_irregular_t *irregular, uint8_t count, uint16_t fs_hz,
                         int16_t features[ECG_RHYTHM_FEATURES]);

/* Scores, 256 a logit: fibrillation (irregular and without P waves), and irregular whatever the P waves. */
int32_t ecg_rhythm_score_fibrillation(const int16_t features[ECG_RHYTHM_FEATURES]);
int32_t ecg_rhythm_score_irregular(const int16_t features[ECG_RHYTHM_FEATURES]);

/* A score as percent: 50 where it is 0. */
uint8_t ecg_rhythm_percent(int32_t score);

#endif
