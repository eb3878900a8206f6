#include "ecg_board/calibration.h"

#define MOST 4095u
#define PARTS 8u /* of a step */

uint16_t ecg_calibration_knot(uint32_t knot) {
    const uint32_t reading = knot * ECG_CALIBRATION_STEP;
    return (uint16_t)(reading < MOST ? reading : MOST);
}

void ecg_calibration_none(ecg_calibration_t *calibration) {
    for (uint32_t knot = 0; knot < ECG_CALIBRATION_KNOTS; knot++) {
        calibration->adu_x8[knot] = (uint16_t)(ecg_calibration_knot(knot) * PARTS);
    }
}

static uint32_t adu_x8_of(uint16_t millivolts) {
    const uint32_t full = ECG_CALIBRATION_FULL_MV;
    return (millivolts * (MOST + 1u) * PARTS + full / 2u) / full;
}

static bool are_usable(const uint16_t millivolts[ECG_CALIBRATION_KNOTS]) {
    for (uint32_t knot = 1; knot < ECG_CALIBRATION_KNOTS; knot++) {
        if (millivolts[knot] <= millivolts[knot - 1]) {
            return false;
        }
    }
    return millivolts[ECG_CALIBRATION_KNOTS - 1] <= ECG_CALIBRATION_FULL_MV * 11u / 10u;
}

bool ecg_calibration_set(ecg_calibration_t *calibration, const uint16_t millivolts[ECG_CALIBRATION_KNOTS]) {
    if (!are_usable(millivolts)) {
        ecg_calibration_none(calibration);
        return false;
    }
    for (uint32_t knot = 0; knot < ECG_CALIBRATION_KNOTS; knot++) {
        calibration->adu_x8[knot] = (uint16_t)adu_x8_of(millivolts[knot]);
    }
    return true;
}

static uint32_t between(const ecg_calibration_t *calibration, uint32_t reading) {
    const uint32_t knot = reading / ECG_CALIBRATION_STEP;
    const uint32_t low = calibration->adu_x8[knot], high = calibration->adu_x8[knot + 1];
    const uint32_t width = (uint32_t)ecg_calibration_knot(knot + 1) - ecg_calibration_knot(knot);
    return low + ((high - low) * (reading - ecg_calibration_knot(knot)) + width / 2u) / width;
}

int16_t ecg_calibration_apply(const ecg_calibration_t *calibration, uint16_t reading) {
    if (reading <= ECG_CALIBRATION_LIMIT) {
        return 0;
    }
    if (reading >= MOST - ECG_CALIBRATION_LIMIT) {
        return (int16_t)MOST;
    }
    const uint32_t adu = (between(calibration, reading) + PARTS / 2u) / PARTS;
    return (int16_t)(adu < MOST ? adu : MOST);
}
