/* The flash memory under settings and log, as a board gives it: equal sectors, erased to 0xFF as a whole,
 * programmed from 1 to 0 in aligned units of 8 bytes, each of them once between two erases. */
#ifndef ECG_STORE_FLASH_H
#define ECG_STORE_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ECG_FLASH_UNIT 8u /* bytes: what a chip with error correction programs at once; others take less */

/* Offsets are in bytes from the first sector. Each function returns false when the memory did not do it. */
typedef struct {
    uint32_t sector_bytes; /* a multiple of 32 */
    uint32_t sectors;
    bool (*read)(uint32_t offset, void *bytes, size_t size);
    bool (*program)(uint32_t offset, const void *bytes, size_t size); /* multiples of ECG_FLASH_UNIT */
    bool (*erase)(uint32_t sector);
} ecg_flash_t;

/** Is a part of the memory erased?
 *
 *  @param flash   memory
 *  @param offset  first byte
 *  @param size    number of bytes, a multiple of ECG_FLASH_UNIT
 *  @return        true when every byte is 0xFF
 */
bool ecg_flash_is_blank(const ecg_flash_t *flash, uint32_t offset, uint32_t size);

/** Program, and read back.
 *
 *  @param flash   memory
 *  @param offset  first byte, a multiple of ECG_FLASH_UNIT
 *  @param bytes   data, at most 32 bytes
 *  @param size    number of bytes, a multiple of ECG_FLASH_UNIT
 *  @return        true when the memory holds the data
 */
bool ecg_flash_write(const ecg_flash_t *flash, uint32_t offset, const uint8_t *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
