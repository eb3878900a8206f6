#include "ecg_store/settings.h"

#include <string.h>

#include "bytes.h"
#include "ecg_base/crc32.h"
#include "ecg_base/static_assert.h"

/* A copy: magic number and version, sequence number, number of bytes of the fields, the fields, and the CRC
 * of all before in the last four bytes. */
#define COPY_BYTES 32u
#define FIELDS_AT 12u
#define CRC_AT 28u
#define MAGIC 0x45434753u /* "SGCE": settings of ecg-edge */

ECG_STATIC_ASSERT(FIELDS_AT + ECG_SETTINGS_FIELD_BYTES <= CRC_AT, settings_fit_a_copy);

void ecg_settings_defaults(ecg_settings_t *settings) {
#define SET(name, type, low, high, initial) settings->name = (type)(initial);
    ECG_SETTINGS_FIELDS(SET)
#undef SET
}

/* In one comparison: `low` is 0 for some fields, and no unsigned value is below 0. */
static bool is_within(uint32_t value, uint32_t low, uint32_t high) {
    return value - low <= high - low;
}

bool ecg_settings_are_valid(const ecg_settings_t *settings) {
    bool valid = settings->mains_hz == 0 || settings->mains_hz == 50 || settings->mains_hz == 60;
#define CHECK(name, type, low, high, initial) valid = valid && is_within(settings->name, low, high);
    ECG_SETTINGS_FIELDS(CHECK)
#undef CHECK
    return valid;
}

static void pack(const ecg_settings_t *settings, uint32_t sequence, uint8_t copy[COPY_BYTES]) {
    memset(copy, 0, COPY_BYTES);
    put_u32(copy, MAGIC + ECG_SETTINGS_VERSION);
    put_u32(copy + 4, sequence);
    put_u32(copy + 8, ECG_SETTINGS_FIELD_BYTES);
    uint8_t *at = copy + FIELDS_AT;
#define PUT(name, type, low, high, initial) at = put_field(at, settings->name, sizeof(type));
    ECG_SETTINGS_FIELDS(PUT)
#undef PUT
    put_u32(copy + CRC_AT, ecg_crc32(0, copy, CRC_AT));
}

/* Fields that this copy does not have keep their defaults. */
static void unpack(const uint8_t copy[COPY_BYTES], ecg_settings_t *settings) {
    const uint32_t size = get_u32(copy + 8);
    uint32_t at = 0;
    ecg_settings_defaults(settings);
#define GET(name, type, low, high, initial)                                    \
    if (at + sizeof(type) <= size) {                                           \
        settings->name = (type)get_field(copy + FIELDS_AT + at, sizeof(type)); \
    }                                                                          \
    at += (uint32_t)sizeof(type);
    ECG_SETTINGS_FIELDS(GET)
#undef GET
}

/* Is there an intact copy in a sector, of a version that this firmware reads? */
static bool read_copy(const ecg_flash_t *flash, uint32_t sector, uint8_t copy[COPY_BYTES]) {
    return flash->read(sector * flash->sector_bytes, copy, COPY_BYTES) &&
           get_u32(copy + CRC_AT) == ecg_crc32(0, copy, CRC_AT) &&
           is_within(get_u32(copy) - MAGIC, 1, ECG_SETTINGS_VERSION) &&
           get_u32(copy + 8) <= CRC_AT - FIELDS_AT;
}

typedef struct {
    uint8_t copy[COPY_BYTES]; /* the newest */
    uint32_t sector;
    uint32_t intact;  /* sectors with an intact copy */
    uint32_t damaged; /* sectors with something else */
} found_t;

static bool is_newer(uint32_t sequence, uint32_t other) {
    return (int32_t)(sequence - other) > 0;
}

static void find(const ecg_flash_t *flash, found_t *found) {
    *found = (found_t){.sector = ECG_SETTINGS_SECTORS - 1};
    for (uint32_t sector = 0; sector < ECG_SETTINGS_SECTORS; sector++) {
        uint8_t copy[COPY_BYTES];
        if (!read_copy(flash, sector, copy)) {
            found->damaged += !ecg_flash_is_blank(flash, sector * flash->sector_bytes, COPY_BYTES);
            continue;
        }
        if (found->intact++ == 0 || is_newer(get_u32(copy + 4), get_u32(found->copy + 4))) {
            memcpy(found->copy, copy, COPY_BYTES);
            found->sector = sector;
        }
    }
}

ecg_settings_source_t ecg_settings_load(const ecg_flash_t *flash, ecg_settings_t *settings) {
    found_t found;
    find(flash, &found);
    if (found.intact == 0) {
        ecg_settings_defaults(settings);
        return found.damaged > 0 ? ECG_SETTINGS_DAMAGED : ECG_SETTINGS_FIRST_START;
    }
    unpack(found.copy, settings);
    if (!ecg_settings_are_valid(settings)) {
        ecg_settings_defaults(settings);
        return ECG_SETTINGS_DAMAGED;
    }
    return found.damaged > 0 ? ECG_SETTINGS_EARLIER : ECG_SETTINGS_STORED;
}

bool ecg_settings_save(const ecg_flash_t *flash, const ecg_settings_t *settings) {
    if (!ecg_settings_are_valid(settings)) {
        return false;
    }
    found_t found;
    uint8_t copy[COPY_BYTES];
    find(flash, &found);
    pack(settings, get_u32(found.copy + 4) + 1u, copy);
    const uint32_t sector = (found.sector + 1u) % ECG_SETTINGS_SECTORS;
    return flash->erase(sector) && ecg_flash_write(flash, sector * flash->sector_bytes, copy, sizeof copy);
}
