// TensorFlow Lite Micro behind engine.h. Compiled only where custom_engine = tflm brings its headers.
#ifdef ECG_ENGINE_TFLM

#include <cstring>
#include <new>

#include "ecg_base/crc32.h"
#include "engine.h"
#include "model_data.h"
#include "model_info.h"
#include "op_resolver.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"

namespace {

alignas(16) uint8_t arena[ECG_MODEL_TFLM_ARENA_BYTES];
tflite::MicroInterpreter *interpreter = nullptr;

// Objects that are never destroyed: a static one would be registered with atexit, which brings in a heap.
alignas(EcgOpResolver) uint8_t resolver_place[sizeof(EcgOpResolver)];
alignas(tflite::MicroInterpreter) uint8_t interpreter_place[sizeof(tflite::MicroInterpreter)];

// The converter may have swapped the inputs: the beat is the larger one.
TfLiteTensor *input_of_size(size_t bytes) {
    for (size_t i = 0; i < interpreter->inputs_size(); i++) {
        if (interpreter->input(i)->bytes == bytes) {
            return interpreter->input(i);
        }
    }
    return nullptr;
}

constexpr size_t kBeatBytes = sizeof ecg_model_golden_beat[0];
constexpr size_t kRhythmBytes = sizeof ecg_model_golden_rhythm[0];

bool tensors_fit() {
    return input_of_size(kBeatBytes) != nullptr && input_of_size(kRhythmBytes) != nullptr &&
           interpreter->outputs_size() == 1 && interpreter->output(0)->bytes == ECG_MODEL_LABEL_COUNT;
}

}  // namespace

bool engine_init(void) {
    tflite::InitializeTarget();
    const tflite::Model *model = tflite::GetModel(ecg_model_data);
    auto *resolver = new (resolver_place) EcgOpResolver;
    if (model->version() != TFLITE_SCHEMA_VERSION || !ecg_add_operators(*resolver)) {
        return false;
    }
    interpreter = new (interpreter_place) tflite::MicroInterpreter(model, *resolver, arena, sizeof arena);
    return interpreter->AllocateTensors() == kTfLiteOk && tensors_fit();
}

bool engine_is_intact(void) {
    return ecg_crc32(0, ecg_model_data, ECG_MODEL_DATA_BYTES) == ECG_MODEL_DATA_CRC32;
}

bool engine_invoke(const int8_t *beat, const int8_t *rhythm, int8_t *logits) {
    memcpy(input_of_size(kBeatBytes)->data.int8, beat, kBeatBytes);
    memcpy(input_of_size(kRhythmBytes)->data.int8, rhythm, kRhythmBytes);
    if (interpreter->Invoke() != kTfLiteOk) {
        return false;
    }
    memcpy(logits, interpreter->output(0)->data.int8, ECG_MODEL_LABEL_COUNT);
    return true;
}

const char *engine_name(void) {
    return "tflm";
}

uint32_t engine_arena_bytes(void) {
    return sizeof arena;
}

#endif
