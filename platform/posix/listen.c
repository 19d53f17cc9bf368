/*
 * listen.c: listening sockets and the users behind them.
 *
 * What always holds: (1) a Unix socket never exists with more rights than it will keep: it is bound
 * as 0600, then given its group and mode, and only then listens; (2) a file in its place is removed
 * only when it is a socket nobody answers on; (3) it stands only in a directory in which nobody but
 * root and we ourselves (and whom we let in by group) can put another in its place; (4) all sockets
 * are close-on-exec, the listening ones non-blocking.
 */
#include "platform/platform.h"
#include "platform/posix/unix_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    BACKLOG = 511, /* a burst of registers waits here while one commit runs */
    GROUPS_MAX = 1024,
    INHERITED_FIRST_FD = 3 /* SD_LISTEN_FDS_START of sd_listen_fds(3) */
};

static int error_of(int e)
{
    switch (e) {
    case EACCES:
    case EPERM: return TILLPOST_E_DENIED;
    case ENOMEM:
    case ENOBUFS: return TILLPOST_E_NO_MEMORY;
    case ENAMETOOLONG: return TILLPOST_E_CONFIG;
    default: return TILLPOST_E_CANT_CREATE;
    }
}

static int close_keeping_errno(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int fail_with(int e)
{
    errno = e;
    return error_of(e);
}

/* 0, or an errno: may a socket of ours stand in this directory? */
static int judge_directory(const struct sockaddr_un *at)
{
    char dir[sizeof at->sun_path];
    memcpy(dir, at->sun_path, sizeof dir);
    char *slash = strrchr(dir, '/');
    if (!slash) memcpy(dir, ".", 2);
    else if (slash == dir) dir[1] = 0;
    else *slash = 0;
    struct stat st;
    if (stat(dir, &st) != 0) return errno;
    if (st.st_uid != 0 && st.st_uid != geteuid()) return EPERM;
    if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX)) return EPERM;
    return 0;
}

/* Who is at the name: nobody (0), somebody alive (EADDRINUSE), or what stands in the way. */
static int judge_old(const struct sockaddr_un *at)
{
    struct stat st;
    if (lstat(at->sun_path, &st) != 0) return errno == ENOENT ? 0 : errno;
    if (!S_ISSOCK(st.st_mode)) return EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    int e = connect(fd, (const struct sockaddr *)at, sizeof *at) == 0 ? EAGAIN : errno;
    close(fd);
    if (e == EAGAIN) return EADDRINUSE;
    if (e != ECONNREFUSED) return e == ENOENT ? 0 : e;
    return unlink(at->sun_path) == 0 || errno == ENOENT ? 0 : errno;
}

static int bind_private(int fd, const struct sockaddr_un *at)
{
    mode_t before = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)at, sizeof *at);
    umask(before);
    return rc;
}

/* 0, or a code; what it made it takes back. */
static int bind_and_listen(int s, const struct sockaddr_un *at, unsigned mode, long group)
{
    const char *path = at->sun_path;
    if (bind_private(s, at) != 0) return error_of(errno);
    if ((group < 0 || lchown(path, (uid_t)-1, (gid_t)group) == 0) &&
        chmod(path, (mode_t)mode) == 0 && listen(s, BACKLOG) == 0)
        return 0;
    int saved = errno;
    unlink(path);
    return fail_with(saved);
}

int platform_listen_unix(const char *path, unsigned mode, long group, int *fd)
{
    struct sockaddr_un at;
    *fd = -1;
    int rc = platform_unix_address(path, &at);
    if (rc < 0) return rc;
    int e = judge_directory(&at);
    if (e == 0) e = judge_old(&at);
    if (e == EADDRINUSE) return TILLPOST_E_LOCKED;
    if (e != 0) return fail_with(e);
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) return error_of(errno);
    rc = bind_and_listen(s, &at, mode, group);
    if (rc < 0) close_keeping_errno(s);
    else *fd = s;
    return rc;
}

static int tcp_address(const char *address, uint16_t port, struct sockaddr_storage *out,
                       socklen_t *len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(out, &v4, *len = sizeof v4);
        return 0;
    }
    if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, *len = sizeof v6);
        return 0;
    }
    return TILLPOST_E_CONFIG;
}

int platform_listen_tcp(const char *address, uint16_t port, int *fd)
{
    const int on = 1;
    struct sockaddr_storage at;
    socklen_t len = 0;
    *fd = -1;
    int rc = tcp_address(address, port, &at, &len);
    if (rc < 0) return rc;
    int s = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) return error_of(errno);
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (at.ss_family == AF_INET6 &&
         setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(s, (const struct sockaddr *)&at, len) != 0 || listen(s, BACKLOG) != 0) {
        close_keeping_errno(s);
        return errno == EADDRINUSE ? TILLPOST_E_LOCKED : error_of(errno);
    }
    *fd = s;
    return 0;
}

int platform_accept(int listen_fd)
{
    return accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

bool platform_user_in_group(unsigned uid, unsigned gid, unsigned primary_gid)
{
    gid_t groups[GROUPS_MAX];
    int n = GROUPS_MAX;
    if (gid == primary_gid) return true;
    const struct passwd *user = getpwuid((uid_t)uid);
    if (!user || getgrouplist(user->pw_name, (gid_t)primary_gid, groups, &n) < 0) return false;
    for (int i = 0; i < n; i++)
        if (groups[i] == (gid_t)gid) return true;
    return false;
}

/* Libraries differ in what they leave in errno for a name that is not there: getpwnam(3). */
static long no_id(void)
{
    bool passes = errno == ENOMEM || errno == EIO || errno == EMFILE || errno == ENFILE;
    return passes ? PLATFORM_ID_NOT_NOW : -1;
}

static long find_group(const char *name)
{
    errno = 0;
    const struct group *g = getgrnam(name);
    return g ? (long)g->gr_gid : no_id();
}

static long find_user(const char *name)
{
    errno = 0;
    const struct passwd *p = getpwnam(name);
    return p ? (long)p->pw_uid : no_id();
}

/* glibc asks one source after the other, and forgets that it could not read the list. */
static long id_of(const char *name, const char *list, long (*find)(const char *name))
{
    long id = find(name);
    if (id >= 0) return id;
    int fd = open(list, O_RDONLY | O_CLOEXEC);
    bool readable = fd >= 0 || errno == ENOENT || errno == EACCES;
    if (fd >= 0) close(fd);
    return readable ? find(name)
                    : PLATFORM_ID_NOT_NOW; /* again: it may have been a moment's fault */
}

long platform_group_id(const char *name)
{
    return id_of(name, "/etc/group", find_group);
}

long platform_user_id(const char *name)
{
    return id_of(name, "/etc/passwd", find_user);
}

/* A decimal environment variable, -1 when it is absent or no number. */
static long number_from_environment(const char *name)
{
    const char *text = getenv(name);
    if (!text || text[0] < '0' || text[0] > '9') return -1;
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    return *end || errno ? -1 : n;
}

int platform_inherited_socket(unsigned index, bool *is_unix)
{
    struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof at;
    int listening = 0;
    socklen_t listening_len = sizeof listening;
    *is_unix = false;
    if (number_from_environment("LISTEN_PID") != (long)getpid()) return -1;
    if ((long)index >= number_from_environment("LISTEN_FDS")) return -1;
    int fd = INHERITED_FIRST_FD + (int)index;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_len) != 0 || !listening)
        return -1;
    *is_unix = at.ss_family == AF_UNIX;
    return fd;
}
