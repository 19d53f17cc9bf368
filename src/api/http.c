/*
 * http.c: bytes to requests and answers to bytes. The only door to libmicrohttpd.
 *
 * libmicrohttpd parses; it neither listens nor accepts nor times out: doors.c gives it connections
 * that have been let in, api.c watches their deadlines. One daemon, no thread, epoll by hand.
 *
 * The life of a request, as conn.phase has it (libmicrohttpd calls us at each arrow but the last):
 *
 *   HEAD ─head─▶ BODY ─body…─▶ ─end─▶ COMPLETE ─again─▶ WAITING ─http_answer─▶ ANSWER ─sent─▶ IDLE
 *
 * What always holds:
 * 1. A connection is suspended only in the call after the one that ended the request: so
 *    libmicrohttpd does not read from it when it is resumed, and an answer reaches a caller that
 *    has closed its sending half. (Suspended in the first, it reads, finds the end and closes.)
 * 2. A connection that is suspended is in the queue or at hand: libmicrohttpd aborts when it is
 *    stopped with one, so http_close comes after all are answered.
 * 3. After a body's bytes have been copied or dropped, libmicrohttpd's are overwritten. What it has
 *    read and never handed to us dies with its pool, which is above 32 KiB so that it is a mapping
 *    of its own and goes back to the system (memorypool.c of 0.9.75 and 1.0.1).
 * 4. A request that is refused before its end is answered at once by answer_send; the rest is read
 *    and dropped, up to DISCARD_MAX_BYTES and the body's deadline, then the connection closes.
 */
#include "api/inside.h"

#include "api/inflate.h"
#include "platform/platform.h"
#include "tillpost/err.h"
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    POOL_BYTES = 36 * 1024, /* a connection: head, and what is read at once; see 3 above */
    RUNS_MAX = 8,           /* of libmicrohttpd in a row; then the loop has its turn */
    BODY_FIRST_BYTES = 4 * 1024,
    STRICT = 1, /* as strict as RFC 9112 lets a server be */
    /* MHD_USE_NO_THREAD_SAFETY, unknown to 0.9.75's header and ignored by it. Without it 1.0.1 puts
     * off MHD_add_connection to the next run and on_connection would not know whom it is about. */
    ONE_THREAD = 1 << 19
};

/* --- bodies --- */

/* Most bodies are small: their pages are kept, wiped, as locking and unlocking a page for each costs
 * four system calls. */
static char *pages_take(struct api *a, size_t cap)
{
    if (cap > BODY_FIRST_BYTES) return platform_private_alloc(cap);
    if (a->spare_count > 0) return a->spares[--a->spare_count];
    return platform_private_alloc(BODY_FIRST_BYTES);
}

static void pages_give(struct api *a, char *p, size_t cap)
{
    if (cap > BODY_FIRST_BYTES || a->spare_count == SPARES_MAX) {
        platform_private_free(p, cap);
        return;
    }
    wipe(p, cap);
    a->spares[a->spare_count++] = p;
}

void body_free(struct conn *c)
{
    if (c->body) pages_give(c->api, c->body, c->body_cap);
    share_give(c, c->body_cap);
    c->body = NULL;
    c->body_len = c->body_cap = 0;
}

/* A new buffer of the request's, counted; the old one is wiped once its content has moved. */
static bool body_move(struct conn *c, size_t cap)
{
    if (!share_has_room(c, cap)) return false;
    char *p = pages_take(c->api, cap);
    if (!p) return false;
    size_t len = c->body_len;
    if (len > 0) memcpy(p, c->body, len);
    body_free(c);
    c->body = p;
    c->body_len = len;
    c->body_cap = cap;
    share_take(c, cap);
    return true;
}

static void refuse(struct conn *c, int err, const char *message)
{
    c->verdict.err = err;
    c->verdict.message = message;
    body_free(c);
}

static void refuse_busy(struct conn *c)
{
    c->api->counters.refused_limit++;
    refuse(c, TILLPOST_E_BUSY, "too much is being sent at once: try again in a second");
}

/* Grows with what has come, not with what was announced: a caller that stalls holds little. A large
 * body of known length moves only once, as old and new count together. */
static size_t body_cap(const struct conn *c, size_t need)
{
    size_t whole = c->verdict.body_bytes ? c->verdict.body_bytes : c->verdict.body_max_bytes;
    size_t cap = c->body_cap ? c->body_cap : BODY_FIRST_BYTES;
    while (cap < need) cap *= 2;
    if (cap > API_CALL_MAX_BYTES && c->verdict.body_bytes) cap = whole + 1;
    return cap < whole + 1 ? cap : whole + 1;
}

