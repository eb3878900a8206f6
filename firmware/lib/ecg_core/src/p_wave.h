/* Evidence of a P wave before each beat: the signal from 267 to 67 ms before the R peak, against its running
 * mean over the patient's beats. A P wave comes back with every QRS, the waves of atrial fibrillation do not.
 */
#ifndef ECG_CORE_P_WAVE_H
#define ECG_CORE_P_WAVE_H

#include <stdbool.h>

#include "ecg_core/ecg_core_state.h"

/* Points of the mean with a line taken out, then correlation of the beat with it, log2 of the energies of
 * beat, mean and their difference, and the height of the R peak. */
#define ECG_P_WAVE_FEATURES (ECG_P_WAVE_POINTS + 5)

/* The signal around the beat is good enough. */
bool ecg_p_wave_readable(const ecg_core_beat_t *beat);

/* Describe a beat whose channel 0 is filled, before it is learned. */
void ecg_p_wave_describe(const ecg_p_wave_t *p_wave, const ecg_core_beat_t *beat,
                         int16_t features[ECG_P_WAVE_FEATURES]);

/* Take the beat into the mean. */
void ecg_p_wave_learn(ecg_p_wave_t *p_wave, const ecg_core_beat_t *beat);

/* Evidence in those figures: 1 certainly no P wave, 128 undecided, 255 certainly one; 32 are one logit. */
uint8_t ecg_p_wave_evidence(const int16_t features[ECG_P_WAVE_FEATURES]);

/* Write beat->p_wave, then learn the beat; 0 and nothing learned where the beat cannot be read. */
void ecg_p_wave_take(ecg_p_wave_t *p_wave, ecg_core_beat_t *beat);

#endif
