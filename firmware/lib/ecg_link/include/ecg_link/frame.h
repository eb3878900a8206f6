/* Frames of docs/reference/protocol.md: type, sequence number, body, CRC-32, in COBS, ended by a zero byte.
 * Neither direction allocates or blocks by itself; the sender calls the application's write function. */
#ifndef ECG_LINK_FRAME_H
#define ECG_LINK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ecg_link/cobs.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_LINK_BODY_MAX 502u
#define ECG_LINK_HEADER_BYTES 2u
#define ECG_LINK_CRC_BYTES 4u
#define ECG_LINK_FRAME_MAX (ECG_LINK_HEADER_BYTES + ECG_LINK_BODY_MAX + ECG_LINK_CRC_BYTES)
#define ECG_LINK_ENCODED_MAX (ECG_COBS_ENCODED_MAX(ECG_LINK_FRAME_MAX) + 1u) /* with the zero byte */

/* A frame whose length and CRC are right. `body` is valid until the next byte is received. */
typedef struct {
    uint8_t type;
    uint8_t sequence;
    const uint8_t *body;
    size_t size;
} ecg_link_frame_t;

typedef enum {
    ECG_LINK_MORE = 0,   /* no frame yet */
    ECG_LINK_FRAME = 1,  /* *frame was written */
    ECG_LINK_REJECT = 2, /* a frame with a wrong CRC, length or encoding was dropped */
} ecg_link_event_t;

typedef struct {
    ecg_cobs_decoder_t decoder;
    uint8_t bytes[ECG_LINK_FRAME_MAX];
    uint32_t rejected_frames;
} ecg_link_receiver_t;

/** Start with an empty frame and no rejected frames.
 *
 *  @param[out] receiver  state
 */
void ecg_link_receiver_init(ecg_link_receiver_t *receiver);

/** Take one byte from the line.
 *
 *  @param[in,out] receiver  state
 *  @param[in]     byte      next byte
 *  @param[out]    frame     written when the result is ECG_LINK_FRAME; its body is valid until the next byte
 *  @return                  what the byte brought
 */
ecg_link_event_t ecg_link_receive(ecg_link_receiver_t *receiver, uint8_t byte, ecg_link_frame_t *frame);

/* How the application sends bytes; returns when they are on their way. */
typedef void (*ecg_link_write_t)(const uint8_t *bytes, size_t size);

typedef struct {
    ecg_link_write_t write;
    uint8_t sequence;
    bool overflow; /* the body did not fit: the frame will not be sent */
    bool muted;    /* nobody is there: frames are not sent, and not counted; set by the application */
    size_t size;
    uint8_t bytes[ECG_LINK_FRAME_MAX];
    uint8_t encoded[ECG_LINK_ENCODED_MAX];
} ecg_link_sender_t;

/** Start with sequence number 0.
 *
 *  @param[out] sender  state
 *  @param[in]  write   function that sends bytes
 */
void ecg_link_sender_init(ecg_link_sender_t *sender, ecg_link_write_t write);

/** Begin a frame; then put its fields in the order of their table, and send it.
 *
 *  @param[in,out] sender  state
 *  @param[in]     type    ecg_link_type_t
 */
void ecg_link_begin(ecg_link_sender_t *sender, uint8_t type);
/** Put a field, little-endian.
 *
 *  @param[in,out] sender  state
 *  @param[in]     value   the field
 */
void ecg_link_put_u8(ecg_link_sender_t *sender, uint8_t value);
void ecg_link_put_u16(ecg_link_sender_t *sender, uint16_t value);
void ecg_link_put_u32(ecg_link_sender_t *sender, uint32_t value);
void ecg_link_put_u64(ecg_link_sender_t *sender, uint64_t value);
/** Put bytes as they are.
 *
 *  @param[in,out] sender  state
 *  @param[in]     bytes   data
 *  @param[in]     size    number of bytes
 */
void ecg_link_put_bytes(ecg_link_sender_t *sender, const void *bytes, size_t size);

/** Put a length byte and a text.
 *
 *  @param[in,out] sender  state
 *  @param[in]     text    string, truncated at 255 bytes
 */
void ecg_link_put_string(ecg_link_sender_t *sender, const char *text);

/** Encode and write the frame.
 *
 *  @param[in,out] sender  state
 *  @return                false, and nothing is written, when the body was larger than ECG_LINK_BODY_MAX, or
 *                         when the sender is muted
 */
bool ecg_link_send(ecg_link_sender_t *sender);

/** Read a little-endian integer of a body.
 *
 *  @param[in] bytes  2 or 4 bytes
 *  @return           the integer
 */
uint16_t ecg_link_get_u16(const uint8_t *bytes);
uint32_t ecg_link_get_u32(const uint8_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
