#include "ecg_nn_private.h"

const char *ecg_nn_kernels_name(void) {
    return "portable";
}
