/* CRC-32/ISO-HDLC, the CRC of zlib (polynomial 0x04C11DB7 reflected, initial value and final XOR 0xFFFFFFFF).
 */
#ifndef ECG_LINK_CRC32_H
#define ECG_LINK_CRC32_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* CRC of `size` bytes that follow those of `crc`; start with 0. crc32(crc32(0, a), b) is the CRC of a then b.
 */
uint32_t ecg_link_crc32(uint32_t crc, const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
