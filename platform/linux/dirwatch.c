/*
 * dirwatch.c: inotify: something has appeared in a directory; and leases: who has a file open.
 *
 * A notice only wakes: what is there is found by reading the directory, so that a lost one costs
 * time and nothing else.
 */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

int platform_dirwatch_open(const char *path)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) return -1;
    if (inotify_add_watch(fd, path, IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) >= 0) return fd;
    close(fd);
    return -1;
}

bool platform_dirwatch_read(int fd)
{
    char notices[4096];
    bool changed = false;
    for (;;) {
        ssize_t n = read(fd, notices, sizeof notices);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return changed;
        changed = true;
    }
}

/* A read lease is refused while somebody has the file open for writing. Its break is told by SIGIO,
 * which would end the process. */
bool platform_is_written(int fd)
{
    (void)signal(SIGIO, SIG_IGN);
    if (fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
    (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
}

bool platform_may_unlink(int dir_fd, int fd)
{
    struct stat dir, file;
    uid_t me = geteuid();
    if (fstat(dir_fd, &dir) != 0 || fstat(fd, &file) != 0) return false;
    return !(dir.st_mode & S_ISVTX) || me == 0 || file.st_uid == me || dir.st_uid == me;
}
