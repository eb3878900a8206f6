/* Received bytes on their way from an interrupt, or a task, to the main loop. One writes and one reads, also
 * on two cores. */
#ifndef ECG_EDGE_BYTE_RING_H
#define ECG_EDGE_BYTE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole window of encoded SAMPLES frames (16 of 495 bytes), a power of two. */
#define BYTE_RING_BYTES 8192u

typedef struct {
    uint8_t bytes[BYTE_RING_BYTES];
    uint32_t head; /* bytes received, written by the receiver alone */
    uint32_t tail; /* bytes taken, written by the main loop alone */
    uint32_t lost; /* written by the receiver alone */
} byte_ring_t;

/* Called by the receiver: bytes were lost. */
static inline void byte_ring_lose(byte_ring_t *ring, uint32_t bytes) {
    __atomic_store_n(&ring->lost, ring->lost + bytes, __ATOMIC_RELAXED);
}

static inline uint32_t byte_ring_lost(const byte_ring_t *ring) {
    return __atomic_load_n(&ring->lost, __ATOMIC_RELAXED);
}

/* Called by the receiver; a byte that finds the ring full is counted as lost. */
static inline void byte_ring_keep(byte_ring_t *ring, uint8_t byte) {
    const uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
    if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == BYTE_RING_BYTES) {
        byte_ring_lose(ring, 1);
        return;
    }
    ring->bytes[head % BYTE_RING_BYTES] = byte;
    __atomic_store_n(&ring->head, head + 1u, __ATOMIC_RELEASE);
}

static inline bool byte_ring_is_empty(const byte_ring_t *ring) {
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
}

/* Take up to `size` bytes; returns how many. */
static inline size_t byte_ring_take(byte_ring_t *ring, uint8_t *bytes, size_t size) {
    size_t count = 0;
    while (count < size && !byte_ring_is_empty(ring)) {
        const uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
        bytes[count++] = ring->bytes[tail % BYTE_RING_BYTES];
        __atomic_store_n(&ring->tail, tail + 1u, __ATOMIC_RELEASE);
    }
    return count;
}

#endif
