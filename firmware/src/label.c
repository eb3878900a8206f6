#include "label.h"

#include "confidence.h"
#include "ecg_core/ecg_core.h"
#include "ecg_link/messages.h"
#include "ecg_rhythm/ecg_rhythm.h"

/* The normal beats' label with the largest logit; `other`, which is not normal, where there is none. */
static size_t best_normal(const char *labels, const int8_t *logits, size_t count, size_t other) {
    size_t best = other;
    for (size_t i = 0; i < count; i++) {
        const bool is_normal = ecg_rhythm_class_of(labels, (uint8_t)i) == ECG_RHYTHM_NORMAL;
        if (is_normal && (best == other || logits[i] > logits[best])) {
            best = i;
        }
    }
    return best;
}

uint8_t label_of(const char *labels, const int8_t *logits, size_t count, label_context_t context) {
    size_t label = argmax(logits, count);
    if (context.in_fibrillation &&
        ecg_rhythm_class_of(labels, (uint8_t)label) == ECG_RHYTHM_SUPRAVENTRICULAR) {
        label = best_normal(labels, logits, count, label);
    }
    const ecg_rhythm_class_t beat_class = ecg_rhythm_class_of(labels, (uint8_t)label);
    const bool is_ectopic = beat_class == ECG_RHYTHM_SUPRAVENTRICULAR || beat_class == ECG_RHYTHM_VENTRICULAR;
    const bool is_bad = (context.flags & ECG_CORE_FLAG_UNCLASSIFIABLE) != 0;
    const bool is_learning = (context.flags & ECG_CORE_FLAG_LEARNING) != 0;
    return is_bad || (is_learning && is_ectopic) ? ECG_LINK_UNCLASSIFIABLE : (uint8_t)label;
}
