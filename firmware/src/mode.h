/* What the device is doing: a state machine of three parts that run beside each other, the mode, the host and
 * the log. MODE_TRANSITIONS is all of it; docs/reference/modes.md is drawn from this file. */
#ifndef ECG_EDGE_MODE_H
#define ECG_EDGE_MODE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Name, number, part, text. The first state of a part is the one after a reset. */
#define MODE_STATES(X)                            \
    X(SELF_TEST, 0, MODE, "self-test")            \
    X(REFUSED, 1, MODE, "model refused")          \
    X(IDLE, 2, MODE, "idle")                      \
    X(LEADS_OFF, 3, MODE, "live, electrodes off") \
    X(LIVE, 4, MODE, "live")                      \
    X(SATURATED, 5, MODE, "live, saturated")      \
    X(REPLAY, 6, MODE, "replay")                  \
    X(HOST_AWAY, 7, HOST, "no host")              \
    X(HOST_HERE, 8, HOST, "host connected")       \
    X(LOG_OPEN, 9, LOG, "log has room")           \
    X(LOG_FULL, 10, LOG, "log full")              \
    X(LOG_FAILED, 11, LOG, "no log: the flash does not work")

/* Name, number, text. */
#define MODE_CAUSES(X)                                              \
    X(TEST_PASSED, 0, "self-test passed")                           \
    X(TEST_FAILED, 1, "self-test failed")                           \
    X(LIVE_BEGINS, 2, "START in live mode, or LIVE without a host") \
    X(REPLAY_BEGINS, 3, "START in replay mode")                     \
    X(SESSION_ENDS, 4, "FINISH, or a START that is refused")        \
    X(ELECTRODES_OFF, 5, "a lead flag for 0.1 s")                   \
    X(ELECTRODES_ON, 6, "no lead flag for 1 s")                     \
    X(SIGNAL_SATURATES, 7, "at a limit of the ADC for 0.1 s")       \
    X(SIGNAL_RETURNS, 8, "within the limits for 1 s")               \
    X(HOST_SENDS, 9, "a frame from the host")                       \
    X(HOST_IS_SILENT, 10, "no frame for host_timeout_s")            \
    X(LOG_FILLS, 11, "a record finds no room")                      \
    X(LOG_IS_PREPARED, 12, "sectors were erased")                   \
    X(FLASH_FAILS, 13, "what was written is not there")

/* From, cause, to. A cause that has no row here for the present state changes nothing. */
#define MODE_TRANSITIONS(X)                 \
    X(SELF_TEST, TEST_PASSED, IDLE)         \
    X(SELF_TEST, TEST_FAILED, REFUSED)      \
    X(IDLE, LIVE_BEGINS, LEADS_OFF)         \
    X(IDLE, REPLAY_BEGINS, REPLAY)          \
    X(LEADS_OFF, ELECTRODES_ON, LIVE)       \
    X(LEADS_OFF, REPLAY_BEGINS, REPLAY)     \
    X(LEADS_OFF, SESSION_ENDS, IDLE)        \
    X(LIVE, ELECTRODES_OFF, LEADS_OFF)      \
    X(LIVE, SIGNAL_SATURATES, SATURATED)    \
    X(LIVE, LIVE_BEGINS, LEADS_OFF)         \
    X(LIVE, REPLAY_BEGINS, REPLAY)          \
    X(LIVE, SESSION_ENDS, IDLE)             \
    X(SATURATED, ELECTRODES_OFF, LEADS_OFF) \
    X(SATURATED, SIGNAL_RETURNS, LIVE)      \
    X(SATURATED, LIVE_BEGINS, LEADS_OFF)    \
    X(SATURATED, REPLAY_BEGINS, REPLAY)     \
    X(SATURATED, SESSION_ENDS, IDLE)        \
    X(REPLAY, LIVE_BEGINS, LEADS_OFF)       \
    X(REPLAY, SESSION_ENDS, IDLE)           \
    X(REPLAY, HOST_IS_SILENT, IDLE)         \
    X(HOST_AWAY, HOST_SENDS, HOST_HERE)     \
    X(HOST_HERE, HOST_IS_SILENT, HOST_AWAY) \
    X(LOG_OPEN, LOG_FILLS, LOG_FULL)        \
    X(LOG_OPEN, FLASH_FAILS, LOG_FAILED)    \
    X(LOG_FULL, LOG_IS_PREPARED, LOG_OPEN)  \
    X(LOG_FULL, FLASH_FAILS, LOG_FAILED)

typedef enum {
#define MODE_STATE(name, number, part, text) MODE_##name = (number),
    MODE_STATES(MODE_STATE)
#undef MODE_STATE
} mode_state_t;

typedef enum {
#define MODE_CAUSE(name, number, text) MODE_##name = (number),
    MODE_CAUSES(MODE_CAUSE)
#undef MODE_CAUSE
} mode_cause_t;

typedef struct {
    uint8_t mode, host, log; /* mode_state_t of each part */
} modes_t;

/* A transition: from, cause and to. */
typedef void (*mode_changed_t)(mode_state_t from, mode_cause_t cause, mode_state_t to);

/* As after a reset. */
void mode_init(modes_t *mode);

/* Something happened: change the parts that have a row for it, and call `changed` for each. */
void mode_take(modes_t *mode, mode_cause_t cause, mode_changed_t changed);

#ifdef __cplusplus
}
#endif

#endif
