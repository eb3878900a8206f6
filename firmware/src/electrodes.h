/* Electrodes and limits of the ADC, sample by sample, with hysteresis: causes for the state machine. */
#ifndef ECG_EDGE_ELECTRODES_H
#define ECG_EDGE_ELECTRODES_H

#include <stdbool.h>
#include <stdint.h>

#include "mode.h"

typedef struct {
    uint16_t off, on, saturated, within; /* samples in a row, counted up to their limits */
} electrodes_t;

/* Nothing is known: zero the state.
 *
 * A new sample; true: *cause holds. It comes again with every sample for which it holds. */
bool electrodes_take(electrodes_t *electrodes, int16_t sample_adu, uint8_t lead_flags, mode_cause_t *cause);

#endif
