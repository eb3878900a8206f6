/* The ADC behind the AD8232, with the chip's calibration, and the leads-off signals. Of the sampler task
 * alone. */
#ifndef ECG_EDGE_ESP32_FRONT_END_H
#define ECG_EDGE_ESP32_FRONT_END_H

#include <stdbool.h>
#include <stdint.h>

void front_end_init(void);

/* A calibrated sample: 12 bits at 3.3 V; false when the conversion failed. */
bool front_end_convert(int16_t *sample_adu);

/* ECG_CORE_LEAD_OFF_*. */
uint8_t front_end_lead_flags(void);

/* Voltage of the battery; 0: no divider, or no calibration. */
uint16_t front_end_battery_mv(void);

#endif
