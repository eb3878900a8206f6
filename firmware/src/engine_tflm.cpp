// TensorFlow Lite Micro behind engine.h. Compiled only where custom_engine = tflm brings its headers.
#ifdef ECG_ENGINE_TFLM

#include <cstring>
#include <new>

#include "ecg_base/crc32.h"
#include "engine.h"
#include "model.h"
#include "op_resolver.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

using OpResolver = tflite::MicroMutableOpResolver<ECG_MODEL_OPERATOR_KINDS>;

alignas(16) uint8_t arena[ECG_MODEL_ARENA_BYTES];
tflite::MicroInterpreter *interpreter = nullptr;
const ecg_model_t *prepared = nullptr;  // the model whose tensors the arena holds

// Objects that are never destroyed: a static one would be registered with atexit, which brings in a heap.
alignas(OpResolver) uint8_t resolver_place[sizeof(OpResolver)];
alignas(tflite::MicroInterpreter) uint8_t interpreter_place[sizeof(tflite::MicroInterpreter)];

bool fits(const ecg_model_t *model) {
    return model->flatbuffer->arena_bytes <= sizeof arena && model->input_count <= ENGINE_MAX_INPUTS &&
           model->label_count <= ENGINE_MAX_LABELS;
}

bool tensors_fit(const ecg_model_t *model) {
    for (size_t i = 0; i < model->input_count; i++) {
        const ecg_nn_tensor_t &tensor = model->inputs[i];
        if (tensor.file_index >= interpreter->inputs_size() ||
            interpreter->input(tensor.file_index)->bytes != tensor.bytes) {
            return false;
        }
    }
    return interpreter->inputs_size() == model->input_count && interpreter->outputs_size() == 1 &&
           interpreter->output(0)->bytes == model->label_count;
}

}  // namespace

bool engine_init(const ecg_model_t *model) {
    prepared = nullptr;
    tflite::InitializeTarget();
    const tflite::Model *flatbuffer = tflite::GetModel(model->flatbuffer->data);
    auto *resolver = new (resolver_place) OpResolver;
    if (!fits(model) || flatbuffer->version() != TFLITE_SCHEMA_VERSION ||
        !ECG_MODEL_ADD_OPERATORS(*resolver)) {
        return false;
    }
    interpreter =
        new (interpreter_place) tflite::MicroInterpreter(flatbuffer, *resolver, arena, sizeof arena);
    if (interpreter->AllocateTensors() != kTfLiteOk || !tensors_fit(model)) {
        return false;
    }
    prepared = model;
    return true;
}

bool engine_is_intact(const ecg_model_t *model) {
    const ecg_nn_flatbuffer_t *flatbuffer = model->flatbuffer;
    return ecg_crc32(0, flatbuffer->data, flatbuffer->bytes) == flatbuffer->expected_crc32;
}

bool engine_invoke(const ecg_model_t *model, const int8_t *const inputs[], int8_t *logits) {
    if (prepared != model && !engine_init(model)) {
        return false;
    }
    for (size_t i = 0; i < model->input_count; i++) {
        memcpy(interpreter->input(model->inputs[i].file_index)->data.int8, inputs[i], model->inputs[i].bytes);
    }
    if (interpreter->Invoke() != kTfLiteOk) {
        return false;
    }
    memcpy(logits, interpreter->output(0)->data.int8, model->label_count);
    return true;
}

const char *engine_name(void) {
    return "tflm";
}

uint32_t engine_arena_bytes(void) {
    return sizeof arena;
}

#endif
