#include "ecg_link/messages.h"

bool ecg_link_parse_hello(const ecg_link_frame_t *frame, uint8_t *protocol_version) {
    if (frame->size != 1) {
        return false;
    }
    *protocol_version = frame->body[0];
    return true;
}

bool ecg_link_parse_start(const ecg_link_frame_t *frame, ecg_link_start_t *start) {
    if (frame->size != 10) {
        return false;
    }
    *start = (ecg_link_start_t){
        .session_id = ecg_link_get_u32(frame->body),
        .fs_hz = ecg_link_get_u16(frame->body + 4),
        .adu_per_mv = ecg_link_get_u16(frame->body + 6),
        .mains_hz = frame->body[8],
        .mode = frame->body[9],
    };
    return true;
}

bool ecg_link_parse_finish(const ecg_link_frame_t *frame, uint32_t *total_samples) {
    if (frame->size != 4) {
        return false;
    }
    *total_samples = ecg_link_get_u32(frame->body);
    return true;
}

static void put_sha256(ecg_link_sender_t *sender, const uint8_t *sha256) {
    static const uint8_t NONE[ECG_LINK_SHA256_BYTES] = {0};
    ecg_link_put_bytes(sender, sha256 != NULL ? sha256 : NONE, ECG_LINK_SHA256_BYTES);
}

void ecg_link_send_info(ecg_link_sender_t *sender, const ecg_link_info_t *info, uint16_t window_samples) {
    ecg_link_begin(sender, ECG_LINK_INFO);
    ecg_link_put_u8(sender, ECG_LINK_PROTOCOL_VERSION);
    ecg_link_put_u8(sender, info->status);
    ecg_link_put_u16(sender, info->fs_hz);
    ecg_link_put_u16(sender, window_samples);
    ecg_link_put_u16(sender, ECG_LINK_BLOCK_MAX);
    ecg_link_put_u32(sender, info->arena_bytes);
    ecg_link_put_u32(sender, info->core_state_bytes);
    ecg_link_put_u32(sender, info->core_fingerprint);
    ecg_link_put_u32(sender, info->rhythm_fingerprint);
    put_sha256(sender, info->model_sha256);
    ecg_link_put_u32(sender, info->strip_fingerprint);
    put_sha256(sender, info->morphology_sha256);
    ecg_link_put_string(sender, info->firmware_version);
    ecg_link_put_string(sender, info->board);
    ecg_link_put_string(sender, info->engine);
    ecg_link_put_string(sender, info->labels);
    ecg_link_put_string(sender, info->morphology_labels != NULL ? info->morphology_labels : "");
    ecg_link_send(sender);
}

void ecg_link_send_started(ecg_link_sender_t *sender, uint32_t session_id) {
    ecg_link_begin(sender, ECG_LINK_STARTED);
    ecg_link_put_u32(sender, session_id);
    ecg_link_send(sender);
}

void ecg_link_send_credit(ecg_link_sender_t *sender, uint32_t next_index) {
    ecg_link_begin(sender, ECG_LINK_CREDIT);
    ecg_link_put_u32(sender, next_index);
    ecg_link_send(sender);
}

void ecg_link_send_nak(ecg_link_sender_t *sender, uint32_t expected_index, ecg_link_nak_t reason) {
    ecg_link_begin(sender, ECG_LINK_NAK);
    ecg_link_put_u32(sender, expected_index);
    ecg_link_put_u8(sender, (uint8_t)reason);
    ecg_link_send(sender);
}

void ecg_link_send_beat(ecg_link_sender_t *sender, const ecg_link_beat_t *beat) {
    ecg_link_begin(sender, ECG_LINK_BEAT);
    ecg_link_put_u32(sender, beat->beat_index);
    ecg_link_put_u32(sender, beat->r_sample);
    ecg_link_put_u16(sender, beat->rr_samples);
    ecg_link_put_u16(sender, beat->flags);
    ecg_link_put_u8(sender, beat->quality);
    ecg_link_put_u8(sender, beat->p_wave);
    ecg_link_put_u8(sender, beat->label);
    ecg_link_put_u8(sender, beat->confidence);
    ecg_link_put_u32(sender, beat->input_crc32);
    ecg_link_put_u8(sender, beat->count);
    ecg_link_put_bytes(sender, beat->logits, beat->count);
    ecg_link_send(sender);
}

