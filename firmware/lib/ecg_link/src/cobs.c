#include "ecg_link/cobs.h"

size_t ecg_cobs_encode(const uint8_t *bytes, size_t size, uint8_t *encoded) {
    size_t code_at = 0; /* where the code byte of the group being written goes */
    size_t end = 1;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            encoded[end++] = bytes[i];
        }
        const bool full = end - code_at == 255 && i + 1 < size;
        if (bytes[i] == 0 || full) {
            encoded[code_at] = (uint8_t)(end - code_at);
            code_at = end++;
        }
    }
    encoded[code_at] = (uint8_t)(end - code_at);
    return end;
}

void ecg_cobs_reset(ecg_cobs_decoder_t *decoder, uint8_t *bytes, size_t capacity) {
    *decoder = (ecg_cobs_decoder_t){.bytes = bytes, .capacity = capacity};
}

static void append(ecg_cobs_decoder_t *decoder, uint8_t byte) {
    if (decoder->size < decoder->capacity) {
        decoder->bytes[decoder->size++] = byte;
    } else {
        decoder->overflow = true;
    }
}

static ecg_cobs_event_t end_of_frame(const ecg_cobs_decoder_t *decoder) {
    if (decoder->overflow || decoder->left > 0) {
        return ECG_COBS_BAD;
    }
    return decoder->size > 0 ? ECG_COBS_FRAME : ECG_COBS_MORE;
}

ecg_cobs_event_t ecg_cobs_decode(ecg_cobs_decoder_t *decoder, uint8_t byte) {
    if (byte == 0) {
        const ecg_cobs_event_t event = end_of_frame(decoder);
        if (event == ECG_COBS_MORE) {
            ecg_cobs_reset(decoder, decoder->bytes, decoder->capacity);
        }
        return event;
    }
    if (decoder->left > 0) {
        append(decoder, byte);
        decoder->left--;
        return ECG_COBS_MORE;
    }
    if (decoder->zero_due) {
        append(decoder, 0);
    }
    decoder->left = (uint8_t)(byte - 1u);
    decoder->zero_due = byte != 255;
    return ECG_COBS_MORE;
}
