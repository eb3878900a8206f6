#include "strip_baseline.h"

#include "ecg_base/int_math.h"

#define BASELINE_SIDE 91 /* the triangle's weights are 91 - |distance|: 1 s on either side */
#define BASELINE_SUM (BASELINE_SIDE * BASELINE_SIDE)

int32_t ecg_baseline_point(const ecg_strip_t *strip, int32_t index) {
    if (index < 0) {
        index = -index;
    }
    if (index >= ECG_STRIP_POINTS) {
        index = 2 * (ECG_STRIP_POINTS - 1) - index;
    }
    const int32_t at = index + strip->point_at;
    return strip->points[at >= ECG_STRIP_POINTS ? at - ECG_STRIP_POINTS : at];
}

void ecg_baseline_start(ecg_baseline_t *baseline, const ecg_strip_t *strip) {
    *baseline = (ecg_baseline_t){0};
    for (int32_t distance = 1 - BASELINE_SIDE; distance < BASELINE_SIDE; distance++) {
        const int32_t point = ecg_baseline_point(strip, distance);
        baseline->weighted += point * (BASELINE_SIDE - (distance < 0 ? -distance : distance));
        *(distance <= 0 ? &baseline->behind : &baseline->ahead) += point;
    }
    baseline->ahead += ecg_baseline_point(strip, BASELINE_SIDE);
}

int32_t ecg_baseline_level(const ecg_baseline_t *baseline) {
    return ecg_divide(baseline->weighted, BASELINE_SUM);
}

void ecg_baseline_next(ecg_baseline_t *baseline, const ecg_strip_t *strip) {
    const int32_t at = ++baseline->at;
    baseline->weighted += baseline->ahead - baseline->behind;
    baseline->behind += ecg_baseline_point(strip, at) - ecg_baseline_point(strip, at - BASELINE_SIDE);
    baseline->ahead += ecg_baseline_point(strip, at + BASELINE_SIDE) - ecg_baseline_point(strip, at);
}
