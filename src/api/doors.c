/*
 * doors.c: the listening sockets, and who comes through them.
 *
 * What always holds:
 * 1. On the Unix socket nobody's bytes are read before the kernel has said who it is and peer_may
 *    has let it in; the socket's mode and group are only the outer door.
 * 2. A listener has at most API_CONNECTIONS_MAX connections; a further one is told at once, unless
 *    it is of a caller who has fewer than another (shares.c).
 * 3. Whoever is turned away gets an answer, and the time to read it, as long as there is room for
 *    LEAVING_MAX of them: closing a socket that holds unread bytes takes the answer away from the
 *    other end before it has been read.
 * 4. TCP is only ever loopback.
 */
#include "api/inside.h"

#include "platform/platform.h"
#include "tillpost/err.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INHERITED_MAX = 8 };

/* --- opening --- */

static int socket_fault(const char *path, int rc, struct fault *why)
{
    static const char setting[] = "listen.socket";
    if (rc == TILLPOST_E_LOCKED)
        return fault_set(why, rc, setting, "%s: an agent already answers there: stop it first",
                         path);
    if (rc == TILLPOST_E_DENIED && errno == EPERM)
        return fault_set(why, rc, setting,
                         "%s: its directory must belong to root or to this user, and others must "
                         "not be able to write there; the group must be one of ours",
                         path);
    return fault_set(why, rc, setting, "%s: the socket cannot be made: %s", path, strerror(errno));
}

static int open_unix(struct api *a, const struct api_options *o, struct door *d, struct fault *why)
{
    struct stat st;
    a->socket = strdup(o->socket);
    if (!a->socket) return fault_no_memory(why, NULL);
    int rc = platform_listen_unix(o->socket, o->socket_mode, a->peers.group, &d->fd);
    if (rc < 0) return socket_fault(o->socket, rc, why);
    if (lstat(o->socket, &st) != 0) return socket_fault(o->socket, TILLPOST_E_CANT_CREATE, why);
    a->socket_dev = st.st_dev;
    a->socket_ino = st.st_ino;
    return 0;
}

static int http_fault(const char *http, int err, const char *rule, struct fault *why)
{
    return fault_set(why, err, "listen.http", "\"%s\": %s", http, rule);
}

static bool is_loopback(const struct sockaddr_storage *at)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, at, sizeof v4);
    memcpy(&v6, at, sizeof v6);
    if (at->ss_family == AF_INET) return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    return at->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

/* "127.0.0.1:7390" or "[::1]:7390" → what inet_pton takes, and a port. */
static bool split_http(struct rules *r, const char *http, char *numeric, size_t numeric_bytes)
{
    uint64_t port = 0;
    const char *colon = strrchr(http, ':');
    if (!colon || str_to_u64(str_from(colon + 1), &port) < 0 || port > UINT16_MAX) return false;
    struct str name = {http, (size_t)(colon - http)};
    if (name.len == 0 || name.len >= sizeof r->address || name.len >= numeric_bytes) return false;
    memcpy(r->address, name.p, name.len);
    r->address[name.len] = '\0';
    if (str_starts(name, "[") && name.p[name.len - 1] == ']')
        name = (struct str){name.p + 1, name.len - 2};
    memcpy(numeric, name.p, name.len);
    numeric[name.len] = '\0';
    r->port = (uint16_t)port;
    return true;
}

/* The port that the system gave, and whether it may be listened on: an inherited socket too. */
static int judge_tcp(struct api *a, const char *http, const struct door *d, struct fault *why)
{
    struct sockaddr_storage at;
    struct sockaddr_in v4; /* the port stands at the same place in both families */
    socklen_t len = sizeof at;
    memset(&at, 0, sizeof at);
    if (getsockname(d->fd, (struct sockaddr *)&at, &len) != 0 || !is_loopback(&at))
        return http_fault(http, TILLPOST_E_CONFIG, "only loopback may be listened on", why);
    memcpy(&v4, &at, sizeof v4);
    a->rules.port = ntohs(v4.sin_port);
    return 0;
}

static int open_tcp(struct api *a, const struct api_options *o, struct door *d, struct fault *why)
{
    char numeric[sizeof a->rules.address];
    if (!split_http(&a->rules, o->http, numeric, sizeof numeric))
        return http_fault(o->http, TILLPOST_E_CONFIG,
                          "must be an address and a port, as 127.0.0.1:7390 or [::1]:7390", why);
    if (d->fd < 0) {
        int rc = platform_listen_tcp(numeric, a->rules.port, &d->fd);
        if (rc == TILLPOST_E_CONFIG)
            return http_fault(o->http, rc, "the address must be written in numbers", why);
        if (rc == TILLPOST_E_LOCKED)
            return http_fault(o->http, rc, "another program has this port", why);
        if (rc < 0) return http_fault(o->http, rc, strerror(errno), why);
    }
    return judge_tcp(a, o->http, d, why);
}

