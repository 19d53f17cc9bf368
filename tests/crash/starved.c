/*
 * starved.c: a library to preload (LD_PRELOAD): malloc and its kin that fail when the file
 * $STARVE_FILE says so, and that count what is not freed. At the process's end the count is a line
 * of $STARVE_LOG.
 *
 * glibc's own names of its allocator are used: dlsym would allocate.
 */
#include "starve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);
void __libc_free(void *p);

static struct starve nobody, *control = &nobody;
static _Atomic long live;

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("STARVE_FILE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *p = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p != MAP_FAILED) control = p;
    close(fd);
}

__attribute__((destructor)) static void report(void)
{
    char line[32];
    const char *path = getenv("STARVE_LOG");
    int n = snprintf(line, sizeof line, "%ld\n", atomic_load(&live));
    int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return;
    if (write(fd, line, (size_t)n) != n) perror(path);
    close(fd);
}

static int starves(void)
{
    atomic_fetch_add(&control->calls, 1);
    if (atomic_load(&control->at) == 0) return 0;
    if (atomic_load(&control->at) > 1) {
        atomic_fetch_sub(&control->at, 1);
        return 0;
    }
    long left = atomic_load(&control->times);
    if (left == 0) return 0;
    if (left > 0) atomic_store(&control->times, left - 1);
    atomic_fetch_add(&control->failed, 1);
    errno = ENOMEM;
    return 1;
}

static void *counted(void *p)
{
    if (p) atomic_fetch_add(&live, 1);
    return p;
}

void *malloc(size_t bytes)
{
    return starves() ? NULL : counted(__libc_malloc(bytes));
}

void *calloc(size_t n, size_t bytes)
{
    return starves() ? NULL : counted(__libc_calloc(n, bytes));
}

void *realloc(void *p, size_t bytes)
{
    if (starves()) return NULL;
    return p ? __libc_realloc(p, bytes) : counted(__libc_malloc(bytes));
}

int posix_memalign(void **out, size_t align, size_t bytes)
{
    void *p = starves() ? NULL : counted(__libc_memalign(align, bytes));
    if (p) *out = p;
    return p ? 0 : ENOMEM;
}

void free(void *p)
{
    if (p) atomic_fetch_sub(&live, 1);
    __libc_free(p);
}
