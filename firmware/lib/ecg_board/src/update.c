#include "ecg_board/update.h"

#include <string.h>

#define WORD_BYTES 4u
#define DIGEST_AT (1u + WORD_BYTES)
#define SIGNATURE_AT (DIGEST_AT + ECG_UPDATE_DIGEST_BYTES)
#define BEGIN_BYTES (SIGNATURE_AT + ECG_UPDATE_SIGNATURE_BYTES)

static uint32_t word(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put_word(uint8_t *bytes, uint32_t value) {
    for (unsigned i = 0; i < WORD_BYTES; i++) {
        bytes[i] = (uint8_t)(value >> (8u * i));
    }
}

void ecg_update_init(ecg_update_t *update, const ecg_update_ops_t *ops) {
    *update = (ecg_update_t){.ops = ops};
}

/* Nothing of the image is kept. */
static ecg_update_result_t fail(ecg_update_t *update, ecg_update_result_t result) {
    if (update->is_open) {
        update->ops->abort();
    }
    update->is_open = false;
    return result;
}

/* Is it the image that is under way? Then the update goes on where it was. */
static bool is_same(const ecg_update_t *update, uint32_t size, const uint8_t *digest) {
    return update->is_open && update->size == size &&
           memcmp(update->digest, digest, sizeof update->digest) == 0;
}

static ecg_update_result_t begin_anew(ecg_update_t *update, uint32_t size, const uint8_t *digest) {
    (void)fail(update, ECG_UPDATE_OK);
    *update = (ecg_update_t){.ops = update->ops, .size = size};
    memcpy(update->digest, digest, sizeof update->digest);
    update->is_open = update->ops->begin(size);
    return update->is_open ? ECG_UPDATE_OK : ECG_UPDATE_MEMORY;
}

static ecg_update_result_t begin(ecg_update_t *update, const uint8_t *bytes, size_t size) {
    if (size != BEGIN_BYTES) {
        return fail(update, ECG_UPDATE_LENGTH);
    }
    const uint32_t image_bytes = word(bytes + 1);
    const uint8_t *const digest = bytes + DIGEST_AT;
    if (!update->ops->may_write()) {
        return ECG_UPDATE_BUSY;
    }
    if (image_bytes == 0 || image_bytes > update->ops->capacity) {
        return ECG_UPDATE_SIZE;
    }
    if (!update->ops->is_signed(digest, bytes + SIGNATURE_AT)) {
        return ECG_UPDATE_SIGNATURE;
    }
    return is_same(update, image_bytes, digest) ? ECG_UPDATE_OK : begin_anew(update, image_bytes, digest);
}

static ecg_update_result_t end(ecg_update_t *update) {
    if (!update->is_open) {
        return ECG_UPDATE_ORDER;
    }
    if (update->received != update->size) {
        return fail(update, ECG_UPDATE_PLACE);
    }
    if (!update->ops->has_digest(update->digest)) {
        return fail(update, ECG_UPDATE_CHECKSUM);
    }
    update->is_open = false;
    return update->ops->finish() ? ECG_UPDATE_OK : ECG_UPDATE_MEMORY;
}

ecg_update_result_t ecg_update_control(ecg_update_t *update, const uint8_t *bytes, size_t size) {
    if (size == 0) {
        return fail(update, ECG_UPDATE_LENGTH);
    }
    switch (bytes[0]) {
        case ECG_UPDATE_BEGIN:
            return begin(update, bytes, size);
        case ECG_UPDATE_END:
            return end(update);
        case ECG_UPDATE_ABORT:
            return fail(update, ECG_UPDATE_OK);
        default:
            return fail(update, ECG_UPDATE_COMMAND);
    }
}

ecg_update_result_t ecg_update_data(ecg_update_t *update, const uint8_t *bytes, size_t size) {
    if (!update->is_open) {
        return ECG_UPDATE_ORDER;
    }
    if (size <= WORD_BYTES) {
        return fail(update, ECG_UPDATE_LENGTH);
    }
    if (!update->ops->may_write()) {
        return ECG_UPDATE_BUSY;
    }
    const size_t count = size - WORD_BYTES;
    if (word(bytes) != update->received || count > update->size - update->received) {
        return fail(update, ECG_UPDATE_PLACE);
    }
    if (!update->ops->write(bytes + WORD_BYTES, count)) {
        return fail(update, ECG_UPDATE_MEMORY);
    }
    update->received += (uint32_t)count;
    return ECG_UPDATE_OK;
}

void ecg_update_state(const ecg_update_t *update, uint8_t bytes[ECG_UPDATE_STATE_BYTES]) {
    put_word(bytes, update->ops->capacity);
    put_word(bytes + WORD_BYTES, update->is_open ? update->received : 0u);
}

ecg_trial_t ecg_trial_decide(bool on_trial, bool self_test_passed, uint32_t uptime_s) {
    if (!on_trial) {
        return ECG_TRIAL_NONE;
    }
    if (!self_test_passed) {
        return ECG_TRIAL_GO_BACK;
    }
    return uptime_s < ECG_TRIAL_SECONDS ? ECG_TRIAL_WAIT : ECG_TRIAL_KEEP;
}
