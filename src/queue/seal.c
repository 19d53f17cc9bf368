/*
 * seal.c: what is kept is sealed here and nowhere else.
 *
 * What always holds:
 * 1. Every seal has a fresh random nonce, of the system's (a process that forks must not seal on
 *    both sides): 96 bits, so that after 2^32 rows under one key the
 *    chance of a repeated nonce is below 2^-32 (NIST SP 800-38D, 8.3). A till seals that many in
 *    centuries.
 * 2. A seal opens only under the key and the binding it was made with, unchanged to the last bit;
 *    otherwise nothing of the plain text is handed out (mbedTLS clears the output).
 * 3. The key lives in the cipher's context and is wiped with it.
 *
 * Only calls that mbedTLS 2.28 and 3.6 both have: the one-shot functions of gcm.h and md.h.
 */
#include "queue/seal.h"

#include "platform/platform.h"
#include "tillpost/err.h"
#include <limits.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <string.h>

enum { KEY_BITS = SEAL_KEY_BYTES * 8, NONCES = 21 /* getrandom(2): 256 bytes are whole */ };

struct seal {
    mbedtls_gcm_context gcm;
    unsigned char nonces[NONCES][SEAL_NONCE_BYTES]; /* from the system, at once; each used once */
    unsigned nonces_left;
};

int seal_open(const unsigned char key[SEAL_KEY_BYTES], struct seal **out)
{
    struct seal *s = platform_private_alloc(sizeof *s);
    *out = s;
    if (s == NULL) return TILLPOST_E_NO_MEMORY;
    mbedtls_gcm_init(&s->gcm);
    if (mbedtls_gcm_setkey(&s->gcm, MBEDTLS_CIPHER_ID_AES, key, KEY_BITS) == 0) return 0;
    seal_close(s);
    *out = NULL;
    return TILLPOST_E_NO_MEMORY;
}

void seal_close(struct seal *s)
{
    if (s == NULL) return;
    mbedtls_gcm_free(&s->gcm);
    platform_private_free(s, sizeof *s);
}

static int take_nonce(struct seal *s, unsigned char out[SEAL_NONCE_BYTES])
{
    if (s->nonces_left == 0) {
        int rc = platform_random(s->nonces, sizeof s->nonces);
        if (rc < 0) return rc;
        s->nonces_left = NONCES;
    }
    memcpy(out, s->nonces[--s->nonces_left], SEAL_NONCE_BYTES);
    return 0;
}

int seal_encrypt(struct seal *s, struct str bound_to, struct str plain, unsigned char *out)
{
    unsigned char *nonce = out + 1, *text = nonce + SEAL_NONCE_BYTES;
    if (plain.len > INT_MAX - SEAL_OVERHEAD_BYTES) return TILLPOST_E_TOO_LARGE;
    out[0] = SEAL_VERSION;
    int rc = take_nonce(s, nonce);
    if (rc < 0) return rc;
    rc = mbedtls_gcm_crypt_and_tag(&s->gcm, MBEDTLS_GCM_ENCRYPT, plain.len, nonce, SEAL_NONCE_BYTES,
                                   (const unsigned char *)bound_to.p, bound_to.len,
                                   (const unsigned char *)plain.p, text, SEAL_TAG_BYTES,
                                   text + plain.len);
    return rc == 0 ? (int)(plain.len + SEAL_OVERHEAD_BYTES) : TILLPOST_E_INTERNAL;
}

int seal_decrypt(struct seal *s, struct str bound_to, const unsigned char *sealed,
                 size_t sealed_len, char *out)
{
    if (sealed_len < SEAL_OVERHEAD_BYTES || sealed_len > INT_MAX) return TILLPOST_E_DAMAGED;
    if (sealed[0] != SEAL_VERSION && sealed[0] != SEAL_VERSION_NAMES) return TILLPOST_E_DAMAGED;
    size_t len = sealed_len - SEAL_OVERHEAD_BYTES;
    const unsigned char *nonce = sealed + 1, *text = nonce + SEAL_NONCE_BYTES;
    int rc = mbedtls_gcm_auth_decrypt(&s->gcm, len, nonce, SEAL_NONCE_BYTES,
                                      (const unsigned char *)bound_to.p, bound_to.len, text + len,
                                      SEAL_TAG_BYTES, text, (unsigned char *)out);
    return rc == 0 ? (int)len : TILLPOST_E_DAMAGED;
}

int seal_hash(struct str text, unsigned char out[SEAL_HASH_BYTES])
{
    const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    int rc = mbedtls_md(sha256, (const unsigned char *)text.p, text.len, out);
    return rc == 0 ? 0 : TILLPOST_E_INTERNAL;
}
