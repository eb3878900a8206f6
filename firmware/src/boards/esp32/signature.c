#include "signature.h"

#include "mbedtls/ecdsa.h"
#include "mbedtls/ecp.h"
#include "mbedtls/md.h"

#define HALF (ECG_UPDATE_SIGNATURE_BYTES / 2u)

typedef struct {
    mbedtls_ecp_group curve;
    mbedtls_ecp_point key;
    mbedtls_mpi r, s;
} check_t;

static bool load_key(check_t *check, const uint8_t key[SIGNATURE_KEY_BYTES]) {
    return mbedtls_ecp_group_load(&check->curve, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
           mbedtls_ecp_point_read_binary(&check->curve, &check->key, key, SIGNATURE_KEY_BYTES) == 0 &&
           mbedtls_ecp_check_pubkey(&check->curve, &check->key) == 0;
}

static bool load_signature(check_t *check, const uint8_t signature[ECG_UPDATE_SIGNATURE_BYTES]) {
    return mbedtls_mpi_read_binary(&check->r, signature, HALF) == 0 &&
           mbedtls_mpi_read_binary(&check->s, signature + HALF, HALF) == 0;
}

bool signature_fits(const uint8_t key[SIGNATURE_KEY_BYTES], const uint8_t digest[ECG_UPDATE_DIGEST_BYTES],
                    const uint8_t signature[ECG_UPDATE_SIGNATURE_BYTES]) {
    check_t check;
    mbedtls_ecp_group_init(&check.curve);
    mbedtls_ecp_point_init(&check.key);
    mbedtls_mpi_init(&check.r);
    mbedtls_mpi_init(&check.s);
    const bool fits = load_key(&check, key) && load_signature(&check, signature) &&
                      mbedtls_ecdsa_verify(&check.curve, digest, ECG_UPDATE_DIGEST_BYTES, &check.key,
                                           &check.r, &check.s) == 0;
    mbedtls_mpi_free(&check.s);
    mbedtls_mpi_free(&check.r);
    mbedtls_ecp_point_free(&check.key);
    mbedtls_ecp_group_free(&check.curve);
    return fits;
}

static mbedtls_md_context_t hash;

bool digest_begin(void) {
    mbedtls_md_free(&hash);
    mbedtls_md_init(&hash);
    return mbedtls_md_setup(&hash, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0) == 0 &&
           mbedtls_md_starts(&hash) == 0;
}

bool digest_add(const uint8_t *bytes, size_t size) {
    return mbedtls_md_update(&hash, bytes, size) == 0;
}

bool digest_end(uint8_t digest[ECG_UPDATE_DIGEST_BYTES]) {
    const bool is_done = mbedtls_md_finish(&hash, digest) == 0;
    mbedtls_md_free(&hash);
    mbedtls_md_init(&hash);
    return is_done;
}
