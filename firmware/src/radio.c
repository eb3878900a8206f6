#include "radio.h"

#include <string.h>

#include "boards/board.h"
#include "ecg_ble/ecg_service.h"
#include "ecg_ble/heart_rate.h"
#include "ecg_rhythm/ecg_rhythm_alarms.h"

#define RATE_EVERY_MS 1000u     /* as the Heart Rate Service asks for */
#define BATTERY_EVERY_MS 60000u /* a cell loses less than 1 % in that time */
#define RATE_INTERVALS 8u       /* of the mean; own choice */
#define SILENCE_S 10u           /* after that the rate is not known any more */

static struct {
    bool is_live;
    uint16_t fs_hz;
    uint32_t samples;   /* of the session */
    uint32_t last_beat; /* place of the last beat */
    uint32_t intervals[RATE_INTERVALS];
    uint32_t interval_count; /* ever, in this session */
    ecg_ble_heart_rate_t rate;
    uint32_t rate_ms, battery_ms;
    uint8_t battery_percent; /* as sent; 0: never */
} radio;

/* Samples on their way. */
static struct {
    int16_t adu[ECG_BLE_SAMPLES_MAX];
    uint8_t count, lead_flags;
} batch;

void radio_begin(bool is_live, uint16_t fs_hz) {
    radio.is_live = is_live;
    radio.fs_hz = fs_hz;
    radio.samples = radio.last_beat = radio.interval_count = 0;
    radio.rate = (ecg_ble_heart_rate_t){0};
    batch.count = 0;
}

void radio_end(void) {
    radio.is_live = false;
}

static bool is_heard(void) {
    return radio.is_live && board_notify_bytes() >= ECG_BLE_PAYLOAD_BYTES;
}

static void send_batch(void) {
    uint8_t payload[ECG_BLE_SAMPLES_HEAD + 2u * ECG_BLE_SAMPLES_MAX];
    const ecg_ble_samples_t samples = {.first = radio.samples - batch.count,
                                       .lead_flags = batch.lead_flags,
                                       .count = batch.count,
                                       .adu = batch.adu};
    if (batch.count > 0) {
        board_notify(BOARD_VALUE_SAMPLES, payload, ecg_ble_put_samples(payload, &samples));
        batch.count = 0;
    }
}

/* A tenth of a second at most: a picture of the ECG moves evenly. */
static size_t batch_room(void) {
    const size_t room = ecg_ble_samples_room(board_notify_bytes()), tenth = radio.fs_hz / 10u;
    return room < tenth ? room : tenth;
}

void radio_sample(int16_t sample_adu, uint8_t lead_flags) {
    if (!is_heard()) {
        batch.count = 0;
        radio.samples++;
        return;
    }
    if (lead_flags != batch.lead_flags || batch.count >= batch_room()) {
        send_batch();
    }
    batch.lead_flags = lead_flags;
    batch.adu[batch.count++] = sample_adu;
    radio.samples++;
}

/* When nine wait, the oldest is left out. */
static void keep_interval(uint32_t rr_samples) {
    ecg_ble_heart_rate_t *const rate = &radio.rate;
    radio.intervals[radio.interval_count++ % RATE_INTERVALS] = rr_samples;
    if (rate->rr_count == ECG_BLE_RR_MAX) {
        memmove(rate->rr_1024, rate->rr_1024 + 1, (ECG_BLE_RR_MAX - 1u) * sizeof rate->rr_1024[0]);
        rate->rr_count--;
    }
    rate->rr_1024[rate->rr_count++] = ecg_ble_rr_1024(rr_samples, radio.fs_hz);
}

/* A label of one character; '?' for a longer one, and where there is none. */
static char symbol_of(const char *labels, uint8_t label) {
    const char *at = labels;
    for (; label > 0 && at != NULL; label--) {
        at = strchr(at, ',');
        at = at != NULL ? at + 1 : NULL;
    }
    const bool is_one = at != NULL && at[0] != '\0' && (at[1] == ',' || at[1] == '\0');
    return is_one ? at[0] : '?';
}

void radio_beat(const ecg_link_beat_t *beat, const char *labels) {
    uint8_t payload[ECG_BLE_BEAT_BYTES];
    const ecg_ble_beat_t report = {.index = beat->beat_index,
                                   .r_sample = beat->r_sample,
                                   .rr_samples = beat->rr_samples,
                                   .symbol = symbol_of(labels, beat->label),
                                   .confidence = beat->confidence,
                                   .flags = beat->flags,
                                   .quality = beat->quality};
    radio.last_beat = beat->r_sample;
    if (radio.is_live && beat->rr_samples > 0) {
        keep_interval(beat->rr_samples);
    }
    if (is_heard()) {
        board_notify(BOARD_VALUE_BEAT, payload, ecg_ble_put_beat(payload, &report));
    }
}

void radio_event(const ecg_rhythm_event_t *event) {
    uint8_t payload[ECG_BLE_EVENT_BYTES];
    const ecg_ble_event_t report = {.index = event->index,
                                    .kind = event->kind,
                                    .phase = event->phase,
                                    .flags = event->flags,
                                    .priority = (uint8_t)ecg_rhythm_priority(event->kind),
                                    .onset = event->onset,
                                    .end = event->end,
                                    .rate_x10 = event->rate_x10,
                                    .confidence = event->confidence};
    if (is_heard()) {
        board_notify(BOARD_VALUE_EVENT, payload, ecg_ble_put_event(payload, &report));
    }
}

/* Mean of the last intervals; 0 when there are none, or none of the last seconds. */
static uint16_t present_rate(void) {
    const uint32_t count = radio.interval_count < RATE_INTERVALS ? radio.interval_count : RATE_INTERVALS;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += radio.intervals[i];
    }
    const bool is_silent = radio.samples - radio.last_beat > (uint32_t)SILENCE_S * radio.fs_hz;
    return (uint16_t)(sum > 0 && !is_silent ? (60u * radio.fs_hz * count + sum / 2u) / sum : 0u);
}

static void send_rate(bool has_contact) {
    uint8_t payload[ECG_BLE_PAYLOAD_BYTES];
    radio.rate.has_contact = has_contact;
    radio.rate.rate_bpm = present_rate();
    if (is_heard()) {
        board_notify(BOARD_VALUE_HEART_RATE, payload, ecg_ble_put_heart_rate(payload, &radio.rate));
    }
    radio.rate.rr_count = 0;
}

static void send_battery(void) {
    const uint16_t millivolts = board_battery_mv();
    const uint8_t percent = ecg_ble_battery_percent(millivolts);
    if (millivolts > 0 && percent != radio.battery_percent) {
        radio.battery_percent = percent;
        board_notify(BOARD_VALUE_BATTERY, &percent, 1);
    }
}

void radio_poll(uint32_t now_ms, bool has_contact) {
    if (now_ms - radio.rate_ms >= RATE_EVERY_MS) {
        radio.rate_ms = now_ms;
        send_rate(has_contact);
    }
    if (now_ms - radio.battery_ms >= BATTERY_EVERY_MS) {
        radio.battery_ms = now_ms;
        send_battery();
    }
}
