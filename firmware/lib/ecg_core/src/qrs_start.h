/* Start of the QRS classifier: the reference beat, one of the first candidates, that stands for all beats
 * until there are some. */
#ifndef ECG_CORE_QRS_START_H
#define ECG_CORE_QRS_START_H

#include "ecg_core/ecg_core_state.h"

#define ECG_QRS_DEFAULT_RR 288 /* 0.8 s */

/* Rank the next described candidate: high ones, and those that repeat, come first. */
void ecg_qrs_start_rank(ecg_qrs_start_t *start, const ecg_queue_t *queue);

/* Set all reference levels and the first template from the candidate of the highest rank. */
void ecg_qrs_start_choose(ecg_qrs_classifier_t *classifier, const ecg_queue_t *queue, const int16_t *history);

#endif
