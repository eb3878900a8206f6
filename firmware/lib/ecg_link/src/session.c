#include "ecg_link/session.h"

void ecg_session_init(ecg_session_t *session, const ecg_session_ops_t *ops, ecg_link_sender_t *sender,
                      uint16_t window_samples) {
    *session = (ecg_session_t){.ops = ops, .sender = sender, .window_samples = window_samples};
    ecg_link_receiver_init(&session->receiver);
}

#define TEXT(x) #x
#define TEXT_OF(macro) TEXT(macro)

static void refuse(ecg_session_t *session, ecg_link_error_t code, const char *text) {
    ecg_link_send_error(session->sender, code, text);
}

static void credit(ecg_session_t *session) {
    session->credited_index = session->expected_index;
    ecg_link_send_credit(session->sender, session->expected_index);
}

/* Ask for expected_index, once in ECG_SESSION_NAK_PAUSE_MS: what is still under way would ask again and
 * again. */
static void nak(ecg_session_t *session, ecg_link_nak_t reason, uint32_t now_ms) {
    if (session->nak_sent && now_ms - session->nak_ms < ECG_SESSION_NAK_PAUSE_MS) {
        return;
    }
    session->nak_sent = true;
    session->nak_ms = now_ms;
    ecg_link_send_nak(session->sender, session->expected_index, reason);
}

static void on_hello(ecg_session_t *session, const ecg_link_frame_t *frame) {
    uint8_t version = 0;
    if (!ecg_link_parse_hello(frame, &version)) {
        refuse(session, ECG_LINK_ERROR_LENGTH, "HELLO has 1 byte: protocol_version");
        return;
    }
    if (version != ECG_LINK_PROTOCOL_VERSION) {
        refuse(session, ECG_LINK_ERROR_VERSION,
               "this firmware speaks protocol version " TEXT_OF(ECG_LINK_PROTOCOL_VERSION));
        return;
    }
    ecg_link_info_t info = {0};
    session->ops->describe(&info);
    ecg_link_send_info(session->sender, &info, session->window_samples);
}

static void begin(ecg_session_t *session, const ecg_link_start_t *start) {
    session->state = start->mode == ECG_LINK_MODE_LIVE ? ECG_SESSION_LIVE : ECG_SESSION_REPLAY;
    session->expected_index = 0;
    session->nak_sent = false;
    session->rejected_before = session->receiver.rejected_frames;
    ecg_link_send_started(session->sender, start->session_id);
    credit(session);
}

static void on_start(ecg_session_t *session, const ecg_link_frame_t *frame) {
    ecg_link_start_t start;
    if (!ecg_link_parse_start(frame, &start)) {
        refuse(session, ECG_LINK_ERROR_LENGTH, "START has 10 bytes");
        return;
    }
    if (start.mode > ECG_LINK_MODE_LIVE) {
        refuse(session, ECG_LINK_ERROR_START_FIELD, "START: mode is 0 (replay) or 1 (live)");
        return;
    }
    session->state = ECG_SESSION_IDLE;
    const ecg_session_refusal_t refusal = session->ops->start(&start);
    if (refusal.code != ECG_LINK_NO_ERROR) {
        refuse(session, refusal.code, refusal.text);
        return;
    }
    begin(session, &start);
}

static void take(ecg_session_t *session, const ecg_link_samples_t *samples) {
    session->ops->take(samples);
    session->expected_index += samples->count;
    session->nak_sent = false;
    /* Credit at least every quarter of a window: not later than the block that would go beyond it. */
    const uint32_t taken = session->expected_index - session->credited_index;
    if (taken + ECG_LINK_BLOCK_MAX > session->window_samples / 4u) {
        credit(session);
    }
}

static void on_replay_samples(ecg_session_t *session, const ecg_link_samples_t *samples, uint32_t now_ms) {
    if (samples->first_index == session->expected_index) {
        take(session, samples);
    } else if (samples->first_index > session->expected_index) {
        nak(session, ECG_LINK_NAK_GAP, now_ms);
    } else {
        credit(session);
    }
}

static bool parse_samples(const ecg_link_frame_t *frame, ecg_link_samples_t *samples) {
    return frame->type == ECG_LINK_SAMPLES ? ecg_link_parse_samples(frame, samples)
                                           : ecg_link_parse_deltas(frame, samples);
}

