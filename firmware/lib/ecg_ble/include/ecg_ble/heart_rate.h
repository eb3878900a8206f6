/* Payloads of the Heart Rate Service (0x180D) and the Battery Service (0x180F) of Bluetooth LE, as the
 * Bluetooth SIG's characteristics 0x2A37, 0x2A38 and 0x2A19 define them. */
#ifndef ECG_BLE_HEART_RATE_H
#define ECG_BLE_HEART_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_BLE_SERVICE_HEART_RATE 0x180Du
#define ECG_BLE_HEART_RATE_MEASUREMENT 0x2A37u
#define ECG_BLE_BODY_SENSOR_LOCATION 0x2A38u
#define ECG_BLE_SERVICE_BATTERY 0x180Fu
#define ECG_BLE_BATTERY_LEVEL 0x2A19u

#define ECG_BLE_LOCATION_CHEST 1u

/* A notification with the least MTU, 23, and the RR intervals that fit it beside a rate of one byte. */
#define ECG_BLE_PAYLOAD_BYTES 20u
#define ECG_BLE_RR_MAX 9u

/* Flags of Heart Rate Measurement. Energy expended (bit 3) is never sent. */
#define ECG_BLE_RATE_HAS_16_BITS 0x01u
#define ECG_BLE_CONTACT_DETECTED 0x02u
#define ECG_BLE_CONTACT_SUPPORTED 0x04u
#define ECG_BLE_HAS_RR 0x10u

typedef struct {
    uint16_t rate_bpm;                /* 0: not known */
    bool has_contact;                 /* the electrodes are on */
    uint8_t rr_count;                 /* at most ECG_BLE_RR_MAX */
    uint16_t rr_1024[ECG_BLE_RR_MAX]; /* oldest first, in 1/1024 s */
} ecg_ble_heart_rate_t;

/** Convert an RR interval.
 *
 *  @param rr_samples  interval, in samples
 *  @param fs_hz       rate of the samples, 1 or more
 *  @return            the interval in 1/1024 s, rounded; 65535 when it does not fit
 */
uint16_t ecg_ble_rr_1024(uint32_t rr_samples, uint16_t fs_hz);

/** Write a Heart Rate Measurement.
 *
 *  @param[out] payload      ECG_BLE_PAYLOAD_BYTES bytes
 *  @param[in]  measurement  a rate above 255 takes two bytes, and leaves the oldest of nine intervals out
 *  @return                  number of bytes
 */
size_t ecg_ble_put_heart_rate(uint8_t *payload, const ecg_ble_heart_rate_t *measurement);

/** Estimate the charge of a lithium cell from its voltage, between the points of a table.
 *
 *  @param millivolts  of the cell, at some load
 *  @return            0 to 100 %
 */
uint8_t ecg_ble_battery_percent(uint16_t millivolts);

#ifdef __cplusplus
}
#endif

#endif
