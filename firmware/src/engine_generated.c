/* The engine generated from the .tflite file: the bundle's network.c. */
#ifndef ECG_ENGINE_TFLM

#include <string.h>

#include "ecg_core/ecg_core.h"
#include "ecg_nn/ecg_nn.h"
#include "engine.h"
#include "model_info.h"
#include "network.h"

#define PREFIX "generated/"
#define ASSERT_EQUAL(name, a, b) typedef char name[(a) == (b) ? 1 : -1]

ASSERT_EQUAL(beat_tensor_is_the_signal_paths, NETWORK_BEAT_BYTES,
             ECG_CORE_BEAT_POINTS *ECG_CORE_BEAT_CHANNELS);
ASSERT_EQUAL(rhythm_tensor_is_the_signal_paths, NETWORK_RHYTHM_BYTES, ECG_CORE_RHYTHM_FEATURES);
ASSERT_EQUAL(output_has_one_byte_a_label, NETWORK_OUTPUT_BYTES, ECG_MODEL_LABEL_COUNT);

bool engine_init(void) {
    return true;
}

bool engine_is_intact(void) {
    return network_checksum() == NETWORK_CHECKSUM;
}

bool engine_invoke(const int8_t *beat, const int8_t *rhythm, int8_t *logits) {
    network_run(beat, rhythm, logits);
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
    return NETWORK_ARENA_BYTES;
}

#else
typedef int engine_generated_is_not_used; /* C wants a declaration in every file */
#endif
