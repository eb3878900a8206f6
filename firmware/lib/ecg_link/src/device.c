#include "ecg_link/device.h"

#define SETTINGS_BYTES 7u

bool ecg_link_parse_set_settings(const ecg_link_frame_t *frame, ecg_link_settings_t *settings) {
    if (frame->size != SETTINGS_BYTES) {
        return false;
    }
    *settings = (ecg_link_settings_t){
        .adu_per_mv = ecg_link_get_u16(frame->body),
        .mains_hz = frame->body[2],
        .live_alone = frame->body[3],
        .buzzer = frame->body[4],
        .log_events = frame->body[5],
        .host_timeout_s = frame->body[6],
    };
    return true;
}

bool ecg_link_parse_get_log(const ecg_link_frame_t *frame, uint32_t *first) {
    if (frame->size != 4) {
        return false;
    }
    *first = ecg_link_get_u32(frame->body);
    return true;
}

void ecg_link_send_status(ecg_link_sender_t *sender, const ecg_link_device_status_t *status) {
    ecg_link_begin(sender, ECG_LINK_STATUS);
#define PUT(name, bits) ecg_link_put_u##bits(sender, status->name);
    ECG_LINK_STATUS_FIELDS(PUT)
#undef PUT
    ecg_link_send(sender);
}

void ecg_link_send_settings(ecg_link_sender_t *sender, uint8_t source, const ecg_link_settings_t *settings) {
    ecg_link_begin(sender, ECG_LINK_SETTINGS);
    ecg_link_put_u8(sender, source);
    ecg_link_put_u16(sender, settings->adu_per_mv);
    ecg_link_put_u8(sender, settings->mains_hz);
    ecg_link_put_u8(sender, settings->live_alone);
    ecg_link_put_u8(sender, settings->buzzer);
    ecg_link_put_u8(sender, settings->log_events);
    ecg_link_put_u8(sender, settings->host_timeout_s);
    ecg_link_send(sender);
}

void ecg_link_begin_log(ecg_link_sender_t *sender, uint32_t next, uint32_t end) {
    ecg_link_begin(sender, ECG_LINK_LOG);
    ecg_link_put_u32(sender, next);
    ecg_link_put_u32(sender, end);
}

void ecg_link_put_log_record(ecg_link_sender_t *sender, const ecg_link_log_record_t *record) {
    ecg_link_put_u32(sender, record->number);
    ecg_link_put_u16(sender, record->boot);
    ecg_link_put_u8(sender, record->kind);
    ecg_link_put_u8(sender, record->detail);
    ecg_link_put_u32(sender, record->seconds);
    ecg_link_put_u32(sender, record->sample);
    ecg_link_put_bytes(sender, record->data, ECG_LINK_LOG_DATA_BYTES);
}
