/* Numbers in little-endian order, as Bluetooth has them. */
#ifndef ECG_BLE_BYTES_H
#define ECG_BLE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Returns the place behind the number. */
static inline uint8_t *ecg_ble_put(uint8_t *at, uint32_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8u * i));
    }
    return at + bytes;
}

#endif
