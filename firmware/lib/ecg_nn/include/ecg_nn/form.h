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
#elif defined(__XTENSA__)
#define ECG_NN_XTENSA /* has the tables of the portable form */
#elif defined(__riscv) && defined(__riscv_mul)
#define ECG_NN_RISCV /* has the tables of the portable form */
#endif

#endif
