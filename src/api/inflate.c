/*
 * inflate.c: a gzip'd body in one go.
 *
 * The whole body is at hand and the output has a ceiling, so there is no state between calls and a
 * bomb costs no more than its ceiling. zlib's own memory holds parts of the text (its window): it is
 * taken through our allocator, which wipes it before giving it back.
 */
#include "api/inflate.h"

#include "tillpost/err.h"
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum { GZIP_ONLY = 16 }; /* added to the window bits: gzip, not zlib (zlib.h, inflateInit2) */

struct block {
    size_t bytes;
    max_align_t content[];
};

static voidpf take(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    if (size != 0 && items > (SIZE_MAX - sizeof(struct block)) / size) return Z_NULL;
    size_t bytes = (size_t)items * size;
    struct block *b = malloc(sizeof *b + bytes);
    if (!b) return Z_NULL;
    b->bytes = bytes;
    return b->content;
}

static void give_back(voidpf opaque, voidpf p)
{
    (void)opaque;
    struct block *b = (struct block *)(void *)((char *)p - offsetof(struct block, content));
    wipe(b->content, b->bytes);
    free(b);
}

/* One member; 0 good. */
static int inflate_member(z_stream *z)
{
    switch (inflate(z, Z_FINISH)) {
    case Z_STREAM_END: return TILLPOST_OK;
    case Z_MEM_ERROR: return TILLPOST_E_NO_MEMORY;
    case Z_BUF_ERROR: return z->avail_in == 0 ? TILLPOST_E_BAD_REQUEST : TILLPOST_E_TOO_LARGE;
    default: return TILLPOST_E_BAD_REQUEST;
    }
}

int inflate_gzip(struct str in, char *out, size_t out_max, size_t *out_len)
{
    z_stream z = {.zalloc = take, .zfree = give_back};
    *out_len = 0;
    if (in.len > UINT_MAX || out_max > UINT_MAX) return TILLPOST_E_TOO_LARGE;
    if (inflateInit2(&z, MAX_WBITS + GZIP_ONLY) != Z_OK) return TILLPOST_E_NO_MEMORY;
    z.next_in = (z_const Bytef *)in.p;
    z.avail_in = (uInt)in.len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)out_max;
    int rc = inflate_member(&z);
    while (rc == TILLPOST_OK && z.avail_in > 0)
        rc = inflateReset(&z) == Z_OK ? inflate_member(&z) : TILLPOST_E_BAD_REQUEST;
    *out_len = out_max - z.avail_out;
    inflateEnd(&z);
    return rc;
}
