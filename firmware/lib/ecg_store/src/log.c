#include "ecg_store/log.h"

#include <string.h>

#include "bytes.h"
#include "ecg_base/crc32.h"

/* Slot 0 of a sector is its header: magic number, sequence number, CRC. A record is 28 bytes and their CRC.
 */
#define SLOT_BYTES 32u
#define CRC_AT 28u
#define HEADER_BYTES 16u
#define HEADER_CRC_AT 12u
#define MAGIC 0x4543474Cu

static uint32_t slots(const ecg_log_t *log) {
    return log->flash->sector_bytes / SLOT_BYTES - 1u;
}

static uint32_t offset_of(const ecg_log_t *log, uint32_t sector) {
    return (log->first_sector + sector) * log->flash->sector_bytes;
}

/* Sector of a sequence number, at most as many below the newest as there are sectors. */
static uint32_t sector_of(const ecg_log_t *log, uint32_t sequence) {
    return (log->newest + log->sectors - (log->sequence - sequence) % log->sectors) % log->sectors;
}

/* Sequence number of a sector; 0 when its header is not valid. */
static uint32_t read_header(const ecg_log_t *log, uint32_t sector) {
    uint8_t header[HEADER_BYTES];
    const bool is_valid = log->flash->read(offset_of(log, sector), header, sizeof header) &&
                          get_u32(header) == MAGIC &&
                          get_u32(header + HEADER_CRC_AT) == ecg_crc32(0, header, HEADER_CRC_AT);
    return is_valid ? get_u32(header + 4) : 0;
}

static bool write_header(const ecg_log_t *log, uint32_t sector, uint32_t sequence) {
    uint8_t header[HEADER_BYTES] = {0};
    put_u32(header, MAGIC);
    put_u32(header + 4, sequence);
    put_u32(header + HEADER_CRC_AT, ecg_crc32(0, header, HEADER_CRC_AT));
    return ecg_flash_write(log->flash, offset_of(log, sector), header, sizeof header);
}

static uint32_t slot_offset(const ecg_log_t *log, uint32_t sequence, uint32_t slot) {
    return offset_of(log, sector_of(log, sequence)) + (slot + 1u) * SLOT_BYTES;
}

/* Number of the slots of a sector up to its last one that is not blank. */
static uint32_t used_slots(const ecg_log_t *log, uint32_t sequence) {
    uint32_t used = slots(log);
    while (used > 0 && ecg_flash_is_blank(log->flash, slot_offset(log, sequence, used - 1u), SLOT_BYTES)) {
        used--;
    }
    return used;
}

/* Is the sector of this sequence number still there? */
static bool is_kept(const ecg_log_t *log, uint32_t sequence) {
    return sequence != 0 && sequence + log->sectors > log->sequence &&
           read_header(log, sector_of(log, sequence)) == sequence;
}

static void find_newest(ecg_log_t *log) {
    for (uint32_t sector = 0; sector < log->sectors; sector++) {
        const uint32_t sequence = read_header(log, sector);
        if (sequence > log->sequence) {
            log->sequence = sequence;
            log->newest = sector;
        }
    }
}

/* The next record goes behind the last one. Sectors after that one are empty. */
static void find_end(ecg_log_t *log) {
    log->current = log->sequence;
    log->slot = log->sequence != 0 ? used_slots(log, log->current) : 0;
    while (log->slot == 0 && is_kept(log, log->current - 1u)) {
        const uint32_t used = used_slots(log, log->current - 1u);
        if (used == slots(log)) {
            return;
        }
        log->current--;
        log->slot = used;
    }
}

void ecg_log_open(ecg_log_t *log, const ecg_flash_t *flash, uint32_t first_sector, uint32_t sectors) {
    *log = (ecg_log_t){.flash = flash, .first_sector = first_sector, .sectors = sectors};
    find_newest(log);
    find_end(log);
}

static bool add_sector(ecg_log_t *log) {
    const uint32_t sector = log->sequence == 0 ? 0 : (log->newest + 1u) % log->sectors;
    if (!log->flash->erase(sector + log->first_sector) || !write_header(log, sector, log->sequence + 1u)) {
        log->failed = true;
        return false;
    }
    log->newest = sector;
    log->sequence++;
    if (log->current == 0) {
        log->current = log->sequence;
    }
    return true;
}

/* Sectors with room, the one that is written among them. */
static uint32_t open_sectors(const ecg_log_t *log) {
    if (log->sequence == 0) {
        return 0;
    }
    return log->sequence - log->current + (log->slot < slots(log) ? 1u : 0u);
}

bool ecg_log_prepare(ecg_log_t *log) {
    while (!log->failed && open_sectors(log) <= log->sectors / 2u && open_sectors(log) + 1u < log->sectors) {
        add_sector(log);
    }
    return !log->failed;
}

uint32_t ecg_log_room(const ecg_log_t *log) {
    if (log->sequence == 0 || log->failed) {
        return 0;
    }
    return (log->sequence - log->current) * slots(log) + slots(log) - log->slot;
}

static void pack(const ecg_log_record_t *record, uint8_t bytes[SLOT_BYTES]) {
    uint8_t *at = put_field(bytes, record->boot, 2);
    at = put_field(at, record->kind, 1);
    at = put_field(at, record->detail, 1);
    at = put_field(at, record->seconds, 4);
    at = put_field(at, record->sample, 4);
    memcpy(at, record->data, ECG_LOG_DATA_BYTES);
    put_u32(bytes + CRC_AT, ecg_crc32(0, bytes, CRC_AT));
}

bool ecg_log_append(ecg_log_t *log, const ecg_log_record_t *record) {
    if (ecg_log_room(log) == 0) {
        log->lost++;
        return false;
    }
    if (log->slot == slots(log)) {
        log->current++;
        log->slot = 0;
    }
    uint8_t bytes[SLOT_BYTES];
    pack(record, bytes);
    const uint32_t offset = slot_offset(log, log->current, log->slot);
    log->slot++;
    log->failed = !ecg_flash_write(log->flash, offset, bytes, sizeof bytes);
    log->lost += log->failed;
    return !log->failed;
}

uint32_t ecg_log_end(const ecg_log_t *log) {
    return log->current * slots(log) + log->slot;
}

uint32_t ecg_log_first(const ecg_log_t *log) {
    uint32_t sequence = log->current;
    while (is_kept(log, sequence - 1u)) {
        sequence--;
    }
    return sequence * slots(log);
}

bool ecg_log_read(const ecg_log_t *log, uint32_t number, ecg_log_record_t *record) {
    const uint32_t sequence = number / slots(log);
    uint8_t bytes[SLOT_BYTES];
    if (number >= ecg_log_end(log) || !is_kept(log, sequence) ||
        !log->flash->read(slot_offset(log, sequence, number % slots(log)), bytes, sizeof bytes) ||
        get_u32(bytes + CRC_AT) != ecg_crc32(0, bytes, CRC_AT)) {
        return false;
    }
    record->boot = (uint16_t)get_field(bytes, 2);
    record->kind = bytes[2];
    record->detail = bytes[3];
    record->seconds = get_u32(bytes + 4);
    record->sample = get_u32(bytes + 8);
    memcpy(record->data, bytes + 12, ECG_LOG_DATA_BYTES);
    return true;
}
