/*
 * till.c: see till.h. HTTP/1.1 with keep-alive over the Unix socket, as little of it as is needed.
 */
#include "till.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_BYTES = 512 };

int64_t till_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void till_hang_up(struct till *t)
{
    if (t->fd >= 0) close(t->fd);
    t->fd = -1;
}

static bool connected(struct till *t)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (t->fd >= 0) return true;
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", t->socket);
    t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (t->fd >= 0 && connect(t->fd, (struct sockaddr *)&a, sizeof a) == 0) return true;
    till_hang_up(t);
    return false;
}

static bool ready(int fd, short what, int64_t end_us)
{
    for (;;) {
        int64_t left_us = end_us - till_now_us();
        struct pollfd p = {.fd = fd, .events = what};
        if (left_us <= 0) return false;
        int n = poll(&p, 1, (int)(left_us / 1000) + 1);
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return false;
    }
}

static bool send_all(int fd, const char *p, size_t len, int64_t end_us)
{
    while (len > 0) {
        if (!ready(fd, POLLOUT, end_us)) return false;
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
        if (n <= 0) continue;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* Where the body begins once the whole answer is there, else NULL. */
static const char *whole(const char *text, size_t len)
{
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = end ? strcasestr(text, "\r\nContent-Length:") : NULL;
    if (!length || length > end) return NULL;
    size_t bytes = (size_t)(end + 4 - text) + (size_t)strtoul(length + 17, NULL, 10);
    return len >= bytes ? end + 4 : NULL;
}

static bool receive(struct till *t, int64_t end_us, struct till_answer *out)
{
    size_t len = 0;
    while (len < sizeof out->text - 1 && ready(t->fd, POLLIN, end_us)) {
        ssize_t n = recv(t->fd, out->text + len, sizeof out->text - 1 - len, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (n <= 0) return false;
        len += (size_t)n;
        out->text[len] = '\0';
        out->body = whole(out->text, len);
        if (out->body) return true;
    }
    return false;
}

/* Fills in the answer; the connection ends when it is none, or the last. */
static bool finish(struct till *t, bool good, int64_t began_us, struct till_answer *out)
{
    out->read_us = till_now_us();
    out->took_ms = (long)((out->read_us - began_us) / 1000);
    if (good) out->status = (int)strtol(out->text + strlen("HTTP/1.1 "), NULL, 10);
    if (!good || strcasestr(out->text, "\r\nConnection: close")) till_hang_up(t);
    return good;
}

bool till_read(struct till *t, long max_ms, struct till_answer *out)
{
    int64_t now_us = till_now_us();
    out->status = 0;
    out->body = "";
    out->text[0] = '\0';
    return finish(t, t->fd >= 0 && receive(t, now_us + (int64_t)max_ms * 1000, out), now_us, out);
}

bool till_ask(struct till *t, const char *method, const char *path, const char *body, long max_ms,
              struct till_answer *out)
{
    char head[HEAD_BYTES];
    int64_t began_us = till_now_us(), end_us = began_us + (int64_t)max_ms * 1000;
    (void)snprintf(head, sizeof head,
                   "%s %s HTTP/1.1\r\nHost: till\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   method, path, strlen(body));
    bool sent = connected(t) && send_all(t->fd, head, strlen(head), end_us) &&
                send_all(t->fd, body, strlen(body), end_us);
    if (!sent) till_hang_up(t);
    bool good = till_read(t, max_ms, out);
    out->took_ms = (long)((out->read_us - began_us) / 1000);
    return good;
}

void till_word(const struct till_answer *a, char *out, size_t bytes)
{
    static const char *const keys[] = {"\"status\":\"", "\"code\":\""};
    out[0] = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *p = strstr(a->body, keys[i]);
        if (!p) continue;
        p += strlen(keys[i]);
        (void)snprintf(out, bytes, "%.*s", (int)strcspn(p, "\""), p);
        return;
    }
}

void till_purchase(const char *id, bool good, size_t bytes, char *out, size_t out_bytes)
{
    char stamp[32];
    int whose = (int)strcspn(id, "-"); /* the person: what stands before the number */
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &tm);
    int len =
        snprintf(out, out_bytes,
                 "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"%s\","
                 "\"timestamp\":\"%s\",\"properties\":{%s%.*s%s\"order_id\":\"%s\",\"value\":19.9,"
                 "\"currency\":\"EUR\",\"products\":[{\"product_id\":\"7\",\"name\":\"",
                 id, stamp, good ? "\"email\":\"" : "", good ? whose : 0, id,
                 good ? "@example.com\"," : "", id);
    size_t at = (size_t)len;
    while (at < bytes && at + 6 < out_bytes) out[at++] = 'x';
    (void)snprintf(out + at, out_bytes - at, "\"}]}}");
}

void till_rows(const char *order, char *out, size_t out_bytes)
{
    char day[16];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(day, sizeof day, "%Y-%m-%d", &tm);
    (void)snprintf(out, out_bytes,
                   "{\"header\":[\"event_type\",\"email\",\"timestamp\",\"order_id\"],"
                   "\"rows\":[[\"Purchase\",\"%.*s@example.com\",\"%sT00:00:00Z\",\"%s\"]]}",
                   (int)strcspn(order, "-"), order, day, order);
}
