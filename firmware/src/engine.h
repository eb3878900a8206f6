/* The one interface behind which a network runs: C generated from the .tflite file (engine_generated.c) or
 * TensorFlow Lite Micro (engine_tflm.cpp). The build flag ECG_ENGINE_TFLM chooses; both give the same bytes.
 */
#ifndef ECG_EDGE_ENGINE_H
#define ECG_EDGE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Prepare the engine; false when the model cannot run here (TFLM: schema, operators or arena). */
bool engine_init(void);

/* Are the model's constants in this image those of the bundle? Their checksum against the one in
 * model_info.h. */
bool engine_is_intact(void);

/* Run one beat. beat: ECG_CORE_BEAT_POINTS * ECG_CORE_BEAT_CHANNELS bytes, rhythm: ECG_CORE_RHYTHM_FEATURES,
 * logits: ECG_MODEL_LABEL_COUNT bytes out. */
bool engine_invoke(const int8_t *beat, const int8_t *rhythm, int8_t *logits);

/* "generated" or "tflm", with the kernels' form, e.g. "generated/portable". */
const char *engine_name(void);

/* Bytes of RAM that the engine's tensors take. */
uint32_t engine_arena_bytes(void);

#ifdef __cplusplus
}
#endif

#endif
