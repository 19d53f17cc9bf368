/* random.c: random bytes of the kernel. getrandom(2) came with Linux 3.17; terminals run 3.10. */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

static int from_device(unsigned char *p, size_t bytes)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return TILLPOST_E_IO;
    while (bytes > 0) {
        ssize_t n = read(fd, p, bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        p += n;
        bytes -= (size_t)n;
    }
    close(fd);
    return bytes == 0 ? 0 : TILLPOST_E_IO;
}

int platform_random(void *out, size_t bytes)
{
    unsigned char *p = out;
    while (bytes > 0) {
        ssize_t n = getrandom(p, bytes, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return from_device(p, bytes);
        p += n;
        bytes -= (size_t)n;
    }
    return 0;
}
