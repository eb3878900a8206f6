/* Shapes of the patient's QRS complexes. */
#ifndef ECG_RHYTHM_SHAPES_H
#define ECG_RHYTHM_SHAPES_H

#include "ecg_rhythm/ecg_rhythm_labels.h"

/* The shape of the state's next beat, which learns from it; a new one where it is like none. */
ecg_rhythm_shape_t *ecg_rhythm_find_shape(ecg_rhythm_labels_t *state, const int8_t *window);

#endif
