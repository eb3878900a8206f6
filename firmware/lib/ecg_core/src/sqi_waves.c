#include "sqi_waves.h"

/* Mean slope against the steepest third, per mille: a sine has 580 and more at any frequency, a triangle
 * 1000. Of mitdb's DS1, svdb, ludb and qtdb no 3.2 s have more than 460, of a patient with the widest
 * complexes of vfdb's development records (418) one in a hundred. */
#define WAVES_PER_MILLE 550

int32_t ecg_sqi_steepest(const ecg_sqi_measures_t *measures) {
    int32_t result = 0;
    for (uint32_t i = 0; i < ECG_SQI_BLOCKS; i++) {
        const int32_t slope = measures->blocks[i].steepest;
        result = slope > result ? slope : result;
    }
    return result;
}

int32_t ecg_sqi_mean_slope(const ecg_sqi_measures_t *measures) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < ECG_SQI_BLOCKS; i++) {
        sum += measures->blocks[i].mean_slope;
    }
    return sum / ECG_SQI_BLOCKS;
}

int32_t ecg_sqi_rest(const ecg_sqi_measures_t *measures) {
    int32_t sum = 0;
    for (uint32_t i = 0; i < ECG_SQI_BLOCKS; i++) {
        sum += measures->blocks[i].noise_slope;
    }
    return sum / ECG_SQI_BLOCKS;
}

bool ecg_sqi_are_waves(const ecg_sqi_measures_t *measures) {
    return ecg_sqi_mean_slope(measures) * 1000 > ecg_sqi_steepest(measures) * WAVES_PER_MILLE;
}
