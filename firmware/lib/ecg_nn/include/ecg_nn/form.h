/* The form of the kernels: chosen by the compiler's target. Each form has tables of its own in network.c,
 * which asks for the macros below; a target that has none of them gets the portable form. ECG_NN_PORTABLE
 * asks for portable C anywhere. */
#ifndef ECG_NN_FORM_H
#define ECG_NN_FORM_H

#if defined(ECG_NN_PORTABLE)
#elif defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define ECG_NN_HELIUM
#elif defined(__ARM_FEATURE_DSP)
#define ECG_NN_ARM_DSP
#elif defined(__riscv_mul) && __riscv_xlen == 32 && !defined(__riscv_32e)
#define ECG_NN_RISCV /* has the tables of the portable form */
#elif defined(__XTENSA__)
#define ECG_NN_XTENSA
#define ECG_NN_UNSIGNED
#elif defined(__ARM_ARCH_6M__)
#define ECG_NN_ARMV6M
#define ECG_NN_UNSIGNED /* cores that load bytes without their sign */
#endif

#endif
