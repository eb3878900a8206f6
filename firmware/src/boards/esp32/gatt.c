#include "gatt.h"

#include "ecg_ble/ecg_service.h"
#include "ecg_ble/heart_rate.h"
#include "host/ble_hs.h"
#include "pins.h"
#include "services/gap/ble_svc_gap.h"
#include "services/gatt/ble_svc_gatt.h"
#include "update.h"

#define WRITE_MAX 512u
/* Answers to an update's messages: Bluetooth leaves these error numbers to applications. */
#define ATT_ERROR(result) (0x80 + (int)(result))

static uint16_t handles[GATT_VALUES];
static uint8_t battery_percent;

static int read_location(uint16_t connection, uint16_t attribute, struct ble_gatt_access_ctxt *access,
                         void *context) {
    static const uint8_t LOCATION = ECG_BLE_LOCATION_CHEST;
    (void)connection;
    (void)attribute;
    (void)context;
    return os_mbuf_append(access->om, &LOCATION, sizeof LOCATION) == 0 ? 0 : BLE_ATT_ERR_INSUFFICIENT_RES;
}

#if BOARD_HAS_BATTERY
static int read_battery(uint16_t connection, uint16_t attribute, struct ble_gatt_access_ctxt *access,
                        void *context) {
    (void)connection;
    (void)attribute;
    (void)context;
    return os_mbuf_append(access->om, &battery_percent, 1) == 0 ? 0 : BLE_ATT_ERR_INSUFFICIENT_RES;
}
#endif

/* A value that is only notified. */
static int refuse(uint16_t connection, uint16_t attribute, struct ble_gatt_access_ctxt *access,
                  void *context) {
    (void)connection;
    (void)attribute;
    (void)access;
    (void)context;
    return BLE_ATT_ERR_READ_NOT_PERMITTED;
}

typedef ecg_update_result_t (*take_t)(const uint8_t *bytes, size_t size);

static int take_write(const struct ble_gatt_access_ctxt *access, take_t take) {
    static uint8_t bytes[WRITE_MAX]; /* NimBLE's task calls one function at a time */
    uint16_t size = 0;
    if (ble_hs_mbuf_to_flat(access->om, bytes, sizeof bytes, &size) != 0) {
        return BLE_ATT_ERR_INVALID_ATTR_VALUE_LEN;
    }
    const ecg_update_result_t result = take(bytes, size);
    return result == ECG_UPDATE_OK ? 0 : ATT_ERROR(result);
}

static int read_state(const struct ble_gatt_access_ctxt *access) {
    uint8_t bytes[ECG_UPDATE_STATE_BYTES];
    update_state(bytes);
    return os_mbuf_append(access->om, bytes, sizeof bytes) == 0 ? 0 : BLE_ATT_ERR_INSUFFICIENT_RES;
}

static int access_control(uint16_t connection, uint16_t attribute, struct ble_gatt_access_ctxt *access,
                          void *context) {
    (void)connection;
    (void)attribute;
    (void)context;
    return access->op == BLE_GATT_ACCESS_OP_READ_CHR ? read_state(access)
                                                     : take_write(access, update_control);
}

static int write_data(uint16_t connection, uint16_t attribute, struct ble_gatt_access_ctxt *access,
                      void *context) {
    (void)connection;
    (void)attribute;
    (void)context;
    return take_write(access, update_data);
}

/* An UUID of this project is filled in before the services are registered. */
static ble_uuid128_t own[] = {
    {.u = {.type = BLE_UUID_TYPE_128}}, {.u = {.type = BLE_UUID_TYPE_128}},
    {.u = {.type = BLE_UUID_TYPE_128}}, {.u = {.type = BLE_UUID_TYPE_128}},
    {.u = {.type = BLE_UUID_TYPE_128}}, {.u = {.type = BLE_UUID_TYPE_128}},
};
#define OWN(number) (&own[(number)-ECG_BLE_SERVICE_ECG].u)
#define OWN_COUNT (sizeof own / sizeof own[0])

#define NOTIFIED(number, value)                                                             \
    {                                                                                       \
        .uuid = (number), .access_cb = refuse, .val_handle = &handles[BOARD_VALUE_##value], \
        .flags = BLE_GATT_CHR_F_NOTIFY                                                      \
    }
/* Only a bonded host, on an encrypted line. */
#define WRITTEN(number, function, more)                                   \
    {                                                                     \
        .uuid = (number), .access_cb = (function),                        \
        .flags = BLE_GATT_CHR_F_WRITE | BLE_GATT_CHR_F_WRITE_ENC | (more) \
    }
#define READ_TOO (BLE_GATT_CHR_F_READ | BLE_GATT_CHR_F_READ_ENC)

static const struct ble_gatt_chr_def HEART_RATE[] = {
    NOTIFIED(BLE_UUID16_DECLARE(ECG_BLE_HEART_RATE_MEASUREMENT), HEART_RATE),
    {.uuid = BLE_UUID16_DECLARE(ECG_BLE_BODY_SENSOR_LOCATION),
     .access_cb = read_location,
     .flags = BLE_GATT_CHR_F_READ},
    {0},
};

static const struct ble_gatt_chr_def ECG[] = {
    NOTIFIED(OWN(ECG_BLE_ECG_SAMPLES), SAMPLES),
    NOTIFIED(OWN(ECG_BLE_ECG_BEAT), BEAT),
    NOTIFIED(OWN(ECG_BLE_ECG_EVENT), EVENT),
    WRITTEN(OWN(ECG_BLE_UPDATE_CONTROL), access_control, READ_TOO),
    WRITTEN(OWN(ECG_BLE_UPDATE_DATA), write_data, 0),
    {0},
};

#if BOARD_HAS_BATTERY
static const struct ble_gatt_chr_def BATTERY[] = {
    {.uuid = BLE_UUID16_DECLARE(ECG_BLE_BATTERY_LEVEL),
     .access_cb = read_battery,
     .val_handle = &handles[BOARD_VALUE_BATTERY],
     .flags = BLE_GATT_CHR_F_READ | BLE_GATT_CHR_F_NOTIFY},
    {0},
};
#endif

static const struct ble_gatt_svc_def SERVICES[] = {
    {.type = BLE_GATT_SVC_TYPE_PRIMARY,
     .uuid = BLE_UUID16_DECLARE(ECG_BLE_SERVICE_HEART_RATE),
     .characteristics = HEART_RATE},
    {.type = BLE_GATT_SVC_TYPE_PRIMARY, .uuid = OWN(ECG_BLE_SERVICE_ECG), .characteristics = ECG},
#if BOARD_HAS_BATTERY
    {.type = BLE_GATT_SVC_TYPE_PRIMARY,
     .uuid = BLE_UUID16_DECLARE(ECG_BLE_SERVICE_BATTERY),
     .characteristics = BATTERY},
#endif
    {0},
};

bool gatt_init(void) {
    for (uint16_t i = 0; i < OWN_COUNT; i++) {
        ecg_ble_uuid(own[i].value, (uint16_t)(ECG_BLE_SERVICE_ECG + i));
    }
    ble_svc_gap_init();
    ble_svc_gatt_init();
    return ble_gatts_count_cfg(SERVICES) == 0 && ble_gatts_add_svcs(SERVICES) == 0;
}

uint16_t gatt_handle(board_value_t value) {
    return handles[value];
}

void gatt_keep(board_value_t value, const uint8_t *bytes, size_t size) {
    if (value == BOARD_VALUE_BATTERY && size == 1) {
        battery_percent = bytes[0];
    }
}
