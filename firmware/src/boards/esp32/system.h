/* Sleep of the chip while nothing is sampled. */
#ifndef ECG_EDGE_ESP32_SYSTEM_H
#define ECG_EDGE_ESP32_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

void system_init(void);

/* Call often. A host that sends keeps the chip awake for some time: bytes that come while it sleeps are lost.
 */
void system_follow_host(bool has_sent, uint32_t now_ms);

#endif
