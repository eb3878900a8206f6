/* Rhythm events of a session: beats, labels and the signal's state go to ecg_rhythm, and its events to the
 * host. */
#ifndef ECG_EDGE_EVENTS_H
#define ECG_EDGE_EVENTS_H

#include "ecg_core/ecg_core.h"
#include "ecg_link/messages.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EVENTS_EVERY 36u /* samples: 100 ms at 360 Hz is soon enough for an alarm */

/* ecg_rhythm_fingerprint of this build. Works in the memory of a session, so not during one. */
uint32_t events_fingerprint(void);

/* A new session of samples at `fs_hz`; events go to `sender`. */
void events_start(uint16_t fs_hz, ecg_link_sender_t *sender);

/* To be called every EVENTS_EVERY samples, and after the sample that gave a beat, before events_beat.
 * samples: how many were pushed so far. */
void events_follow(const ecg_core_t *core, uint32_t samples);

/* Is atrial fibrillation suspected when a beat at `r_sample` comes? Its label depends on it. To be called
 * before events_beat; what is due before the beat is reported. */
bool events_fibrillation(const ecg_core_t *core, uint32_t r_sample);

/* A beat, and what is reported of it: label (an index in ECG_MODEL_LABELS, or any other number for a beat
 * without one) and outputs. */
void events_beat(const ecg_core_t *core, const ecg_core_beat_t *beat, const ecg_link_beat_t *report);

/* The signal has ended, and its last beats were given. */
void events_finish(const ecg_core_t *core, uint32_t samples);

#ifdef __cplusplus
}
#endif

#endif
