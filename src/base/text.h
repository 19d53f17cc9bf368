/*
 * text.h: borrowed strings, bounded buffers, an arena, and safe wiping.
 *
 * Owner: a struct str owns nothing; the function that returns one says whose memory it is. Its p is
 * never NULL when a function here returns it; one of len 0 may have any p when it is given.
 * A struct buf owns its bytes and never grows over max_bytes; after the first failed append it is
 * `failed` and further appends do nothing, so that a writer checks once at its end.
 * An arena owns everything allocated from it; it hands out zeroed, 16-byte aligned memory.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* not NUL-terminated unless said */
    size_t len;    /* bytes */
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* Inline, as they are called a hundred times an event. NULL gives an empty str. */
static inline struct str str_from(const char *z)
{
    return z == NULL ? (struct str){"", 0} : (struct str){z, strlen(z)};
}
static inline bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}
static inline bool str_is(struct str a, const char *z)
{
    return str_equal(a, str_from(z));
}
bool str_is_nocase(struct str a, const char *z); /* ASCII case only */
bool str_starts(struct str a, const char *z);
bool str_ends(struct str a, const char *z);
bool str_ends_nocase(struct str a, const char *z); /* ASCII case only */
struct str str_trim(struct str a);                 /* ASCII white space at both ends */
/* The part before the first `sep`; *rest becomes what follows it (empty when there is none). */
struct str str_split(struct str a, char sep, struct str *rest);
/* At most max_bytes of it, never ending inside a UTF-8 character. */
struct str str_cut(struct str a, size_t max_bytes);
/* Bytes (1 to 4) of the UTF-8 character a begins with; 0 when it begins with none (RFC 3629: no
 * overlong form, no surrogate, nothing over U+10FFFF) or is empty. */
size_t str_utf8_char(struct str a);
/* Decimal digits only, no sign, no overflow. Returns 0 or TILLPOST_E_BAD_NUMBER. */
int str_to_u64(struct str a, uint64_t *out);

struct buf {
    char *p; /* always NUL-terminated when not NULL */
    size_t len;
    size_t cap;
    size_t max_bytes; /* hard ceiling of len */
    bool failed;      /* an append did not fit or memory ran out */
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_free(struct buf *b);  /* wipes, then frees */
void buf_clear(struct buf *b); /* wipes; len 0, failed false, memory kept */
bool buf_reserve(struct buf *b, size_t more_bytes);
void buf_add(struct buf *b, const void *p, size_t len);
void buf_add_str(struct buf *b, struct str s);
void buf_add_z(struct buf *b, const char *z);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct str buf_str(const struct buf *b); /* borrowed until the next append */

struct arena_block;
struct arena {
    struct arena_block *first, *current;
    size_t block_bytes; /* size of a fresh block */
    size_t used_bytes;
    size_t max_bytes; /* hard ceiling; over it arena_alloc returns NULL */
};

void arena_init(struct arena *a, size_t block_bytes, size_t max_bytes);
void *arena_alloc(struct arena *a, size_t bytes); /* NULL: ceiling or no memory */
char *arena_copy(struct arena *a, struct str s);  /* NUL-terminated copy, or NULL */
void arena_reset(struct arena *a);                /* wipes what was used, keeps the first block */
void arena_free(struct arena *a);                 /* wipes and frees */

/* Overwrites memory in a way the compiler may not remove. */
void wipe(void *p, size_t bytes);
/* The same for the stack that calls which have returned may have used, some way down: libraries
 * leave pieces of what they read in their frames (zlib does); and for the wide registers, in which
 * every copy leaves some. */
void wipe_stack(void);

/* Lower-case hex of n bytes; out has room for 2n + 1. */
void hex_encode(const void *bytes, size_t n, char *out);
bool hex_decode(struct str hex, void *out, size_t out_bytes); /* exact length, any case */

#endif
