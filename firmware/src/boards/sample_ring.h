/* Samples and lead flags on their way from the sampling interrupt to the main loop. */
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
    volatile uint32_t head; /* samples taken, written by the interrupt alone */
    volatile uint32_t tail; /* samples read, written by the main loop alone */
} sample_ring_t;

/* Called by the interrupt; false when the ring is full. */
static inline bool sample_ring_add(sample_ring_t *ring, int16_t sample_adu, uint8_t lead_flags) {
    if (ring->head - ring->tail == SAMPLE_RING_SAMPLES) {
        return false;
    }
    ring->samples[ring->head % SAMPLE_RING_SAMPLES].sample_adu = sample_adu;
    ring->samples[ring->head % SAMPLE_RING_SAMPLES].lead_flags = lead_flags;
    ring->head++;
    return true;
}

static inline bool sample_ring_is_empty(const sample_ring_t *ring) {
    return ring->head == ring->tail;
}

/* Take the oldest sample; false when there is none. */
static inline bool sample_ring_take(sample_ring_t *ring, int16_t *sample_adu, uint8_t *lead_flags) {
    if (sample_ring_is_empty(ring)) {
        return false;
    }
    *sample_adu = ring->samples[ring->tail % SAMPLE_RING_SAMPLES].sample_adu;
    *lead_flags = ring->samples[ring->tail % SAMPLE_RING_SAMPLES].lead_flags;
    ring->tail++;
    return true;
}

#endif
