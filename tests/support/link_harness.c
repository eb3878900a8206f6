/* ecg_link on this computer: an application that only keeps what it is given, for test_link_*.py.
 *
 * As a shared library its functions are called one by one; as a program it feeds standard input to a session,
 * in blocks of the sizes that its arguments name, and prints how many samples were taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ecg_link/session.h"

#define KEPT_SAMPLES 1000000u
#define KEPT_BYTES 1000000u

static ecg_session_t session;
static ecg_link_sender_t sender;
static int16_t samples[KEPT_SAMPLES];
static uint32_t taken;
static uint8_t sent[KEPT_BYTES];
static size_t sent_size;
static uint8_t refused_mode; /* START with this mode is refused */

static void keep_sent(const uint8_t *bytes, size_t size) {
    if (size <= KEPT_BYTES - sent_size) {
        memcpy(sent + sent_size, bytes, size);
        sent_size += size;
    }
}

static void describe(ecg_link_info_t *info) {
    static const uint8_t SHA256[ECG_LINK_SHA256_BYTES] = {0xAB, 0, 0xCD};
    static const uint8_t SECOND_SHA256[ECG_LINK_SHA256_BYTES] = {0x12};
    *info = (ecg_link_info_t){
        .fs_hz = 360,
        .arena_bytes = 1000,
        .core_state_bytes = 2000,
        .core_fingerprint = 0x12345678,
        .rhythm_fingerprint = 0x13579BDF,
        .model_sha256 = SHA256,
        .firmware_version = "1.2.3",
        .board = "harness",
        .engine = "none",
        .labels = "N,V",
        .morphology_sha256 = SECOND_SHA256,
        .strip_fingerprint = 0x9ABCDEF0,
        .morphology_labels = "up,down",
    };
}

static ecg_session_refusal_t start(const ecg_link_start_t *request) {
    taken = 0;
    if (request->fs_hz != 360) {
        return (ecg_session_refusal_t){ECG_LINK_ERROR_START_FIELD, "fs_hz is 360"};
    }
    if (request->mode == refused_mode) {
        return (ecg_session_refusal_t){ECG_LINK_ERROR_MODE, "no such mode here"};
    }
    return (ecg_session_refusal_t){ECG_LINK_NO_ERROR, ""};
}

static void take(const ecg_link_samples_t *block) {
    for (size_t i = 0; i < block->count && taken < KEPT_SAMPLES; i++) {
        samples[taken++] = block->adu[i];
    }
}

static void finish(ecg_link_done_t *done) {
    *done = (ecg_link_done_t){.samples = taken, .beats = 7, .tick_hz = 168000000, .core_ticks = 1ull << 40};
}

static const ecg_session_ops_t OPS = {.describe = describe, .start = start, .take = take, .finish = finish};

void harness_reset(uint16_t window_samples, uint8_t mode_to_refuse);
void harness_reset(uint16_t window_samples, uint8_t mode_to_refuse) {
    taken = 0;
    sent_size = 0;
    refused_mode = mode_to_refuse;
    ecg_link_sender_init(&sender, keep_sent);
    ecg_session_init(&session, &OPS, &sender, window_samples);
}

void harness_receive(const uint8_t *bytes, size_t size, uint32_t now_ms);
void harness_receive(const uint8_t *bytes, size_t size, uint32_t now_ms) {
    ecg_session_receive(&session, bytes, size, now_ms);
}

void harness_overrun(uint32_t now_ms);
void harness_overrun(uint32_t now_ms) {
    ecg_session_overrun(&session, now_ms);
}

/* What the device has sent since the last call. */
size_t harness_sent(uint8_t *bytes, size_t capacity);
size_t harness_sent(uint8_t *bytes, size_t capacity) {
    const size_t size = sent_size < capacity ? sent_size : capacity;
    memcpy(bytes, sent, size);
    sent_size = 0;
    return size;
}

uint32_t harness_taken(int16_t *copy, uint32_t capacity);
uint32_t harness_taken(int16_t *copy, uint32_t capacity) {
    memcpy(copy, samples, sizeof copy[0] * (taken < capacity ? taken : capacity));
    return taken;
}

void harness_send_results(void);
void harness_send_results(void) {
    static const int8_t logits[] = {-128, 0, 127};
    const ecg_link_beat_t beat = {.beat_index = 3,
                                  .r_sample = 1234,
                                  .rr_samples = 288,
                                  .flags = 0x0120,
                                  .quality = 45,
                                  .p_wave = 200,
                                  .label = ECG_LINK_UNCLASSIFIABLE,
                                  .confidence = 200,
                                  .input_crc32 = 0xFFFFFFFFu,
                                  .count = sizeof logits,
                                  .logits = logits};
    const ecg_link_quality_t quality = {.sample = 720000, .bad = 1, .reasons = 0x0100};
    ecg_link_send_beat(&sender, &beat);
    ecg_link_send_quality(&sender, &quality);
    const ecg_link_morphology_t morphology = {.strip_index = 4,
                                              .sample = 5399,
                                              .label = 1,
                                              .confidence = 99,
                                              .input_crc32 = 0x80000001u,
                                              .count = sizeof logits,
                                              .logits = logits};
    ecg_link_send_morphology(&sender, &morphology);
}

/* A frame of any type and size, to see that one that is too large is refused. */
bool harness_send_body(uint8_t type, size_t size);
bool harness_send_body(uint8_t type, size_t size) {
    ecg_link_begin(&sender, type);
    for (size_t i = 0; i < size; i++) {
        ecg_link_put_u8(&sender, (uint8_t)i);
    }
    return ecg_link_send(&sender);
}

int main(int count, char **arguments) {
    static uint8_t input[KEPT_BYTES];
    const size_t size = fread(input, 1, sizeof input, stdin);
    harness_reset(960, 2);
    size_t at = 0;
    for (int i = 0; at < size; i = (i + 1) % (count > 1 ? count - 1 : 1)) {
        const size_t wanted = count > 1 ? strtoul(arguments[1 + i], NULL, 10) : 64;
        const size_t block = wanted < size - at ? wanted : size - at;
        uint8_t *exact = malloc(block + 1); /* so that a sanitizer sees a read beyond the block */
        memcpy(exact, input + at, block);
        harness_receive(exact, block, (uint32_t)at);
        free(exact);
        at += block;
    }
    printf("%u\n", (unsigned)taken);
    return 0;
}
