/*
 * tiktok.c: POST /open_api/v1.3/event/track/ as TikTok answers it, or as the script wants it.
 *
 * A request goes through five steps: gather → judge (check.c, then the refusals) → plan (script.c)
 * → take in (store.c) and note → answer. What always holds:
 *   1. Almost every answer has HTTP status 200; the code in the envelope decides (tiktok-api.md
 *      section 4). Only a wrong path or method has a status of its own.
 *   2. Events are taken in at most once a request and only from a body without fault.
 *   3. The lock is not held while an answer sleeps or drips.
 */
#include "sandbox/sandbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRACK_PATH "/open_api/v1.3/event/track/"
#define PORTAL_PAGE                                                \
    "<!DOCTYPE html><html><head><title>Guest Wi-Fi</title></head>" \
    "<body><h1>Welcome</h1><form action=\"/login\">Room <input name=\"room\"></form></body></html>"

enum {
    ARENA_BLOCK_BYTES = 256 * 1024,
    ARENA_MAX_BYTES = 512 * 1024 * 1024,
    REPLY_MAX_BYTES = 64 * 1024,
    DRIP_BYTES = 64,
    REQUEST_ID_BYTES = 48
};

/* One request on its way to its answer. */
struct call {
    struct sandbox *s;
    struct MHD_Connection *connection;
    struct str body;
    struct arena arena;
    const struct json *root;
    struct check_result result;
    struct plan plan;
    uint64_t number;
    int64_t now_s;
    bool accepted;
    int http, code; /* of the answer */
    struct buf reply;
    const char *content_type;
};

static const char *header(const struct call *c, const char *name)
{
    return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

/* Refuses a batch that holds an event on the list of refusals. */
static void judge_refusals(struct call *c)
{
    size_t index = 0;
    const struct json *e = json_first(json_get(c->root, "data"));
    for (; e; e = json_next(e), index++) {
        for (size_t i = 0; i < c->s->refusal_count; i++) {
            const struct refusal *r = &c->s->refusals[i];
            if (!str_is(json_string(json_get(e, "event_id")), r->event_id)) continue;
            char place[64] = "";
            if (r->name_index) snprintf(place, sizeof(place), "Batch.%zu.event_id: ", index);
            snprintf(c->result.message, sizeof(c->result.message), "%s%s", place, r->message);
            c->result.code = r->code;
            return;
        }
    }
}

static void judge(struct call *c)
{
    struct check_result token;
    const char *type = header(c, MHD_HTTP_HEADER_CONTENT_TYPE);
    check_body(&c->arena, c->body, &c->s->rules, c->now_s, &c->root, &c->result);
    if (c->result.code == CHECK_OK) judge_refusals(c);
    if (!type || strcmp(type, "application/json") != 0) {
        c->result.code = CHECK_PARAMETER;
        snprintf(c->result.message, sizeof(c->result.message),
                 "Content-Type: must be application/json.");
    }
    if (!check_token(header(c, "Access-Token"), &c->s->rules, &token)) return;
    c->result.code = token.code;
    memcpy(c->result.message, token.message, sizeof(token.message));
}

static void write_envelope(struct call *c, int code, const char *message)
{
    char id[REQUEST_ID_BYTES];
    time_t now = (time_t)c->now_s;
    struct tm tm;
    gmtime_r(&now, &tm);
    size_t len = strftime(id, sizeof(id), "%Y%m%d%H%M%S", &tm);
    snprintf(id + len, sizeof(id) - len, "%016" PRIX64, c->number);
    buf_printf(&c->reply, "{\"code\":%d,\"message\":", code);
    json_write_string(&c->reply, str_from(message));
    buf_printf(&c->reply, ",\"request_id\":\"%s\",\"data\":{}}", id);
    c->http = MHD_HTTP_OK;
    c->code = code;
    c->content_type = "application/json; charset=utf-8";
}

/* The reply's text, status and code: what the plan says, where it says something. */
static void write_reply(struct call *c)
{
    const struct plan *p = &c->plan;
    if (p->count && p->portal) {
        buf_add_z(&c->reply, PORTAL_PAGE);
    } else if (p->count && (p->has_body || (p->http && p->http != MHD_HTTP_OK && p->code < 0))) {
        buf_add_z(&c->reply, p->body);
    } else if (p->count && p->code >= 0) {
        write_envelope(c, (int)p->code, p->has_message ? p->message : "As scripted.");
    } else if (c->result.code == CHECK_OK) {
        write_envelope(c, 0, "OK");
    } else {
        write_envelope(c, c->result.code, c->result.message);
    }
    if (p->count && p->http) c->http = (int)p->http;
}

static void log_call(const struct call *c)
{
    struct buf line;
    bool one_line = c->root && !memchr(c->body.p, '\n', c->body.len);
    if (!c->s->log) return;
    buf_init(&line, CHECK_BODY_MAX_BYTES + REPLY_MAX_BYTES);
    buf_printf(&line, "{\"number\":%" PRIu64 ",\"at_s\":%" PRId64 ",\"http\":%d,\"code\":%d,",
               c->number, c->now_s, c->http, c->code);
    buf_printf(&line, "\"accepted\":%s,\"plan\":\"%s\",\"body\":", c->accepted ? "true" : "false",
               script_name(&c->plan));
    if (one_line) buf_add_str(&line, c->body);
    else buf_add_z(&line, "null");
    buf_add_z(&line, "}\n");
    fwrite(line.p, 1, line.len, c->s->log);
    fflush(c->s->log);
    buf_free(&line);
}

static void note(const struct call *c)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    struct store_request r = {
        .number = c->number,
        .at_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000,
        .http = c->http,
        .code = c->code,
        .events = c->result.count,
        .probe = c->result.probe,
        .accepted = c->accepted,
        .plan = script_name(&c->plan),
    };
    store_note(c->s->store, &r);
    log_call(c);
}

