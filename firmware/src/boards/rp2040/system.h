/* Why the chip started, and the watchdog that starts it again. */
#ifndef ECG_EDGE_RP2040_SYSTEM_H
#define ECG_EDGE_RP2040_SYSTEM_H

#include <stdint.h>

#include "reset_cause.h"

/* Cause from the registers CHIP_RESET and WATCHDOG.REASON (data sheet 2.12.7 and 4.7.6). The chip does not
 * tell a power-on from a brown-out. */
static inline reset_cause_t reset_cause_of(uint32_t chip_reset, uint32_t watchdog_reason) {
    if (watchdog_reason & 1u) {
        return RESET_WATCHDOG;
    }
    if (watchdog_reason & 2u) {
        return RESET_SOFTWARE;
    }
    if (chip_reset & (1u << 8)) {
        return RESET_POWER_ON;
    }
    return chip_reset & ((1u << 16) | (1u << 20)) ? RESET_PIN : RESET_UNKNOWN;
}

#endif
