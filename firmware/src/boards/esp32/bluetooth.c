#include "bluetooth.h"

#include <string.h>

#include "boards/board.h"
#include "pins.h"

#if BOARD_HAS_BLUETOOTH

#include "ecg_ble/heart_rate.h"
#include "gatt.h"
#include "host/ble_hs.h"
#include "host/util/util.h"
#include "nimble/nimble_port.h"
#include "nimble/nimble_port_freertos.h"
#include "nvs_flash.h"
#include "services/gap/ble_svc_gap.h"

#define NAME "ecg-edge"
#define HEART_RATE_BELT 0x0341u /* appearance: heart rate sensor, heart rate belt */
#define HEAD_BYTES 3u           /* of a notification, within the MTU */
#define NOBODY BLE_HS_CONN_HANDLE_NONE

void ble_store_config_init(void); /* NimBLE has no header for it */

/* Written by NimBLE's task, read by the main task: 32 bits each, and none depends on another. */
static uint8_t address_type;
static uint32_t connection = NOBODY;
static uint32_t mtu;
static uint32_t subscribed; /* a bit for each value */
static uint32_t is_encrypted;

/* What anybody may have; the ECG itself goes to a host that is paired. */
#define PUBLIC (1u << BOARD_VALUE_HEART_RATE | 1u << BOARD_VALUE_BATTERY)

static void advertise(void);

/* A host that wants more than the public values is asked to pair. */
static void follow_subscription(uint16_t handle, bool is_wanted) {
    for (uint32_t value = 0; value < GATT_VALUES; value++) {
        if (gatt_handle((board_value_t)value) == handle && handle != 0) {
            const uint32_t bit = 1u << value;
            __atomic_store_n(&subscribed, is_wanted ? subscribed | bit : subscribed & ~bit, __ATOMIC_RELAXED);
            if (is_wanted && (bit & PUBLIC) == 0 && is_encrypted == 0) {
                ble_gap_security_initiate((uint16_t)connection);
            }
        }
    }
}

static void leave(void) {
    __atomic_store_n(&connection, NOBODY, __ATOMIC_RELAXED);
    __atomic_store_n(&subscribed, 0u, __ATOMIC_RELAXED);
    __atomic_store_n(&is_encrypted, 0u, __ATOMIC_RELAXED);
    advertise();
}

static void enter(int status, uint16_t handle) {
    if (status != 0) {
        leave();
        return;
    }
    __atomic_store_n(&mtu, BLE_ATT_MTU_DFLT, __ATOMIC_RELAXED);
    __atomic_store_n(&connection, handle, __ATOMIC_RELAXED);
}

/* A host that has lost its bond pairs anew: the old one is deleted. */
static int pair_again(uint16_t handle) {
    struct ble_gap_conn_desc peer;
    if (ble_gap_conn_find(handle, &peer) == 0) {
        ble_store_util_delete_peer(&peer.peer_id_addr);
    }
    return BLE_GAP_REPEAT_PAIRING_RETRY;
}

static int on_event(struct ble_gap_event *event, void *context) {
    (void)context;
    switch (event->type) {
        case BLE_GAP_EVENT_CONNECT:
            enter(event->connect.status, event->connect.conn_handle);
            break;
        case BLE_GAP_EVENT_DISCONNECT:
            leave();
            break;
        case BLE_GAP_EVENT_ADV_COMPLETE:
            advertise();
            break;
        case BLE_GAP_EVENT_MTU:
            __atomic_store_n(&mtu, event->mtu.value, __ATOMIC_RELAXED);
            break;
        case BLE_GAP_EVENT_SUBSCRIBE:
            follow_subscription(event->subscribe.attr_handle, event->subscribe.cur_notify != 0);
            break;
        case BLE_GAP_EVENT_ENC_CHANGE:
            __atomic_store_n(&is_encrypted, event->enc_change.status == 0 ? 1u : 0u, __ATOMIC_RELAXED);
            break;
        case BLE_GAP_EVENT_REPEAT_PAIRING:
            return pair_again(event->repeat_pairing.conn_handle);
        default:
            break;
    }
    return 0;
}

