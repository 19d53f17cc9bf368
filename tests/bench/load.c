/*
 * load.c: many registers in one thread.
 *
 * Every connection is always in one of two states: sending its request, or waiting for its answer;
 * the next request follows at once. An answer that is not "queued" ends the run: a benchmark of
 * refusals would be a fast one. What is said and what an answer means is a speech's; tillpost's are
 * here, those of its peers in peers_load.c.
 */
#include "bench/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    ANSWER_BYTES = 4096,
    STALL_MS = 10 * 1000,
    LATENCIES_MAX = 1 << 20 /* the rest is not looked at */
};

struct till {
    int fd;
    const struct load_speech *speech;
    unsigned number;
    uint64_t id; /* of the sale under way */
    char out[LOAD_REQUEST_BYTES], in[ANSWER_BYTES];
    size_t out_len, out_done, in_len;
    uint32_t watched; /* epoll's events */
    int64_t began_us;
};

static struct till tills[BENCH_CONNECTIONS_MAX];
static unsigned latencies[LATENCIES_MAX];
static size_t latency_count;

int64_t bench_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int connect_to(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static int connect_to_port(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    const int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0)
        return fd;
    if (fd >= 0) close(fd);
    return -1;
}

#define NO_ID "############" /* where the digits of an id come */

/* tillpost's speech ---------------------------------------------------------------------------- */

/* All of a second are alike but for the id, which is written into a copy. */
static void write_pattern(char out[BENCH_CALL_BYTES + 1], time_t now)
{
    char stamp[32];
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
    int len = snprintf(
        out, BENCH_CALL_BYTES + 1,
        "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"bench-" NO_ID "\","
        "\"timestamp\":\"%s\",\"properties\":{\"email\":\"customer" NO_ID "@example.com\","
        "\"phone\":\"+1 213 373 4253\",\"order_id\":\"order-" NO_ID "\",\"shop_id\":\"store-7\","
        "\"currency\":\"EUR\",\"value\":73.4,\"products\":["
        "{\"product_id\":\"SKU-1\",\"name\":\"Running Shoe\",\"category\":\"Shoes\","
        "\"brand\":\"Acme\",\"price\":59.9,\"quantity\":1},"
        "{\"product_id\":\"SKU-2\",\"name\":\"Sock\",\"price\":4.5,\"quantity\":3}]},"
        "\"context\":{\"locale\":\"en-US\",\"page\":{\"referrer\":\"",
        stamp);
    memset(out + len, 'r', (size_t)(BENCH_CALL_BYTES - len));
    memcpy(out + BENCH_CALL_BYTES - 4, "\"}}}", 5);
}

void load_purchase(char out[BENCH_CALL_BYTES + 1], uint64_t id)
{
    static char pattern[BENCH_CALL_BYTES + 1];
    static time_t written;
    char digits[sizeof NO_ID];
    time_t now = time(NULL);
    if (now != written) write_pattern(pattern, now);
    written = now;
    memcpy(out, pattern, sizeof(pattern));
    for (size_t i = sizeof(digits) - 1; i-- > 0; id /= 10) digits[i] = (char)('0' + id % 10);
    for (char *p = out; (p = strstr(p, NO_ID)) != NULL;) memcpy(p, digits, sizeof(digits) - 1);
}

static size_t say_track(char *out, unsigned connection, uint64_t id)
{
    int len = snprintf(out, LOAD_REQUEST_BYTES,
                       "POST /v1/track HTTP/1.1\r\nHost: till\r\nContent-Type: "
                       "application/json\r\nContent-Length: %d\r\n\r\n",
                       BENCH_CALL_BYTES);
    load_purchase(out + len, id);
    return (size_t)len + BENCH_CALL_BYTES;
}

static size_t say_healthz(char *out, unsigned connection, uint64_t id)
{
    return (size_t)snprintf(out, LOAD_REQUEST_BYTES, "GET /healthz HTTP/1.1\r\nHost: till\r\n\r\n");
}

/* Whether a whole answer is there, with that in it. */
static int answered_with(const char *in, size_t len, const char *wanted)
{
    const char *end = strstr(in, "\r\n\r\n");
    const char *length = end ? strstr(in, "\r\nContent-Length:") : NULL;
    if (!length || len < (size_t)(end + 4 - in) + (size_t)strtoul(length + 17, NULL, 10)) return 0;
    return strstr(in, wanted) ? 1 : -1;
}

static int hear_queued(const char *in, size_t len)
{
    return answered_with(in, len, "\"status\":\"queued\"");
}

static int hear_ok(const char *in, size_t len)
{
    return answered_with(in, len, " 200 OK\r\n");
}

const struct load_speech load_track = {"track", NULL, say_track, hear_queued};
const struct load_speech load_empty = {"healthz", NULL, say_healthz, hear_ok};

/* A till --------------------------------------------------------------------------------------- */

static void write_request(struct till *t, uint64_t id)
{
    t->id = id;
    t->out_len = t->speech->request(t->out, t->number, id);
    t->out_done = t->in_len = 0;
    t->began_us = bench_now_us();
}

