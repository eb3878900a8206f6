/* Which candidates are beats: some figures of each, weighed by a small network learned on annotated records.
 */
#ifndef ECG_CORE_JUDGE_H
#define ECG_CORE_JUDGE_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

#define ECG_JUDGE_SURE (-INT32_MAX) /* score of a candidate that is too near to the last beat */

typedef enum { ECG_VERDICT_NOISE, ECG_VERDICT_BEAT, ECG_VERDICT_SEARCHBACK } ecg_verdict_t;

/* The oldest candidate of the queue against the beats before it and the candidates after it: its figures. */
void ecg_judge_look(ecg_judge_t *judge, const ecg_queue_t *queue);

/* The oldest candidate is less than 200 ms after the last beat: no heart is that fast. */
bool ecg_judge_refractory(const ecg_judge_t *judge, const ecg_queue_t *queue);

/* Above 0: rather a beat than noise; a logit is 16384. */
int32_t ecg_judge_score(const int16_t *features);

/* Remembers the oldest candidate of the queue as a beat or as noise. */
void ecg_judge_learn(ecg_judge_t *judge, const ecg_queue_t *queue, const int16_t *history, bool beat);

/* The verdict on the candidate that was looked at, and its place in memory. */
ecg_verdict_t ecg_judge_decide(ecg_judge_t *judge, const ecg_queue_t *queue, const int16_t *history);

#endif
