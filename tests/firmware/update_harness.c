/* A device that takes updates into an array, with the protocol and the signatures that the ESP32 has. */
#include <string.h>

#include "ecg_board/update.h"
#include "signature.h"

#define CAPACITY 4096u

static struct {
    ecg_update_t update;
    uint8_t image[CAPACITY], key[SIGNATURE_KEY_BYTES];
    size_t used;
    bool may_write, works;
    unsigned begun, finished, aborted;
} device;

static bool may_write(void) {
    return device.may_write;
}

static bool is_signed(const uint8_t digest[ECG_UPDATE_DIGEST_BYTES],
                      const uint8_t signature[ECG_UPDATE_SIGNATURE_BYTES]) {
    return signature_fits(device.key, digest, signature);
}

static bool begin(uint32_t size) {
    (void)size;
    device.used = 0;
    device.begun++;
    return device.works && digest_begin();
}

static bool write(const uint8_t *bytes, size_t size) {
    if (!device.works || size > CAPACITY - device.used) {
        return false;
    }
    memcpy(device.image + device.used, bytes, size);
    device.used += size;
    return digest_add(bytes, size);
}

static bool has_digest(const uint8_t digest[ECG_UPDATE_DIGEST_BYTES]) {
    uint8_t found[ECG_UPDATE_DIGEST_BYTES];
    return digest_end(found) && memcmp(found, digest, sizeof found) == 0;
}

static bool finish(void) {
    device.finished++;
    return device.works;
}

static void give_up(void) {
    device.aborted++;
}

/* A start of the device: what was under way is forgotten. */
void harness_start(uint32_t capacity, const uint8_t key[SIGNATURE_KEY_BYTES]) {
    static ecg_update_ops_t ops;
    ops = (ecg_update_ops_t){capacity, may_write, is_signed, begin, write, has_digest, finish, give_up};
    memset(&device, 0, sizeof device);
    memcpy(device.key, key, sizeof device.key);
    device.may_write = device.works = true;
    ecg_update_init(&device.update, &ops);
}

void harness_set(bool free_to_write, bool works) {
    device.may_write = free_to_write;
    device.works = works;
}

int harness_control(const uint8_t *bytes, size_t size) {
    return (int)ecg_update_control(&device.update, bytes, size);
}

int harness_data(const uint8_t *bytes, size_t size) {
    return (int)ecg_update_data(&device.update, bytes, size);
}

void harness_state(uint8_t bytes[ECG_UPDATE_STATE_BYTES]) {
    ecg_update_state(&device.update, bytes);
}

/* How often an image was begun, finished and given up; the bytes that are there. */
size_t harness_image(uint8_t *image, unsigned counts[3]) {
    counts[0] = device.begun;
    counts[1] = device.finished;
    counts[2] = device.aborted;
    memcpy(image, device.image, device.used);
    return device.used;
}
