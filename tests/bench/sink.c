/*
 * sink.c: the least TikTok that can be thought of: it counts events and says yes.
 *
 * The agent keeps one connection; its peers have more. Events are counted by their "event_time"
 * members; a call's text cannot contain that with the quotes unescaped. The yes is one that
 * Elasticsearch's clients understand too.
 */
#include "bench/bench.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 16 * 1024 * 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sink_counts counts;
static void (*hears)(char *body, size_t len);

struct sink_counts sink_counts(void)
{
    pthread_mutex_lock(&lock);
    struct sink_counts now = counts;
    pthread_mutex_unlock(&lock);
    return now;
}

static bool say(int fd, const char *text)
{
    size_t len = strlen(text);
    return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Receives more; false at the end of the connection. */
static bool receive(int fd, char *buffer, size_t *len)
{
    ssize_t n = recv(fd, buffer + *len, BUFFER_BYTES - *len, 0);
    if (n <= 0) return false;
    *len += (size_t)n;
    buffer[*len] = '\0';
    return true;
}

static uint64_t count_events(const char *body)
{
    static const char member[] = "\"event_time\":";
    uint64_t n = 0;
    for (const char *p = body; (p = strstr(p, member)) != NULL; p += sizeof(member) - 1) n++;
    return n;
}

static bool serve_one(int fd, char *buffer)
{
    static const char yes[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                              "Content-Length: 72\r\n\r\n"
                              "{\"code\":0,\"message\":\"OK\",\"request_id\":\"bench\",\"data\":{},"
                              "\"errors\":false}\n";
    static const char yes_to_head[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    size_t len = 0;
    char *end = NULL;
    bool asks = false;
    while (!(end = len ? strstr(buffer, "\r\n\r\n") : NULL)) {
        if (len == BUFFER_BYTES || !receive(fd, buffer, &len)) return false;
    }
    int64_t began_us = bench_now_us();
    const char *length = strcasestr(buffer, "\r\nContent-Length:");
    size_t whole = (size_t)(end + 4 - buffer) + (length ? strtoul(length + 17, NULL, 10) : 0);
    if (whole > BUFFER_BYTES) return false;
    asks = strcasestr(buffer, "100-continue") != NULL;
    if (asks && !say(fd, "HTTP/1.1 100 Continue\r\n\r\n")) return false;
    while (len < whole) {
        if (!receive(fd, buffer, &len)) return false;
    }
    uint64_t events = count_events(end);
    pthread_mutex_lock(&lock);
    if (hears) hears(end, whole - (size_t)(end - buffer));
    pthread_mutex_unlock(&lock);
    if (!say(fd, strncmp(buffer, "HEAD ", 5) == 0 ? yes_to_head : yes)) return false;
    pthread_mutex_lock(&lock);
    if (events && !counts.events) counts.first_us = began_us;
    if (events) counts.last_us = bench_now_us();
    counts.events += events;
    counts.requests += events != 0;
    counts.asks += asks;
    counts.wire_bytes += len;
    counts.json_bytes += whole - (size_t)(end + 4 - buffer);
    pthread_mutex_unlock(&lock);
    return true;
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char *buffer = malloc(BUFFER_BYTES + 1);
    pthread_mutex_lock(&lock);
    counts.connections++;
    pthread_mutex_unlock(&lock);
    while (buffer && serve_one(fd, buffer)) continue;
    free(buffer);
    close(fd);
    return NULL;
}

static bool detach(void *(*run)(void *), int fd)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, run, (void *)(intptr_t)fd) == 0 &&
           pthread_detach(thread) == 0;
}

static void *take(void *arg)
{
    int listener = (int)(intptr_t)arg;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && !detach(serve, fd)) close(fd);
    }
    return NULL;
}

/* A request of `events` times that text; *len: its length. */
static char *write_request(const char *event, unsigned events, size_t *len)
{
    enum { HEAD_MAX_BYTES = 128 };
    size_t body = (strlen(event) + 1) * events, max = body + HEAD_MAX_BYTES;
    char *text = malloc(max);
    if (!text) return NULL;
    *len = (size_t)snprintf(text, max, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n", body);
    for (unsigned i = 0; i < events; i++)
        *len += (size_t)snprintf(text + *len, max - *len, "%s,", event);
    return text;
}

double sink_rate(int port, const char *event, unsigned events, unsigned requests)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char answer[512];
    size_t len = 0;
    char *text = write_request(event, events, &len);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool good = text && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
    int64_t began_us = bench_now_us();
    for (unsigned i = 0; good && i < requests; i++)
        good = send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len &&
               recv(fd, answer, sizeof(answer), 0) > 0;
    double took_s = (double)(bench_now_us() - began_us) / 1e6;
    close(fd);
    free(text);
    return good ? (double)events * requests / took_s : 0;
}

int sink_start(int port, void (*hear)(char *body, size_t len))
{
    const int yes = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    hears = hear;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 16) != 0)
        return -1;
    if (getsockname(fd, (struct sockaddr *)&a, &len) != 0 || !detach(take, fd)) return -1;
    return ntohs(a.sin_port);
}
