/* A session on the device: handshake, credit, loss, restart (docs/reference/protocol.md). It is independent
 * of signal path and network; the application supplies the functions of ecg_session_ops_t. */
#ifndef ECG_LINK_SESSION_H
#define ECG_LINK_SESSION_H

#include "ecg_link/messages.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A NAK for the same expected sample is not repeated within this time. */
#define ECG_SESSION_NAK_PAUSE_MS 200u

/* Why the application refuses a START; code ECG_LINK_NO_ERROR: it accepts. */
typedef struct {
    ecg_link_error_t code;
    const char *text;
} ecg_session_refusal_t;

typedef struct {
    /* Fill what INFO says of the device. */
    void (*describe)(ecg_link_info_t *info);
    /* Reset the signal path for a new session. */
    ecg_session_refusal_t (*start)(const ecg_link_start_t *start);
    /* Take a block of samples: each index once, in order. Sends the beats completed in it. */
    void (*take)(const ecg_link_samples_t *samples);
    /* Send the beats still pending and fill *done. */
    void (*finish)(ecg_link_done_t *done);
    /* Answer a frame about the device itself; NULL: the application knows none. */
    ecg_session_refusal_t (*other)(const ecg_link_frame_t *frame);
} ecg_session_ops_t;

typedef enum {
    ECG_SESSION_IDLE = 0,
    ECG_SESSION_REPLAY,
    ECG_SESSION_LIVE,
    ECG_SESSION_FINISHED, /* DONE was sent and is sent again when FINISH is repeated */
} ecg_session_state_t;

typedef struct {
    const ecg_session_ops_t *ops;
    ecg_link_sender_t *sender;
    ecg_link_receiver_t receiver;
    ecg_session_state_t state;
    uint16_t window_samples;
    uint32_t expected_index;
    uint32_t credited_index;
    uint32_t rejected_before; /* frames rejected before this session */
    bool nak_sent;            /* for expected_index, at nak_ms */
    uint32_t nak_ms;
    uint32_t frames;   /* whole frames from the host so far */
    uint32_t heard_ms; /* time of the last one */
    ecg_link_done_t done;
} ecg_session_t;

/** Start without a session.
 *
 *  @param[out] session         state
 *  @param[in]  ops             the application's functions; kept
 *  @param[in]  sender          where answers go; kept
 *  @param[in]  window_samples  samples that the host may have under way, a multiple of 4 * ECG_LINK_BLOCK_MAX
 */
void ecg_session_init(ecg_session_t *session, const ecg_session_ops_t *ops, ecg_link_sender_t *sender,
                      uint16_t window_samples);

/** Take bytes from the line, and answer them.
 *
 *  @param[in,out] session  state
 *  @param[in]     bytes    received bytes
 *  @param[in]     size     number of bytes; may be 0
 *  @param[in]     now_ms   any millisecond counter that wraps at 2^32
 */
void ecg_session_receive(ecg_session_t *session, const uint8_t *bytes, size_t size, uint32_t now_ms);

/** Report to the host that the receive buffer overran.
 *
 *  @param[in,out] session  state
 *  @param[in]     now_ms   as in ecg_session_receive
 */
void ecg_session_overrun(ecg_session_t *session, uint32_t now_ms);

/** End a session without FINISH, as if it had come: sends what is pending, and DONE.
 *
 *  @param[in,out] session  state, in a live session
 */
void ecg_session_finish(ecg_session_t *session);

#ifdef __cplusplus
}
#endif

#endif
