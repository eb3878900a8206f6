/* Comparison of QRS shapes. */
#ifndef ECG_CORE_SHAPE_H
#define ECG_CORE_SHAPE_H

#include "ecg_core/ecg_core_state.h"

#define ECG_SHAPE_NORM 10000 /* of a shape that is not clipped: 25 points, 20^2 */

/* Correlation of two shapes * 128. */
static inline int32_t ecg_shape_correlation_q7(const int8_t *a, const int8_t *b) {
    const int8_t *end = a + ECG_SHAPE_POINTS;
    int32_t sum = 0;
    while (a != end) {
        sum += *a++ * *b++;
    }
    return sum * 128 / ECG_SHAPE_NORM;
}

#endif