static void on_samples(ecg_session_t *session, const ecg_link_frame_t *frame, uint32_t now_ms) {
    ecg_link_samples_t samples;
    if (!parse_samples(frame, &samples)) {
        refuse(session, ECG_LINK_ERROR_LENGTH, "SAMPLES and DELTAS have 1 to 240 samples, and their bytes");
    } else if (session->state == ECG_SESSION_REPLAY) {
        on_replay_samples(session, &samples, now_ms);
    } else if (session->state == ECG_SESSION_FINISHED && samples.first_index < session->expected_index) {
        credit(session); /* sent again before the host had DONE */
    } else if (session->state == ECG_SESSION_LIVE) {
        refuse(session, ECG_LINK_ERROR_MODE, "SAMPLES only in a replay; this session is live");
    } else {
        refuse(session, ECG_LINK_ERROR_NO_SESSION, "SAMPLES without START");
    }
}

static void send_done(ecg_session_t *session) {
    const uint32_t rejected = session->receiver.rejected_frames - session->rejected_before;
    ecg_link_send_done(session->sender, &session->done, rejected);
}

void ecg_session_finish(ecg_session_t *session) {
    session->done = (ecg_link_done_t){0};
    session->ops->finish(&session->done);
    session->state = ECG_SESSION_FINISHED;
    send_done(session);
}

static void on_finish(ecg_session_t *session, const ecg_link_frame_t *frame) {
    uint32_t total = 0;
    if (!ecg_link_parse_finish(frame, &total)) {
        refuse(session, ECG_LINK_ERROR_LENGTH, "FINISH has 4 bytes: total_samples");
    } else if (session->state == ECG_SESSION_IDLE) {
        refuse(session, ECG_LINK_ERROR_NO_SESSION, "FINISH without START");
    } else if (session->state == ECG_SESSION_FINISHED) {
        send_done(session);
    } else if (session->state == ECG_SESSION_REPLAY && total != session->expected_index) {
        ecg_link_send_nak(session->sender, session->expected_index, ECG_LINK_NAK_GAP);
    } else {
        ecg_session_finish(session);
    }
}

static void on_other(ecg_session_t *session, const ecg_link_frame_t *frame) {
    const bool is_known = frame->type >= ECG_LINK_GET_STATUS && frame->type <= ECG_LINK_GET_LOG;
    if (!is_known || session->ops->other == NULL) {
        refuse(session, ECG_LINK_ERROR_TYPE, "frame types from the host: 0x01 to 0x09");
        return;
    }
    const ecg_session_refusal_t refusal = session->ops->other(frame);
    if (refusal.code != ECG_LINK_NO_ERROR) {
        refuse(session, refusal.code, refusal.text);
    }
}

static void on_frame(ecg_session_t *session, const ecg_link_frame_t *frame, uint32_t now_ms) {
    switch (frame->type) {
        case ECG_LINK_HELLO:
            on_hello(session, frame);
            break;
        case ECG_LINK_START:
            on_start(session, frame);
            break;
        case ECG_LINK_SAMPLES:
        case ECG_LINK_DELTAS:
            on_samples(session, frame, now_ms);
            break;
        case ECG_LINK_FINISH:
            on_finish(session, frame);
            break;
        default:
            on_other(session, frame);
            break;
    }
}

void ecg_session_receive(ecg_session_t *session, const uint8_t *bytes, size_t size, uint32_t now_ms) {
    for (size_t i = 0; i < size; i++) {
        ecg_link_frame_t frame;
        const ecg_link_event_t event = ecg_link_receive(&session->receiver, bytes[i], &frame);
        if (event == ECG_LINK_FRAME) {
            session->heard_ms = now_ms;
            session->frames++;
            on_frame(session, &frame, now_ms);
        } else if (event == ECG_LINK_REJECT && session->state == ECG_SESSION_REPLAY) {
            nak(session, ECG_LINK_NAK_CRC, now_ms);
        }
    }
}

void ecg_session_overrun(ecg_session_t *session, uint32_t now_ms) {
    if (session->state == ECG_SESSION_REPLAY) {
        nak(session, ECG_LINK_NAK_OVERRUN, now_ms);
    }
}
