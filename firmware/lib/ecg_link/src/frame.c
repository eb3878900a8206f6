#include "ecg_link/frame.h"

#include <string.h>

#include "ecg_base/crc32.h"

void ecg_link_receiver_init(ecg_link_receiver_t *receiver) {
    ecg_cobs_reset(&receiver->decoder, receiver->bytes, sizeof receiver->bytes);
    receiver->rejected_frames = 0;
}

static bool is_whole(const uint8_t *bytes, size_t size) {
    if (size < ECG_LINK_HEADER_BYTES + ECG_LINK_CRC_BYTES) {
        return false;
    }
    const size_t covered = size - ECG_LINK_CRC_BYTES;
    return ecg_crc32(0, bytes, covered) == ecg_link_get_u32(bytes + covered);
}

ecg_link_event_t ecg_link_receive(ecg_link_receiver_t *receiver, uint8_t byte, ecg_link_frame_t *frame) {
    const ecg_cobs_event_t event = ecg_cobs_decode(&receiver->decoder, byte);
    if (event == ECG_COBS_MORE) {
        return ECG_LINK_MORE;
    }
    const size_t size = receiver->decoder.size;
    ecg_cobs_reset(&receiver->decoder, receiver->bytes, sizeof receiver->bytes);
    if (event == ECG_COBS_BAD || !is_whole(receiver->bytes, size)) {
        receiver->rejected_frames++;
        return ECG_LINK_REJECT;
    }
    *frame = (ecg_link_frame_t){
        .type = receiver->bytes[0],
        .sequence = receiver->bytes[1],
        .body = receiver->bytes + ECG_LINK_HEADER_BYTES,
        .size = size - ECG_LINK_HEADER_BYTES - ECG_LINK_CRC_BYTES,
    };
    return ECG_LINK_FRAME;
}

void ecg_link_sender_init(ecg_link_sender_t *sender, ecg_link_write_t write) {
    sender->write = write;
    sender->sequence = 0;
    sender->overflow = false;
    sender->muted = false;
    sender->size = 0;
}

void ecg_link_begin(ecg_link_sender_t *sender, uint8_t type) {
    sender->overflow = false;
    sender->bytes[0] = type;
    sender->bytes[1] = sender->sequence;
    sender->size = ECG_LINK_HEADER_BYTES;
}

void ecg_link_put_bytes(ecg_link_sender_t *sender, const void *bytes, size_t size) {
    if (size > ECG_LINK_HEADER_BYTES + ECG_LINK_BODY_MAX - sender->size) {
        sender->overflow = true;
        return;
    }
    memcpy(sender->bytes + sender->size, bytes, size);
    sender->size += size;
}

void ecg_link_put_u8(ecg_link_sender_t *sender, uint8_t value) {
    ecg_link_put_bytes(sender, &value, 1);
}

void ecg_link_put_u16(ecg_link_sender_t *sender, uint16_t value) {
    const uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
    ecg_link_put_bytes(sender, bytes, sizeof bytes);
}

void ecg_link_put_u32(ecg_link_sender_t *sender, uint32_t value) {
    ecg_link_put_u16(sender, (uint16_t)value);
    ecg_link_put_u16(sender, (uint16_t)(value >> 16));
}

void ecg_link_put_u64(ecg_link_sender_t *sender, uint64_t value) {
    ecg_link_put_u32(sender, (uint32_t)value);
    ecg_link_put_u32(sender, (uint32_t)(value >> 32));
}

void ecg_link_put_string(ecg_link_sender_t *sender, const char *text) {
    const size_t length = strlen(text);
    const uint8_t size = (uint8_t)(length < 255 ? length : 255);
    ecg_link_put_u8(sender, size);
    ecg_link_put_bytes(sender, text, size);
}

bool ecg_link_send(ecg_link_sender_t *sender) {
    if (sender->overflow || sender->muted) {
        return false;
    }
    const uint32_t crc = ecg_crc32(0, sender->bytes, sender->size);
    for (unsigned i = 0; i < ECG_LINK_CRC_BYTES; i++) {
        sender->bytes[sender->size + i] = (uint8_t)(crc >> (8u * i));
    }
    size_t encoded = ecg_cobs_encode(sender->bytes, sender->size + ECG_LINK_CRC_BYTES, sender->encoded);
    sender->encoded[encoded++] = 0;
    sender->write(sender->encoded, encoded);
    sender->sequence++;
    return true;
}

uint16_t ecg_link_get_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | ((uint32_t)bytes[1] << 8));
}

uint32_t ecg_link_get_u32(const uint8_t *bytes) {
    return ecg_link_get_u16(bytes) | ((uint32_t)ecg_link_get_u16(bytes + 2) << 16);
}
