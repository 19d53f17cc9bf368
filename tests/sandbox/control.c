/*
 * control.c: how a test talks to the stand-in, on a Unix socket that TikTok does not have.
 *
 *   GET  /_sandbox/received?since=SEQ   what was counted, test events apart
 *   GET  /_sandbox/requests             one line for each request: status, code, time, plan
 *   GET  /_sandbox/stats                the totals
 *   POST /_sandbox/reset                forget everything: events, script, refusals, clock
 *   POST /_sandbox/script  [plan, …]    see script.h
 *   POST /_sandbox/refuse  {"event_id":"…","code":40002,"message":"…","index":true}
 *   POST /_sandbox/line    {"down":true|false}
 *   POST /_sandbox/clock   {"offset_s":N}   against the machine's clock
 *   POST /_sandbox/rules   {"token":"…"} or {"event_set":"…"}   what is valid from now on
 */
#include "sandbox/sandbox.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MAX_BYTES = 1024 * 1024 * 1024,
    ARENA_BLOCK_BYTES = 64 * 1024,
    ARENA_MAX_BYTES = 16 * 1024 * 1024,
    DEPTH_MAX = 8,
    VALUES_MAX = 10 * 1000
};

struct order {
    struct sandbox *s;
    const struct json *body; /* NULL: none */
    uint64_t since;
    struct buf *out;
    struct fault *why;
};

static int refuse(const struct order *o, const char *message)
{
    return fault_set(o->why, TILLPOST_E_BAD_REQUEST, NULL, "%s", message);
}

static int get_received(const struct order *o)
{
    store_write_received(o->s->store, o->since, o->out);
    return 0;
}

static int get_requests(const struct order *o)
{
    store_write_requests(o->s->store, o->out);
    return 0;
}

static int get_stats(const struct order *o)
{
    buf_add_char(o->out, '{');
    store_write_totals(o->s->store, o->out);
    buf_printf(o->out, ",\"script_left\":%ld,\"line\":\"%s\"}", script_left(&o->s->script),
               o->s->line ? "up" : "down");
    return 0;
}

static int post_reset(const struct order *o)
{
    store_reset(o->s->store);
    script_clear(&o->s->script);
    o->s->refusal_count = 0;
    o->s->offset_s = 0;
    return 0;
}

static int post_script(const struct order *o)
{
    return script_load(&o->s->script, o->body, o->why);
}

static int post_refuse(const struct order *o)
{
    struct sandbox *s = o->s;
    struct str id = json_string(json_get(o->body, "event_id"));
    const struct json *message = json_get(o->body, "message");
    const struct json *code = json_get(o->body, "code");
    if (s->refusal_count == REFUSALS_MAX) return refuse(o, "too many refusals");
    if (id.len == 0 || id.len >= REFUSAL_TEXT_BYTES) return refuse(o, "which event_id?");
    struct refusal *r = &s->refusals[s->refusal_count++];
    snprintf(r->event_id, sizeof(r->event_id), "%s", id.p);
    snprintf(r->message, sizeof(r->message), "%s",
             message ? json_string(message).p : "Something is wrong with an event.");
    r->code = code ? (int)json_number(code) : CHECK_PARAMETER;
    r->name_index = json_is(json_get(o->body, "index"), JSON_TRUE);
    return 0;
}

static int post_line(const struct order *o)
{
    const struct json *down = json_get(o->body, "down");
    if (!json_is(down, JSON_TRUE) && !json_is(down, JSON_FALSE))
        return refuse(o, "say {\"down\":true} or {\"down\":false}");
    if (!sandbox_line(o->s, json_is(down, JSON_FALSE)))
        return refuse(o, "the port cannot be opened again");
    return 0;
}

static int post_clock(const struct order *o)
{
    const struct json *offset = json_get(o->body, "offset_s");
    if (!json_is(offset, JSON_NUMBER)) return refuse(o, "say {\"offset_s\":N}");
    o->s->offset_s = (int64_t)json_number(offset);
    return 0;
}

