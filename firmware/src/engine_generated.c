/* The engine generated from the .tflite file: the bundle's network.c. */
#ifndef ECG_ENGINE_TFLM

#include <string.h>

#include "ecg_nn/ecg_nn.h"
#include "engine.h"
#include "model.h"

#define PREFIX "generated/"

/* A network whose tensors are all the caller's needs no arena, but C has no empty array. */
static int32_t arena[ECG_MODEL_ARENA_BYTES > 0 ? ECG_MODEL_ARENA_BYTES / 4 : 1];

bool engine_init(const ecg_model_t *model) {
    return model->network->arena_bytes <= sizeof arena && model->network->output_count == 1 &&
           model->input_count <= ENGINE_MAX_INPUTS && model->label_count <= ENGINE_MAX_LABELS;
}

bool engine_is_intact(const ecg_model_t *model) {
    return model->network->checksum() == model->network->expected_checksum;
}

bool engine_invoke(const ecg_model_t *model, const int8_t *const inputs[], int8_t *logits) {
    model->network->run(arena, inputs, &logits);
    return true;
}

const char *engine_name(void) {
    static char name[32] = PREFIX;
    if (name[sizeof PREFIX - 1] == '\0') {
        strncat(name, ecg_nn_kernels_name(), sizeof name - sizeof PREFIX);
    }
    return name;
}

uint32_t engine_arena_bytes(void) {
    return ECG_MODEL_ARENA_BYTES;
}

#else
typedef int engine_generated_is_not_used; /* C wants a declaration in every file */
#endif
