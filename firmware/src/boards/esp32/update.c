#include "update.h"

#include <string.h>

#include "boards/board.h"
#include "device.h"
#include "esp_ota_ops.h"
#include "esp_system.h"
#include "esp_timer.h"
#include "signature.h"

#define RESTART_AFTER_US 1000000

/* The public key that `ecg-edge build --update-key` puts in. Without one no signature fits. */
static const uint8_t KEY[SIGNATURE_KEY_BYTES] = {
#ifdef UPDATE_KEY
    UPDATE_KEY
#else
    0
#endif
};

static ecg_update_t update;
static esp_ota_handle_t handle;
static const esp_partition_t *target;
static int64_t done_us;  /* written before is_done */
static uint32_t is_done; /* written by NimBLE's task, read by the main task */

/* The flash is not read while it is written: samples would be missed. */
static bool may_write(void) {
    return !device_has_contact();
}

static bool is_signed(const uint8_t digest[ECG_UPDATE_DIGEST_BYTES],
                      const uint8_t signature[ECG_UPDATE_SIGNATURE_BYTES]) {
    return signature_fits(KEY, digest, signature);
}

static bool begin(uint32_t size) {
    (void)size;
    return target != NULL && digest_begin() &&
           esp_ota_begin(target, OTA_WITH_SEQUENTIAL_WRITES, &handle) == ESP_OK;
}

static bool write(const uint8_t *bytes, size_t size) {
    return digest_add(bytes, size) && esp_ota_write(handle, bytes, size) == ESP_OK;
}

static bool has_digest(const uint8_t digest[ECG_UPDATE_DIGEST_BYTES]) {
    uint8_t found[ECG_UPDATE_DIGEST_BYTES];
    return digest_end(found) && memcmp(found, digest, sizeof found) == 0;
}

/* esp_ota_end checks the image's own header and hash, and that it is of this chip. */
static bool finish(void) {
    if (esp_ota_end(handle) != ESP_OK || esp_ota_set_boot_partition(target) != ESP_OK) {
        return false;
    }
    done_us = esp_timer_get_time();
    __atomic_store_n(&is_done, 1u, __ATOMIC_RELEASE);
    return true;
}

static void give_up(void) {
    esp_ota_abort(handle);
}

void update_init(void) {
    static ecg_update_ops_t ops = {.may_write = may_write,
                                   .is_signed = is_signed,
                                   .begin = begin,
                                   .write = write,
                                   .has_digest = has_digest,
                                   .finish = finish,
                                   .abort = give_up};
    target = esp_ota_get_next_update_partition(NULL);
    ops.capacity = target != NULL ? target->size : 0;
    ecg_update_init(&update, &ops);
}

ecg_update_result_t update_control(const uint8_t *bytes, size_t size) {
    return ecg_update_control(&update, bytes, size);
}

ecg_update_result_t update_data(const uint8_t *bytes, size_t size) {
    return ecg_update_data(&update, bytes, size);
}

void update_state(uint8_t bytes[ECG_UPDATE_STATE_BYTES]) {
    ecg_update_state(&update, bytes);
}

void update_restart_when_done(void) {
    if (__atomic_load_n(&is_done, __ATOMIC_ACQUIRE) != 0 &&
        esp_timer_get_time() - done_us > RESTART_AFTER_US) {
        esp_restart();
    }
}

static bool is_on_trial(void) {
    esp_ota_img_states_t state = ESP_OTA_IMG_UNDEFINED;
    return esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) == ESP_OK &&
           state == ESP_OTA_IMG_PENDING_VERIFY;
}

/* When the firmware ends before it is kept, the boot loader goes back by itself. */
void board_trial(bool self_test_passed, uint32_t uptime_ms) {
    static bool is_decided;
    if (is_decided) {
        return;
    }
    switch (ecg_trial_decide(is_on_trial(), self_test_passed, uptime_ms / 1000u)) {
        case ECG_TRIAL_KEEP:
            esp_ota_mark_app_valid_cancel_rollback();
            is_decided = true;
            break;
        case ECG_TRIAL_GO_BACK:
            esp_ota_mark_app_invalid_rollback_and_reboot();
            is_decided = true; /* there is nothing to go back to */
            break;
        case ECG_TRIAL_NONE:
            is_decided = true;
            break;
        case ECG_TRIAL_WAIT:
        default:
            break;
    }
}