static void body_add(struct conn *c, const char *data, size_t len)
{
    if (len > c->verdict.body_max_bytes - c->body_len) {
        refuse(c, TILLPOST_E_TOO_LARGE, rules_too_large(c->verdict.route));
        return;
    }
    size_t cap = body_cap(c, c->body_len + len + 1);
    if (cap > c->body_cap && !body_move(c, cap)) {
        refuse_busy(c);
        return;
    }
    memcpy(c->body + c->body_len, data, len);
    c->body_len += len;
    c->body[c->body_len] = '\0';
}

/* In place of the gzip'd body, what it says. */
static void body_inflate(struct conn *c)
{
    struct conn plain = {.api = c->api, .share = c->share};
    size_t most = c->verdict.body_max_bytes;
    if (!body_move(&plain, most + 1)) {
        refuse_busy(c);
        return;
    }
    struct str packed = {c->body, c->body_len};
    int rc = inflate_gzip(packed, plain.body, most, &plain.body_len);
    if (rc == 0 && !body_move(&plain, plain.body_len + 1)) rc = TILLPOST_E_NO_MEMORY;
    if (rc < 0) body_free(&plain);
    if (rc == TILLPOST_E_TOO_LARGE) refuse(c, rc, rules_too_large(c->verdict.route));
    else if (rc == TILLPOST_E_NO_MEMORY) refuse_busy(c);
    else if (rc < 0) refuse(c, rc, "the gzip'd body is damaged or cut short");
    if (rc < 0) return;
    body_free(c);
    c->body = plain.body;
    c->body_cap = plain.body_cap;
    c->body_len = plain.body_len;
    c->body[c->body_len] = '\0';
}

/* --- answers --- */

static void add_field(void *to, const char *name, const char *value)
{
    (void)MHD_add_response_header(to, name, value);
}

/* Hands an answer to libmicrohttpd. */
static bool give(struct conn *c, const struct answer *answer)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        answer->body.len, (void *)(uintptr_t)answer->body.p, MHD_RESPMEM_MUST_COPY);
    if (!r) return false;
    answer_fields(answer, add_field, r);
    c->phase = CONN_ANSWER;
    c->deadline_ms = c->api->now_ms + API_ANSWER_MAX_MS;
    enum MHD_Result queued = MHD_queue_response(c->mhd, (unsigned)answer->status, r);
    MHD_destroy_response(r);
    return queued == MHD_YES;
}

/* The answer that the verdict alone gives: a refusal, a preflight's, the methods of a path. */
static void own_answer(struct conn *c, struct answer *answer, char *text, char *allow,
                       size_t allow_bytes)
{
    const struct verdict *v = &c->verdict;
    *answer = (struct answer){.status = 204, .body = {"", 0}};
    if (v->err) answer_refusal(answer, v->err, v->message, text);
    if (v->status) answer->status = v->status;
    if (v->err == TILLPOST_E_METHOD_NOT_ALLOWED || v->options) {
        rules_allow(&c->api->rules, v->path, allow, allow_bytes);
        answer->allow = allow;
    }
    answer->judged = v;
}

static bool give_own(struct conn *c)
{
    char text[ANSWER_REFUSAL_MAX_BYTES];
    char allow[64];
    struct answer answer;
    own_answer(c, &answer, text, allow, sizeof allow);
    return give(c, &answer);
}

static void refuse_now(struct conn *c)
{
    char text[ANSWER_REFUSAL_MAX_BYTES];
    char allow[64];
    struct answer answer;
    own_answer(c, &answer, text, allow, sizeof allow);
    (void)answer_send(c->fd, &answer, c->head_only);
    c->refused = true;
}

void http_answer(struct conn *c, const struct answer *answer)
{
    /* When it cannot be given, the call that follows the resume closes the connection. */
    if (!give(c, answer)) c->refused = true;
    MHD_resume_connection(c->mhd);
    c->api->resumed = true;
}

/* --- requests, as libmicrohttpd calls --- */

static struct conn *conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void note_target(struct conn *c, const char *target)
{
    conn_forget_request(c);
    c->target = target ? strdup(target) : NULL;
    if (c->phase != CONN_IDLE) return;
    c->phase = CONN_HEAD;
    c->deadline_ms = c->api->now_ms + API_HEADER_MAX_MS;
}

static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct conn *c = conn_of(mhd);
    (void)cls;
    if (c) note_target(c, target);
    return NULL;
}

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    (void)kind;
    head_add(cls, name, value ? value : "");
    return MHD_YES;
}

static void count_refusal(struct api *a, const struct verdict *v)
{
    if (v->err == TILLPOST_E_UNAUTHORIZED) a->counters.refused_token++;
    if (v->err == TILLPOST_E_FORBIDDEN) a->counters.refused_peer++;
}

