/*
 * private.c: memory that only this process ever sees.
 *
 * Pages are locked, not bytes, and locks do not nest: so nothing else of the heap may lie on them. They come from the
 * heap nevertheless, where AddressSanitizer and a malloc that fails (tests/crash) watch over them.
 */
#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t whole_pages(size_t bytes, size_t page)
{
    return bytes > SIZE_MAX - page ? 0 : (bytes + page - 1) / page * page;
}

void *platform_private_alloc(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = whole_pages(bytes, page);
    void *p = NULL;
    if (whole == 0 || posix_memalign(&p, page, whole) != 0) return NULL;
    (void)madvise(p, whole, MADV_DONTDUMP);
    (void)mlock(p, whole);
    memset(p, 0, whole);
    return p;
}

void platform_private_free(void *p, size_t bytes)
{
    size_t whole = whole_pages(bytes, (size_t)sysconf(_SC_PAGESIZE));
    if (p == NULL) return;
    explicit_bzero(p, whole);
    (void)munlock(p, whole);
    (void)madvise(p, whole, MADV_DODUMP);
    free(p);
}
