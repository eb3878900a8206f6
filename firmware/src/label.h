/* The label of a beat, from the network's outputs and what is known around the beat (ecg_rhythm_labels.h).
 * host/reference/labels.py gives the same labels, by the same code. */
#ifndef ECG_EDGE_LABEL_H
#define ECG_EDGE_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#include "ecg_core/ecg_core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Begin with a new patient; `labels` are the model's, comma-separated, and stay where they are. */
void label_start(const char *labels);

/* Index of the label of the next beat, or ECG_LINK_UNCLASSIFIABLE.
 *
 * in_fibrillation: suspected when the beat comes (events_fibrillation). No beat is supraventricular then,
 * because none is premature where every interval is another. */
uint8_t label_of(const ecg_core_beat_t *beat, const int8_t *logits, bool in_fibrillation);

/* Continues the fingerprint of the rhythm rules. Works in the memory of a session, so not during one. */
uint32_t label_fingerprint(uint32_t crc);

#ifdef __cplusplus
}
#endif

#endif
