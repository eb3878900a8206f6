#include "ecg_ble/ecg_service.h"

#include <string.h>

#include "bytes.h"

#define NUMBER_AT 12u /* of the short number in a UUID whose last byte comes first */

void ecg_ble_uuid(uint8_t uuid[ECG_BLE_UUID_BYTES], uint16_t number) {
    static const uint8_t BASE[ECG_BLE_UUID_BYTES] = {0xDF, 0x9D, 0xC7, 0xE6, 0x2A, 0x31, 0x15, 0xBA,
                                                     0x8D, 0x44, 0x2B, 0xE6, 0x00, 0x00, 0xA6, 0x3B};
    memcpy(uuid, BASE, sizeof BASE);
    ecg_ble_put(uuid + NUMBER_AT, number, 2);
}

size_t ecg_ble_samples_room(size_t payload_bytes) {
    const size_t room =
        payload_bytes > ECG_BLE_SAMPLES_HEAD ? (payload_bytes - ECG_BLE_SAMPLES_HEAD) / 2u : 0;
    return room < ECG_BLE_SAMPLES_MAX ? room : ECG_BLE_SAMPLES_MAX;
}

size_t ecg_ble_put_samples(uint8_t *payload, const ecg_ble_samples_t *samples) {
    uint8_t *at = ecg_ble_put(payload, samples->first, 4);
    at = ecg_ble_put(at, samples->lead_flags, 1);
    for (size_t i = 0; i < samples->count; i++) {
        at = ecg_ble_put(at, (uint16_t)samples->adu[i], 2);
    }
    return (size_t)(at - payload);
}

size_t ecg_ble_put_beat(uint8_t *payload, const ecg_ble_beat_t *beat) {
    uint8_t *at = ecg_ble_put(payload, beat->index, 4);
    at = ecg_ble_put(at, beat->r_sample, 4);
    at = ecg_ble_put(at, beat->rr_samples, 2);
    at = ecg_ble_put(at, (uint8_t)beat->symbol, 1);
    at = ecg_ble_put(at, beat->flags, 2);
    at = ecg_ble_put(at, beat->confidence, 1);
    at = ecg_ble_put(at, beat->quality, 1);
    return (size_t)(at - payload);
}

size_t ecg_ble_put_event(uint8_t *payload, const ecg_ble_event_t *event) {
    uint8_t *at = ecg_ble_put(payload, event->index, 4);
    at = ecg_ble_put(at, event->kind, 1);
    at = ecg_ble_put(at, event->phase, 1);
    at = ecg_ble_put(at, event->flags, 1);
    at = ecg_ble_put(at, event->priority, 1);
    at = ecg_ble_put(at, event->onset, 4);
    at = ecg_ble_put(at, event->end, 4);
    at = ecg_ble_put(at, event->rate_x10, 2);
    at = ecg_ble_put(at, event->confidence, 1);
    return (size_t)(at - payload);
}
