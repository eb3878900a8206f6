/* LED: a flash for every beat, or the number of the self-test's status without end. The tables below are all
 * of its patterns; docs/reference/modes.md shows them. */
#ifndef ECG_EDGE_LED_H
#define ECG_EDGE_LED_H

#include <stdint.h>

/* ms; half of a blink it is on */
#define LED_FLASH_MS 60u
#define LED_BLINK_MS 400u
#define LED_PERIOD_MS 3000u

/* Number of blinks in a period, status of the self-test (ECG_LINK_*), text. */
#define LED_CODES(X)                                                                       \
    X(1, SELF_TEST_FAILED, "self-test failed: the engine's bytes are not the golden ones") \
    X(2, MODEL_DAMAGED, "the model's checksum is wrong")                                   \
    X(3, OTHER_CORE, "the model was trained with another signal path")

/* A beat was reported. */
void led_beat(uint32_t now_ms);

/* Call often. `status`: 0, or a number of blinks. */
void led_update(uint32_t now_ms, uint8_t status);

#endif
