/* Bodies of the frames in docs/reference/protocol.md. */
#ifndef ECG_LINK_MESSAGES_H
#define ECG_LINK_MESSAGES_H

#include "ecg_link/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_LINK_PROTOCOL_VERSION 6
#define ECG_LINK_BLOCK_MAX 240u /* samples in one SAMPLES, DELTAS or WAVE frame */
#define ECG_LINK_SHA256_BYTES 32u
#define ECG_LINK_UNCLASSIFIABLE 254u
#define ECG_LINK_NOT_LABELLED 255u

typedef enum {
    ECG_LINK_HELLO = 0x01,
    ECG_LINK_START = 0x02,
    ECG_LINK_SAMPLES = 0x03,
    ECG_LINK_FINISH = 0x04,
    ECG_LINK_DELTAS = 0x05,
    ECG_LINK_GET_STATUS = 0x06,
    ECG_LINK_GET_SETTINGS = 0x07,
    ECG_LINK_SET_SETTINGS = 0x08,
    ECG_LINK_GET_LOG = 0x09,
    ECG_LINK_INFO = 0x81,
    ECG_LINK_STARTED = 0x82,
    ECG_LINK_CREDIT = 0x83,
    ECG_LINK_NAK = 0x84,
    ECG_LINK_BEAT = 0x85,
    ECG_LINK_DONE = 0x86,
    ECG_LINK_WAVE = 0x87,
    ECG_LINK_QUALITY = 0x88,
    ECG_LINK_EVENT = 0x89,
    ECG_LINK_MORPHOLOGY = 0x8A,
    ECG_LINK_STATUS = 0x8B,
    ECG_LINK_SETTINGS = 0x8C,
    ECG_LINK_LOG = 0x8D,
    ECG_LINK_ERROR = 0x8F,
} ecg_link_type_t;

typedef enum { ECG_LINK_MODE_REPLAY = 0, ECG_LINK_MODE_LIVE = 1 } ecg_link_mode_t;

typedef enum {
    ECG_LINK_READY = 0,
    ECG_LINK_SELF_TEST_FAILED = 1,
    ECG_LINK_MODEL_DAMAGED = 2,
    ECG_LINK_OTHER_CORE = 3,
} ecg_link_status_t;

typedef enum {
    ECG_LINK_NAK_GAP = 1,
    ECG_LINK_NAK_OVERRUN = 2,
    ECG_LINK_NAK_CRC = 3,
} ecg_link_nak_t;

typedef enum {
    ECG_LINK_NO_ERROR = 0, /* never on the line */
    ECG_LINK_ERROR_SELF_TEST = 1,
    ECG_LINK_ERROR_VERSION = 2,
    ECG_LINK_ERROR_START_FIELD = 3,
    ECG_LINK_ERROR_NO_SESSION = 4,
    ECG_LINK_ERROR_TYPE = 5,
    ECG_LINK_ERROR_LENGTH = 6,
    ECG_LINK_ERROR_MODE = 7,
    ECG_LINK_ERROR_SETTINGS = 8,
} ecg_link_error_t;

typedef struct {
    uint32_t session_id;
    uint16_t fs_hz;
    uint16_t adu_per_mv;
    uint8_t mains_hz;
    uint8_t mode; /* ecg_link_mode_t, checked by the session */
} ecg_link_start_t;

typedef struct {
    uint32_t first_index;
    uint8_t lead_flags;
    uint8_t count; /* 1 to ECG_LINK_BLOCK_MAX */
    int16_t adu[ECG_LINK_BLOCK_MAX];
} ecg_link_samples_t;

typedef struct {
    uint8_t status; /* ecg_link_status_t */
    uint16_t fs_hz;
    uint32_t arena_bytes;
    uint32_t core_state_bytes;
    uint32_t core_fingerprint;
    uint32_t rhythm_fingerprint;
    const uint8_t *model_sha256; /* ECG_LINK_SHA256_BYTES */
    const char *firmware_version;
    const char *board;
    const char *engine;
    const char *labels;
    /* Of the morphology network; NULL and 0 in an image without one. */
    const uint8_t *morphology_sha256; /* ECG_LINK_SHA256_BYTES */
    uint32_t strip_fingerprint;
    const char *morphology_labels;
} ecg_link_info_t;

