/* QRS classifier: decides which candidates are beats, by a network of one hidden layer on 48 features,
 * trained on annotated records (training/detector). */
#ifndef ECG_CORE_QRS_CLASSIFIER_H
#define ECG_CORE_QRS_CLASSIFIER_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

#define ECG_QRS_SCORE_REFUSED (-INT32_MAX) /* score of a candidate that cannot be a beat */

typedef enum {
    ECG_QRS_DECISION_NOISE,
    ECG_QRS_DECISION_BEAT,
    ECG_QRS_DECISION_SEARCHBACK
} ecg_qrs_decision_t;

/* Compute the features of the queue's oldest candidate from the beats before it, the candidates after it, and
 * the signal around. */
void ecg_qrs_extract_features(ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue,
                              const ecg_sqi_measures_t *measures);

/* True within 200 ms of the last beat: the physiological refractory period. */
bool ecg_qrs_is_refractory(const ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue);

/* Score of a feature vector: the logit of "beat" * 16384; above 0 is a beat. */
int32_t ecg_qrs_score(const int16_t *features);

/* Update the reference levels with the queue's oldest candidate, as a beat or as noise. */
void ecg_qrs_learn(ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue, const int16_t *history,
                   bool beat);

/* Compute the first half of the score of the candidate whose features were extracted last, so that no sample
 * carries the whole of it. */
void ecg_qrs_score_first_half(ecg_qrs_classifier_t *classifier);

/* Compute the second half, classify the candidate, and learn from it. */
ecg_qrs_decision_t ecg_qrs_classify(ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue,
                                    const int16_t *history);

#endif
