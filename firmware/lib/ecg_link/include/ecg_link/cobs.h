/* Consistent Overhead Byte Stuffing: a frame without zero bytes, so that a zero byte can end it. */
#ifndef ECG_LINK_COBS_H
#define ECG_LINK_COBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most bytes that `size` bytes can take once encoded, without the zero byte at the end. */
#define ECG_COBS_ENCODED_MAX(size) ((size) + (size) / 254u + 1u)

/** Encode a frame, without the zero byte that ends it.
 *
 *  @param[in]  bytes    frame
 *  @param[in]  size     its bytes
 *  @param[out] encoded  room for ECG_COBS_ENCODED_MAX(size) bytes; must not overlap `bytes`
 *  @return              number of bytes written
 */
size_t ecg_cobs_encode(const uint8_t *bytes, size_t size, uint8_t *encoded);

/* Decoder that takes one byte at a time and writes into the caller's buffer, never past its end. */
typedef struct {
    uint8_t *bytes;  /* the caller's buffer */
    size_t capacity; /* its size */
    size_t size;     /* bytes decoded so far */
    uint8_t left;    /* bytes before the next code byte */
    bool zero_due;   /* a zero byte stands between the group before and the next */
    bool overflow;   /* the frame is larger than the buffer */
} ecg_cobs_decoder_t;

typedef enum {
    ECG_COBS_MORE = 0,  /* the frame goes on */
    ECG_COBS_FRAME = 1, /* a whole frame of `size` bytes is in the buffer */
    ECG_COBS_BAD = -1,  /* the frame ended inside a group, or was larger than the buffer */
} ecg_cobs_event_t;

/** Start with an empty frame.
 *
 *  @param[out] decoder   state
 *  @param[out] bytes     where the frame will be
 *  @param[in]  capacity  bytes of room there
 */
void ecg_cobs_reset(ecg_cobs_decoder_t *decoder, uint8_t *bytes, size_t capacity);

/** Take one encoded byte. After FRAME or BAD call ecg_cobs_reset.
 *
 *  @param[in,out] decoder  state
 *  @param[in]     byte     next byte of the line
 *  @return                 what it brought; an empty frame is ECG_COBS_MORE
 */
ecg_cobs_event_t ecg_cobs_decode(ecg_cobs_decoder_t *decoder, uint8_t byte);

#ifdef __cplusplus
}
#endif

#endif
