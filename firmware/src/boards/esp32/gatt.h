/* Services and characteristics, and what their values are. */
#ifndef ECG_EDGE_ESP32_GATT_H
#define ECG_EDGE_ESP32_GATT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boards/board.h"

#define GATT_VALUES (BOARD_VALUE_EVENT + 1)

/* Register all services; false when NimBLE refuses them. */
bool gatt_init(void);

/* Handle of a value's characteristic; 0: the board does not have it. */
uint16_t gatt_handle(board_value_t value);

/* Keep what is read: the charge of the battery. */
void gatt_keep(board_value_t value, const uint8_t *bytes, size_t size);

#endif
