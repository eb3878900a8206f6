/* How sure the network is of its label, from the logits alone and in integers, so that it is the same
 * everywhere. */
#ifndef ECG_EDGE_CONFIDENCE_H
#define ECG_EDGE_CONFIDENCE_H

#include <stddef.h>
#include <stdint.h>

/* Index of the largest logit; the lowest index when several are the largest. */
size_t argmax(const int8_t *logits, size_t count);

/* Softmax probability of logit `label`, 255 for 1; of the largest where `label` is no index. `scale_q16` is
 * the logits' scale times 65536: a logit's real value is q * scale_q16 / 65536. Off by at most 1 from the
 * softmax in real numbers. */
uint8_t confidence(const int8_t *logits, size_t count, size_t label, uint32_t scale_q16);

#endif
