/* Bodies of the frames about the device itself: state and counters, settings, log
 * (docs/reference/protocol.md). */
#ifndef ECG_LINK_DEVICE_H
#define ECG_LINK_DEVICE_H

#include "ecg_link/messages.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_LINK_LOG_MAX 12u /* records in one LOG frame */
#define ECG_LINK_LOG_DATA_BYTES 16u

/* Fields of STATUS: name and bits. Counters count from the start of the device. */
#define ECG_LINK_STATUS_FIELDS(X)                                                     \
    X(mode, 8)               /* of firmware/src/mode.h */                             \
    X(host, 8)               /* of firmware/src/mode.h */                             \
    X(log, 8)                /* of firmware/src/mode.h */                             \
    X(reset_cause, 8)        /* of firmware/src/reset_cause.h */                      \
    X(settings_source, 8)    /* of ecg_store/settings.h */                            \
    X(boot, 16)              /* number of this start */                               \
    X(uptime_s, 32)          /* seconds since the start */                            \
    X(tick_hz, 32)           /* ticks a second */                                     \
    X(stack_bytes, 32)       /* size of the stack, 0: not known */                    \
    X(stack_used, 32)        /* most of it that was used */                           \
    X(jitter_ticks, 32)      /* longest minus shortest delay of a conversion */       \
    X(awake_permille, 16)    /* share of time in which the processor did not sleep */ \
    X(samples, 32)           /* of the front end */                                   \
    X(missed_samples, 32)    /* instants that were filled in */                       \
    X(off_samples, 32)       /* while the electrodes were off */                      \
    X(saturated_samples, 32) /* while saturated */                                    \
    X(beats, 32)             /* reported, in live mode and in replays */              \
    X(events, 32)            /* rhythm events that began, changed or ended */         \
    X(replayed, 32)          /* samples of replays */                                 \
    X(lost_bytes, 32)        /* received, and lost because the buffer was full */     \
    X(rejected_frames, 32)   /* damaged on the line */                                \
    X(transitions, 32)       /* of the state machine */                               \
    X(log_first, 32)         /* number of the oldest record */                        \
    X(log_end, 32)           /* number of the next record */                          \
    X(log_room, 32)          /* records before sectors must be erased */              \
    X(log_lost, 32)          /* records that found no room */

typedef struct {
#define ECG_LINK_STATUS_MEMBER(name, bits) uint##bits##_t name;
    ECG_LINK_STATUS_FIELDS(ECG_LINK_STATUS_MEMBER)
#undef ECG_LINK_STATUS_MEMBER
} ecg_link_device_status_t;

/* Fields of SET_SETTINGS and SETTINGS, as ecg_store/settings.h. */
typedef struct {
    uint16_t adu_per_mv;
    uint8_t mains_hz;
    uint8_t live_alone;
    uint8_t buzzer;
    uint8_t log_events;
    uint8_t host_timeout_s;
} ecg_link_settings_t;

typedef struct {
    uint32_t number;
    uint16_t boot;
    uint8_t kind;
    uint8_t detail;
    uint32_t seconds;
    uint32_t sample;
    const uint8_t *data; /* ECG_LINK_LOG_DATA_BYTES */
} ecg_link_log_record_t;

/** Parse the body of a frame; see messages.h. */
bool ecg_link_parse_set_settings(const ecg_link_frame_t *frame, ecg_link_settings_t *settings);
bool ecg_link_parse_get_log(const ecg_link_frame_t *frame, uint32_t *first);

/** Send a frame; see messages.h. */
void ecg_link_send_status(ecg_link_sender_t *sender, const ecg_link_device_status_t *status);
void ecg_link_send_settings(ecg_link_sender_t *sender, uint8_t source, const ecg_link_settings_t *settings);

/** LOG: begin, put records, end; `next` and `end` as in its table. */
void ecg_link_begin_log(ecg_link_sender_t *sender, uint32_t next, uint32_t end);
void ecg_link_put_log_record(ecg_link_sender_t *sender, const ecg_link_log_record_t *record);

#ifdef __cplusplus
}
#endif

#endif
