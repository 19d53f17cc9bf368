/* page.c: see page.h. Every number of a page is doubted: the page may be damaged. */
#include "queue/page.h"

#include <string.h>

static unsigned u16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

void page_clear_gap(unsigned char *page, bool first)
{
    enum { CELL_COUNT_AT = 3, CONTENT_AT = 5, LEAF_HEADER_BYTES = 8, POINTER_BYTES = 2 };
    size_t at = first ? PAGE_FILE_HEADER_BYTES : 0;
    if (page[at] != PAGE_TABLE_LEAF) return;
    size_t begin = at + LEAF_HEADER_BYTES + u16(page + at + CELL_COUNT_AT) * POINTER_BYTES;
    size_t end = u16(page + at + CONTENT_AT);
    if (begin < end && end <= PAGE_BYTES) memset(page + begin, 0, end - begin);
}
