/* Comparison of QRS shapes. */
#ifndef ECG_CORE_SHAPE_H
#define ECG_CORE_SHAPE_H

#include "ecg_base/pairs.h"
#include "ecg_base/static_assert.h"
#include "ecg_base/unroll.h"
#include "ecg_core/ecg_core_state.h"

ECG_STATIC_ASSERT(ECG_SHAPE_POINTS % 4 == 1, points_by_four);

#define ECG_SHAPE_NORM 10000 /* of a shape that is not clipped: 25 points, 20^2 */

/* Correlation of two shapes * 128. */
static inline int32_t ecg_shape_correlation_q7(const int8_t *a, const int8_t *b) {
    int32_t sum = a[ECG_SHAPE_POINTS - 1] * b[ECG_SHAPE_POINTS - 1];
    ECG_UNROLL(3)
    for (uint32_t i = 0; i + 1 < ECG_SHAPE_POINTS; i += 4) {
        sum = ecg_add_products_int8(sum, &a[i], &b[i]);
    }
    return sum * 128 / ECG_SHAPE_NORM;
}

#endif
