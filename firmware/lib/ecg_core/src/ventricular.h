/* Ventricular rhythm detector: fibrillation, flutter and tachycardia from the signal itself, not from beats.
 */
#ifndef ECG_CORE_VENTRICULAR_H
#define ECG_CORE_VENTRICULAR_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

#define ECG_VENTRICULAR_DECIMATION 4 /* samples at 360 Hz of one at 90 Hz */
#define ECG_VENTRICULAR_LATEST \
    24                         /* at 90 Hz (267 ms): from then on the work waits no longer for idle samples */
#define ECG_VENTRICULAR_IDLE 0 /* step: the window is decided */

/* The samples pushed since the last call become one at 90 Hz. */
void ecg_ventricular_keep(ecg_ventricular_t *state);

/* Do the next piece of work. */
void ecg_ventricular_step(ecg_ventricular_t *state);

/* Take the next sample at 360 Hz; each fourth time, ecg_ventricular_keep follows. */
static inline void ecg_ventricular_push(ecg_ventricular_t *state, int16_t filtered) {
    state->decimation_sum += filtered;
}

/* A lead is off. */
static inline void ecg_ventricular_blind(ecg_ventricular_t *state) {
    state->blind_until = state->taken + 1;
}

/* Do the next piece of work when the sample has no other (idle), or when it cannot wait. */
static inline void ecg_ventricular_work(ecg_ventricular_t *state, bool idle) {
    const bool late = state->taken - state->window_end >= ECG_VENTRICULAR_LATEST;
    if (state->step != ECG_VENTRICULAR_IDLE && (idle || late)) {
        ecg_ventricular_step(state);
    }
}

#endif
