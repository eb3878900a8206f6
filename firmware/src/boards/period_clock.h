/* Milliseconds from a count of sampling periods. Both counts wrap at 2^32, the periods after 138 days at
 * 360 Hz; so they are added up from call to call. */
#ifndef ECG_EDGE_PERIOD_CLOCK_H
#define ECG_EDGE_PERIOD_CLOCK_H

#include <stdint.h>

#include "boards/board.h"

typedef struct {
    uint32_t seen; /* the count at the last call */
    uint64_t all;
} period_clock_t;

/* For the main loop alone, and more often than the count wraps. */
static inline uint32_t period_clock_millis(period_clock_t *clock, uint32_t periods) {
    clock->all += periods - clock->seen;
    clock->seen = periods;
    return (uint32_t)(clock->all * 1000u / BOARD_FS_HZ);
}

#endif