/* Everything that needs the lock. */
static void settle(struct call *c)
{
    struct sandbox *s = c->s;
    c->number = store_next_request(s->store);
    c->now_s = sandbox_now_s(s);
    judge(c);
    script_take(&s->script, c->result.probe, &c->plan);
    if (c->result.code == CHECK_OK && (!c->plan.count || script_accepts(&c->plan)))
        c->accepted = store_take(s->store, c->body, c->root, c->number, c->now_s);
    write_reply(c);
    if (c->plan.count && c->plan.cut == PLAN_CUT_AFTER) c->http = 0;
    note(c);
}

/* A reply that drips, or stops half-way. */
struct drip {
    struct sandbox *s;
    long every_ms; /* 0: at once */
    size_t len, end;
    char bytes[];
};

static ssize_t drip_read(void *cls, uint64_t pos, char *out, size_t max)
{
    struct drip *d = cls;
    if (pos >= d->end) return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = d->end - (size_t)pos;
    if (n > max) n = max;
    if (d->every_ms) {
        if (!sandbox_sleep(d->s, d->every_ms)) return MHD_CONTENT_READER_END_WITH_ERROR;
        n = 1;
    }
    memcpy(out, d->bytes + pos, n);
    return (ssize_t)n;
}

static struct MHD_Response *drip_new(const struct call *c)
{
    struct drip *d = malloc(sizeof(*d) + c->reply.len);
    if (!d) return NULL;
    d->s = c->s;
    d->every_ms = c->plan.slow_bytes_ms;
    d->len = c->reply.len;
    d->end = c->plan.half ? d->len / 2 : d->len;
    memcpy(d->bytes, c->reply.p, d->len);
    return MHD_create_response_from_callback(d->len, DRIP_BYTES, drip_read, d, free);
}

static void add_headers(const struct call *c, struct MHD_Response *r)
{
    char text[64];
    time_t now = (time_t)c->now_s;
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    MHD_add_response_header(r, MHD_HTTP_HEADER_DATE, text);
    snprintf(text, sizeof(text), "%016" PRIX64, c->number);
    MHD_add_response_header(r, "X-TT-LOGID", text);
    if (!c->plan.count) return;
    if (*c->plan.retry_after)
        MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, c->plan.retry_after);
    if (*c->plan.location) MHD_add_response_header(r, MHD_HTTP_HEADER_LOCATION, c->plan.location);
}

static enum MHD_Result send_reply(const struct call *c)
{
    struct MHD_Response *r = NULL;
    if (c->plan.count && c->plan.delay_ms && !sandbox_sleep(c->s, c->plan.delay_ms)) return MHD_NO;
    if (c->http == 0) return MHD_NO;
    if (c->plan.count && (c->plan.half || c->plan.slow_bytes_ms)) r = drip_new(c);
    else r = MHD_create_response_from_buffer(c->reply.len, c->reply.p, MHD_RESPMEM_MUST_COPY);
    if (!r) return MHD_NO;
    add_headers(c, r);
    return body_send(c->connection, r, c->http, c->content_type);
}

static enum MHD_Result answer(struct sandbox *s, struct MHD_Connection *connection,
                              const struct body *b)
{
    struct call c = {.s = s, .connection = connection, .body = buf_str(&b->bytes)};
    c.http = MHD_HTTP_OK;
    c.code = -1;
    c.content_type = "text/html";
    arena_init(&c.arena, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    buf_init(&c.reply, REPLY_MAX_BYTES);
    pthread_mutex_lock(&s->lock);
    settle(&c);
    pthread_mutex_unlock(&s->lock);
    enum MHD_Result done = send_reply(&c);
    buf_free(&c.reply);
    arena_free(&c.arena);
    return done;
}

/* Before a body is read: does the script cut the connection here? */
static bool cut_now(struct sandbox *s)
{
    struct call c = {.s = s, .code = -1};
    pthread_mutex_lock(&s->lock);
    bool cut = script_take_cut(&s->script, &c.plan);
    if (cut) {
        c.number = store_next_request(s->store);
        c.now_s = sandbox_now_s(s);
        note(&c);
    }
    pthread_mutex_unlock(&s->lock);
    return cut;
}

static enum MHD_Result send_status(struct MHD_Connection *c, int status, char *text)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
    return body_send(c, r, status, "text/plain");
}

enum MHD_Result tiktok_serve(void *cls, struct MHD_Connection *c, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_bytes, void **request)
{
    static char no_page[] = "404 page not found", no_method[] = "405 method not allowed";
    static char too_large[] = "413 request entity too large";
    struct body *b = *request;
    bool path_fits = strcmp(url, TRACK_PATH) == 0;
    bool method_fits = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    (void)version;
    if (!b) {
        if (path_fits && method_fits && cut_now(cls)) return MHD_NO;
        *request = body_new();
        return *request ? MHD_YES : MHD_NO;
    }
    if (*upload_bytes) {
        buf_add(&b->bytes, upload, *upload_bytes);
        *upload_bytes = 0;
        return MHD_YES;
    }
    if (!path_fits) return send_status(c, MHD_HTTP_NOT_FOUND, no_page);
    if (!method_fits) return send_status(c, MHD_HTTP_METHOD_NOT_ALLOWED, no_method);
    if (b->bytes.failed) return send_status(c, 413, too_large);
    return answer(cls, c, b);
}
