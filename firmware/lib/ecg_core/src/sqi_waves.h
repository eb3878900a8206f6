/* Waves without a QRS complex. A QRS complex is short against its period: most of the time the signal is much
 * less steep. A sine, breathing, a moving electrode are nearly as steep most of the time. */
#ifndef ECG_CORE_SQI_WAVES_H
#define ECG_CORE_SQI_WAVES_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* Slope of the steepest third of a block in the last 3.2 s. */
int32_t ecg_sqi_steepest(const ecg_sqi_measures_t *measures);

/* Mean slope of the last 3.2 s. */
int32_t ecg_sqi_mean_slope(const ecg_sqi_measures_t *measures);

/* Mean slope of the quietest thirds of the blocks of the last 3.2 s. */
int32_t ecg_sqi_rest(const ecg_sqi_measures_t *measures);

/* True when the last 3.2 s have no QRS complex, but waves that go on. */
bool ecg_sqi_are_waves(const ecg_sqi_measures_t *measures);

#endif
