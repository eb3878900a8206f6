/* Received bytes on their way from an interrupt to the main loop. */
#ifndef ECG_EDGE_BYTE_RING_H
#define ECG_EDGE_BYTE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole window of encoded SAMPLES frames (16 of 495 bytes), a power of two. */
#define BYTE_RING_BYTES 8192u

typedef struct {
    uint8_t bytes[BYTE_RING_BYTES];
    volatile uint32_t head; /* bytes received, written by the interrupt alone */
    volatile uint32_t tail; /* bytes taken, written by the main loop alone */
    volatile uint32_t lost; /* written by the interrupt alone */
} byte_ring_t;

/* Called by the interrupt; a byte that finds the ring full is counted as lost. */
static inline void byte_ring_keep(byte_ring_t *ring, uint8_t byte) {
    if (ring->head - ring->tail < BYTE_RING_BYTES) {
        ring->bytes[ring->head % BYTE_RING_BYTES] = byte;
        ring->head++;
    } else {
        ring->lost++;
    }
}

static inline bool byte_ring_is_empty(const byte_ring_t *ring) {
    return ring->head == ring->tail;
}

/* Take up to `size` bytes; returns how many. */
static inline size_t byte_ring_take(byte_ring_t *ring, uint8_t *bytes, size_t size) {
    size_t count = 0;
    while (count < size && !byte_ring_is_empty(ring)) {
        bytes[count++] = ring->bytes[ring->tail % BYTE_RING_BYTES];
        ring->tail++;
    }
    return count;
}

#endif
