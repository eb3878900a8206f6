/* The ring of candidates in ecg_queue_t. */
#ifndef ECG_CORE_CANDIDATE_QUEUE_H
#define ECG_CORE_CANDIDATE_QUEUE_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* Item number i, the oldest is 0. */
static inline const ecg_candidate_t *ecg_queue_item(const ecg_queue_t *queue, uint32_t i) {
    return &queue->items[(queue->first + i) % ECG_QUEUE_CANDIDATES];
}

static inline ecg_candidate_t *ecg_queue_change(ecg_queue_t *queue, uint32_t i) {
    return &queue->items[(queue->first + i) % ECG_QUEUE_CANDIDATES];
}

/* False when it is full: that many peaks within 800 ms are noise, or marks that cannot be. */
static inline bool ecg_queue_add(ecg_queue_t *queue, uint32_t at, int32_t energy) {
    if (queue->count == ECG_QUEUE_CANDIDATES) {
        return false;
    }
    ecg_candidate_t *item = ecg_queue_change(queue, queue->count++);
    item->at = item->energy_at = at;
    item->energy = energy;
    return true;
}

/* Takes out the oldest, which is refined and described. */
static inline void ecg_queue_drop(ecg_queue_t *queue) {
    queue->first = (uint8_t)((queue->first + 1u) % ECG_QUEUE_CANDIDATES);
    queue->count--;
    queue->matched--;
    queue->refined--;
    queue->described--;
}

#endif
