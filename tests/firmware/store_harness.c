/* ecg_store on a simulated flash memory whose power can fail at any step, for test_store.py.
 *
 * A step is the programming of one unit, or the erasing of one sector. The step at which the power fails is
 * done in part: some bits have changed. From then on nothing changes until harness_power_on. */
#include <stdlib.h>
#include <string.h>

#include "ecg_store/log.h"
#include "ecg_store/settings.h"

#define SECTOR_BYTES 256u
#define SECTORS_MAX 16u

static uint8_t memory[SECTORS_MAX * SECTOR_BYTES];
static uint32_t erases[SECTORS_MAX];
static uint32_t steps_left, random_state;
static uint32_t violations; /* programming from 0 to 1, of a unit twice, or not aligned */

static uint32_t draw(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 16;
}

static bool flash_read(uint32_t offset, void *bytes, size_t size) {
    memcpy(bytes, memory + offset, size);
    return true;
}

/* 0: nothing is done, 1: a part, 2: all. */
static int step(void) {
    if (steps_left == 0) {
        return 0;
    }
    return --steps_left > 0 ? 2 : 1;
}

static bool program_unit(uint32_t offset, const uint8_t *bytes) {
    const int done = step();
    for (uint32_t i = 0; i < ECG_FLASH_UNIT; i++) {
        uint8_t mask = done == 2 ? 0xFFu : done == 1 ? (uint8_t)draw() : 0;
        violations += done == 2 && memory[offset + i] != 0xFFu;
        memory[offset + i] &= (uint8_t)(bytes[i] | (uint8_t)~mask);
    }
    return done == 2;
}

static bool flash_program(uint32_t offset, const void *bytes, size_t size) {
    violations += offset % ECG_FLASH_UNIT != 0 || size % ECG_FLASH_UNIT != 0;
    for (uint32_t at = 0; at < size; at += ECG_FLASH_UNIT) {
        if (!program_unit(offset + at, (const uint8_t *)bytes + at)) {
            return false;
        }
    }
    return true;
}

static bool flash_erase(uint32_t sector) {
    const int done = step();
    const uint32_t kind = draw() % 3u;
    for (uint32_t i = 0; i < SECTOR_BYTES; i++) {
        uint8_t *const byte = &memory[sector * SECTOR_BYTES + i];
        const bool is_reached = kind == 0 || (kind == 1 ? i % 64u < 32u : i >= 40u);
        *byte |= done == 2 ? 0xFFu : done == 1 && is_reached ? (uint8_t)(kind == 0 ? draw() : 0xFFu) : 0;
    }
    erases[sector] += done == 2;
    return done == 2;
}

static ecg_flash_t flash = {
    .sector_bytes = SECTOR_BYTES, .read = flash_read, .program = flash_program, .erase = flash_erase};
static ecg_log_t log_state;

void harness_new(uint32_t sectors, uint8_t fill);
void harness_new(uint32_t sectors, uint8_t fill) {
    flash.sectors = sectors;
    memset(memory, fill, sizeof memory);
    memset(erases, 0, sizeof erases);
    violations = 0;
}

/* The power is on for `steps` steps; the last of them is done in part. */
void harness_power_on(uint32_t steps, uint32_t seed);
void harness_power_on(uint32_t steps, uint32_t seed) {
    steps_left = steps;
    random_state = seed;
    ecg_log_open(&log_state, &flash, ECG_SETTINGS_SECTORS, flash.sectors - ECG_SETTINGS_SECTORS);
}

bool harness_has_power(void);
bool harness_has_power(void) {
    return steps_left > 0;
}

uint32_t harness_violations(void);
uint32_t harness_violations(void) {
    return violations;
}

uint32_t harness_erases(uint32_t sector);
uint32_t harness_erases(uint32_t sector) {
    return erases[sector];
}

void harness_damage(uint32_t offset, uint8_t value);
void harness_damage(uint32_t offset, uint8_t value) {
    memory[offset] = value;
}

/* Program the first unit of a sector's copy of the settings anew, e.g. as another version wrote it. */
void harness_poke(uint32_t offset, const uint8_t *bytes, size_t size);
void harness_poke(uint32_t offset, const uint8_t *bytes, size_t size) {
    memcpy(memory + offset, bytes, size);
}

int harness_load(ecg_settings_t *settings);
int harness_load(ecg_settings_t *settings) {
    return (int)ecg_settings_load(&flash, settings);
}

bool harness_save(const ecg_settings_t *settings);
bool harness_save(const ecg_settings_t *settings) {
    return ecg_settings_save(&flash, settings);
}

bool harness_prepare(void);
bool harness_prepare(void) {
    return ecg_log_prepare(&log_state);
}

bool harness_append(uint32_t value);
bool harness_append(uint32_t value) {
    ecg_log_record_t record = {.boot = 3, .kind = 7, .detail = 9, .seconds = value, .sample = ~value};
    memcpy(record.data, &value, sizeof value);
    return ecg_log_append(&log_state, &record);
}

uint32_t harness_room(void);
uint32_t harness_room(void) {
    return ecg_log_room(&log_state);
}

uint32_t harness_lost(void);
uint32_t harness_lost(void) {
    return log_state.lost;
}

/* All records that are there, the oldest first. */
uint32_t harness_records(uint32_t *values, uint32_t capacity);
uint32_t harness_records(uint32_t *values, uint32_t capacity) {
    uint32_t count = 0;
    for (uint32_t i = ecg_log_first(&log_state); i != ecg_log_end(&log_state) && count < capacity; i++) {
        ecg_log_record_t record;
        uint32_t again = 0;
        if (!ecg_log_read(&log_state, i, &record)) {
            continue;
        }
        memcpy(&again, record.data, sizeof again);
        if (record.boot != 3 || record.kind != 7 || record.detail != 9 || record.sample != ~record.seconds ||
            again != record.seconds) {
            abort(); /* half a record */
        }
        values[count++] = record.seconds;
    }
    return count;
}
