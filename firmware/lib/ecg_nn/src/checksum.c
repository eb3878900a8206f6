#include "ecg_base/crc32.h"
#include "ecg_nn_private.h"

uint32_t ecg_nn_crc32(const void *data, size_t size) {
    return ecg_crc32(0, data, size);
}
