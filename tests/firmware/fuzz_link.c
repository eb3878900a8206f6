/* The device's end of the serial protocol under a coverage-guided fuzzer. The first byte chooses: the line's
 * bytes as they are, or frames with a right CRC, made of a type and a body, which get past the receiver. */
#include <string.h>

#include "ecg_link/session.h"
#include "fuzz_input.h"

#define LINE_BYTES 4096u

static ecg_session_t session;
static ecg_link_sender_t device, host;
static uint8_t line[LINE_BYTES];
static size_t line_size;
static uint32_t next_index; /* of the samples taken: each comes once, in order */
static bool started;

static void write_to_host(const uint8_t *bytes, size_t size) {
    fuzz_check(size > 1 && size <= ECG_LINK_ENCODED_MAX && bytes[size - 1] == 0);
    fuzz_check(memchr(bytes, 0, size) == bytes + size - 1);
}

static void write_to_line(const uint8_t *bytes, size_t size) {
    fuzz_check(size <= LINE_BYTES);
    memcpy(line, bytes, size);
    line_size = size;
}

static void describe(ecg_link_info_t *info) {
    static const uint8_t SHA256[ECG_LINK_SHA256_BYTES] = {1};
    info->fs_hz = 360;
    info->model_sha256 = SHA256;
    info->firmware_version = "1";
    info->board = "fuzz";
    info->engine = "none";
    info->labels = "N,V";
    info->morphology_sha256 = SHA256;
    info->morphology_labels = "up,down";
}

static ecg_session_refusal_t start(const ecg_link_start_t *request) {
    fuzz_check(request->mode <= ECG_LINK_MODE_LIVE);
    next_index = 0;
    started = true;
    return (ecg_session_refusal_t){
        .code = request->fs_hz == 7 ? ECG_LINK_ERROR_START_FIELD : ECG_LINK_NO_ERROR, .text = "fs_hz"};
}

static void take(const ecg_link_samples_t *samples) {
    fuzz_check(started && samples->count >= 1 && samples->count <= ECG_LINK_BLOCK_MAX);
    fuzz_check(samples->first_index == next_index);
    next_index += samples->count;
    const ecg_link_morphology_t morphology = {
        .sample = next_index, .count = samples->count, .logits = (const int8_t *)samples->adu};
    ecg_link_send_morphology(&device, &morphology);
}

static void finish(ecg_link_done_t *done) {
    fuzz_check(started);
    done->samples = next_index;
}

static const ecg_session_ops_t OPS = {.describe = describe, .start = start, .take = take, .finish = finish};

static void send_frame(fuzz_input_t *input, uint32_t now_ms) {
    ecg_link_begin(&host, fuzz_u8(input));
    size_t size = fuzz_u8(input);
    if (size == 255) {
        size += fuzz_u8(input);
    }
    while (size-- > 0) {
        ecg_link_put_u8(&host, fuzz_u8(input));
    }
    if (ecg_link_send(&host)) {
        ecg_session_receive(&session, line, line_size, now_ms);
    }
}

/* Decoding what was encoded gives the same bytes, and no zero in between. */
static void round_trip(const uint8_t *data, size_t size) {
    static uint8_t encoded[ECG_LINK_ENCODED_MAX], decoded[ECG_LINK_FRAME_MAX];
    const size_t count = size < ECG_LINK_FRAME_MAX ? size : ECG_LINK_FRAME_MAX;
    const size_t length = ecg_cobs_encode(data, count, encoded);
    ecg_cobs_decoder_t decoder;
    ecg_cobs_reset(&decoder, decoded, sizeof decoded);
    for (size_t i = 0; i < length; i++) {
        fuzz_check(encoded[i] != 0 && ecg_cobs_decode(&decoder, encoded[i]) == ECG_COBS_MORE);
    }
    fuzz_check(count == 0 || ecg_cobs_decode(&decoder, 0) == ECG_COBS_FRAME);
    fuzz_check(count == 0 || (decoder.size == count && memcmp(decoded, data, count) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input_t input = {data, size};
    uint32_t now_ms = 0;
    started = false;
    round_trip(data, size);
    ecg_link_sender_init(&device, write_to_host);
    ecg_link_sender_init(&host, write_to_line);
    ecg_session_init(&session, &OPS, &device, 1920);
    if ((fuzz_u8(&input) & 1) == 0) {
        ecg_session_receive(&session, input.bytes, input.left, now_ms);
        return 0;
    }
    while (input.left > 0) {
        send_frame(&input, now_ms);
        now_ms += fuzz_u8(&input);
        if (now_ms % 7 == 3) {
            ecg_session_overrun(&session, now_ms);
        }
    }
    return 0;
}
