/*
 * crowd.c: a thousand connections that stall on the TCP listener, for a while; what it costs those
 * who call meanwhile, and in memory.
 *
 *   crowd SOCKET PORT PID SECONDS KIB
 *
 * One in four says nothing, one stops in its head, one in its body, one drips a byte at a time. Who is
 * turned away comes back at once. Fails when a call on the Unix socket is not answered with 200, one
 * over TCP with anything but 200 or 503, either takes over 5 s (times are printed; a loaded machine is no
 * fault), or the agent takes over KIB more memory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    CROWD = 1000,
    PAUSE_MS = 100, /* between two looks */
    WAIT_S = 5,
    EXIT_WRONG_USE = 64
};

static const char *const openings[] = {
    "",
    "POST /v1/track HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    ("POST /v1/track HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
     "Content-Length: 32768\r\n\r\n{\"type\":"),
    "GET /",
};
enum { OPENINGS = sizeof openings / sizeof openings[0], DRIPS = OPENINGS - 1 };

struct till {
    struct sockaddr_un un;
    struct sockaddr_in in;
    const char *pid;
};
struct worst {
    long unix_ms, tcp_ms, kib;
    unsigned calls, refused, back;
    bool failed;
};

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long memory_kib(const char *pid)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%s/status", pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmRSS:", 6) == 0) kib = strtol(line + 6, NULL, 10);
    if (f) fclose(f);
    return kib;
}

static int dial(const struct till *t, bool tcp)
{
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
    const void *at = tcp ? (const void *)&t->in : (const void *)&t->un;
    socklen_t len = tcp ? sizeof t->in : sizeof t->un;
    if (fd >= 0 && connect(fd, at, len) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

/* The status of a GET, 0 none in time. */
static int call(const struct till *t, bool tcp, long *took_ms)
{
    const struct timeval wait = {.tv_sec = WAIT_S};
    char text[128], answer[64] = "";
    (void)snprintf(text, sizeof text,
                   "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n",
                   (unsigned)ntohs(t->in.sin_port));
    long began = now_ms();
    int fd = dial(t, tcp);
    if (fd < 0) return 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
    ssize_t n = recv(fd, answer, sizeof answer - 1, 0);
    close(fd);
    *took_ms = now_ms() - began;
    return n > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static void stall(const struct till *t, int *fd, size_t i)
{
    *fd = dial(t, true);
    if (*fd < 0) return;
    (void)fcntl(*fd, F_SETFL, O_NONBLOCK);
    (void)send(*fd, openings[i % OPENINGS], strlen(openings[i % OPENINGS]), MSG_NOSIGNAL);
}

/* True when it is still there. */
static bool still_stalls(int fd, size_t i)
{
    char told[1024];
    if (fd < 0) return false;
    if (i % OPENINGS == DRIPS) (void)send(fd, "a", 1, MSG_NOSIGNAL);
    ssize_t n = recv(fd, told, sizeof told, 0);
    return n > 0 || (n < 0 && errno == EAGAIN);
}

static void look(const struct till *t, struct worst *w)
{
    long took = 0;
    int status = call(t, false, &took);
    if (took > w->unix_ms) w->unix_ms = took;
    if (status != 200) w->failed = true;
    if (status != 200) printf("on the Unix socket: %d after %ld ms\n", status, took);
    status = call(t, true, &took);
    if (took > w->tcp_ms) w->tcp_ms = took;
    if (status != 200 && status != 503) w->failed = true;
    if (status != 200 && status != 503) printf("over TCP: %d after %ld ms\n", status, took);
    w->refused += status == 503;
    w->calls++;
    long kib = memory_kib(t->pid);
    if (kib > w->kib) w->kib = kib;
}

static bool aim(struct till *t, char **argv)
{
    *t = (struct till){.un = {.sun_family = AF_UNIX}, .in = {.sin_family = AF_INET}};
    (void)snprintf(t->un.sun_path, sizeof t->un.sun_path, "%s", argv[1]);
    t->in.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    t->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    t->pid = argv[3];
    struct rlimit files;
    return getrlimit(RLIMIT_NOFILE, &files) == 0 && (files.rlim_cur = files.rlim_max) > CROWD + 8 &&
           setrlimit(RLIMIT_NOFILE, &files) == 0;
}

int main(int argc, char **argv)
{
    static int fds[CROWD];
    struct till till;
    struct worst w = {0};
    if (argc != 6 || !aim(&till, argv)) {
        fputs("crowd SOCKET PORT PID SECONDS KIB, with 1,008 descriptors\n", stderr);
        return EXIT_WRONG_USE;
    }
    long before_kib = memory_kib(till.pid);
    long end = now_ms() + strtol(argv[4], NULL, 10) * 1000;
    for (size_t i = 0; i < CROWD; i++) stall(&till, &fds[i], i);
    while (now_ms() < end) {
        look(&till, &w);
        for (size_t i = 0; i < CROWD; i++) {
            if (still_stalls(fds[i], i)) continue;
            if (fds[i] >= 0) close(fds[i]);
            stall(&till, &fds[i], i);
            w.back++;
        }
        (void)usleep(PAUSE_MS * 1000);
    }
    printf("%d stalled, %u came back; %u calls: Unix socket at most %ld ms, TCP at most %ld ms "
           "(%u told 503); %ld KiB more memory\n",
           CROWD, w.back, w.calls, w.unix_ms, w.tcp_ms, w.refused, w.kib - before_kib);
    if (w.kib - before_kib > strtol(argv[5], NULL, 10)) w.failed = true;
    return w.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
