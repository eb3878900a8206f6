/* Samples and lead flags on their way from the sampling interrupt, or task, to the main loop. One writes and
 * one reads, also on two cores: an index is published after the sample (release), and read before it
 * (acquire). */
#ifndef ECG_EDGE_SAMPLE_RING_H
#define ECG_EDGE_SAMPLE_RING_H

#include <stdbool.h>
#include <stdint.h>

/* 512 ms at 500 Hz; a power of two. The longest run of a network is a strip of the second one: some 220 ms on
 * a Cortex-M0+ with portable kernels. */
#define SAMPLE_RING_SAMPLES 256u

typedef struct {
    struct {
        int16_t sample_adu;
        uint8_t lead_flags;
    } samples[SAMPLE_RING_SAMPLES];
    uint32_t head; /* samples taken, written by the sampler alone */
    uint32_t tail; /* samples read, written by the main loop alone */
} sample_ring_t;

/* Called by the sampler; false when the ring is full. */
static inline bool sample_ring_add(sample_ring_t *ring, int16_t sample_adu, uint8_t lead_flags) {
    const uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
    if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == SAMPLE_RING_SAMPLES) {
        return false;
    }
    ring->samples[head % SAMPLE_RING_SAMPLES].sample_adu = sample_adu;
    ring->samples[head % SAMPLE_RING_SAMPLES].lead_flags = lead_flags;
    __atomic_store_n(&ring->head, head + 1u, __ATOMIC_RELEASE);
    return true;
}

static inline bool sample_ring_is_empty(const sample_ring_t *ring) {
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
}

/* Take the oldest sample; false when there is none. */
static inline bool sample_ring_take(sample_ring_t *ring, int16_t *sample_adu, uint8_t *lead_flags) {
    if (sample_ring_is_empty(ring)) {
        return false;
    }
    const uint32_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
    *sample_adu = ring->samples[tail % SAMPLE_RING_SAMPLES].sample_adu;
    *lead_flags = ring->samples[tail % SAMPLE_RING_SAMPLES].lead_flags;
    __atomic_store_n(&ring->tail, tail + 1u, __ATOMIC_RELEASE);
    return true;
}

/* Called by the main loop: drop what is there, as when sampling begins anew. */
static inline void sample_ring_clear(sample_ring_t *ring) {
    __atomic_store_n(&ring->tail, __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
}

#endif