void ecg_link_send_quality(ecg_link_sender_t *sender, const ecg_link_quality_t *quality) {
    ecg_link_begin(sender, ECG_LINK_QUALITY);
    ecg_link_put_u32(sender, quality->sample);
    ecg_link_put_u8(sender, quality->bad);
    ecg_link_put_u16(sender, quality->reasons);
    ecg_link_send(sender);
}

void ecg_link_send_done(ecg_link_sender_t *sender, const ecg_link_done_t *done, uint32_t rejected_frames) {
    ecg_link_begin(sender, ECG_LINK_DONE);
    ecg_link_put_u32(sender, done->samples);
    ecg_link_put_u32(sender, done->beats);
    ecg_link_put_u32(sender, rejected_frames);
    ecg_link_put_u32(sender, done->tick_hz);
    ecg_link_put_u64(sender, done->core_ticks);
    ecg_link_put_u64(sender, done->engine_ticks);
    ecg_link_put_u32(sender, done->engine_ticks_max);
    ecg_link_put_u32(sender, done->strips);
    ecg_link_put_u64(sender, done->strip_ticks);
    ecg_link_put_u32(sender, done->strip_ticks_max);
    ecg_link_send(sender);
}

void ecg_link_send_wave(ecg_link_sender_t *sender, uint32_t first_index, uint8_t lead_flags,
                        const int16_t *samples, uint8_t count) {
    ecg_link_begin(sender, ECG_LINK_WAVE);
    ecg_link_put_u32(sender, first_index);
    ecg_link_put_u8(sender, lead_flags);
    ecg_link_put_u8(sender, count);
    for (uint8_t i = 0; i < count; i++) {
        ecg_link_put_u16(sender, (uint16_t)samples[i]);
    }
    ecg_link_send(sender);
}

void ecg_link_send_event(ecg_link_sender_t *sender, const ecg_link_rhythm_event_t *event) {
    ecg_link_begin(sender, ECG_LINK_EVENT);
    ecg_link_put_u32(sender, event->event_index);
    ecg_link_put_u8(sender, event->kind);
    ecg_link_put_u8(sender, event->phase);
    ecg_link_put_u8(sender, event->flags);
    ecg_link_put_u32(sender, event->onset);
    ecg_link_put_u32(sender, event->end);
    ecg_link_put_u16(sender, event->beats);
    ecg_link_put_u16(sender, event->rate_x10);
    ecg_link_put_u16(sender, event->mean_rr);
    ecg_link_put_u16(sender, event->shortest_rr);
    ecg_link_put_u16(sender, event->longest_rr);
    ecg_link_put_u16(sender, event->irregularity_permille);
    ecg_link_put_u8(sender, event->confidence);
    ecg_link_send(sender);
}

void ecg_link_send_morphology(ecg_link_sender_t *sender, const ecg_link_morphology_t *morphology) {
    ecg_link_begin(sender, ECG_LINK_MORPHOLOGY);
    ecg_link_put_u32(sender, morphology->strip_index);
    ecg_link_put_u32(sender, morphology->sample);
    ecg_link_put_u8(sender, morphology->label);
    ecg_link_put_u8(sender, morphology->confidence);
    ecg_link_put_u32(sender, morphology->input_crc32);
    ecg_link_put_u8(sender, morphology->count);
    ecg_link_put_bytes(sender, morphology->logits, morphology->count);
    ecg_link_send(sender);
}

void ecg_link_send_error(ecg_link_sender_t *sender, ecg_link_error_t code, const char *text) {
    ecg_link_begin(sender, ECG_LINK_ERROR);
    ecg_link_put_u8(sender, (uint8_t)code);
    ecg_link_put_string(sender, text);
    ecg_link_send(sender);
}
