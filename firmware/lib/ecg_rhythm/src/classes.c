/* From a model's labels, which are WFDB's symbols of beats, to classes: ANSI/AAMI EC57's, fusion beats being
 * ventricular as in its runs. */
#include <stddef.h>
#include <string.h>

#include "ecg_rhythm/ecg_rhythm.h"

static ecg_rhythm_class_t class_of_symbol(char symbol) {
    static const struct {
        const char *symbols;
        ecg_rhythm_class_t beat_class;
    } CLASSES[] = {
        {"NLRBejn", ECG_RHYTHM_NORMAL},
        {"AaJS", ECG_RHYTHM_SUPRAVENTRICULAR},
        {"VrEF", ECG_RHYTHM_VENTRICULAR},
    };
    for (size_t i = 0; i < sizeof CLASSES / sizeof CLASSES[0]; i++) {
        if (symbol != '\0' && strchr(CLASSES[i].symbols, symbol) != NULL) {
            return CLASSES[i].beat_class;
        }
    }
    return ECG_RHYTHM_UNCLASSIFIABLE;
}

ecg_rhythm_class_t ecg_rhythm_class_of(const char *labels, uint8_t label) {
    for (; label > 0; label--) {
        labels = strchr(labels, ',');
        if (labels == NULL) {
            return ECG_RHYTHM_UNCLASSIFIABLE;
        }
        labels++;
    }
    const bool is_one_letter = labels[0] != '\0' && (labels[1] == ',' || labels[1] == '\0');
    return is_one_letter ? class_of_symbol(labels[0]) : ECG_RHYTHM_UNCLASSIFIABLE;
}

uint8_t ecg_rhythm_certainty(const int8_t *outputs, uint8_t count) {
    int32_t largest = INT8_MIN, next = INT8_MIN;
    for (uint8_t i = 0; i < count; i++) {
        if (outputs[i] > largest) {
            next = largest;
            largest = outputs[i];
        } else if (outputs[i] > next) {
            next = outputs[i];
        }
    }
    return (uint8_t)(count < 2 ? 0 : largest - next);
}
