#include "selftest.h"

#include <stdbool.h>
#include <string.h>

#include "engine.h"

static bool golden_vector_agrees(const ecg_model_t *model, size_t vector) {
    const int8_t *inputs[ENGINE_MAX_INPUTS];
    int8_t logits[ENGINE_MAX_LABELS] = {0};
    for (size_t i = 0; i < model->input_count; i++) {
        inputs[i] = model->golden_inputs[i] + vector * model->inputs[i].bytes;
    }
    return engine_invoke(model, inputs, logits) &&
           memcmp(logits, model->golden_logits + vector * model->label_count, model->label_count) == 0;
}

static bool golden_vectors_agree(const ecg_model_t *model) {
    for (size_t vector = 0; vector < model->golden_count; vector++) {
        if (!golden_vector_agrees(model, vector)) {
            return false;
        }
    }
    return true;
}

ecg_link_status_t selftest_run(const ecg_model_t *model, uint32_t fingerprint) {
    if (!engine_is_intact(model)) {
        return ECG_LINK_MODEL_DAMAGED;
    }
    if (fingerprint != model->core_fingerprint) {
        return ECG_LINK_OTHER_CORE;
    }
    return engine_init(model) && golden_vectors_agree(model) ? ECG_LINK_READY : ECG_LINK_SELF_TEST_FAILED;
}
