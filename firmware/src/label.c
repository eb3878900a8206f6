#include "label.h"

#include "ecg_base/static_assert.h"
#include "ecg_link/messages.h"
#include "ecg_rhythm/ecg_rhythm_labels.h"

ECG_STATIC_ASSERT(ECG_RHYTHM_UNCLASSIFIED == ECG_LINK_UNCLASSIFIABLE, one_number_for_no_label);
ECG_STATIC_ASSERT(ECG_RHYTHM_WINDOW_POINTS == ECG_CORE_BEAT_POINTS, windows_are_as_long);
ECG_STATIC_ASSERT(ECG_RHYTHM_WINDOW_CHANNELS == ECG_CORE_BEAT_CHANNELS, and_as_wide);

static ecg_rhythm_labels_t state;

void label_start(const char *labels) {
    ecg_rhythm_labels_init(&state, labels);
}

uint8_t label_of(const ecg_core_beat_t *beat, const int8_t *logits, bool in_fibrillation) {
    const ecg_rhythm_unlabelled_t unlabelled = {
        .window = &beat->beat[0][0],
        .outputs = logits,
        .is_bad = (beat->flags & ECG_CORE_FLAG_UNCLASSIFIABLE) != 0,
        .is_learning = (beat->flags & ECG_CORE_FLAG_LEARNING) != 0,
    };
    const ecg_rhythm_label_t found = ecg_rhythm_labels_beat(&state, &unlabelled);
    return in_fibrillation ? found.in_fibrillation : found.label;
}

uint32_t label_fingerprint(uint32_t crc) {
    return ecg_rhythm_labels_fingerprint(&state, crc);
}
