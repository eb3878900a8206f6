/* The device apart from its sessions: mode, settings, log and counters, and the frames that report them. */
#ifndef ECG_EDGE_DEVICE_H
#define ECG_EDGE_DEVICE_H

#include "ecg_link/device.h"
#include "ecg_link/session.h"
#include "ecg_rhythm/ecg_rhythm.h"
#include "ecg_store/settings.h"
#include "mode.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of records in the log. Name, number, text. */
#define LOG_KINDS(X)                                                                                  \
    X(LOG_START, 1, "start") /* detail: reset_cause_t; data: settings source */                       \
    X(LOG_MODE, 2, "mode")   /* detail: to; data: from, cause */                                      \
    X(LOG_EVENT, 3, "event") /* detail: kind; data: phase, flags, onset, end, rate_x10, confidence */ \
    X(LOG_LOSS, 4, "loss")   /* data: samples missed, bytes lost, since the start of the device */    \
    X(LOG_SETTINGS, 5, "settings changed")                                                            \
    X(LOG_RATE, 6, "sampling rate") /* data: measured rate in 1/1000 Hz */

typedef enum {
#define LOG_KIND(name, number, text) name = (number),
    LOG_KINDS(LOG_KIND)
#undef LOG_KIND
} log_kind_t;

/* What only the application counts. */
typedef struct {
    uint32_t beats, events, replayed;
} device_counts_t;

/* Read settings and log, and note the start. */
void device_init(void);

const ecg_settings_t *device_settings(void);
device_counts_t *device_counts(void);

/* Mode of the state machine's part "mode". */
mode_state_t device_mode(void);
bool device_has_host(void);

/* The electrodes are on, and the signal is sampled. */
bool device_has_contact(void);

/* Something happened. */
void device_cause(mode_cause_t cause);

/* A sample of the front end, the next one of its session. */
void device_sample(int16_t sample_adu, uint8_t lead_flags);

/* A live session begins: nothing is known of the electrodes. */
void device_live_begins(void);

/* A rhythm event. */
void device_event(const ecg_rhythm_event_t *event);

/* Call often: time, host, losses, and room in the log while no samples are taken. */
void device_poll(const ecg_session_t *session);

/* board_idle, with the time in it measured. */
void device_idle(void);

/* Answer a frame about the device; no samples are being taken when it is SET_SETTINGS. */
ecg_session_refusal_t device_answer(const ecg_link_frame_t *frame, const ecg_session_t *session);

#ifdef __cplusplus
}
#endif

#endif
