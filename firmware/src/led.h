/* LED: one flash per beat, or endlessly the number of the self-test's status (docs/reference/protocol.md). */
#ifndef ECG_EDGE_LED_H
#define ECG_EDGE_LED_H

#include <stdint.h>

/* A beat was reported. */
void led_beat(uint32_t now_ms);

/* Call often. `status`: 0, or the number of blinks, repeated every 3 s. */
void led_update(uint32_t now_ms, uint8_t status);

#endif
