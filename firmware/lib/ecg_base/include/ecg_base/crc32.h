/* CRC-32/ISO-HDLC, the CRC of zlib: polynomial 0x04C11DB7 reflected, initial value and final XOR 0xFFFFFFFF.
 */
#ifndef ECG_BASE_CRC32_H
#define ECG_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Compute the CRC of bytes, or continue one: ecg_crc32(ecg_crc32(0, a, n), b, m) is the CRC of a, then b.
 *
 *  @param crc    CRC of the bytes before; 0 to start
 *  @param bytes  data, `size` bytes; may be NULL when `size` is 0
 *  @param size   number of bytes
 *  @return       CRC of all bytes so far
 */
uint32_t ecg_crc32(uint32_t crc, const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
