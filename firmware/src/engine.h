/* The one interface behind which a network runs: C generated from the .tflite file (engine_generated.c) or
 * TensorFlow Lite Micro (engine_tflm.cpp). The build flag ECG_ENGINE_TFLM chooses; both give the same bytes.
 * All models share one arena of ECG_MODEL_ARENA_BYTES (model.h), so calls must not overlap. */
#ifndef ECG_EDGE_ENGINE_H
#define ECG_EDGE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ecg_nn/model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ENGINE_MAX_INPUTS 4u
#define ENGINE_MAX_LABELS 32u

/* An array under the name of a model's input. */
typedef struct {
    const char *name;
    const int8_t *values;
    uint32_t bytes;
} engine_array_t;

/* Prepare a model; false when it cannot run here: the arena, the number of inputs or of labels, and for TFLM
 * the schema and the operators. */
bool engine_init(const ecg_model_t *model);

/* Are the model's constants in this image those of the bundle? Compares their checksum with the bundle's. */
bool engine_is_intact(const ecg_model_t *model);

/* Find the array of each input by its name. inputs: ENGINE_MAX_INPUTS pointers, set in the order of
 * model->inputs. False when an input has no array of its name and size. */
bool engine_bind(const ecg_model_t *model, const engine_array_t *arrays, size_t count,
                 const int8_t *inputs[]);

/* Run a model once. inputs: one pointer for each of model->inputs; logits: model->label_count bytes out. */
bool engine_invoke(const ecg_model_t *model, const int8_t *const inputs[], int8_t *logits);

/* "generated" or "tflm", with the kernels' form, e.g. "generated/portable". */
const char *engine_name(void);

/* Bytes of RAM of the arena that all models share. */
uint32_t engine_arena_bytes(void);

#ifdef __cplusplus
}
#endif

#endif
