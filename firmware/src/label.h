/* The label of a beat, from the network's outputs and what is known around the beat.
 * host/reference/labels.py has the same rule. */
#ifndef ECG_EDGE_LABEL_H
#define ECG_EDGE_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a label depends on besides the outputs. */
typedef struct {
    uint16_t flags;       /* of the beat, ECG_CORE_FLAG_* */
    bool in_fibrillation; /* suspected when the beat comes (events_fibrillation) */
} label_context_t;

/* Index of the label in `labels`, comma-separated names such as "N,L,R,A,V", or ECG_LINK_UNCLASSIFIABLE.
 *
 * The largest logit's, but: in suspected atrial fibrillation no beat is supraventricular, because none is
 * premature where every interval is another; the largest logit of N, L and R decides. No beat is ectopic
 * before the patient's average beat is known, and in bad signal no label is taken at all. */
uint8_t label_of(const char *labels, const int8_t *logits, size_t count, label_context_t context);

#ifdef __cplusplus
}
#endif

#endif
