#include "ecg_link/messages.h"

#define BLOCK_HEADER_BYTES 6u /* first_index, lead_flags, count */

/* The fields before the samples. */
static bool parse_block(const ecg_link_frame_t *frame, ecg_link_samples_t *samples) {
    if (frame->size < BLOCK_HEADER_BYTES) {
        return false;
    }
    samples->first_index = ecg_link_get_u32(frame->body);
    samples->lead_flags = frame->body[4];
    samples->count = frame->body[5];
    return samples->count >= 1 && samples->count <= ECG_LINK_BLOCK_MAX;
}

bool ecg_link_parse_samples(const ecg_link_frame_t *frame, ecg_link_samples_t *samples) {
    if (!parse_block(frame, samples) || frame->size != BLOCK_HEADER_BYTES + 2u * samples->count) {
        return false;
    }
    const uint8_t *at = frame->body + BLOCK_HEADER_BYTES;
    for (size_t i = 0; i < samples->count; i++) {
        samples->adu[i] = (int16_t)ecg_link_get_u16(at + 2 * i);
    }
    return true;
}

/* A frame's differences, four bits at a time. */
typedef struct {
    const uint8_t *bytes;
    size_t nibbles, at;
} reader_t;

static bool take(reader_t *reader, unsigned nibbles, uint32_t *value) {
    if (reader->nibbles - reader->at < nibbles) {
        return false;
    }
    *value = 0;
    for (unsigned i = 0; i < nibbles; i++, reader->at++) {
        uint8_t pair = reader->bytes[reader->at / 2];
        *value = *value << 4 | (reader->at % 2 == 0 ? pair >> 4 : pair & 0x0Fu);
    }
    return true;
}

/* Extend the sign of a number of `bits` bits to 16. */
static uint16_t signed_16(uint32_t value, unsigned bits) {
    uint32_t sign = 1u << (bits - 1);
    return (uint16_t)((value ^ sign) - sign);
}

/* Four bits; where these are -8, eight; where these are -128, sixteen. */
static bool take_difference(reader_t *reader, uint16_t *difference) {
    for (unsigned bits = 4; bits <= 16; bits *= 2) {
        uint32_t value;
        if (!take(reader, bits / 4, &value)) {
            return false;
        }
        *difference = signed_16(value, bits);
        if (bits == 16 || value != 1u << (bits - 1)) {
            return true;
        }
    }
    return false;
}

static bool is_at_end(const reader_t *reader) {
    size_t left = reader->nibbles - reader->at;
    return left == 0 || (left == 1 && (reader->bytes[reader->at / 2] & 0x0Fu) == 0);
}

bool ecg_link_parse_deltas(const ecg_link_frame_t *frame, ecg_link_samples_t *samples) {
    if (!parse_block(frame, samples) || frame->size < BLOCK_HEADER_BYTES + 2u) {
        return false;
    }
    const uint8_t *first = frame->body + BLOCK_HEADER_BYTES;
    reader_t reader = {first + 2, 2u * (frame->size - BLOCK_HEADER_BYTES - 2u), 0};
    uint16_t sample = ecg_link_get_u16(first), difference;
    samples->adu[0] = (int16_t)sample;
    for (size_t i = 1; i < samples->count; i++) {
        if (!take_difference(&reader, &difference)) {
            return false;
        }
        sample = (uint16_t)(sample + difference); /* sums wrap at 2^16 */
        samples->adu[i] = (int16_t)sample;
    }
    return is_at_end(&reader);
}
