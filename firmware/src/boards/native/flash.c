#define _XOPEN_SOURCE 600

#include "flash.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR_BYTES 4096u
#define SECTORS 16u
#define SECTORS_LEAST 5u

static uint8_t memory[SECTORS * SECTOR_BYTES];
static int file = -1;
static bool is_loaded, has_failed;

static bool flash_read(uint32_t offset, void *bytes, size_t size) {
    memcpy(bytes, memory + offset, size);
    return true;
}

static bool keep(uint32_t offset, size_t size) {
    return file < 0 || pwrite(file, memory + offset, size, (off_t)offset) == (ssize_t)size;
}

static bool flash_program(uint32_t offset, const void *bytes, size_t size) {
    for (size_t i = 0; i < size && !has_failed; i++) {
        memory[offset + i] &= ((const uint8_t *)bytes)[i];
    }
    return !has_failed && keep(offset, size);
}

static bool flash_erase(uint32_t sector) {
    if (has_failed) {
        return false;
    }
    memset(memory + sector * SECTOR_BYTES, 0xFF, SECTOR_BYTES);
    return keep(sector * SECTOR_BYTES, SECTOR_BYTES);
}

static ecg_flash_t flash = {.sector_bytes = SECTOR_BYTES,
                            .sectors = SECTORS,
                            .read = flash_read,
                            .program = flash_program,
                            .erase = flash_erase};

bool flash_open(const char *path) {
    struct stat about;
    file = open(path, O_RDWR | O_CREAT, 0644);
    if (file < 0 || fstat(file, &about) != 0) {
        return false;
    }
    memset(memory, 0xFF, sizeof memory);
    is_loaded = true;
    if (about.st_size == 0) {
        return keep(0, sizeof memory);
    }
    flash.sectors = (uint32_t)((size_t)about.st_size / SECTOR_BYTES);
    return flash.sectors >= SECTORS_LEAST && flash.sectors <= SECTORS &&
           pread(file, memory, sizeof memory, 0) >= (ssize_t)(flash.sectors * SECTOR_BYTES);
}

const ecg_flash_t *flash_memory(void) {
    if (!is_loaded) {
        memset(memory, 0xFF, sizeof memory);
        is_loaded = true;
    }
    return &flash;
}

void flash_fail(void) {
    has_failed = true;
}
