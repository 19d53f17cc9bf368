/* request.c: as much of HTTP/1.1 as the agent speaks: Content-Length both ways, keep-alive. */
#include "client/request.h"

#include "client/members.h"
#include "platform/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MAX_BYTES = 8192, CONNECT_AGAIN_MS = 5 };

void client_init(struct client *c, const char *socket, int timeout_ms)
{
    *c = (struct client){.socket = socket, .fd = -1, .timeout_ms = timeout_ms};
}

void client_close(struct client *c)
{
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

void client_reply_free(struct client_reply *r)
{
    free(r->body);
    *r = (struct client_reply){0};
}

/* Nobody speaks unasked: whatever there is to read is the end of a kept connection. */
static bool has_ended(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

static int connect_to_agent(struct client *c, int64_t deadline_ms)
{
    if (c->fd >= 0 && has_ended(c->fd)) client_close(c);
    while (c->fd < 0) {
        c->fd = platform_connect_unix(c->socket);
        if (c->fd < 0 && c->fd != TILLPOST_E_BUSY)
            return c->fd == TILLPOST_E_IO ? TILLPOST_E_NETWORK : c->fd;
        if (c->fd < 0 && platform_mono_ms() >= deadline_ms) return TILLPOST_E_NETWORK;
        if (c->fd < 0) (void)poll(NULL, 0, CONNECT_AGAIN_MS);
    }
    return 0;
}

/* Waits for the descriptor until the deadline. */
static int wait_for(const struct client *c, short events, int64_t deadline_ms)
{
    struct pollfd p = {.fd = c->fd, .events = events};
    int64_t left = deadline_ms - platform_mono_ms();
    int n = poll(&p, 1, left > 0 ? (int)left : 0);
    if (n < 0 && errno == EINTR) return wait_for(c, events, deadline_ms);
    return n == 1 ? 0 : TILLPOST_E_NETWORK;
}

static int send_all(const struct client *c, const char *p, size_t len, int64_t deadline_ms)
{
    while (len > 0) {
        if (wait_for(c, POLLOUT, deadline_ms) < 0) return TILLPOST_E_NETWORK;
        ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) return TILLPOST_E_NETWORK;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

static ssize_t receive(const struct client *c, char *p, size_t len, int64_t deadline_ms)
{
    for (;;) {
        if (wait_for(c, POLLIN, deadline_ms) < 0) return -1;
        ssize_t n = recv(c->fd, p, len, 0);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        return n;
    }
}

/* Value of a header in a NUL-terminated head, or NULL. */
static const char *header(const char *head, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':')
            return line + n + 1 + strspn(line + n + 1, " ");
    }
    return NULL;
}

static int read_body(struct client *c, struct client_reply *out, size_t have, size_t want,
                     int64_t deadline_ms)
{
    while (have < want) {
        ssize_t n = receive(c, out->body + have, want - have, deadline_ms);
        if (n <= 0) return TILLPOST_E_NETWORK;
        have += (size_t)n;
    }
    out->body[want] = 0;
    out->len = want;
    return 0;
}

/* *silent: the peer closed before it said anything. */
static int read_reply(struct client *c, struct client_reply *out, int64_t deadline_ms, bool *silent)
{
    char head[HEAD_MAX_BYTES + 1];
    size_t have = 0;
    char *end = NULL;
    while (!end) {
        if (have == HEAD_MAX_BYTES) return TILLPOST_E_NETWORK;
        ssize_t n = receive(c, head + have, HEAD_MAX_BYTES - have, deadline_ms);
        *silent = have == 0 && (n == 0 || (n < 0 && errno == ECONNRESET));
        if (n <= 0) return TILLPOST_E_NETWORK;
        have += (size_t)n;
        head[have] = 0;
        end = strstr(head, "\r\n\r\n");
    }
    size_t extra = have - (size_t)(end + 4 - head);
    end[2] = 0;
    if (strncmp(head, "HTTP/1.", 7) != 0 || strlen(head) < 12) return TILLPOST_E_NETWORK;
    out->status = (int)strtol(head + 9, NULL, 10);
    if (out->status == 100) return TILLPOST_E_NETWORK; /* we never ask for it */
    const char *length = header(head, "Content-Length");
    unsigned long want = length ? strtoul(length, NULL, 10) : 0;
    if (want > CLIENT_REPLY_MAX_BYTES || extra > want) return TILLPOST_E_NETWORK;
    out->body = malloc(want + 1);
    if (!out->body) return TILLPOST_E_NO_MEMORY;
    memcpy(out->body, end + 4, extra);
    const char *connection = header(head, "Connection");
    bool closes = connection && strncasecmp(connection, "close", 5) == 0;
    int rc = read_body(c, out, extra, want, deadline_ms);
    if (rc < 0 || closes) client_close(c);
    return rc;
}

static int exchange(struct client *c, const char *head, size_t head_len, const char *body,
                    size_t len, struct client_reply *out, int64_t deadline_ms, bool *silent)
{
    *silent = false;
    int sent = send_all(c, head, head_len, deadline_ms);
    if (sent >= 0 && len) sent = send_all(c, body, len, deadline_ms);
    /* A refusal may come before the body has gone out: the reply counts, not the send. */
    int rc = read_reply(c, out, deadline_ms, silent);
    if (rc < 0) client_reply_free(out);
    if (rc < 0 || sent < 0) client_close(c);
    return rc;
}

int client_request(struct client *c, const char *method, const char *path, const char *body,
                   size_t len, struct client_reply *out)
{
    char head[1024];
    *out = (struct client_reply){0};
    int n = snprintf(head, sizeof head,
                     "%s %s HTTP/1.1\r\nHost: tillpost\r\nContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     method, path, body ? len : 0);
    if (n < 0 || (size_t)n >= sizeof head) return TILLPOST_E_USAGE;
    int64_t deadline_ms = platform_mono_ms() + c->timeout_ms;
    for (bool again = false;; again = true) {
        bool silent = false, kept = c->fd >= 0;
        int rc = connect_to_agent(c, deadline_ms);
        if (rc < 0) return rc;
        rc = exchange(c, head, (size_t)n, body, body ? len : 0, out, deadline_ms, &silent);
        if (rc >= 0 || again || !kept || !silent) return rc;
        if (body && !members_is_text(members_find(body, len, "messageId"))) return rc;
    }
}
