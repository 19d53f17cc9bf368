/* api_world.c: see api_world.h. */
#include "api_world.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* clang-format off */
const struct api_route world_routes[] = {
    {"GET",  "/healthz",         ROUTE_HEALTH, API_NO_BODY,    false, true},
    {"POST", "/v1/track",        ROUTE_TRACK,  API_CALL_BODY,  false, false},
    {"POST", "/v1/batch",        ROUTE_BATCH,  API_BATCH_BODY, false, false},
    {"GET",  "/v1/events/*",     ROUTE_EVENT,  API_NO_BODY,    false, false},
    {"GET",  "/v1/events",       ROUTE_EVENTS, API_NO_BODY,    false, false},
    {"POST", "/v1/events/retry", ROUTE_RETRY,  API_SMALL_BODY, false, false},
    {"POST", "/v1/sync",         ROUTE_SYNC,   API_NO_BODY,    false, false},
    {"POST", "/v1/erase",        ROUTE_ERASE,  API_CALL_BODY,  true,  false},
    {"GET",  "/",                ROUTE_PAGE,   API_NO_BODY,    false, false},
};
/* clang-format on */
const size_t world_route_count = sizeof world_routes / sizeof world_routes[0];

static const char *const tokens[] = {WORLD_TOKEN, "the-next-token"};
static const char *const origins[] = {"https://till.example"};

static void must(bool good, const char *what)
{
    if (good) return;
    perror(what);
    abort();
}

void world_open(struct world *w, bool with_tcp)
{
    struct fault why = {0};
    memset(w, 0, sizeof *w);
    snprintf(w->dir, sizeof w->dir, "/tmp/tillpost-api-XXXXXX");
    must(mkdtemp(w->dir) != NULL, "mkdtemp");
    must(chmod(w->dir, 0755) == 0, "chmod");
    snprintf(w->socket, sizeof w->socket, "%s/t.sock", w->dir);
    w->now_ms = 1000000;
    w->options = (struct api_options){.routes = world_routes,
                                      .route_count = world_route_count,
                                      .socket = w->socket,
                                      .socket_mode = 0660};
    if (with_tcp) {
        w->options.http = "127.0.0.1:0";
        w->options.tokens = tokens;
        w->options.token_count = 2;
        w->options.allow_origins = origins;
        w->options.allow_origin_count = 1;
    }
    int rc = api_open(&w->options, &w->api, &why);
    if (rc < 0) fprintf(stderr, "api_open: %s\n", why.message);
    must(rc == 0, "api_open");
    int fds[4];
    size_t n = api_fds(w->api, fds, 4);
    for (size_t i = 0; i < n; i++) {
        struct sockaddr_in at = {0};
        socklen_t len = sizeof at;
        if (getsockname(fds[i], (struct sockaddr *)&at, &len) == 0 && at.sin_family == AF_INET)
            w->port = ntohs(at.sin_port);
    }
    world_turn(w, 0);
}

void world_close(struct world *w)
{
    api_close(w->api);
    w->api = NULL;
    unlink(w->socket);
    rmdir(w->dir);
}

int world_connect(const struct world *w, enum world_door door)
{
    struct sockaddr_un at_unix = {.sun_family = AF_UNIX};
    struct sockaddr_in at_tcp = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port)};
    at_tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(at_unix.sun_path, w->socket, strlen(w->socket) + 1);
    bool tcp = door == WORLD_TCP;
    int fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0, "socket");
    int rc;
    do
        rc = tcp ? connect(fd, (struct sockaddr *)&at_tcp, sizeof at_tcp)
                 : connect(fd, (struct sockaddr *)&at_unix, sizeof at_unix);
    while (rc != 0 && errno == EINTR); /* libFuzzer's clock */
    must(rc == 0 || errno == EISCONN, "connect");
    return fd;
}

static void serve(struct world *w, const struct api_request *r)
{
    char name[32];
    struct buf b;
    buf_init(&b, WORLD_TEXT_MAX);
    buf_printf(&b, "{\"route\":%d,\"parameter\":\"%.*s\",\"query\":\"%.*s\",\"len\":%zu,\"tcp\":%d",
               r->route, (int)r->parameter.len, r->parameter.p, (int)r->query.len, r->query.p,
               r->body_len, r->over_tcp);
    if (api_query(r, "name", name, sizeof name)) buf_printf(&b, ",\"name\":\"%s\"", name);
    if (r->body_len > 0 && r->body_len < 100) buf_printf(&b, ",\"body\":\"%s\"", r->body);
    buf_add_z(&b, "}");
    struct str body = buf_str(&b);
    if (w->page) body = str_from(w->page);
    if (w->big.len) body = w->big;
    api_answer(w->api, r, 200, body, w->page ? "text/html" : NULL, 0);
    buf_free(&b);
}

void world_turn(struct world *w, int64_t ms)
{
    struct api_request taken[2 * API_CONNECTIONS_MAX];
    size_t n = 0;
    w->now_ms += ms;
    api_turn(w->api, w->now_ms);
    while (api_next(w->api, &taken[n]) == 1) n++;
    w->handed_out += n;
    for (size_t i = 0; i < n; i++) {
        if (w->hold) w->held[w->held_count++] = taken[i];
        else serve(w, &taken[i]);
    }
}

void world_answer_held(struct world *w, size_t i)
{
    serve(w, &w->held[i]);
}

bool world_send(struct world *w, int fd, const void *p, size_t len)
{
    const char *from = p;
    while (len > 0) {
        ssize_t n = send(fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return false;
        if (n > 0) {
            from += n;
            len -= (size_t)n;
        }
        world_turn(w, 0);
    }
    return true;
}

bool world_read(struct world *w, int fd, bool fresh)
{
    enum { QUIET_TURNS = 4 };
    size_t len = fresh ? 0 : strlen(w->text);
    for (int quiet = 0; quiet < QUIET_TURNS; quiet++) {
        world_turn(w, 0);
        ssize_t n = recv(fd, w->text + len, WORLD_TEXT_MAX - 1 - len, MSG_DONTWAIT);
        if (n > 0) {
            len += (size_t)n;
            quiet = -1;
        }
        w->text[len] = '\0';
        if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
    }
    return true;
}

int world_status(const char *text)
{
    return strncmp(text, "HTTP/1.", 7) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}

int world_talk_bytes(struct world *w, enum world_door door, const void *p, size_t len)
{
    int fd = world_connect(w, door);
    (void)world_send(w, fd, p, len);
    (void)world_read(w, fd, true);
    close(fd);
    world_turn(w, 0);
    return world_status(w->text);
}

int world_talk(struct world *w, enum world_door door, const char *text)
{
    return world_talk_bytes(w, door, text, strlen(text));
}

size_t world_open_fds(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    must(d != NULL, "/proc/self/fd");
    while (readdir(d)) n++;
    closedir(d);
    return n;
}