typedef struct {
    uint32_t beat_index;
    uint32_t r_sample;
    uint16_t rr_samples;
    uint16_t flags;
    uint8_t quality;
    uint8_t p_wave;
    uint8_t label;
    uint8_t confidence;
    uint32_t input_crc32;
    uint8_t count;
    const int8_t *logits; /* count */
} ecg_link_beat_t;

/* The signal turned bad or good. */
typedef struct {
    uint32_t sample;
    uint8_t bad;
    uint16_t reasons;
} ecg_link_quality_t;

typedef struct {
    uint32_t samples;
    uint32_t beats;
    uint32_t tick_hz;
    uint64_t core_ticks;
    uint64_t engine_ticks;
    uint32_t engine_ticks_max;
    uint32_t strips;
    uint64_t strip_ticks;
    uint32_t strip_ticks_max;
} ecg_link_done_t;

/* Result of the morphology network for a strip. */
typedef struct {
    uint32_t strip_index;
    uint32_t sample; /* the strip's last one */
    uint8_t label;
    uint8_t confidence;
    uint32_t input_crc32;
    uint8_t count;
    const int8_t *logits; /* count */
} ecg_link_morphology_t;

/* As ecg_rhythm_event_t. */
typedef struct {
    uint32_t event_index;
    uint8_t kind;
    uint8_t phase;
    uint8_t flags;
    uint32_t onset;
    uint32_t end;
    uint16_t beats;
    uint16_t rate_x10;
    uint16_t mean_rr;
    uint16_t shortest_rr;
    uint16_t longest_rr;
    uint16_t irregularity_permille;
    uint8_t confidence;
} ecg_link_rhythm_event_t;

/** Parse the body of a frame.
 *
 *  @param[in]  frame   received frame of the type that the function's name says
 *  @param[out] fields  the fields; complete only when the result is true
 *  @return             false when the length is not the one of the type's table
 */
bool ecg_link_parse_hello(const ecg_link_frame_t *frame, uint8_t *protocol_version);
bool ecg_link_parse_start(const ecg_link_frame_t *frame, ecg_link_start_t *start);
bool ecg_link_parse_samples(const ecg_link_frame_t *frame, ecg_link_samples_t *samples);
bool ecg_link_parse_deltas(const ecg_link_frame_t *frame, ecg_link_samples_t *samples);
bool ecg_link_parse_finish(const ecg_link_frame_t *frame, uint32_t *total_samples);

/** Send a frame of the type that the function's name says.
 *
 *  @param[in,out] sender  state
 *  @param[in]     fields  the fields of its table
 */
void ecg_link_send_info(ecg_link_sender_t *sender, const ecg_link_info_t *info, uint16_t window_samples);
void ecg_link_send_started(ecg_link_sender_t *sender, uint32_t session_id);
void ecg_link_send_credit(ecg_link_sender_t *sender, uint32_t next_index);
void ecg_link_send_nak(ecg_link_sender_t *sender, uint32_t expected_index, ecg_link_nak_t reason);
void ecg_link_send_beat(ecg_link_sender_t *sender, const ecg_link_beat_t *beat);
void ecg_link_send_quality(ecg_link_sender_t *sender, const ecg_link_quality_t *quality);
void ecg_link_send_done(ecg_link_sender_t *sender, const ecg_link_done_t *done, uint32_t rejected_frames);
void ecg_link_send_wave(ecg_link_sender_t *sender, uint32_t first_index, uint8_t lead_flags,
                        const int16_t *samples, uint8_t count);
void ecg_link_send_event(ecg_link_sender_t *sender, const ecg_link_rhythm_event_t *event);
void ecg_link_send_morphology(ecg_link_sender_t *sender, const ecg_link_morphology_t *morphology);
void ecg_link_send_error(ecg_link_sender_t *sender, ecg_link_error_t code, const char *text);

#ifdef __cplusplus
}
#endif

#endif
