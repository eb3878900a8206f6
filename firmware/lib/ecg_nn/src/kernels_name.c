#include "ecg_nn_private.h"

const char *ecg_nn_kernels_name(void) {
#if defined(ECG_NN_HELIUM)
    return "helium";
#elif defined(ECG_NN_ARM_DSP)
    return "arm-dsp";
#elif defined(ECG_NN_XTENSA)
    return "xtensa";
#elif defined(ECG_NN_ARMV6M)
    return "armv6m";
#elif defined(ECG_NN_RISCV)
    return "riscv";
#else
    return "portable";
#endif
}
