/*
 * file.c: whole files in, whole files out.
 *
 * What always holds: (1) a secret file is judged by the descriptor that is read, not by its name;
 * (2) a file written here is old or new after a power cut, never a mixture; (3) what was read is
 * wiped when it is given back with platform_free_file.
 */
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int error_of(int e)
{
    switch (e) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG: return TILLPOST_E_NO_INPUT;
    case EACCES:
    case EPERM: return TILLPOST_E_DENIED;
    case ENOMEM: return TILLPOST_E_NO_MEMORY;
    default: return TILLPOST_E_IO;
    }
}

/* Others must not read it; the group may when it is root's or our own. */
static bool is_private(const struct stat *st)
{
    if (st->st_mode & S_IROTH) return false;
    if (!(st->st_mode & S_IRGRP)) return true;
    return st->st_gid == 0 || st->st_gid == getegid();
}

static int read_all(int fd, size_t max_bytes, char *p, size_t *len)
{
    size_t have = 0;
    while (have <= max_bytes) {
        ssize_t n = read(fd, p + have, max_bytes + 1 - have);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return TILLPOST_E_IO;
        if (n == 0) break;
        have += (size_t)n;
    }
    if (have > max_bytes) return TILLPOST_E_TOO_LARGE;
    p[have] = 0;
    *len = have;
    return 0;
}

int platform_read_file(const char *path, size_t max_bytes, bool secret, char **out, size_t *len)
{
    int rc = 0;
    char *p = NULL;
    *out = NULL;
    *len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return error_of(errno);
    struct stat st;
    if (fstat(fd, &st) != 0) rc = error_of(errno);
    else if (S_ISDIR(st.st_mode)) rc = TILLPOST_E_NO_INPUT;
    else if (secret && !is_private(&st)) rc = TILLPOST_E_DENIED;
    if (rc == 0 && !(p = malloc(max_bytes + 2))) rc = TILLPOST_E_NO_MEMORY;
    if (rc == 0) rc = read_all(fd, max_bytes, p, len);
    int saved = errno;
    close(fd);
    errno = saved;
    if (rc == 0) *out = p;
    else platform_free_file(p, p ? max_bytes + 2 : 0);
    return rc;
}

void platform_free_file(char *content, size_t len)
{
    volatile char *p = content;
    for (size_t i = 0; content && i < len; i++) p[i] = 0;
    free(content);
}

static int write_all(int fd, const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return TILLPOST_E_IO;
        p += n;
        len -= (size_t)n;
    }
    return fsync(fd) == 0 ? 0 : TILLPOST_E_IO;
}

static int parent_of(const char *path, char *out)
{
    size_t len = strlen(path);
    if (len >= PLATFORM_PATH_BYTES) return TILLPOST_E_IO;
    memcpy(out, path, len + 1);
    char *slash = strrchr(out, '/');
    if (!slash) memcpy(out, ".", 2);
    else if (slash == out) out[1] = 0;
    else *slash = 0;
    return 0;
}

static int sync_parent(const char *path)
{
    char parent[PLATFORM_PATH_BYTES];
    if (parent_of(path, parent) < 0) return TILLPOST_E_IO;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return TILLPOST_E_IO;
    int rc = fsync(fd) == 0 ? 0 : TILLPOST_E_IO;
    close(fd);
    return rc;
}

int platform_write_file(const char *path, const void *data, size_t len, unsigned mode)
{
    char temporary[PLATFORM_PATH_BYTES + 8];
    if (strlen(path) >= PLATFORM_PATH_BYTES) return TILLPOST_E_CANT_CREATE;
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    (void)unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0) return TILLPOST_E_CANT_CREATE;
    int rc = fchmod(fd, (mode_t)mode) == 0 ? write_all(fd, data, len) : TILLPOST_E_IO;
    if (close(fd) != 0 && rc == 0) rc = TILLPOST_E_IO;
    if (rc == 0 && rename(temporary, path) != 0) rc = TILLPOST_E_CANT_CREATE;
    if (rc == 0) return sync_parent(path);
    int saved = errno;
    (void)unlink(temporary);
    errno = saved;
    return rc;
}

/* What is still to be written goes to the disk first; pages whose writing failed count as clean
 * (Linux, since 4.13) and are dropped with the others. */
void platform_drop_cached(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fdatasync(fd);
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
}

int platform_rename(const char *from, const char *to)
{
    if (rename(from, to) != 0) return error_of(errno);
    return sync_parent(to);
}

/* glibc shows realpath(3), which POSIX has, only to those who ask for more than POSIX. */
bool platform_real_path(const char *path, char out[PLATFORM_PATH_BYTES])
{
    return realpath(path, out) != NULL;
}

int platform_file_mode(const char *path, unsigned *mode, unsigned *uid)
{
    struct stat st;
    if (stat(path, &st) != 0) return error_of(errno);
    *mode = (unsigned)st.st_mode & 07777;
    *uid = (unsigned)st.st_uid;
    return 0;
}

int64_t platform_file_stamp(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return 0;
    /* Not st_mtim: chmod makes a secret readable, and cp -p brings an old one. */
    return (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec + (int64_t)st.st_ino;
}

int platform_make_parent(const char *path)
{
    char parent[PLATFORM_PATH_BYTES];
    if (parent_of(path, parent) < 0) return TILLPOST_E_CANT_CREATE;
    if (mkdir(parent, 0700) == 0) return sync_parent(parent);
    return errno == EEXIST ? 0 : TILLPOST_E_CANT_CREATE;
}

int64_t platform_file_max_bytes(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur > INT64_MAX) return INT64_MAX;
    return (int64_t)limit.rlim_cur;
}

int64_t platform_free_bytes(const char *path)
{
    char parent[PLATFORM_PATH_BYTES];
    struct statvfs v;
    if (parent_of(path, parent) < 0 || statvfs(parent, &v) != 0) return -1;
    return (int64_t)(v.f_bavail * v.f_frsize);
}
