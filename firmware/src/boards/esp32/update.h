/* Updates of the firmware into the other of two partitions, and the way back. */
#ifndef ECG_EDGE_ESP32_UPDATE_H
#define ECG_EDGE_ESP32_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ecg_board/update.h"

void update_init(void);

/* Messages from the radio, in its task. */
ecg_update_result_t update_control(const uint8_t *bytes, size_t size);
ecg_update_result_t update_data(const uint8_t *bytes, size_t size);

/* What a host reads of an update. */
void update_state(uint8_t bytes[ECG_UPDATE_STATE_BYTES]);

/* The new image is in place: start it, when the answer is on its way. Called by the main task. */
void update_restart_when_done(void);

#endif