static int take_inherited(struct api *a, const struct api_options *o, struct fault *why)
{
    bool is_unix;
    for (unsigned i = 0; i < INHERITED_MAX; i++) {
        int fd = platform_inherited_socket(i, &is_unix);
        if (fd < 0) return 0;
        struct door *d = &a->doors[is_unix ? 0 : 1];
        if (d->fd >= 0 || (!is_unix && !o->http))
            return fault_set(why, TILLPOST_E_CONFIG, is_unix ? "listen.socket" : "listen.http",
                             "the service manager hands in a socket that has no setting here: "
                             "set it, or take it out of the socket unit");
        d->fd = fd;
    }
    return 0;
}

int doors_open(struct api *a, const struct api_options *o, struct fault *why)
{
    int rc = take_inherited(a, o, why);
    if (rc == 0 && a->doors[0].fd < 0) rc = open_unix(a, o, &a->doors[0], why);
    if (rc == 0 && o->http) rc = open_tcp(a, o, &a->doors[1], why);
    return rc;
}

void doors_close(struct api *a)
{
    struct stat st;
    for (size_t i = 0; i < DOORS_MAX; i++) {
        if (a->doors[i].fd >= 0) close(a->doors[i].fd);
        a->doors[i].fd = -1;
    }
    for (size_t i = 0; i < LEAVING_MAX; i++) {
        if (a->leaving[i].fd >= 0) close(a->leaving[i].fd);
        a->leaving[i].fd = -1;
    }
    /* Only what we made: not the service manager's, nor what another agent has put there since. */
    if (a->socket && a->socket_ino && lstat(a->socket, &st) == 0 && st.st_dev == a->socket_dev &&
        st.st_ino == a->socket_ino)
        unlink(a->socket);
    free(a->socket);
    a->socket = NULL;
}

/* --- coming in --- */

static bool peer_may(const struct peers *p, const struct platform_peer *who)
{
    if (who->uid == 0 || who->uid == geteuid()) return true;
    for (size_t i = 0; i < p->count; i++)
        if (p->uids[i] == who->uid) return true;
    return p->group >= 0 && platform_user_in_group(who->uid, (unsigned)p->group, who->gid);
}

static void turn_away(struct api *a, int fd, int err, const char *message)
{
    char text[ANSWER_REFUSAL_MAX_BYTES];
    struct answer answer;
    answer_refusal(&answer, err, message, text);
    bool sent = answer_send(fd, &answer, false);
    for (size_t i = 0; sent && i < LEAVING_MAX; i++) {
        if (a->leaving[i].fd >= 0) continue;
        a->leaving[i] = (struct leaving){fd, a->now_ms + LEAVING_MAX_MS};
        return;
    }
    close(fd);
}

void doors_see_off(struct api *a)
{
    char dropped[4096];
    for (size_t i = 0; i < LEAVING_MAX; i++) {
        struct leaving *l = &a->leaving[i];
        if (l->fd < 0) continue;
        ssize_t n = recv(l->fd, dropped, sizeof dropped, MSG_DONTWAIT);
        if (n > 0) wipe(dropped, (size_t)n);
        bool open = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
        if (open && a->now_ms < l->until_ms) continue;
        close(l->fd);
        l->fd = -1;
    }
}

static struct conn *free_conn(struct api *a)
{
    size_t i = 0;
    while (i < CONNS_MAX && a->conns[i].phase != CONN_FREE) i++;
    return i < CONNS_MAX ? &a->conns[i] : NULL;
}

static void let_in(struct api *a, struct door *d, int fd)
{
    struct platform_peer who = {.uid = (unsigned)-1};
    if (!d->over_tcp && (platform_peer(fd, &who) < 0 || !peer_may(&a->peers, &who))) {
        a->counters.refused_peer++;
        turn_away(a, fd, TILLPOST_E_FORBIDDEN,
                  "this user may not use the socket: see listen.socket_group and allow_users");
        return;
    }
    bool room = d->count < API_CONNECTIONS_MAX || share_make_room(a, d, who.uid);
    struct conn *c = room ? free_conn(a) : NULL;
    if (!c) {
        a->counters.refused_limit++;
        turn_away(a, fd, TILLPOST_E_BUSY, "all connections are taken: try again in a second");
        return;
    }
    *c = (struct conn){.phase = CONN_HEAD,
                       .api = a,
                       .door = d,
                       .share = share_join(a, d, who.uid),
                       .fd = fd,
                       .deadline_ms = a->now_ms + API_HEADER_MAX_MS};
    d->count++;
    a->counters.connections++;
    http_add(a, c);
}

void doors_accept(struct api *a, struct door *d)
{
    for (int i = 0; i < ACCEPTS_A_TURN_MAX; i++) {
        int fd = platform_accept(d->fd);
        if (fd >= 0) {
            let_in(a, d, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            d->paused_until_ms = a->now_ms + ACCEPT_PAUSE_MS;
        if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO) return;
    }
}