/* These four return whether to go on; if not, libmicrohttpd closes the connection. */
static bool on_head(struct conn *c, const char *method, const char *version)
{
    struct api *a = c->api;
    struct head h = {
        .method = str_from(method), .target = c->target, .over_tcp = c->door->over_tcp};
    h.is_http_1_0 = strcmp(version, "HTTP/1.0") == 0;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (info) h.bytes = info->header_size;
    (void)MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, on_field, &h);
    c->head_only = strcmp(method, "HEAD") == 0;
    c->phase = CONN_BODY;
    c->deadline_ms = a->now_ms + API_BODY_MAX_MS;
    a->counters.requests++;
    if (c->target) rules_judge(&a->rules, &h, &c->verdict);
    else refuse_busy(c);
    count_refusal(a, &c->verdict);
    if (c->verdict.err && (c->verdict.has_body || c->verdict.framing)) refuse_now(c);
    return true;
}

static bool on_body(struct conn *c, const char *data, size_t len)
{
    const struct verdict *v = &c->verdict;
    if (v->err || v->preflight || v->options) c->discarded_bytes += len;
    else body_add(c, data, len);
    if (v->err && !c->refused) refuse_now(c);
    /* It is its read buffer, behind a const: writable, and these bytes are done with. */
    wipe((void *)(uintptr_t)data, len);
    return c->discarded_bytes <= DISCARD_MAX_BYTES;
}

static bool on_end(struct conn *c)
{
    if (c->verdict.gzip && c->body_len > 0 && !c->verdict.err) body_inflate(c);
    if (c->api->closing && !c->verdict.err)
        refuse(c, TILLPOST_E_BUSY, "the agent is stopping: try again");
    if (c->verdict.err || c->verdict.preflight || c->verdict.options) return give_own(c);
    c->phase = CONN_COMPLETE;
    return true;
}

static bool on_end_again(struct conn *c)
{
    MHD_suspend_connection(c->mhd);
    waiting_push(c);
    return true;
}

static enum MHD_Result on_call(void *cls, struct MHD_Connection *mhd, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_len, void **request)
{
    struct conn *c = conn_of(mhd);
    size_t len = *data_len;
    bool good = false; /* of a request that was refused, what comes after its end closes it */
    (void)cls;
    (void)url;
    (void)request;
    if (c == NULL) return MHD_NO;
    *data_len = 0;
    if (c->phase == CONN_HEAD) good = on_head(c, method, version);
    else if (len > 0) good = on_body(c, data, len);
    else if (c->phase == CONN_BODY && !c->refused) good = on_end(c);
    else if (c->phase == CONN_COMPLETE) good = on_end_again(c);
    return good ? MHD_YES : MHD_NO;
}

static void on_sent(void *cls, struct MHD_Connection *mhd, void **request,
                    enum MHD_RequestTerminationCode how)
{
    struct conn *c = conn_of(mhd);
    (void)cls;
    (void)request;
    (void)how;
    if (c == NULL) return;
    conn_forget_request(c);
    c->phase = CONN_IDLE;
    c->deadline_ms = c->api->now_ms + API_IDLE_MAX_MS;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct api *a = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = a->adding;
        a->adding->mhd = mhd;
    } else if (*context) {
        conn_free(*context);
        *context = NULL;
    }
}

/* --- the daemon --- */

int http_open(struct api *a, struct fault *why)
{
    static const unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | ONE_THREAD |
                                  MHD_ALLOW_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK;
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, POOL_BYTES, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, 2 * CONNS_MAX, NULL}, /* ours is doors.c's */
        {MHD_OPTION_CONNECTION_TIMEOUT, 0, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, STRICT, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)on_target, NULL},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_sent, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, a},
        {MHD_OPTION_END, 0, NULL},
    };
    a->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_call, NULL, MHD_OPTION_ARRAY, options,
                                 MHD_OPTION_END);
    if (a->daemon) return 0;
    return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "the HTTP server cannot be started");
}

void http_close(struct api *a)
{
    if (a->daemon) MHD_stop_daemon(a->daemon);
    a->daemon = NULL;
    while (a->spare_count > 0) platform_private_free(a->spares[--a->spare_count], BODY_FIRST_BYTES);
}

int http_fd(const struct api *a)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    return info ? info->epoll_fd : -1;
}

bool http_pending(const struct api *a)
{
    MHD_UNSIGNED_LONG_LONG ms;
    /* MHD_get_timeout does not look at those that were resumed since its last run. */
    return a->resumed || (MHD_get_timeout(a->daemon, &ms) == MHD_YES && ms == 0);
}

void http_run(struct api *a)
{
    for (int i = 0; i < RUNS_MAX; i++) {
        a->resumed = false;
        (void)MHD_run(a->daemon);
        if (!http_pending(a)) return;
    }
}

void http_add(struct api *a, struct conn *c)
{
    const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    a->adding = c;
    if (MHD_add_connection(a->daemon, c->fd, &nobody, sizeof nobody) != MHD_YES &&
        c->phase != CONN_FREE)
        conn_free(c);
    a->adding = NULL;
}

void http_shut(struct conn *c)
{
    (void)shutdown(c->fd, SHUT_RDWR);
}
