/* Classes of a window of the signal: other, ventricular tachycardia, ventricular fibrillation or flutter. */
#ifndef ECG_CORE_VENTRICULAR_CLASSIFIER_H
#define ECG_CORE_VENTRICULAR_CLASSIFIER_H

#include "ecg_core/ecg_core_state.h"

/* Steps of work that ecg_ventricular_classify needs, and the step that begins. */
uint32_t ecg_ventricular_classify_steps(void);
void ecg_ventricular_classify(ecg_ventricular_t *state, uint32_t step);

#endif
