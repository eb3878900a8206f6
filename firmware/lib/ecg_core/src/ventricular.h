/* Ventricular rhythm detector: fibrillation, flutter and tachycardia from the signal itself, not from beats.
 */
#ifndef ECG_CORE_VENTRICULAR_H
#define ECG_CORE_VENTRICULAR_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* Take the next sample at 360 Hz. blind: a lead is off. */
void ecg_ventricular_push(ecg_ventricular_t *state, int16_t filtered, bool blind);

/* Do the next piece of work when the sample has no other (idle), or when it cannot wait. */
void ecg_ventricular_work(ecg_ventricular_t *state, bool idle);

#endif
