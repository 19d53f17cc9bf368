/*
 * peer.h: a scripted peer on loopback for tests of what goes over a socket.
 *
 * A thread accepts one connection after the other; connection i follows scripts[i] (the last one
 * also all later ones), a word of letters:
 *   H read a request head        B read its body        b read half of its body
 *   R send `reply`               r send half of it      T answer CONNECT: the tunnel is open
 *   S stall until the end        D read and drop until the other side closes
 *   d drip `reply`: a byte each PEER_DRIP_US, again and again
 *   C close                      X close with a reset   K leave it open, turn to the next
 *   L stop listening
 * What it saw is to be read after peer_stop.
 */
#ifndef PEER_H
#define PEER_H

#include "testing.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/socket.h>

enum { PEER_HEAD_BYTES = 8192, PEER_SMALL_BUFFER_BYTES = 4096, PEER_DRIP_US = 20000 };

struct peer {
    const char *const *scripts; /* NULL ends them */
    const char *reply;
    const char *tunnel; /* what T says; NULL: a plain 200 */
    unsigned short port;
    unsigned connections, requests;
    char head[PEER_HEAD_BYTES]; /* of the last request that was no CONNECT */
    char connect_head[PEER_HEAD_BYTES];
    size_t body_bytes; /* read of the last body */
    int listen_fd, stop[2], left_open;
    pthread_t thread;
};

/* Waits for bytes or for the end; false at the end. */
static inline bool peer_wait(const struct peer *p, int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = p->stop[0], .events = POLLIN}};
    while (poll(fds, 2, -1) < 0) {
        if (errno != EINTR) return false;
    }
    return fds[1].revents == 0;
}

static inline bool peer_read_head(struct peer *p, int fd)
{
    char head[PEER_HEAD_BYTES] = "";
    size_t len = 0;
    while (len + 1 < sizeof head && !strstr(head, "\r\n\r\n")) {
        if (!peer_wait(p, fd) || recv(fd, head + len, 1, 0) != 1) return false;
        head[++len] = 0;
    }
    bool tunnel = strncmp(head, "CONNECT", 7) == 0;
    memcpy(tunnel ? p->connect_head : p->head, head, sizeof head);
    p->requests += !tunnel;
    return true;
}

static inline bool peer_read_body(struct peer *p, int fd, unsigned part)
{
    static const char name[] = "Content-Length: ";
    const char *at = strstr(p->head, name);
    size_t want = at ? strtoul(at + sizeof name - 1, NULL, 10) / part : 0;
    char drop[65536];
    for (p->body_bytes = 0; p->body_bytes < want;) {
        size_t left = want - p->body_bytes;
        if (!peer_wait(p, fd)) return false;
        ssize_t n = recv(fd, drop, left < sizeof drop ? left : sizeof drop, 0);
        if (n <= 0) return false;
        p->body_bytes += (size_t)n;
    }
    return true;
}

static inline void peer_say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0) return;
        text += n;
        len -= (size_t)n;
    }
}

static inline bool peer_drip(const struct peer *p, int fd)
{
    struct pollfd stop = {.fd = p->stop[0], .events = POLLIN};
    for (size_t i = 0; poll(&stop, 1, PEER_DRIP_US / 1000) == 0; i++) {
        if (!p->reply[i]) i = 0;
        if (send(fd, p->reply + i, 1, MSG_NOSIGNAL) != 1) break;
    }
    return false;
}

static inline bool peer_do(struct peer *p, int fd, char step)
{
    static const struct linger at_once = {1, 0};
    const char *open = p->tunnel ? p->tunnel : "HTTP/1.1 200 Connection established\r\n\r\n";
    char drop[65536];
    switch (step) {
    case 'H': return peer_read_head(p, fd);
    case 'B': return peer_read_body(p, fd, 1);
    case 'b': return peer_read_body(p, fd, 2);
    case 'R': peer_say(fd, p->reply, strlen(p->reply)); return true;
    case 'r': peer_say(fd, p->reply, strlen(p->reply) / 2); return true;
    case 'T': peer_say(fd, open, strlen(open)); return true;
    case 'd': return peer_drip(p, fd);
    case 'S': (void)peer_wait(p, p->stop[0]); return false;
    case 'D':
        while (peer_wait(p, fd) && recv(fd, drop, sizeof drop, 0) > 0) continue;
        return false;
    case 'X': (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once); return false;
    case 'K': p->left_open = fd; return false;
    case 'L': (void)shutdown(p->listen_fd, SHUT_RDWR); return true;
    default: return false;
    }
}

static inline void *peer_main(void *ctx)
{
    struct peer *p = ctx;
    size_t script = 0;
    while (peer_wait(p, p->listen_fd)) {
        int fd = accept(p->listen_fd, NULL, NULL);
        if (fd < 0) break;
        p->connections++;
        for (const char *s = p->scripts[script]; *s && peer_do(p, fd, *s);) s++;
        if (fd != p->left_open) (void)close(fd);
        if (p->scripts[script + 1]) script++;
    }
    return NULL;
}

/* A listening socket on a free loopback port. */
static inline int peer_listen(unsigned short *port, int backlog)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int small = PEER_SMALL_BUFFER_BYTES;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* On a listening socket of the caller's, which peer_stop closes. */
static inline void peer_start_on(struct peer *p, int listen_fd)
{
    p->listen_fd = listen_fd;
    assert_int_equal(pipe(p->stop), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

static inline void peer_start(struct peer *p)
{
    peer_start_on(p, peer_listen(&p->port, 16));
}

static inline void peer_stop(struct peer *p)
{
    assert_int_equal(close(p->stop[1]), 0);
    assert_int_equal(pthread_join(p->thread, NULL), 0);
    if (p->left_open) (void)close(p->left_open);
    (void)close(p->stop[0]);
    (void)close(p->listen_fd);
}

#endif
