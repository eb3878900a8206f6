/* The last 64 KiB of the Pico's 2 MiB flash, for settings and log.
 *
 * The boot ROM has the functions that erase and program. Meanwhile the flash cannot be read, and nothing has
 * to: the program and its interrupts run in the RAM, so that sampling goes on. */
#include <string.h>

#include "boards/board.h"

#define FLASH_START 0x10000000u
#define FLASH_BYTES 0x200000u
#define SECTOR_BYTES 4096u
#define SECTORS 16u
#define FIRST_BYTE (FLASH_BYTES - SECTORS * SECTOR_BYTES)
#define PAGE_BYTES 256u
#define ERASE_SECTOR_COMMAND 0x20u

/* Table of the ROM's functions: pairs of a code of two letters and an address, ended by 0 (data sheet 2.8.3).
 */
extern const volatile uint16_t
    rom_table[]; /* from the linker script: where the ROM has the table's address */
#define ROM_CODE(a, b) ((uint16_t)((a) | (b) << 8))

typedef void (*rom_plain_t)(void);
typedef void (*rom_erase_t)(uint32_t offset, size_t size, uint32_t block_bytes, uint8_t command);
typedef void (*rom_program_t)(uint32_t offset, const uint8_t *bytes, size_t size);

static uintptr_t rom_function(uint16_t code) {
    const volatile uint16_t *entry = (const volatile uint16_t *)(uintptr_t)rom_table[0];
    while (entry[0] != 0 && entry[0] != code) {
        entry += 2;
    }
    return entry[0] == 0 ? 0 : entry[1];
}

static void rom_call(uint16_t code) {
    ((rom_plain_t)rom_function(code))();
}

static void leave_flash(void) {
    rom_call(ROM_CODE('I', 'F')); /* connect_internal_flash */
    rom_call(ROM_CODE('E', 'X')); /* flash_exit_xip */
}

/* Back to the same serial read command as boot2.S sets. */
static void enter_flash(void) {
    rom_call(ROM_CODE('F', 'C')); /* flash_flush_cache */
    rom_call(ROM_CODE('C', 'X')); /* flash_enter_cmd_xip */
}

static bool flash_read(uint32_t offset, void *bytes, size_t size) {
    memcpy(bytes, (const void *)(uintptr_t)(FLASH_START + FIRST_BYTE + offset), size);
    return true;
}

/* The ROM programs whole pages; ones leave what is there. */
static void program_page(uint32_t page, uint32_t at, const uint8_t *bytes, size_t size) {
    static uint8_t buffer[PAGE_BYTES];
    memset(buffer, 0xFF, sizeof buffer);
    memcpy(buffer + at, bytes, size);
    leave_flash();
    ((rom_program_t)rom_function(ROM_CODE('R', 'P')))(FIRST_BYTE + page, buffer, PAGE_BYTES);
    enter_flash();
}

static bool flash_program(uint32_t offset, const void *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        const uint32_t at = (offset + (uint32_t)done) % PAGE_BYTES;
        const size_t count = size - done < PAGE_BYTES - at ? size - done : PAGE_BYTES - at;
        program_page(offset + (uint32_t)done - at, at, (const uint8_t *)bytes + done, count);
        done += count;
    }
    return true;
}

static bool flash_erase(uint32_t sector) {
    leave_flash();
    ((rom_erase_t)rom_function(ROM_CODE('R', 'E')))(FIRST_BYTE + sector * SECTOR_BYTES, SECTOR_BYTES,
                                                    SECTOR_BYTES, ERASE_SECTOR_COMMAND);
    enter_flash();
    return true;
}

const ecg_flash_t *board_flash(void) {
    static const ecg_flash_t MEMORY = {.sector_bytes = SECTOR_BYTES,
                                       .sectors = SECTORS,
                                       .read = flash_read,
                                       .program = flash_program,
                                       .erase = flash_erase};
    return rom_function(ROM_CODE('R', 'P')) != 0 ? &MEMORY : NULL;
}
