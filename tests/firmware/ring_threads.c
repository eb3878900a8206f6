/* The rings of src/boards between two threads: everything arrives once, in its order. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "boards/byte_ring.h"
#include "boards/sample_ring.h"

#define COUNT 200000u

static sample_ring_t samples;
static byte_ring_t bytes;

static void *write_samples(void *context) {
    for (uint32_t i = 0; i < COUNT;) {
        if (sample_ring_add(&samples, (int16_t)(i & 0x7FFFu), (uint8_t)(i % 251u))) {
            i++;
        } else {
            sched_yield();
        }
    }
    return context;
}

static void *write_bytes(void *context) {
    for (uint32_t i = 0; i < COUNT; i++) {
        byte_ring_keep(&bytes, (uint8_t)(i % 253u));
    }
    return context;
}

static int read_samples(void) {
    int16_t sample_adu;
    uint8_t lead_flags;
    for (uint32_t i = 0; i < COUNT;) {
        if (!sample_ring_take(&samples, &sample_adu, &lead_flags)) {
            sched_yield();
            continue;
        }
        if (sample_adu != (int16_t)(i & 0x7FFFu) || lead_flags != (uint8_t)(i % 251u)) {
            return 1;
        }
        i++;
    }
    return 0;
}

/* What finds no room is counted as lost. */
static int read_bytes(pthread_t writer) {
    uint8_t part[100];
    uint32_t count = 0;
    while (count + byte_ring_lost(&bytes) < COUNT) {
        count += (uint32_t)byte_ring_take(&bytes, part, sizeof part);
    }
    pthread_join(writer, NULL);
    count += (uint32_t)byte_ring_take(&bytes, part, sizeof part);
    return count + byte_ring_lost(&bytes) == COUNT ? 0 : 1;
}

int main(void) {
    pthread_t writer;
    pthread_create(&writer, NULL, write_samples, NULL);
    int wrong = read_samples();
    pthread_join(writer, NULL);
    pthread_create(&writer, NULL, write_bytes, NULL);
    wrong |= read_bytes(writer);
    return wrong;
}
