#include "engine.h"

/* The compiler's library has a strcmp of 700 bytes, made for speed; this runs once for each beat. */
static bool same_text(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static const engine_array_t *find(const ecg_nn_tensor_t *tensor, const engine_array_t *arrays, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (arrays[i].bytes == tensor->bytes && same_text(arrays[i].name, tensor->name)) {
            return &arrays[i];
        }
    }
    return NULL;
}

bool engine_bind(const ecg_model_t *model, const engine_array_t *arrays, size_t count,
                 const int8_t *inputs[]) {
    for (size_t i = 0; i < model->input_count; i++) {
        const engine_array_t *array = find(&model->inputs[i], arrays, count);
        if (array == NULL) {
            return false;
        }
        inputs[i] = array->values;
    }
    return true;
}
