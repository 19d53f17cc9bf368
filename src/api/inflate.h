/*
 * inflate.h: gzip'd bodies. The only door to zlib.
 *
 * Errors: TOO_LARGE (more comes out than out_max), BAD_REQUEST (damaged, cut short, or bytes behind
 * the end), NO_MEMORY. Source: RFC 1952; members may follow each other.
 */
#ifndef API_INFLATE_H
#define API_INFLATE_H

#include "base/text.h"

/* Inflates a whole body into out, which has room for out_max bytes. Leaves no copy of the content
 * anywhere else. */
int inflate_gzip(struct str in, char *out, size_t out_max, size_t *out_len);

#endif
