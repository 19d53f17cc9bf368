/*
 * wreck.c: see wreck.h.
 *
 * The WAL (https://www.sqlite.org/fileformat2.html, section 4): a header of 32 bytes, then frames of
 * 24 bytes and a page. A frame counts while its salts are the header's and its checksum continues
 * that of the frame before; a frame that closes a commit says how many pages the file then has.
 */
#include "queue/wreck.h"

#include "queue/page.h"
#include "tillpost/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WAL_HEADER_BYTES = 32,
    FRAME_HEADER_BYTES = 24,
    FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES,
    SALTS_AT = 16, /* of the header; of a frame at 8 */
    PATH_BYTES = 4096
};
#define WAL_MAGIC UINT32_C(0x377f0682) /* the last bit: its checksums read words big end first */

struct overlay { /* a page's newest committed frame */
    uint32_t page, frame;
};

struct wreck {
    int file, wal;
    uint32_t pages;
    struct overlay *overlays; /* by page, of equal ones the newest last */
    size_t count, cap;
};

static void read_at(int fd, int64_t at, unsigned char *p, size_t len)
{
    memset(p, 0, len);
    for (size_t have = 0; have < len;) {
        ssize_t n = pread(fd, p + have, len - have, (off_t)(at + (int64_t)have));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        have += (size_t)n;
    }
}

static int64_t size_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? (int64_t)st.st_size : 0;
}

struct sum {
    bool big_end;
    uint32_t a, b;
};

static void sum_add(struct sum *s, const unsigned char *p, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint32_t x = page_u32(p + i), y = page_u32(p + i + 4);
        if (!s->big_end) {
            const unsigned char *q = p + i;
            x = q[0] | (uint32_t)q[1] << 8 | (uint32_t)q[2] << 16 | (uint32_t)q[3] << 24;
            y = q[4] | (uint32_t)q[5] << 8 | (uint32_t)q[6] << 16 | (uint32_t)q[7] << 24;
        }
        s->a += x + s->b;
        s->b += y + s->a;
    }
}

static bool keep_overlay(struct wreck *w, uint32_t page, uint32_t frame)
{
    if (w->count == w->cap) {
        size_t cap = w->cap > 0 ? w->cap * 2 : 256;
        struct overlay *more = realloc(w->overlays, cap * sizeof *more);
        if (more == NULL) return false;
        w->overlays = more;
        w->cap = cap;
    }
    w->overlays[w->count++] = (struct overlay){page, frame};
    return true;
}

static int by_page(const void *a, const void *b)
{
    const struct overlay *x = a, *y = b;
    if (x->page != y->page) return x->page < y->page ? -1 : 1;
    return x->frame < y->frame ? -1 : 1;
}

static bool frame_counts(const unsigned char *frame, const unsigned char *header, struct sum *sum)
{
    if (memcmp(frame + 8, header + SALTS_AT, 8) != 0 || page_u32(frame) == 0) return false;
    sum_add(sum, frame, 8);
    sum_add(sum, frame + FRAME_HEADER_BYTES, PAGE_BYTES);
    return sum->a == page_u32(frame + 16) && sum->b == page_u32(frame + 20);
}

static int read_wal(struct wreck *w)
{
    unsigned char header[WAL_HEADER_BYTES], frame[FRAME_BYTES];
    size_t committed = 0;
    read_at(w->wal, 0, header, sizeof header);
    if ((page_u32(header) & ~UINT32_C(1)) != WAL_MAGIC || page_u32(header + 8) != PAGE_BYTES)
        return 0;
    struct sum sum = {.big_end = (page_u32(header) & 1) != 0};
    sum_add(&sum, header, 24);
    if (sum.a != page_u32(header + 24) || sum.b != page_u32(header + 28)) return 0;
    int64_t frames = (size_of(w->wal) - WAL_HEADER_BYTES) / FRAME_BYTES;
    for (int64_t i = 0; i < frames; i++) {
        read_at(w->wal, WAL_HEADER_BYTES + i * FRAME_BYTES, frame, sizeof frame);
        if (!frame_counts(frame, header, &sum)) break;
        if (!keep_overlay(w, page_u32(frame), (uint32_t)i)) return TILLPOST_E_NO_MEMORY;
        if (page_u32(frame + 4) == 0) continue;
        committed = w->count;
        w->pages = page_u32(frame + 4);
    }
    w->count = committed;
    if (w->count > 0) qsort(w->overlays, w->count, sizeof w->overlays[0], by_page);
    return 0;
}

int wreck_open(const char *path, struct wreck **out)
{
    char wal[PATH_BYTES];
    struct wreck *w = calloc(1, sizeof *w);
    *out = NULL;
    if (w == NULL) return TILLPOST_E_NO_MEMORY;
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    w->file = open(path, O_RDONLY | O_CLOEXEC);
    int r = w->file >= 0 ? 0 : errno == ENOENT ? TILLPOST_E_NO_INPUT : TILLPOST_E_STORAGE;
    w->wal = open(wal, O_RDONLY | O_CLOEXEC);
    if (r >= 0) w->pages = (uint32_t)((size_of(w->file) + PAGE_BYTES - 1) / PAGE_BYTES);
    if (r >= 0 && w->wal >= 0) r = read_wal(w);
    if (r >= 0) *out = w;
    else wreck_close(w);
    return r;
}

void wreck_close(struct wreck *w)
{
    if (w == NULL) return;
    if (w->file >= 0) close(w->file);
    if (w->wal >= 0) close(w->wal);
    free(w->overlays);
    free(w);
}

uint32_t wreck_pages(const struct wreck *w)
{
    return w->pages;
}

static const struct overlay *overlay_of(const struct wreck *w, uint32_t page)
{
    size_t low = 0, high = w->count;
    while (low < high) { /* the first behind the page's last */
        size_t middle = low + (high - low) / 2;
        if (w->overlays[middle].page <= page) low = middle + 1;
        else high = middle;
    }
    return low > 0 && w->overlays[low - 1].page == page ? &w->overlays[low - 1] : NULL;
}

void wreck_read(const struct wreck *w, uint32_t number, unsigned char *page)
{
    const struct overlay *o = overlay_of(w, number);
    if (o == NULL) read_at(w->file, ((int64_t)number - 1) * PAGE_BYTES, page, PAGE_BYTES);
    else
        read_at(w->wal, WAL_HEADER_BYTES + (int64_t)o->frame * FRAME_BYTES + FRAME_HEADER_BYTES,
                page, PAGE_BYTES);
}
