#include "selftest.h"

#include <stdbool.h>
#include <string.h>

#include "engine.h"
#include "model_info.h"

static bool golden_vectors_agree(void) {
    for (size_t i = 0; i < ECG_MODEL_GOLDEN_COUNT; i++) {
        int8_t logits[ECG_MODEL_LABEL_COUNT] = {0};
        if (!engine_invoke(ecg_model_golden_beat[i], ecg_model_golden_rhythm[i], logits) ||
            memcmp(logits, ecg_model_golden_logits[i], sizeof logits) != 0) {
            return false;
        }
    }
    return true;
}

ecg_link_status_t selftest_run(ecg_core_t *core, uint32_t *fingerprint) {
    *fingerprint = ecg_core_fingerprint(core);
    if (!engine_is_intact()) {
        return ECG_LINK_MODEL_DAMAGED;
    }
    if (*fingerprint != ECG_MODEL_CORE_FINGERPRINT) {
        return ECG_LINK_OTHER_CORE;
    }
    return engine_init() && golden_vectors_agree() ? ECG_LINK_READY : ECG_LINK_SELF_TEST_FAILED;
}
