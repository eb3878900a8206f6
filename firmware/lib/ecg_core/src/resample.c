#include "resample.h"

#include <stdlib.h>
#include <string.h>

#include "ecg_base/int_math.h"
#include "ecg_base/static_assert.h"
#include "resample_table.h"

/* 25 samples of the board are 36 at 360 Hz from 250 Hz, 18 from 500 Hz. Between two samples of the board
 * there are that many phases, and each sample at 360 Hz is 25 phases after the one before. */
#define PHASE_STEP 25
#define PHASES_250HZ 36
#define PHASES_500HZ 18
#define FILTER_BITS 14 /* at 250 Hz; a phase at 500 Hz has twice the values and adds up to twice as much */

ECG_STATIC_ASSERT(RESAMPLE_HALF == PHASES_500HZ * ECG_RESAMPLE_TAPS / 2, filter_fits);

static uint8_t phases_of(uint16_t fs_hz) {
    if (fs_hz == 250) {
        return PHASES_250HZ;
    }
    return fs_hz == 500 ? PHASES_500HZ : 0;
}

bool ecg_resample_takes(uint16_t fs_hz) {
    return fs_hz == ECG_CORE_FS_HZ || phases_of(fs_hz) != 0;
}

static uint32_t half_taps(const ecg_resample_t *resample) {
    return RESAMPLE_HALF / resample->phases;
}

void ecg_resample_init(ecg_resample_t *resample, uint16_t fs_hz) {
    memset(resample, 0, sizeof *resample);
    resample->phases = phases_of(fs_hz);
    if (resample->phases != 0) {
        resample->wait = (uint8_t)(half_taps(resample) + 1);
    }
}

/* Before the first sample the signal is taken to have been the same. */
static void start(ecg_resample_t *resample, int16_t sample_adu) {
    for (uint32_t i = 0; i < ECG_RESAMPLE_TAPS; i++) {
        resample->samples[i] = sample_adu;
    }
    resample->highest = resample->lowest = sample_adu;
    resample->started = 1;
}

static void shift_in(ecg_resample_t *resample, int16_t sample_adu, uint8_t lead_flags) {
    if (!resample->started) {
        start(resample, sample_adu);
    }
    resample->newest = (uint8_t)(resample->newest + 1u == ECG_RESAMPLE_TAPS ? 0 : resample->newest + 1u);
    resample->samples[resample->newest] = sample_adu;
    resample->lead_flags[resample->newest] = lead_flags;
    if (sample_adu > resample->highest) {
        resample->highest = sample_adu;
    }
    if (sample_adu < resample->lowest) {
        resample->lowest = sample_adu;
    }
}

/* The value `phase` phases after the middle sample. What overshoots all that the ADC ever gave is clipped, so
 * that a rail stays a rail. A lead is off where it is off in any sample that counts. */
static ecg_resampled_t between(const ecg_resample_t *resample, uint32_t phase) {
    const uint32_t count = 2 * half_taps(resample);
    const unsigned bits = resample->phases == PHASES_250HZ ? FILTER_BITS : FILTER_BITS + 1;
    int32_t sum = 0, at = (int32_t)phase - RESAMPLE_HALF; /* in the filter, of the newest sample */
    uint32_t from = resample->newest;
    uint8_t lead_flags = 0;
    for (uint32_t i = 0; i < count; i++, at += resample->phases) {
        sum += resample->samples[from] * RESAMPLE_FILTER[abs(at)];
        lead_flags |= resample->lead_flags[from];
        from = from == 0 ? ECG_RESAMPLE_TAPS - 1 : from - 1;
    }
    const int32_t value = ecg_clip(ecg_shift_round(sum, bits), resample->lowest, resample->highest);
    return (ecg_resampled_t){(int16_t)value, lead_flags};
}

uint32_t ecg_resample_push(ecg_resample_t *resample, int16_t sample_adu, uint8_t lead_flags,
                           ecg_resampled_t out[ECG_RESAMPLE_MOST]) {
    uint32_t count = 0;
    shift_in(resample, sample_adu, lead_flags);
    resample->wait--;
    while (resample->wait == 0) {
        out[count++] = between(resample, resample->phase);
        const uint32_t next = resample->phase + (uint32_t)PHASE_STEP;
        resample->wait = (uint8_t)(next / resample->phases);
        resample->phase = (uint8_t)(next % resample->phases);
    }
    return count;
}

/* index * to / from, to the nearest; without the product, which may need more than 32 bits. */
static uint32_t scale(uint32_t index, uint32_t to, uint32_t from) {
    return index / from * to + (index % from * to + from / 2) / from;
}

uint32_t ecg_resample_index(const ecg_resample_t *resample, uint32_t board_index) {
    return ecg_resample_needed(resample) ? scale(board_index, resample->phases, PHASE_STEP) : board_index;
}

uint32_t ecg_resample_board_index(const ecg_resample_t *resample, uint32_t index) {
    return ecg_resample_needed(resample) ? scale(index, PHASE_STEP, resample->phases) : index;
}

uint32_t ecg_resample_count(const ecg_resample_t *resample, uint32_t board_samples) {
    if (!ecg_resample_needed(resample) || board_samples == 0) {
        return board_samples;
    }
    const uint32_t last = board_samples - 1;
    return last / PHASE_STEP * resample->phases + last % PHASE_STEP * resample->phases / PHASE_STEP + 1;
}

uint32_t ecg_resample_delay(const ecg_resample_t *resample) {
    return ecg_resample_needed(resample) ? ECG_RESAMPLE_DELAY : 0;
}
