/* What a live session sends by Bluetooth: heart rate and RR intervals, ECG, beats, events, charge of the
 * battery. The payloads are made here, and sent by the board (board_notify). */
#ifndef ECG_EDGE_RADIO_H
#define ECG_EDGE_RADIO_H

#include "ecg_link/messages.h"
#include "ecg_rhythm/ecg_rhythm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A session begins; nothing is sent of one that is not live. */
void radio_begin(bool is_live, uint16_t fs_hz);

/* No session any more. */
void radio_end(void);

/* The next sample of the session. */
void radio_sample(int16_t sample_adu, uint8_t lead_flags);

/* A beat; `labels`: those of the model, separated by commas. */
void radio_beat(const ecg_link_beat_t *beat, const char *labels);

void radio_event(const ecg_rhythm_event_t *event);

/* Call often. `has_contact`: the electrodes are on. */
void radio_poll(uint32_t now_ms, bool has_contact);

#ifdef __cplusplus
}
#endif

#endif
