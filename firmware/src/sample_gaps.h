/* Live samples on their way to a board's queue: an instant without a sample is filled in, so that the sample
 * index stays a clock, and flagged, so that nothing is concluded from it. */
#ifndef ECG_EDGE_SAMPLE_GAPS_H
#define ECG_EDGE_SAMPLE_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "ecg_core/ecg_core.h"

/* Lead flags of a filled-in sample: no electrode was read. Its beats are unclassifiable, and the host sees
 * both leads off. */
#define SAMPLE_MISSING (ECG_CORE_LEAD_OFF_PLUS | ECG_CORE_LEAD_OFF_MINUS)

/* Put a sample into the board's queue; false when it is full. */
typedef bool (*sample_queue_t)(int16_t sample_adu, uint8_t lead_flags);

/* State of a sampler; zero it when sampling starts. */
typedef struct {
    int16_t last_adu; /* the last sample that was read, repeated where one is missing */
    uint32_t missing; /* instants whose sample is not in the queue yet */
    uint32_t filled;  /* instants that were filled in, or will be */
} sample_gaps_t;

/** Queue the sample of one instant, after filler samples for the instants that have none.
 *
 *  @param gaps        state of the sampler
 *  @param put         the board's queue
 *  @param instants    sampling instants since the last call, 1 or more; all but the newest have no sample
 *  @param sample_adu  reading of the newest instant, ADC units; NULL when it failed
 *  @param lead_flags  ECG_CORE_LEAD_OFF_* of the newest instant
 */
void sample_gaps_add(sample_gaps_t *gaps, sample_queue_t put, uint32_t instants, const int16_t *sample_adu,
                     uint8_t lead_flags);

#endif
