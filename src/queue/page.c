/* page.c: see page.h. Every number of a page is doubted: the page may be damaged. */
#include "queue/page.h"

#include <string.h>

enum {
    CELL_COUNT_AT = 3,
    CONTENT_AT = 5,
    LEAF_HEADER_BYTES = 8,
    POINTER_BYTES = 2,
    VARINT_BYTES_MAX = 9,
    LOCAL_MAX_BYTES = PAGE_BYTES - 35, /* of a record; more goes on in overflow pages */
    LOCAL_MIN_BYTES = (PAGE_BYTES - 12) * 32 / 255 - 23
};

static unsigned u16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

uint32_t page_u32(const unsigned char *p)
{
    return (uint32_t)u16(p) << 16 | u16(p + 2);
}

static size_t header_at(bool first)
{
    return first ? PAGE_FILE_HEADER_BYTES : 0;
}

void page_clear_gap(unsigned char *page, bool first)
{
    size_t at = header_at(first);
    if (page[at] != PAGE_TABLE_LEAF) return;
    size_t begin = at + LEAF_HEADER_BYTES + u16(page + at + CELL_COUNT_AT) * POINTER_BYTES;
    size_t end = u16(page + at + CONTENT_AT);
    if (begin < end && end <= PAGE_BYTES) memset(page + begin, 0, end - begin);
}

/* 2, 5, 10: inner pages and those of the index; below 6: a pointer map, or an overflow page. */
bool page_may_hold_rows(const unsigned char *page, bool first)
{
    unsigned char type = page[header_at(first)];
    return type > 5 && type != 10;
}

unsigned page_cell_count(const unsigned char *page, bool first)
{
    unsigned n = u16(page + header_at(first) + CELL_COUNT_AT);
    return n < PAGE_CELLS_MAX ? n : PAGE_CELLS_MAX;
}

/* How many bytes it took, 0: it does not end within len. */
static size_t varint(const unsigned char *p, size_t len, uint64_t *out)
{
    uint64_t n = 0;
    for (size_t i = 0; i < len && i < VARINT_BYTES_MAX; i++) {
        bool last = i == VARINT_BYTES_MAX - 1;
        n = last ? n << 8 | p[i] : n << 7 | (p[i] & 0x7f);
        *out = n;
        if (last || (p[i] & 0x80) == 0) return i + 1;
    }
    return 0;
}

static size_t local_bytes(uint64_t payload)
{
    if (payload <= LOCAL_MAX_BYTES) return (size_t)payload;
    size_t most = LOCAL_MIN_BYTES + (size_t)((payload - LOCAL_MIN_BYTES) % (PAGE_BYTES - 4));
    return most <= LOCAL_MAX_BYTES ? most : LOCAL_MIN_BYTES;
}

bool page_cell(const unsigned char *page, bool first, unsigned i, struct page_cell *out)
{
    size_t pointer = header_at(first) + LEAF_HEADER_BYTES + i * POINTER_BYTES;
    if (pointer + POINTER_BYTES > PAGE_BYTES) return false;
    size_t at = u16(page + pointer), n;
    uint64_t rowid;
    if (at >= PAGE_BYTES) return false;
    n = varint(page + at, PAGE_BYTES - at, &out->payload_bytes);
    if (n == 0) return false;
    at += n;
    n = varint(page + at, PAGE_BYTES - at, &rowid);
    if (n == 0) return false;
    at += n;
    out->rowid = (int64_t)rowid;
    out->payload = page + at;
    out->local_bytes = local_bytes(out->payload_bytes);
    out->overflow = 0;
    if (out->local_bytes > PAGE_BYTES - at) return false;
    if (out->local_bytes == out->payload_bytes) return true;
    if (out->local_bytes + PAGE_OVERFLOW_NEXT_BYTES > PAGE_BYTES - at) return false;
    out->overflow = page_u32(out->payload + out->local_bytes);
    return true;
}

/* Bytes of a value of a serial type (section 2.1). */
static uint64_t value_bytes(uint64_t type)
{
    static const unsigned char fixed[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
    return type < sizeof fixed ? fixed[type] : (type - 12) / 2;
}

static void read_value(uint64_t type, const unsigned char *p, size_t len, struct page_value *out)
{
    *out = (struct page_value){.kind = PAGE_NULL, .p = p, .len = len};
    if (type >= 12) out->kind = type % 2 == 0 ? PAGE_BLOB : PAGE_TEXT;
    if (type == 7) out->kind = PAGE_REAL;
    if (type == 0 || type == 7 || type >= 10) return;
    out->kind = PAGE_NUMBER;
    uint64_t n = type == 9 ? 1 : 0;
    if (len > 0 && (p[0] & 0x80) != 0) n = UINT64_MAX;
    for (size_t i = 0; i < len; i++) n = n << 8 | p[i];
    out->number = (int64_t)n;
}

int page_record(const unsigned char *record, size_t len, struct page_value *out, int max)
{
    uint64_t header = 0, type = 0;
    size_t at = varint(record, len, &header), body = (size_t)header;
    int count = 0;
    if (at == 0 || header > len) return -1;
    while (at < header) {
        size_t n = varint(record + at, (size_t)header - at, &type);
        uint64_t bytes = value_bytes(type);
        if (n == 0 || count == max || type == 10 || type == 11 || bytes > len - body) return -1;
        read_value(type, record + body, (size_t)bytes, &out[count++]);
        at += n;
        body += (size_t)bytes;
    }
    return count;
}

int page_columns(const unsigned char *record, size_t len)
{
    uint64_t header = 0, type = 0;
    size_t at = varint(record, len, &header);
    int count = 0;
    if (at == 0 || header > len) return -1;
    for (size_t n; at < header; at += n, count++) {
        n = varint(record + at, (size_t)header - at, &type);
        if (n == 0) return -1;
    }
    return count;
}
