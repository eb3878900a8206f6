/* From the readings of an uneven ADC to those of an ideal one: 12 bits at 3.3 V, so that `adu_per_mv` means
 * the same on every board. A chip's own calibration gives the voltages at a few readings. */
#ifndef ECG_BOARD_CALIBRATION_H
#define ECG_BOARD_CALIBRATION_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_CALIBRATION_KNOTS 17u
#define ECG_CALIBRATION_STEP 256u /* readings between two knots; the last knot is reading 4095 */
#define ECG_CALIBRATION_FULL_MV 3300u
#define ECG_CALIBRATION_LIMIT 8u /* readings so near to 0 or to 4095 stay at the limit: they saturate */

typedef struct {
    uint16_t adu_x8[ECG_CALIBRATION_KNOTS]; /* ideal reading at each knot, in eighths */
} ecg_calibration_t;

/** Get the reading of a knot.
 *
 *  @param knot  0 to ECG_CALIBRATION_KNOTS - 1
 *  @return      0, 256, ..., 3840, 4095
 */
uint16_t ecg_calibration_knot(uint32_t knot);

/** Set the calibration that changes nothing.
 *
 *  @param[out] calibration  knots
 */
void ecg_calibration_none(ecg_calibration_t *calibration);

/** Take the voltages at the knots.
 *
 *  @param[out] calibration  knots; those of ecg_calibration_none when the voltages are not usable
 *  @param[in]  millivolts   at each knot
 *  @return                  false when they do not rise from knot to knot, or exceed 3.3 V by more than 10 %
 */
bool ecg_calibration_set(ecg_calibration_t *calibration, const uint16_t millivolts[ECG_CALIBRATION_KNOTS]);

/** Correct a reading.
 *
 *  @param calibration  knots
 *  @param reading      0 to 4095; what is above counts as 4095
 *  @return             ideal reading, 0 to 4095, rounded
 */
int16_t ecg_calibration_apply(const ecg_calibration_t *calibration, uint16_t reading);

#ifdef __cplusplus
}
#endif

#endif
