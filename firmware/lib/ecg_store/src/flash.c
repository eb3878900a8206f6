#include "ecg_store/flash.h"

#include <string.h>

#define WRITE_MAX 32u

bool ecg_flash_is_blank(const ecg_flash_t *flash, uint32_t offset, uint32_t size) {
    static const uint8_t BLANK[ECG_FLASH_UNIT] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    for (uint32_t at = 0; at < size; at += ECG_FLASH_UNIT) {
        uint8_t unit[ECG_FLASH_UNIT];
        if (!flash->read(offset + at, unit, sizeof unit) || memcmp(unit, BLANK, sizeof unit) != 0) {
            return false;
        }
    }
    return true;
}

bool ecg_flash_write(const ecg_flash_t *flash, uint32_t offset, const uint8_t *bytes, size_t size) {
    uint8_t found[WRITE_MAX];
    return size <= sizeof found && flash->program(offset, bytes, size) && flash->read(offset, found, size) &&
           memcmp(found, bytes, size) == 0;
}
