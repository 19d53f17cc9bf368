/*
 * buf.c: text that grows up to a ceiling.
 *
 * What always holds:
 * 1. p is NULL or has cap bytes, len < cap, and p[len] is NUL.
 * 2. len never exceeds max_bytes.
 * 3. No content is left behind, neither in a cleared buffer nor in freed memory: growing moves by
 *    hand and wipes, since realloc(3) may move without wiping.
 * 4. After the first append that did not fit, `failed` is set and the content stays as it was.
 */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_BYTES = 256 };

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max_bytes = max_bytes};
}

void buf_free(struct buf *b)
{
    wipe(b->p, b->cap);
    free(b->p);
    buf_init(b, b->max_bytes);
}

void buf_clear(struct buf *b)
{
    wipe(b->p, b->len);
    b->len = 0;
    b->failed = false;
}

static bool grow(struct buf *b, size_t cap)
{
    char *p = malloc(cap);
    if (p == NULL) return false;
    if (b->len > 0) memcpy(p, b->p, b->len);
    p[b->len] = '\0';
    wipe(b->p, b->cap);
    free(b->p);
    b->p = p;
    b->cap = cap;
    return true;
}

/* Is there room already? As cap is at most max_bytes + 1, the ceiling holds too. */
static bool has_room(const struct buf *b, size_t more_bytes)
{
    return !b->failed && more_bytes < b->cap - b->len;
}

bool buf_reserve(struct buf *b, size_t more_bytes)
{
    if (has_room(b, more_bytes)) return true;
    if (b->failed) return false;
    if (more_bytes > b->max_bytes - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + more_bytes + 1;
    size_t cap = b->cap < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : b->cap;
    while (cap < need && cap <= SIZE_MAX / 2) {
        cap *= 2;
    }
    if (cap > b->max_bytes) cap = b->max_bytes + 1;
    b->failed = !grow(b, cap < need ? need : cap);
    return !b->failed;
}

void buf_add(struct buf *b, const void *p, size_t len)
{
    if (!has_room(b, len) && !buf_reserve(b, len)) return;
    if (len > 0) memcpy(b->p + b->len, p, len);
    b->len += len;
    b->p[b->len] = '\0';
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.len);
}

void buf_add_z(struct buf *b, const char *z)
{
    buf_add(b, z, strlen(z));
}

void buf_add_char(struct buf *b, char c)
{
    if (!has_room(b, 1) && !buf_reserve(b, 1)) return;
    b->p[b->len++] = c;
    b->p[b->len] = '\0';
}

/* First into what is free: it nearly always fits. */
void buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    size_t room = b->failed ? 0 : b->cap - b->len;
    va_start(args, format);
    int len = vsnprintf(room > 0 ? b->p + b->len : NULL, room, format, args);
    va_end(args);
    if (len < 0) b->failed = true;
    bool fits = len >= 0 && (size_t)len < room;
    if (!fits && room > 0) wipe(b->p + b->len, room);
    if (len < 0 || !buf_reserve(b, (size_t)len)) return;
    if (!fits) {
        va_start(args, format);
        (void)vsnprintf(b->p + b->len, (size_t)len + 1, format, args);
        va_end(args);
    }
    b->len += (size_t)len;
}

struct str buf_str(const struct buf *b)
{
    return b->p == NULL ? (struct str){"", 0} : (struct str){b->p, b->len};
}
