/* listen_test.c: listening sockets, and the users behind them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "platform/platform.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], path[96];

static int make_dir(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/tillpost-listen-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/t.sock", dir);
    return 0;
}

static int remove_dir(void **state)
{
    assert_int_equal(chmod(dir, 0700), 0);
    unlink(path);
    return rmdir(dir);
}

static struct stat look(const char *at)
{
    struct stat st = {0};
    assert_int_equal(lstat(at, &st), 0);
    return st;
}

static void the_socket_gets_the_mode_whatever_the_umask(void **state)
{
    static const unsigned modes[] = {0660, 0600, 0666, 0606};
    static const mode_t umasks[] = {0, 022, 077, 0177};
    for (size_t i = 0; i < 4; i++) {
        int fd;
        mode_t before = umask(umasks[i]);
        assert_int_equal(platform_listen_unix(path, modes[i], -1, &fd), 0);
        assert_int_equal(umask(before), umasks[i]);
        assert_int_equal(look(path).st_mode & 07777, modes[i]);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
    }
}

static void the_socket_gets_the_group(void **state)
{
    int fd;
    if (geteuid() != 0) {
        print_message("skipped: giving a file to a group that is not ours needs root\n");
        skip();
    }
    long group = platform_group_id("daemon");
    assert_true(group > 0);
    assert_int_equal(platform_listen_unix(path, 0660, group, &fd), 0);
    assert_int_equal(look(path).st_gid, (gid_t)group);
    close(fd);
}

static void a_stale_socket_is_replaced_and_a_live_one_refused(void **state)
{
    int first, second;
    assert_int_equal(platform_listen_unix(path, 0660, -1, &first), 0);
    ino_t made = look(path).st_ino;
    assert_int_equal(platform_listen_unix(path, 0660, -1, &second), TILLPOST_E_LOCKED);
    assert_int_equal(second, -1);
    assert_int_equal(look(path).st_ino, made);
    close(first);
    assert_int_equal(platform_listen_unix(path, 0660, -1, &second), 0);
    assert_int_equal(platform_connect_unix(path) >= 0, 1);
    close(second);
}

static void a_live_socket_with_a_full_backlog_is_still_refused(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int waiting[8], fd, n = 0;
    memcpy(at.sun_path, path, strlen(path) + 1);
    int full = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(full, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(full, 0), 0);
    for (; n < 8; n++) {
        waiting[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(waiting[n], (struct sockaddr *)&at, sizeof at) != 0) break;
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(platform_listen_unix(path, 0660, -1, &fd), TILLPOST_E_LOCKED);
    for (int i = 0; i <= n && i < 8; i++) close(waiting[i]);
    close(full);
}

static void only_a_socket_is_ever_removed(void **state)
{
    int fd, kept = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(kept >= 0);
    close(kept);
    assert_int_equal(platform_listen_unix(path, 0660, -1, &fd), TILLPOST_E_CANT_CREATE);
    assert_true(S_ISREG(look(path).st_mode));
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(platform_listen_unix(path, 0660, -1, &fd), TILLPOST_E_CANT_CREATE);
    assert_true(S_ISLNK(look(path).st_mode));
}

static void a_directory_in_which_others_can_swap_it_is_refused(void **state)
{
    /* clang-format off */
    static const struct { mode_t mode; int rc; } modes[] = {
        {0700, 0}, {0755, 0}, {0770, 0}, {01777, 0},
        {0777, TILLPOST_E_DENIED}, {0702, TILLPOST_E_DENIED},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        int fd;
        assert_int_equal(chmod(dir, modes[i].mode), 0);
        int rc = platform_listen_unix(path, 0660, -1, &fd);
        if (rc != modes[i].rc) print_message("mode %o\n", (unsigned)modes[i].mode);
        assert_int_equal(rc, modes[i].rc);
        if (rc == 0) close(fd);
    }
    if (geteuid() != 0) return;
    int fd;
    assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(chown(dir, 65534, 65534), 0);
    assert_int_equal(platform_listen_unix(path, 0660, -1, &fd), TILLPOST_E_DENIED);
    assert_int_equal(errno, EPERM);
    assert_int_equal(chown(dir, 0, 0), 0);
}

