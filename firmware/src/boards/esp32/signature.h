/* Signatures of updates, by mbedTLS: ECDSA with the curve P-256 over the SHA-256 digest of an image. Nothing
 * here is ESP-IDF's, so that tests compile it with the computer's own mbedTLS. */
#ifndef ECG_EDGE_ESP32_SIGNATURE_H
#define ECG_EDGE_ESP32_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ecg_board/update.h"

#define SIGNATURE_KEY_BYTES 65u /* a point of the curve: 4, then x and y, big-endian */

/* Is the signature that of the key's owner? A key that is no point of the curve has no owner. */
bool signature_fits(const uint8_t key[SIGNATURE_KEY_BYTES], const uint8_t digest[ECG_UPDATE_DIGEST_BYTES],
                    const uint8_t signature[ECG_UPDATE_SIGNATURE_BYTES]);

/* The digest of bytes that come in pieces. Each function returns false when mbedTLS failed; memory that was
 * taken by digest_begin is given back by digest_end. */
bool digest_begin(void);
bool digest_add(const uint8_t *bytes, size_t size);
bool digest_end(uint8_t digest[ECG_UPDATE_DIGEST_BYTES]);

#endif
