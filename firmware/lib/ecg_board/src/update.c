#include "ecg_board/update.h"

#include "ecg_base/crc32.h"

#define WORD_BYTES 4u
#define BEGIN_BYTES (1u + 2u * WORD_BYTES)

static uint32_t word(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
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

static ecg_update_result_t begin(ecg_update_t *update, const uint8_t *bytes, size_t size) {
    if (update->is_open) {
        return fail(update, ECG_UPDATE_ORDER);
    }
    if (size != BEGIN_BYTES) {
        return ECG_UPDATE_LENGTH;
    }
    if (!update->ops->may_begin()) {
        return ECG_UPDATE_BUSY;
    }
    const uint32_t image_bytes = word(bytes + 1);
    if (image_bytes == 0 || image_bytes > update->ops->capacity) {
        return ECG_UPDATE_SIZE;
    }
    *update =
        (ecg_update_t){.ops = update->ops, .size = image_bytes, .crc_wanted = word(bytes + 1 + WORD_BYTES)};
    update->is_open = update->ops->begin(image_bytes);
    return update->is_open ? ECG_UPDATE_OK : ECG_UPDATE_MEMORY;
}

static ecg_update_result_t end(ecg_update_t *update) {
    if (!update->is_open) {
        return ECG_UPDATE_ORDER;
    }
    if (update->received != update->size) {
        return fail(update, ECG_UPDATE_PLACE);
    }
    if (update->crc != update->crc_wanted) {
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
    const size_t count = size - WORD_BYTES;
    if (word(bytes) != update->received || count > update->size - update->received) {
        return fail(update, ECG_UPDATE_PLACE);
    }
    if (!update->ops->write(bytes + WORD_BYTES, count)) {
        return fail(update, ECG_UPDATE_MEMORY);
    }
    update->crc = ecg_crc32(update->crc, bytes + WORD_BYTES, count);
    update->received += (uint32_t)count;
    return ECG_UPDATE_OK;
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
