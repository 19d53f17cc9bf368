/*
 * seal.h: AES-256-GCM of a row, bound to its id. The room's only door to mbedTLS.
 *
 * Format (stable, bytes): 1 version | 12 nonce, random | ciphertext | 16 tag. The additional data
 * are what the caller binds the text to, so that a row under another id, or with another time, does
 * not open. The version says what a caller's rows are bound to: 1 id and name, 2 all columns.
 */
#ifndef QUEUE_SEAL_H
#define QUEUE_SEAL_H

#include "base/text.h"

enum {
    SEAL_KEY_BYTES = 32,
    SEAL_NONCE_BYTES = 12,
    SEAL_TAG_BYTES = 16,
    SEAL_VERSION_NAMES = 1, /* still opened */
    SEAL_VERSION = 2,       /* what is sealed from now on */
    SEAL_OVERHEAD_BYTES = 1 + SEAL_NONCE_BYTES + SEAL_TAG_BYTES,
    SEAL_HASH_BYTES = 32
};

struct seal; /* a key made ready for use */
int seal_open(const unsigned char key[SEAL_KEY_BYTES], struct seal **out); /* NO_MEMORY */
void seal_close(struct seal *s);                                           /* wipes the key */
/* out has room for plain.len + SEAL_OVERHEAD_BYTES; returns the length or < 0. */
int seal_encrypt(struct seal *s, struct str bound_to, struct str plain, unsigned char *out);
/* out has room for sealed_len - SEAL_OVERHEAD_BYTES; returns the plain length or DAMAGED. */
int seal_decrypt(struct seal *s, struct str bound_to, const unsigned char *sealed,
                 size_t sealed_len, char *out);
/* SHA-256, for the fingerprints of ids. 0, or INTERNAL. */
int seal_hash(struct str text, unsigned char out[SEAL_HASH_BYTES]);

#endif
