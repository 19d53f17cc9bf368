/*
 * slow_sync.c: to be preloaded: each fsync and fdatasync takes SYNC_US microseconds more, as on a
 * disk that is slower than the one at hand.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_call)(int fd);

static int slowly(const char *name, int fd)
{
    const char *us = getenv("SYNC_US");
    long extra_us = us ? strtol(us, NULL, 10) : 0;
    sync_call real;
    *(void **)&real = dlsym(RTLD_NEXT, name);
    int rc = real(fd);
    struct timespec t = {extra_us / 1000000, extra_us % 1000000 * 1000};
    nanosleep(&t, NULL);
    return rc;
}

int fsync(int fd)
{
    return slowly("fsync", fd);
}

int fdatasync(int fd)
{
    return slowly("fdatasync", fd);
}
