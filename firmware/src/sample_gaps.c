#include "sample_gaps.h"

#include <stddef.h>

/* Fillers go before the newest sample: queued out of order, every later sample would be early. */
void sample_gaps_add(sample_gaps_t *gaps, sample_queue_t put, uint32_t instants, const int16_t *sample_adu,
                     uint8_t lead_flags) {
    gaps->missing += instants - 1u;
    gaps->filled += instants - 1u;
    while (gaps->missing > 0 && put(gaps->last_adu, SAMPLE_MISSING)) {
        gaps->missing--;
    }
    if (sample_adu == NULL || gaps->missing > 0 || !put(*sample_adu, lead_flags)) {
        gaps->missing++;
        gaps->filled++;
    }
    if (sample_adu != NULL) {
        gaps->last_adu = *sample_adu;
    }
}
