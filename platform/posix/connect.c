/* connect.c: the way to the agent's socket; beside the agent, libtillpost uses this file. */
#include "platform/platform.h"
#include "platform/posix/unix_address.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int platform_unix_address(const char *path, struct sockaddr_un *out)
{
    size_t len = strlen(path);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len == 0 || len >= sizeof out->sun_path) {
        errno = ENAMETOOLONG;
        return TILLPOST_E_CONFIG;
    }
    memcpy(out->sun_path, path, len + 1);
    return 0;
}

static int error_of(int e)
{
    switch (e) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED: return TILLPOST_E_UNAVAILABLE;
    case EACCES:
    case EPERM: return TILLPOST_E_DENIED;
    case EAGAIN: return TILLPOST_E_BUSY; /* unix(7): the backlog is full */
    case ENOMEM:
    case ENOBUFS: return TILLPOST_E_NO_MEMORY;
    default: return TILLPOST_E_IO;
    }
}

int platform_connect_unix(const char *path)
{
    struct sockaddr_un at;
    int rc = platform_unix_address(path, &at);
    if (rc < 0) return rc;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return error_of(errno);
    do rc = connect(fd, (const struct sockaddr *)&at, sizeof at);
    while (rc != 0 && errno == EINTR);
    if (rc == 0) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return error_of(why);
}