static void a_path_that_cannot_be_is_refused(void **state)
{
    char long_path[200] = "/";
    int fd;
    memset(long_path + 1, 'a', sizeof long_path - 2);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(platform_listen_unix(long_path, 0660, -1, &fd), TILLPOST_E_CONFIG);
    assert_int_equal(platform_connect_unix(long_path), TILLPOST_E_CONFIG);
    assert_int_equal(platform_listen_unix("", 0660, -1, &fd), TILLPOST_E_CONFIG);
    snprintf(long_path, sizeof long_path, "%s/no/t.sock", dir);
    assert_int_equal(platform_listen_unix(long_path, 0660, -1, &fd), TILLPOST_E_CANT_CREATE);
}

static void tcp_listens_where_it_is_told(void **state)
{
    struct sockaddr_in at = {0};
    socklen_t len = sizeof at;
    int fd, second;
    assert_int_equal(platform_listen_tcp("127.0.0.1", 0, &fd), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(at.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    uint16_t port = ntohs(at.sin_port);
    assert_int_equal(platform_listen_tcp("127.0.0.1", port, &second), TILLPOST_E_LOCKED);
    assert_int_equal(platform_accept(fd), -1);
    assert_int_equal(errno, EAGAIN);
    close(fd);
    assert_int_equal(platform_listen_tcp("localhost", 0, &fd), TILLPOST_E_CONFIG);
    assert_int_equal(platform_listen_tcp("127.1", 0, &fd), TILLPOST_E_CONFIG);
    assert_int_equal(platform_listen_tcp("", 0, &fd), TILLPOST_E_CONFIG);
    if (platform_listen_tcp("::1", 0, &fd) == 0) close(fd);
    else print_message("skipped in part: no IPv6 here\n");
}

static void the_peer_is_who_connected(void **state)
{
    int fd;
    struct platform_peer who;
    assert_int_equal(platform_listen_unix(path, 0666, -1, &fd), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(2);
        int c = platform_connect_unix(path);
        struct pollfd closed = {.fd = c, .events = POLLIN};
        char end;
        _exit(c >= 0 && poll(&closed, 1, -1) == 1 && read(c, &end, 1) == 0 ? 0 : 1);
    }
    int in = -1;
    for (int i = 0; in < 0 && i < 5000; i++) {
        usleep(1000);
        in = platform_accept(fd);
    }
    assert_true(in >= 0);
    assert_true(fcntl(in, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(in, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(platform_peer(in, &who), 0);
    assert_int_equal(who.pid, child);
    assert_int_equal(who.uid, geteuid() == 0 ? 65534 : geteuid());
    close(in);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(fd);
    /* What is no Unix socket has no peer. */
    assert_true(platform_peer(0, &who) < 0);
    assert_int_equal(who.uid, (unsigned)-1);
}

static void connecting_says_whether_anybody_is_there(void **state)
{
    int fd;
    assert_int_equal(platform_connect_unix(path), TILLPOST_E_UNAVAILABLE);
    assert_int_equal(platform_listen_unix(path, 0660, -1, &fd), 0);
    int c = platform_connect_unix(path);
    assert_true(c >= 0);
    assert_true(fcntl(c, F_GETFD) & FD_CLOEXEC);
    close(c);
    close(fd);
    assert_int_equal(platform_connect_unix(path), TILLPOST_E_UNAVAILABLE);
    assert_int_equal(platform_connect_unix("/dev/null/x"), TILLPOST_E_UNAVAILABLE);
}

static void users_and_groups_are_found_by_name(void **state)
{
    assert_int_equal(platform_user_id("root"), 0);
    assert_int_equal(platform_group_id("root"), 0);
    assert_int_equal(platform_user_id("no-such-user-here"), -1);
    assert_int_equal(platform_group_id("no-such-group-here"), -1);
}

static void membership_is_the_primary_group_or_a_listed_one(void **state)
{
    const struct group *g;
    size_t listed = 0;
    assert_true(platform_user_in_group(12345, 7, 7));
    assert_false(platform_user_in_group(12345, 7, 8)); /* a user without an entry */
    const long nobody = platform_user_id("nobody");
    assert_true(nobody > 0);
    assert_false(platform_user_in_group((unsigned)nobody, 0, 65534));
    setgrent();
    while ((g = getgrent()) != NULL)
        for (char **member = g->gr_mem; *member; member++) {
            char name[64];
            unsigned gid = (unsigned)g->gr_gid;
            snprintf(name, sizeof name, "%s", *member);
            long uid = platform_user_id(name);
            if (uid < 0) continue;
            assert_true(platform_user_in_group((unsigned)uid, gid, gid + 1));
            listed++;
        }
    endgrent();
    if (listed == 0) print_message("skipped in part: no group here lists a member\n");
}

/* A child in which descriptor 3 and on are what the service manager would hand in. */
static int as_a_service(const int *fds, size_t n, const char *pid, int (*body)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char text[32];
        int high[4];
        for (size_t i = 0; i < n; i++) high[i] = fcntl(fds[i], F_DUPFD, 100);
        for (size_t i = 0; i < n; i++) dup2(high[i], 3 + (int)i);
        snprintf(text, sizeof text, "%ld", (long)getpid());
        setenv("LISTEN_PID", pid ? pid : text, 1);
        snprintf(text, sizeof text, "%zu", n);
        setenv("LISTEN_FDS", text, 1);
        _exit(body());
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int finds_both(void)
{
    bool is_unix;
    if (platform_inherited_socket(0, &is_unix) != 3 || !is_unix) return 1;
    if (platform_inherited_socket(1, &is_unix) != 4 || is_unix) return 2;
    if (platform_inherited_socket(2, &is_unix) != -1) return 3;
    if (!(fcntl(3, F_GETFD) & FD_CLOEXEC) || !(fcntl(4, F_GETFL) & O_NONBLOCK)) return 4;
    return platform_inherited_socket(UINT_MAX, &is_unix) == -1 ? 0 : 5;
}

static int finds_none(void)
{
    bool is_unix;
    return platform_inherited_socket(0, &is_unix) == -1 ? 0 : 1;
}

static void sockets_are_taken_from_the_service_manager(void **state)
{
    int fds[2], dead = socket(AF_UNIX, SOCK_STREAM, 0), file = open("/dev/null", O_RDONLY);
    assert_int_equal(platform_listen_unix(path, 0660, -1, &fds[0]), 0);
    assert_int_equal(platform_listen_tcp("127.0.0.1", 0, &fds[1]), 0);
    assert_int_equal(as_a_service(fds, 2, NULL, finds_both), 0);
    assert_int_equal(as_a_service(fds, 2, "1", finds_none), 0); /* somebody else's */
    assert_int_equal(as_a_service(fds, 2, "", finds_none), 0);
    assert_int_equal(as_a_service(fds, 0, NULL, finds_none), 0);
    assert_int_equal(as_a_service(&dead, 1, NULL, finds_none), 0); /* does not listen */
    assert_int_equal(as_a_service(&file, 1, NULL, finds_none), 0); /* no socket */
    close(fds[0]);
    close(fds[1]);
    close(dead);
    close(file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(the_socket_gets_the_mode_whatever_the_umask),
        TEST(the_socket_gets_the_group),
        TEST(a_stale_socket_is_replaced_and_a_live_one_refused),
        TEST(a_live_socket_with_a_full_backlog_is_still_refused),
        TEST(only_a_socket_is_ever_removed),
        TEST(a_directory_in_which_others_can_swap_it_is_refused),
        TEST(a_path_that_cannot_be_is_refused),
        TEST(tcp_listens_where_it_is_told),
        TEST(the_peer_is_who_connected),
        TEST(connecting_says_whether_anybody_is_there),
        TEST(users_and_groups_are_found_by_name),
        TEST(membership_is_the_primary_group_or_a_listed_one),
        TEST(sockets_are_taken_from_the_service_manager),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
