/* An update of the firmware that comes in pieces, and the trial of the new one after the restart. What writes
 * the memory, computes digests and checks signatures is the board's; the order, the place, the length and the
 * decisions are here.
 *
 * The image's SHA-256 digest comes first, with its signature: nothing is erased for an image of somebody
 * else. The image itself is checked against the digest at its end. A line that breaks leaves the update under
 * way: the same BEGIN goes on with it. */
#ifndef ECG_BOARD_UPDATE_H
#define ECG_BOARD_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Answers. Name, number, text. */
#define ECG_UPDATE_RESULTS(X)                                                 \
    X(ECG_UPDATE_OK, 0, "done")                                               \
    X(ECG_UPDATE_BUSY, 1, "samples are being taken: take the electrodes off") \
    X(ECG_UPDATE_ORDER, 2, "no update was begun")                             \
    X(ECG_UPDATE_LENGTH, 3, "a message has a wrong length")                   \
    X(ECG_UPDATE_SIZE, 4, "the image is empty, or too large")                 \
    X(ECG_UPDATE_PLACE, 5, "a piece is not the next one")                     \
    X(ECG_UPDATE_CHECKSUM, 6, "the image is not the one that was announced")  \
    X(ECG_UPDATE_MEMORY, 7, "the memory did not take it, or it is no image")  \
    X(ECG_UPDATE_COMMAND, 8, "unknown command")                               \
    X(ECG_UPDATE_SIGNATURE, 9, "the signature is not of the key in the device")

typedef enum {
#define ECG_UPDATE_RESULT(name, number, text) name = (number),
    ECG_UPDATE_RESULTS(ECG_UPDATE_RESULT)
#undef ECG_UPDATE_RESULT
} ecg_update_result_t;

#define ECG_UPDATE_DIGEST_BYTES 32u    /* SHA-256 of the image */
#define ECG_UPDATE_SIGNATURE_BYTES 64u /* of the digest: ECDSA with the curve P-256, r and s, big-endian */

/* First byte of a control message. BEGIN goes on with the image's size in four bytes, its digest and the
 * signature. */
#define ECG_UPDATE_BEGIN 1u
#define ECG_UPDATE_END 2u
#define ECG_UPDATE_ABORT 3u

#define ECG_UPDATE_STATE_BYTES 8u

/* What a board does; each function returns false when it did not work. */
typedef struct {
    uint32_t capacity; /* bytes of the memory for a new image */
    bool (*may_write)(void);
    bool (*is_signed)(const uint8_t digest[ECG_UPDATE_DIGEST_BYTES],
                      const uint8_t signature[ECG_UPDATE_SIGNATURE_BYTES]);
    bool (*begin)(uint32_t size);
    bool (*write)(const uint8_t *bytes, size_t size);                  /* piece after piece */
    bool (*has_digest)(const uint8_t digest[ECG_UPDATE_DIGEST_BYTES]); /* what was written since begin */
    bool (*finish)(void); /* the image is whole: start it at the next start */
    void (*abort)(void);
} ecg_update_ops_t;

typedef struct {
    const ecg_update_ops_t *ops;
    bool is_open;
    uint32_t size, received;
    uint8_t digest[ECG_UPDATE_DIGEST_BYTES];
} ecg_update_t;

/** Begin with no update under way.
 *
 *  @param[out] update  state
 *  @param[in]  ops     the board's functions; kept
 */
void ecg_update_init(ecg_update_t *update, const ecg_update_ops_t *ops);

/** Take a control message.
 *
 *  @param[in,out] update  state
 *  @param[in]     bytes   message
 *  @param[in]     size    its length
 *  @return                the answer; after an error no update is under way, but for ECG_UPDATE_BUSY and
 *                         for a BEGIN that is refused for its size or signature, which change nothing
 */
ecg_update_result_t ecg_update_control(ecg_update_t *update, const uint8_t *bytes, size_t size);

/** Take a piece of the image: its offset in four bytes, then the bytes.
 *
 *  @param[in,out] update  state
 *  @param[in]     bytes   message
 *  @param[in]     size    its length, 5 or more
 *  @return                the answer; after an error but ECG_UPDATE_BUSY no update is under way
 */
ecg_update_result_t ecg_update_data(ecg_update_t *update, const uint8_t *bytes, size_t size);

/** Write what a host reads before it sends pieces: capacity and bytes received, four bytes each.
 *
 *  @param[in]  update  state
 *  @param[out] bytes   answer
 */
void ecg_update_state(const ecg_update_t *update, uint8_t bytes[ECG_UPDATE_STATE_BYTES]);

/* What a new firmware does in its first minute. A reset before ECG_TRIAL_KEEP makes the boot loader start the
 * old one again. */
typedef enum {
    ECG_TRIAL_NONE = 0, /* this firmware is not on trial */
    ECG_TRIAL_WAIT = 1,
    ECG_TRIAL_KEEP = 2,
    ECG_TRIAL_GO_BACK = 3,
} ecg_trial_t;

#define ECG_TRIAL_SECONDS 60u /* own choice: longer than the watchdog's 8 s, and than the first strips */

/** Decide about a firmware.
 *
 *  @param on_trial          it was started for the first time, and has not been kept yet
 *  @param self_test_passed  result of the boot's self-test
 *  @param uptime_s          seconds since the start
 *  @return                  what to do
 */
ecg_trial_t ecg_trial_decide(bool on_trial, bool self_test_passed, uint32_t uptime_s);

#ifdef __cplusplus
}
#endif

#endif
