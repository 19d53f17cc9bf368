/*
 * main.c: arguments, the two doors, the line. Ends with 0 on SIGTERM or SIGINT.
 *
 * The line is down when nothing listens on the port: a connect is refused, as behind a router whose
 * uplink has gone. The socket stays bound meanwhile (on Linux shutdown(2) ends a listening,
 * listen(2) begins it again), so that nobody else gets the port.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 128,
    /* Below the ports that Linux gives to outgoing connections, so that a port of ours is not taken
     * while nobody listens on it. */
    PORT_FIRST = 20000,
    PORT_COUNT = 12000,
    PORT_TRIES = 200,
    EXIT_USAGE = 64
};

struct arguments {
    int port; /* 0: any */
    const char *port_file, *control, *log;
};

static const char usage[] =
    "sandbox: a TikTok of our own for demo and tests\n"
    "\n"
    "  sandbox --control SOCKET [--port N] [--port-file FILE] [--token T] [--event-set ID]\n"
    "          [--also EVENT] [--now-offset SECONDS] [--log FILE]\n"
    "\n"
    "Takes POST /open_api/v1.3/event/track/ on 127.0.0.1 (a free port unless --port names one; it\n"
    "is written to --port-file) and remembers what it was sent. SOCKET is a Unix socket for\n"
    "questions and orders: curl --unix-socket SOCKET http://sandbox/_sandbox/received; the others\n"
    "are in tests/sandbox/control.c. --also takes an event name that TikTok does not list for\n"
    "offline sets; --log appends every request as a line of JSON.\n";

int64_t sandbox_now_s(const struct sandbox *s)
{
    return (int64_t)time(NULL) + s->offset_s;
}

bool sandbox_sleep(struct sandbox *s, long ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&s->lock);
    unsigned calls = s->calls;
    int err = 0;
    while (calls == s->calls && err != ETIMEDOUT)
        err = pthread_cond_timedwait(&s->hung_up, &s->lock, &until);
    bool slept = calls == s->calls;
    pthread_mutex_unlock(&s->lock);
    return slept;
}

static void hang_up(struct sandbox *s)
{
    pthread_mutex_lock(&s->lock);
    s->calls++;
    pthread_cond_broadcast(&s->hung_up);
    pthread_mutex_unlock(&s->lock);
}

static bool line_up(struct sandbox *s)
{
    if (listen(s->line_fd, BACKLOG) < 0) return false;
    s->line = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                                   MHD_USE_POLL | MHD_USE_ITC | MHD_USE_SUPPRESS_DATE_NO_CLOCK,
                               0, NULL, NULL, tiktok_serve, s, MHD_OPTION_LISTEN_SOCKET, s->line_fd,
                               MHD_OPTION_NOTIFY_COMPLETED, body_done, NULL, MHD_OPTION_END);
    return s->line != NULL;
}

static void line_down(struct sandbox *s)
{
    MHD_quiesce_daemon(s->line); /* gives the socket back to us */
    shutdown(s->line_fd, SHUT_RDWR);
    hang_up(s);
    MHD_stop_daemon(s->line);
    s->line = NULL;
}

bool sandbox_line(struct sandbox *s, bool up)
{
    if (up == (s->line != NULL)) return true;
    if (up) return line_up(s);
    line_down(s);
    return true;
}

static int bind_port(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, BACKLOG) == 0) return fd;
    close(fd);
    return -1;
}

/* Opens the line's socket; *port becomes the one that was found. */
static int bind_any(int *port)
{
    if (*port) return bind_port(*port);
    unsigned seed = (unsigned)getpid() * 7919u + (unsigned)time(NULL);
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        *port = PORT_FIRST + (int)((seed + i * 61u) % PORT_COUNT);
        int fd = bind_port(*port);
        if (fd >= 0) return fd;
    }
    return -1;
}

static int bind_control(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(a.sun_path)) return -1;
    memcpy(a.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    unlink(path);
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, BACKLOG) == 0) return fd;
    close(fd);
    return -1;
}

/* A reader of the file finds the whole number or no file. */
static bool write_port(const char *path, int port)
{
    char next[4096];
    if (snprintf(next, sizeof(next), "%s.next", path) >= (int)sizeof(next)) return false;
    FILE *f = fopen(next, "we");
    if (!f) return false;
    bool written = fprintf(f, "%d\n", port) > 0;
    return fclose(f) == 0 && written && rename(next, path) == 0;
}

static int fail(const char *what)
{
    fprintf(stderr, "sandbox: %s: %s\n", what, strerror(errno));
    return EXIT_FAILURE;
}

static int open_doors(struct sandbox *s, struct arguments *args)
{
    s->line_fd = bind_any(&args->port);
    if (s->line_fd < 0) return fail("no port to listen on");
    int control_fd = bind_control(args->control);
    if (control_fd < 0) return fail(args->control);
    s->control = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL,
                                  control_serve, s, MHD_OPTION_LISTEN_SOCKET, control_fd,
                                  MHD_OPTION_NOTIFY_COMPLETED, body_done, NULL, MHD_OPTION_END);
    if (!s->control || !line_up(s)) return fail("the HTTP server does not start");
    if (args->port_file && !write_port(args->port_file, args->port)) return fail(args->port_file);
    return 0;
}

static void close_doors(struct sandbox *s, const struct arguments *args)
{
    if (s->control) MHD_stop_daemon(s->control);
    if (s->line) line_down(s);
    if (s->line_fd >= 0) close(s->line_fd);
    unlink(args->control);
}

static void state_init(struct sandbox *s)
{
    pthread_condattr_t attr;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->hung_up, &attr);
    pthread_condattr_destroy(&attr);
    s->line_fd = -1;
    s->rules.token = "sandbox-token";
    s->rules.event_set = "7000000000000000001";
}

static bool read_arguments(int argc, char **argv, struct arguments *args, struct sandbox *s)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"port-file", required_argument, NULL, 'f'},
        {"control", required_argument, NULL, 'c'},
        {"token", required_argument, NULL, 't'},
        {"event-set", required_argument, NULL, 'e'},
        {"also", required_argument, NULL, 'a'},
        {"now-offset", required_argument, NULL, 'o'},
        {"log", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'p': args->port = (int)strtol(optarg, NULL, 10); break;
        case 'f': args->port_file = optarg; break;
        case 'c': args->control = optarg; break;
        case 't': s->rules.token = optarg; break;
        case 'e': s->rules.event_set = optarg; break;
        case 'a': s->rules.also = optarg; break;
        case 'o': s->offset_s = strtoll(optarg, NULL, 10); break;
        case 'l': args->log = optarg; break;
        default: return false;
        }
    }
    return optind == argc && args->control != NULL && args->port >= 0 && args->port < 65536;
}

int main(int argc, char **argv)
{
    static struct sandbox s; /* over a megabyte */
    struct arguments args = {0};
    sigset_t ends;
    int signal_number;
    state_init(&s);
    if (!read_arguments(argc, argv, &args, &s)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before any thread: they inherit it */
    signal(SIGPIPE, SIG_IGN);
    s.store = store_new();
    if (!s.store) return fail("memory");
    if (args.log && !(s.log = fopen(args.log, "ae"))) return fail(args.log);
    int status = open_doors(&s, &args);
    if (status == 0) sigwait(&ends, &signal_number);
    close_doors(&s, &args);
    if (s.log) fclose(s.log);
    store_free(s.store);
    return status;
}