/* Name and standard services: an app for heart rate belts finds the device by them. */
static void advertise(void) {
    static const ble_uuid16_t FOUND_BY[] = {BLE_UUID16_INIT(ECG_BLE_SERVICE_HEART_RATE)};
    const struct ble_hs_adv_fields fields = {
        .flags = BLE_HS_ADV_F_DISC_GEN | BLE_HS_ADV_F_BREDR_UNSUP,
        .uuids16 = FOUND_BY,
        .num_uuids16 = 1,
        .uuids16_is_complete = 1,
        .name = (const uint8_t *)NAME,
        .name_len = sizeof NAME - 1u,
        .name_is_complete = 1,
        .appearance = HEART_RATE_BELT,
        .appearance_is_present = 1,
    };
    const struct ble_gap_adv_params how = {.conn_mode = BLE_GAP_CONN_MODE_UND,
                                           .disc_mode = BLE_GAP_DISC_MODE_GEN};
    if (ble_gap_adv_set_fields(&fields) == 0) {
        ble_gap_adv_start(address_type, NULL, BLE_HS_FOREVER, &how, on_event, NULL);
    }
}

static void on_sync(void) {
    if (ble_hs_util_ensure_addr(0) == 0 && ble_hs_id_infer_auto(0, &address_type) == 0) {
        advertise();
    }
}

static void run_host(void *context) {
    (void)context;
    nimble_port_run();
    nimble_port_freertos_deinit();
}

/* Pairing without a display or a button ("just works"), with LE Secure Connections, and bonds in NVS. */
static void set_security(void) {
    ble_hs_cfg.sync_cb = on_sync;
    ble_hs_cfg.store_status_cb = ble_store_util_status_rr;
    ble_hs_cfg.sm_io_cap = BLE_SM_IO_CAP_NO_IO;
    ble_hs_cfg.sm_bonding = 1;
    ble_hs_cfg.sm_sc = 1;
    ble_hs_cfg.sm_our_key_dist = BLE_SM_PAIR_KEY_DIST_ENC | BLE_SM_PAIR_KEY_DIST_ID;
    ble_hs_cfg.sm_their_key_dist = BLE_SM_PAIR_KEY_DIST_ENC | BLE_SM_PAIR_KEY_DIST_ID;
}

static bool open_nvs(void) {
    const esp_err_t result = nvs_flash_init();
    if (result == ESP_ERR_NVS_NO_FREE_PAGES || result == ESP_ERR_NVS_NEW_VERSION_FOUND) {
        return nvs_flash_erase() == ESP_OK && nvs_flash_init() == ESP_OK; /* bonds are lost, nothing else */
    }
    return result == ESP_OK;
}

/* Without a radio that works the monitor goes on. */
void bluetooth_init(void) {
    if (!open_nvs() || nimble_port_init() != ESP_OK) {
        return;
    }
    set_security();
    if (gatt_init() && ble_svc_gap_device_name_set(NAME) == 0 &&
        ble_svc_gap_device_appearance_set(HEART_RATE_BELT) == 0) {
        ble_store_config_init();
        nimble_port_freertos_init(run_host);
    }
}

/* Values that go out now. */
static uint32_t heard(void) {
    const uint32_t allowed = __atomic_load_n(&is_encrypted, __ATOMIC_RELAXED) != 0 ? UINT32_MAX : PUBLIC;
    const bool is_here = __atomic_load_n(&connection, __ATOMIC_RELAXED) != NOBODY;
    return is_here ? __atomic_load_n(&subscribed, __ATOMIC_RELAXED) & allowed : 0u;
}

size_t board_notify_bytes(void) {
    return heard() != 0 ? __atomic_load_n(&mtu, __ATOMIC_RELAXED) - HEAD_BYTES : 0u;
}

/* Without a free buffer the notification is lost: the index of the next samples shows it. */
void board_notify(board_value_t value, const uint8_t *bytes, size_t size) {
    gatt_keep(value, bytes, size);
    if ((heard() >> value & 1u) == 0) {
        return;
    }
    struct os_mbuf *const packet = ble_hs_mbuf_from_flat(bytes, (uint16_t)size);
    if (packet != NULL) {
        ble_gatts_notify_custom((uint16_t)__atomic_load_n(&connection, __ATOMIC_RELAXED), gatt_handle(value),
                                packet);
    }
}

#else

void bluetooth_init(void) {
}

#endif
