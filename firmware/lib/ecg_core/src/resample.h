/* Boards of 250 and 500 Hz: from their samples to the 360 Hz of the signal path, and back to their indices.
 */
#ifndef ECG_CORE_RESAMPLE_H
#define ECG_CORE_RESAMPLE_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* One sample of a board brings at most two at 360 Hz. */
#define ECG_RESAMPLE_MOST 2

/* What a board of another rate waits for the filter's second half, in samples at 360 Hz, rounded up. */
#define ECG_RESAMPLE_DELAY 5

typedef struct {
    int16_t sample_adu;
    uint8_t lead_flags;
} ecg_resampled_t;

bool ecg_resample_takes(uint16_t fs_hz);

void ecg_resample_init(ecg_resample_t *resample, uint16_t fs_hz);

/* False: the board samples at 360 Hz, and there is nothing to do. */
static inline bool ecg_resample_needed(const ecg_resample_t *resample) {
    return resample->phases != 0;
}

/* Take one sample of a board of another rate; returns how many samples at 360 Hz it brought. */
uint32_t ecg_resample_push(ecg_resample_t *resample, int16_t sample_adu, uint8_t lead_flags,
                           ecg_resampled_t out[ECG_RESAMPLE_MOST]);

/* Index at 360 Hz that is nearest to the board's sample; it comes up to ECG_RESAMPLE_DELAY later. */
uint32_t ecg_resample_index(const ecg_resample_t *resample, uint32_t board_index);

/* How many samples at 360 Hz lie before or on the last of `board_samples`. */
uint32_t ecg_resample_count(const ecg_resample_t *resample, uint32_t board_samples);

/* Index of the board's sample that is nearest to sample `index` at 360 Hz. */
uint32_t ecg_resample_board_index(const ecg_resample_t *resample, uint32_t index);

/* Samples at 360 Hz by which the decision must come earlier, so that the total delay stays the same. */
uint32_t ecg_resample_delay(const ecg_resample_t *resample);

#endif
