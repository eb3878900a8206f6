/* QRS energy, its peaks (candidates), and their shape. qrs_classifier.c decides which candidates are beats.
 */
#ifndef ECG_CORE_DETECTOR_H
#define ECG_CORE_DETECTOR_H

#include <stdbool.h>
#include <stdlib.h>

#include "ecg_base/int_math.h"
#include "ecg_core/ecg_core_state.h"
#include "filters.h"

/* From a sample to the middle of the energy that contains it: low-pass, slope, moving sum. */
#define ECG_DETECTOR_DELAY (2 + ECG_DETECT_SLOPE_TAPS + ECG_DETECT_ENERGY_TAPS / 2 - 1)

/* Filtered samples that ecg_detector_describe needs after the R peak. */
#define ECG_DETECTOR_REACH 36

#define ECG_DETECTOR_PEAK_HOLD 36 /* 100 ms without a higher energy: it was a peak */

/* Add the energy's last peak to the queue, and begin with the next. */
void ecg_detector_end_peak(ecg_detector_t *detector, uint32_t index, ecg_queue_t *queue);

/* Sum of eight low-pass outputs minus the sum of the eight before: slopes of 8 to 27 Hz. */
static inline int32_t ecg_detector_slope(ecg_detector_t *detector, const ecg_filter_t *filter,
                                         int16_t lowpass, uint32_t index) {
    const int32_t middle = ecg_filter_lowpass(filter, index - ECG_DETECT_SLOPE_TAPS);
    const int32_t oldest = ecg_filter_lowpass(filter, index - 2 * ECG_DETECT_SLOPE_TAPS);
    detector->slope += lowpass - 2 * middle + oldest;
    return detector->slope;
}

/* Sum of magnitudes, so not negative. */
static inline int32_t ecg_detector_energy(ecg_detector_t *detector, int32_t slope, uint32_t index) {
    uint16_t *oldest = &detector->energy_in[index % ECG_DETECT_ENERGY_TAPS];
    const int32_t magnitude = abs(slope) / ECG_DETECT_SLOPE_TAPS;
    detector->energy += magnitude - *oldest;
    *oldest = (uint16_t)magnitude;
    return detector->energy;
}

/* Take the low-pass output with sample `index`, which the filter has kept; true when the energy's last
 * peak is to be ended. */
static inline bool ecg_detector_push(ecg_detector_t *detector, const ecg_filter_t *filter, int16_t lowpass,
                                     uint32_t index) {
    const int32_t before = detector->energy;
    const int32_t now =
        ecg_detector_energy(detector, ecg_detector_slope(detector, filter, lowpass, index), index);
    detector->energies[index % ECG_DETECT_ENERGIES] = (uint16_t)ecg_clip(now >> 4, 0, UINT16_MAX);
    if (now > before) {
        detector->rising = 1;
    }
    if (now >= detector->peak) {
        detector->peak = now;
        detector->peak_at = index;
    }
    return index - detector->peak_at >= ECG_DETECTOR_PEAK_HOLD;
}

/* Fill slopes, shape and surroundings of a candidate whose `at` is on the R peak. */
void ecg_detector_describe(const ecg_detector_t *detector, const int16_t *history,
                           ecg_candidate_t *candidate);

#endif
