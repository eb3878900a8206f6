#include "flash.h"

#include <string.h>

#include "registers.h"

/* The first sectors are of 16 and 64 KiB, and the program is there: stm32f405.ld ends it before these. The
 * processor stands still while it erases (1 s, at most 2 s) or programs (16 us a word), as the data sheet has
 * it. */
#define FIRST_SECTOR 7u
#define SECTORS 5u
#define SECTOR_BYTES 0x20000u
#define BASE 0x08060000u
#define BUSY_LOOPS 100000000u /* beyond the longest erasing */

static bool wait(void) {
    for (uint32_t i = 0; i < BUSY_LOOPS; i++) {
        if ((FLASH->SR & FLASH_SR_BSY) == 0) {
            return (FLASH->SR & FLASH_SR_ERRORS) == 0;
        }
    }
    return false;
}

static void unlock(void) {
    FLASH->KEYR = FLASH_KEY1;
    FLASH->KEYR = FLASH_KEY2;
    FLASH->SR = FLASH_SR_ERRORS; /* written as 1, they are cleared */
}

static void lock(void) {
    FLASH->CR = FLASH_CR_LOCK;
}

/* The cache still has what was there before. */
static void flush_cache(void) {
    const uint32_t control = FLASH->ACR;
    FLASH->ACR = control & ~FLASH_ACR_DCEN;
    FLASH->ACR = (control & ~FLASH_ACR_DCEN) | FLASH_ACR_DCRST;
    FLASH->ACR = control;
}

static bool flash_read(uint32_t offset, void *bytes, size_t size) {
    memcpy(bytes, (const void *)(uintptr_t)(BASE + offset), size);
    return true;
}

static bool program_word(uint32_t offset, const uint8_t *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    *(volatile uint32_t *)(uintptr_t)(BASE + offset) = word;
    return wait();
}

static bool flash_program(uint32_t offset, const void *bytes, size_t size) {
    bool done = true;
    unlock();
    FLASH->CR = FLASH_CR_PG | FLASH_CR_WORDS;
    for (uint32_t at = 0; at < size && done; at += sizeof(uint32_t)) {
        done = program_word(offset + at, (const uint8_t *)bytes + at);
    }
    lock();
    flush_cache();
    return done;
}

static bool flash_erase(uint32_t sector) {
    unlock();
    FLASH->CR = FLASH_CR_SER | FLASH_CR_WORDS | (FIRST_SECTOR + sector) << FLASH_CR_SNB_AT;
    FLASH->CR |= FLASH_CR_STRT;
    const bool done = wait();
    lock();
    flush_cache();
    return done;
}

const ecg_flash_t *chip_flash(void) {
    static const ecg_flash_t MEMORY = {.sector_bytes = SECTOR_BYTES,
                                       .sectors = SECTORS,
                                       .read = flash_read,
                                       .program = flash_program,
                                       .erase = flash_erase};
    return &MEMORY;
}