/* The old text is left to the process's end: a request may be reading it. */
static int post_rules(const struct order *o)
{
    struct str token = json_string(json_get(o->body, "token"));
    struct str set = json_string(json_get(o->body, "event_set"));
    if (!token.len && !set.len) return refuse(o, "say {\"token\":…} or {\"event_set\":…}");
    char *copy = strdup(token.len ? token.p : set.p);
    if (!copy) return TILLPOST_E_NO_MEMORY;
    if (token.len) o->s->rules.token = copy;
    else o->s->rules.event_set = copy;
    return 0;
}

static const struct {
    const char *method, *path;
    int (*run)(const struct order *);
    bool unlocked; /* takes the lock itself */
} routes[] = {
    {"GET", "/_sandbox/received", get_received, false},
    {"GET", "/_sandbox/requests", get_requests, false},
    {"GET", "/_sandbox/stats", get_stats, false},
    {"POST", "/_sandbox/reset", post_reset, false},
    {"POST", "/_sandbox/script", post_script, false},
    {"POST", "/_sandbox/refuse", post_refuse, false},
    {"POST", "/_sandbox/line", post_line, true},
    {"POST", "/_sandbox/clock", post_clock, false},
    {"POST", "/_sandbox/rules", post_rules, false},
};

static int run(const struct order *o, const char *method, const char *url)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(method, routes[i].method) != 0 || strcmp(url, routes[i].path) != 0) continue;
        if (!routes[i].unlocked) pthread_mutex_lock(&o->s->lock);
        int err = routes[i].run(o);
        if (!routes[i].unlocked) pthread_mutex_unlock(&o->s->lock);
        return err;
    }
    return fault_set(o->why, TILLPOST_E_NOT_FOUND, NULL, "there is no %s %.100s", method, url);
}

static int parse_and_run(struct order *o, struct arena *a, struct str text, const char *method,
                         const char *url)
{
    struct json_limits limits = {CHECK_BODY_MAX_BYTES, DEPTH_MAX, VALUES_MAX};
    if (text.len) {
        int err = json_parse(a, text, &limits, &o->body, o->why);
        if (err < 0) return err;
    }
    int err = run(o, method, url);
    if (err == 0 && o->out->len == 0) buf_add_z(o->out, "{\"ok\":true}");
    return err;
}

static enum MHD_Result answer(struct sandbox *s, struct MHD_Connection *c, const struct body *b,
                              const char *method, const char *url)
{
    struct fault why = {0};
    struct buf out;
    struct arena a;
    const char *since = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "since");
    struct order o = {.s = s, .out = &out, .why = &why};
    int status = MHD_HTTP_OK;
    if (since) o.since = strtoull(since, NULL, 10);
    buf_init(&out, ANSWER_MAX_BYTES);
    arena_init(&a, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    if (parse_and_run(&o, &a, buf_str(&b->bytes), method, url) < 0) {
        status = MHD_HTTP_BAD_REQUEST;
        buf_clear(&out);
        buf_add_z(&out, "{\"message\":");
        json_write_string(&out, str_from(why.message));
        buf_add_char(&out, '}');
    }
    struct MHD_Response *r = MHD_create_response_from_buffer(out.len, out.p, MHD_RESPMEM_MUST_COPY);
    buf_free(&out);
    arena_free(&a);
    return body_send(c, r, status, "application/json");
}

enum MHD_Result control_serve(void *cls, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_bytes, void **request)
{
    struct body *b = *request;
    (void)version;
    if (!b) {
        *request = body_new();
        return *request ? MHD_YES : MHD_NO;
    }
    if (*upload_bytes) {
        buf_add(&b->bytes, upload, *upload_bytes);
        *upload_bytes = 0;
        return MHD_YES;
    }
    return answer(cls, c, b, method, url);
}
