/* Cause of a reset from the flags of RCC_CSR (reference manual RM0090, 7.3.21). */
#ifndef ECG_EDGE_STM32F405_RESET_FLAGS_H
#define ECG_EDGE_STM32F405_RESET_FLAGS_H

#include <stdint.h>

#include "reset_cause.h"

/* The first flag that is set in this order. A power-on sets BORRSTF and PINRSTF, too, and every reset
 * PINRSTF. */
static inline reset_cause_t reset_cause_of(uint32_t csr) {
    if (csr & (1u << 27)) {
        return RESET_POWER_ON;
    }
    if (csr & (1u << 25)) {
        return RESET_BROWN_OUT;
    }
    if (csr & ((1u << 29) | (1u << 30))) {
        return RESET_WATCHDOG;
    }
    if (csr & (1u << 28)) {
        return RESET_SOFTWARE;
    }
    return csr & (1u << 26) ? RESET_PIN : RESET_UNKNOWN;
}

#endif