static bool till_send(struct till *t)
{
    ssize_t n =
        send(t->fd, t->out + t->out_done, t->out_len - t->out_done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    t->out_done += (size_t)n;
    return true;
}

/* 1: a good answer is there, 0: not yet, -1: it is none. */
static int till_receive(struct till *t)
{
    if (!t->speech->answered) return 1;
    ssize_t n = recv(t->fd, t->in + t->in_len, sizeof(t->in) - 1 - t->in_len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (n <= 0) return -1;
    t->in_len += (size_t)n;
    t->in[t->in_len] = '\0';
    int answered = t->speech->answered(t->in, t->in_len);
    if (answered < 0) fprintf(stderr, "bench: refused: %s\n", t->in);
    return answered;
}

/* What was written, and its answer; nothing else goes on meanwhile. */
static bool till_ask(struct till *t)
{
    struct pollfd one = {.fd = t->fd, .events = POLLIN};
    int answered = 0;
    while (t->out_done < t->out_len && till_send(t)) continue;
    while (answered == 0 && poll(&one, 1, STALL_MS) > 0) answered = till_receive(t);
    return answered > 0;
}

static bool till_open(const struct load *l, struct till *t, unsigned number)
{
    t->speech = l->speech ? l->speech : &load_track;
    t->number = number;
    t->out_len = t->out_done = t->in_len = t->watched = 0;
    t->fd = l->port ? connect_to_port(l->port) : connect_to(l->socket);
    if (t->fd < 0 || !t->speech->hello) return t->fd >= 0;
    t->out_len = t->speech->hello(t->out, number);
    if (till_ask(t)) return true;
    close(t->fd);
    return false;
}

static void note_latency(const struct till *t)
{
    if (latency_count < LATENCIES_MAX)
        latencies[latency_count++] = (unsigned)(bench_now_us() - t->began_us);
}

/* One step of a till whose descriptor is ready; *more: it may begin another request. */
static bool step(struct load *l, struct till *t, uint64_t *next_id, bool more)
{
    if (t->out_done < t->out_len) return till_send(t);
    int answered = till_receive(t);
    if (answered <= 0) return answered == 0;
    note_latency(t);
    l->queued++;
    if (l->taken) l->taken(t->id);
    t->out_len = t->out_done = 0;
    if (!more || (l->most && *next_id - l->first_id >= l->most)) return true;
    write_request(t, (*next_id)++);
    return till_send(t);
}

/* Says what is waited for, where that is not known yet; of a till at rest nothing. */
static bool watch(int epoll, struct till *t)
{
    bool sends = t->out_done < t->out_len || !t->speech->answered;
    struct epoll_event e = {.events = sends ? EPOLLOUT : EPOLLIN, .data.ptr = t};
    if (t->out_len == 0) e.events = 0;
    if (e.events == t->watched) return true;
    int op = !e.events ? EPOLL_CTL_DEL : t->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    t->watched = e.events;
    return epoll_ctl(epoll, op, t->fd, &e) == 0;
}

/* False as well when nothing moves any more. */
static bool run_until(struct load *l, int epoll, int64_t end_us)
{
    struct epoll_event ready[BENCH_CONNECTIONS_MAX];
    uint64_t next_id = l->first_id;
    unsigned under_way = l->connections;
    bool good = true;
    for (unsigned i = 0; i < l->connections && good; i++) {
        write_request(&tills[i], next_id++);
        good = till_send(&tills[i]) && watch(epoll, &tills[i]);
    }
    while (good && under_way > 0) {
        int n = epoll_wait(epoll, ready, BENCH_CONNECTIONS_MAX, STALL_MS);
        bool more = bench_now_us() < end_us;
        good = n > 0;
        for (int i = 0; i < n && good; i++) {
            struct till *t = ready[i].data.ptr;
            good = step(l, t, &next_id, more) && watch(epoll, t);
            under_way -= t->out_len == 0;
        }
    }
    return good;
}

static int by_value(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

bool load_run(struct load *l)
{
    latency_count = 0;
    l->queued = 0;
    unsigned open = 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    while (open < l->connections && till_open(l, &tills[open], open)) open++;
    int64_t began_us = bench_now_us(), end_us = began_us + (int64_t)(l->seconds * 1e6);
    bool good = epoll >= 0 && open == l->connections && run_until(l, epoll, end_us);
    l->took_s = (double)(bench_now_us() - began_us) / 1e6;
    while (open--) close(tills[open].fd);
    if (epoll >= 0) close(epoll);
    if (!good || latency_count == 0) return false;
    qsort(latencies, latency_count, sizeof(latencies[0]), by_value);
    l->p50_us = latencies[latency_count / 2];
    l->p99_us = latencies[latency_count - 1 - latency_count / 100];
    return true;
}

bool load_ask(const char *socket_path, const char *method, const char *path)
{
    return load_say(socket_path, method, path, "");
}

bool load_say(const char *socket_path, const char *method, const char *path, const char *body)
{
    static struct till t;
    memset(&t, 0, sizeof(t));
    t.fd = connect_to(socket_path);
    if (t.fd < 0) return false;
    t.out_len = (size_t)snprintf(t.out, sizeof(t.out),
                                 "%s %s HTTP/1.1\r\nHost: till\r\nConnection: close\r\n"
                                 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n"
                                 "%s",
                                 method, path, strlen(body), body);
    ssize_t n = send(t.fd, t.out, t.out_len, MSG_NOSIGNAL);
    if (n == (ssize_t)t.out_len) n = recv(t.fd, t.in, sizeof(t.in) - 1, 0);
    close(t.fd);
    return n > 12 && strncmp(t.in + 9, "200", 3) == 0;
}

unsigned load_one(const char *socket_path, uint64_t id)
{
    static struct till t;
    if (!till_open(&(struct load){.socket = socket_path}, &t, 0)) return 0;
    write_request(&t, id);
    bool queued = till_ask(&t);
    int64_t took_us = bench_now_us() - t.began_us;
    close(t.fd);
    return queued && took_us > 0 ? (unsigned)took_us : 0;
}
