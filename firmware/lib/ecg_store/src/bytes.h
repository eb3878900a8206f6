/* Little-endian integers in bytes. */
#ifndef ECG_STORE_BYTES_H
#define ECG_STORE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Put the `size` lowest bytes of a value; the result is where the next field begins. */
static inline uint8_t *put_field(uint8_t *at, uint32_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> (8u * i));
    }
    return at + size;
}

static inline uint32_t get_field(const uint8_t *at, size_t size) {
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value |= (uint32_t)at[i] << (8u * i);
    }
    return value;
}

static inline void put_u32(uint8_t *at, uint32_t value) {
    put_field(at, value, 4);
}

static inline uint32_t get_u32(const uint8_t *at) {
    return get_field(at, 4);
}

#endif
