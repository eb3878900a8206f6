/* Payloads of this project's own Bluetooth service: ECG, beats and rhythm events. docs/reference/ble.md has
 * them as tables. All numbers are little-endian. */
#ifndef ECG_BLE_ECG_SERVICE_H
#define ECG_BLE_ECG_SERVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Short numbers of service and characteristics: bytes 2 and 3 of the UUID. */
#define ECG_BLE_SERVICE_ECG 0x0001u
#define ECG_BLE_ECG_SAMPLES 0x0002u
#define ECG_BLE_ECG_BEAT 0x0003u
#define ECG_BLE_ECG_EVENT 0x0004u
#define ECG_BLE_UPDATE_CONTROL 0x0005u
#define ECG_BLE_UPDATE_DATA 0x0006u

#define ECG_BLE_UUID_BYTES 16u

/** Write the UUID of a short number: 3ba6NNNN-e62b-448d-ba15-312ae6c79ddf, last byte first, as packets have
 * it.
 *
 *  @param[out] uuid    16 bytes
 *  @param[in]  number  NNNN
 */
void ecg_ble_uuid(uint8_t uuid[ECG_BLE_UUID_BYTES], uint16_t number);

#define ECG_BLE_SAMPLES_HEAD 5u
#define ECG_BLE_SAMPLES_MAX 119u /* 2 x 119 + 5 bytes: what an MTU of 247 takes, one radio packet */
#define ECG_BLE_BEAT_BYTES 15u
#define ECG_BLE_EVENT_BYTES 19u

/* Consecutive samples with the same lead flags. */
typedef struct {
    uint32_t first; /* index of the first sample in its session */
    uint8_t lead_flags;
    uint8_t count;
    const int16_t *adu;
} ecg_ble_samples_t;

typedef struct {
    uint32_t index, r_sample;
    uint16_t rr_samples; /* 0: not known */
    char symbol;         /* of the label, such as 'N'; '?': none */
    uint16_t flags;
    uint8_t confidence; /* 0 to 255 */
    uint8_t quality;    /* 0 worst to 100 best */
} ecg_ble_beat_t;

typedef struct {
    uint32_t index;
    uint8_t kind, phase, flags, priority;
    uint32_t onset, end;
    uint16_t rate_x10;
    uint8_t confidence; /* per cent */
} ecg_ble_event_t;

/** Compute how many samples a notification takes.
 *
 *  @param payload_bytes  bytes of a notification: the MTU less 3
 *  @return               number of samples, ECG_BLE_SAMPLES_MAX at most
 */
size_t ecg_ble_samples_room(size_t payload_bytes);

/** Write a payload.
 *
 *  @param[out] payload  as many bytes as the payload has: ECG_BLE_SAMPLES_HEAD and two a sample,
 *                       ECG_BLE_BEAT_BYTES, ECG_BLE_EVENT_BYTES
 *  @return              number of bytes
 */
size_t ecg_ble_put_samples(uint8_t *payload, const ecg_ble_samples_t *samples);
size_t ecg_ble_put_beat(uint8_t *payload, const ecg_ble_beat_t *beat);
size_t ecg_ble_put_event(uint8_t *payload, const ecg_ble_event_t *event);

#ifdef __cplusplus
}
#endif

#endif
