#include "ecg_ble/heart_rate.h"

#include "bytes.h"

#define RR_BYTES 2u

uint16_t ecg_ble_rr_1024(uint32_t rr_samples, uint16_t fs_hz) {
    const uint64_t units = ((uint64_t)rr_samples * 1024u + fs_hz / 2u) / fs_hz;
    return (uint16_t)(units > UINT16_MAX ? UINT16_MAX : units);
}

static uint8_t flags_of(const ecg_ble_heart_rate_t *measurement) {
    const unsigned contact = measurement->has_contact ? ECG_BLE_CONTACT_DETECTED : 0u;
    const unsigned wide = measurement->rate_bpm > UINT8_MAX ? ECG_BLE_RATE_HAS_16_BITS : 0u;
    const unsigned rr = measurement->rr_count > 0 ? ECG_BLE_HAS_RR : 0u;
    return (uint8_t)(ECG_BLE_CONTACT_SUPPORTED | contact | wide | rr);
}

size_t ecg_ble_put_heart_rate(uint8_t *payload, const ecg_ble_heart_rate_t *measurement) {
    const uint8_t flags = flags_of(measurement);
    const size_t rate_bytes = flags & ECG_BLE_RATE_HAS_16_BITS ? 2u : 1u;
    uint8_t *at = ecg_ble_put(payload, flags, 1);
    at = ecg_ble_put(at, measurement->rate_bpm, rate_bytes);
    const size_t room = (ECG_BLE_PAYLOAD_BYTES - 1u - rate_bytes) / RR_BYTES;
    for (size_t i = measurement->rr_count > room ? measurement->rr_count - room : 0;
         i < measurement->rr_count; i++) {
        at = ecg_ble_put(at, measurement->rr_1024[i], RR_BYTES);
    }
    return (size_t)(at - payload);
}

/* A cell of 4.2 V that discharges slowly; own choice, rounded from the usual shape of such curves. */
static const struct {
    uint16_t millivolts;
    uint8_t percent;
} CELL[] = {{3300, 0}, {3600, 10}, {3700, 25}, {3800, 50}, {3950, 75}, {4150, 100}};

#define POINTS (sizeof CELL / sizeof CELL[0])

uint8_t ecg_ble_battery_percent(uint16_t millivolts) {
    size_t above = 0;
    while (above < POINTS && CELL[above].millivolts <= millivolts) {
        above++;
    }
    if (above == 0 || above == POINTS) {
        return above == 0 ? 0 : 100;
    }
    const uint32_t width = CELL[above].millivolts - (uint32_t)CELL[above - 1].millivolts;
    const uint32_t rise = CELL[above].percent - (uint32_t)CELL[above - 1].percent;
    const uint32_t part = millivolts - (uint32_t)CELL[above - 1].millivolts;
    return (uint8_t)(CELL[above - 1].percent + (part * rise + width / 2u) / width);
}
