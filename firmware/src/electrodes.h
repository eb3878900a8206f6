/* Electrodes and limits of the ADC, sample by sample, with hysteresis. */
#ifndef ECG_EDGE_ELECTRODES_H
#define ECG_EDGE_ELECTRODES_H

#include <stdbool.h>
#include <stdint.h>

/* Zero it at the start: nothing is known. */
typedef struct {
    uint16_t off, on, saturated, within; /* samples in a row, counted up to one second */
} electrodes_t;

/* What holds long enough to act on. */
typedef struct {
    bool off, on, saturated, within;
} electrodes_signs_t;

/* Take a sample. */
electrodes_signs_t electrodes_take(electrodes_t *electrodes, int16_t sample_adu, uint8_t lead_flags);

#endif
