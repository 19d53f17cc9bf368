/* routes.c: the routes of the local API as a table, and what each does. */
#include "agent/agent.h"
#include "base/times.h"

#include <stdlib.h>
#include <string.h>

typedef void (*handler)(struct agent *a, struct answer *answer, const char *argument);

enum { EVENTS_LIMIT = 100, EVENTS_LIMIT_MAX = 1000 };

static void refuse(struct answer *answer, const struct fault *why)
{
    buf_clear(&answer->body);
    api_refusal(&answer->body, why);
    answer->status = tillpost_err_info(why->err)->http;
}

static struct str body_of(const struct answer *answer)
{
    return (struct str){answer->request.body, answer->request.body_len};
}

/* Events in ---------------------------------------------------------------------------------- */

static void handle_call(struct agent *a, struct answer *answer, const char *type)
{
    answer->promises = true;
    answer->status = ingest_call(&a->ingest, &a->now, type, body_of(answer), &answer->body);
}

static void handle_batch(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    answer->promises = true;
    answer->status = ingest_batch(&a->ingest, &a->now, body_of(answer), &answer->body);
}

/* Events out --------------------------------------------------------------------------------- */

struct listing {
    struct buf *out;
    unsigned count, limit;
    int64_t last_seq;
};

static void write_time(struct buf *out, const char *key, int64_t unix_ms)
{
    char text[TIMES_TEXT_BYTES];
    times_format(unix_ms, text);
    buf_printf(out, ",\"%s\":\"%s\"", key, text);
}

static void write_optional(struct buf *out, const char *key, struct str value)
{
    buf_printf(out, ",\"%s\":", key);
    if (value.len) json_write_string(out, value);
    else buf_add_z(out, "null");
}

static int write_event(void *ctx, const struct queue_row *row)
{
    static const char *const states[] = {"queued", "sent", "dead", "dropped"};
    struct listing *l = ctx;
    if (l->count++) buf_add_char(l->out, ',');
    buf_printf(l->out, "{\"seq\":%lld,\"event_id\":", (long long)row->seq);
    json_write_string(l->out, row->event_id);
    buf_add_z(l->out, ",\"event\":");
    json_write_string(l->out, row->event);
    buf_printf(l->out, ",\"state\":\"%s\"", states[row->state]);
    write_time(l->out, "occurred_at", row->occurred_ms);
    write_time(l->out, "recorded_at", row->recorded_s * 1000);
    write_optional(l->out, "reason", row->reason);
    write_optional(l->out, "message", row->message);
    buf_add_char(l->out, '}');
    l->last_seq = row->seq;
    return l->limit && l->count == l->limit;
}

/* state=queued|sent|dead, limit=N, after=SEQ; each may be absent. */
static int list_query(const struct api_request *r, enum queue_state *state, unsigned *limit,
                      int64_t *after, struct fault *why)
{
    static const char *const names[] = {"queued", "sent", "dead"};
    char text[32];
    uint64_t n = 0;
    if (api_query(r, "state", text, sizeof text)) {
        size_t i = 0;
        while (i < 3 && strcmp(text, names[i]) != 0) i++;
        if (i == 3)
            return fault_set(why, TILLPOST_E_BAD_REQUEST, "state",
                             "state must be queued, sent or dead");
        *state = (enum queue_state)i;
    }
    *limit = EVENTS_LIMIT;
    if (api_query(r, "limit", text, sizeof text)) {
        if (str_to_u64(str_from(text), &n) < 0 || n < 1 || n > EVENTS_LIMIT_MAX)
            return fault_set(why, TILLPOST_E_BAD_REQUEST, "limit", "limit must be 1 to %d",
                             EVENTS_LIMIT_MAX);
        *limit = (unsigned)n;
    }
    if (api_query(r, "after", text, sizeof text)) {
        if (str_to_u64(str_from(text), &n) < 0 || n > INT64_MAX)
            return fault_set(why, TILLPOST_E_BAD_REQUEST, "after",
                             "after must be the \"next\" of the page before");
        *after = (int64_t)n;
    }
    return 0;
}

static void handle_events(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    enum queue_state state = QUEUE_QUEUED;
    struct listing l = {.out = &answer->body};
    int64_t after = 0;
    struct fault why = {0};
    int rc = list_query(&answer->request, &state, &l.limit, &after, &why);
    buf_add_z(&answer->body, "{\"events\":[");
    if (rc >= 0) rc = queue_list(a->queue, state, after, l.limit, write_event, &l, &why);
    if (rc < 0) {
        refuse(answer, &why);
        return;
    }
    if (l.count == l.limit)
        buf_printf(&answer->body, "],\"next\":%lld}", (long long)l.last_seq);
    else buf_add_z(&answer->body, "],\"next\":null}");
}

static void handle_event(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    struct listing l = {.out = &answer->body};
    struct fault why = {0};
    buf_add_z(&answer->body, "{\"events\":[");
    int rc = queue_find(a->queue, answer->request.parameter, write_event, &l, &why);
    if (rc >= 0 && !l.count)
        rc = fault_set(&why, TILLPOST_E_NOT_FOUND, "",
                       "no event with this id is known: it never came, or it was delivered longer "
                       "than queue.keep_sent ago");
    if (rc < 0) refuse(answer, &why);
    else buf_add_z(&answer->body, "]}");
}

/* The operator ------------------------------------------------------------------------------- */

static void handle_sync(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    deliver_try_now(&a->deliver, &a->now);
    buf_add_z(&answer->body, "{\"success\":true}");
}

static void handle_pause(struct agent *a, struct answer *answer, const char *argument)
{
    struct fault why = {0};
    bool pause = strcmp(argument, "pause") == 0;
    answer->promises = true;
    if (deliver_operator_pause(&a->deliver, &a->now, pause, &why) < 0) refuse(answer, &why);
    else buf_printf(&answer->body, "{\"success\":true,\"paused\":%s}", pause ? "true" : "false");
}

static void handle_status(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    agent_write_status(a, &answer->body);
}

static void handle_metrics(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
    agent_write_metrics(a, &answer->body);
}

static void handle_health(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    if (a->storage_failed) refuse(answer, &a->storage_why);
    else buf_add_z(&answer->body, "{\"status\":\"ok\"}");
}

/* clang-format off */
#define ROUTES(X) \
/*    id       method  path             body            local   open   handler         argument */ \
    X(TRACK,   "POST", "/v1/track",     API_CALL_BODY,  false,  false, handle_call,    "track") \
    X(PAGE,    "POST", "/v1/page",      API_CALL_BODY,  false,  false, handle_call,    "page") \
    X(SCREEN,  "POST", "/v1/screen",    API_CALL_BODY,  false,  false, handle_call,    "screen") \
    X(IDENTIFY,"POST", "/v1/identify",  API_CALL_BODY,  false,  false, handle_call,    "identify") \
    X(GROUP,   "POST", "/v1/group",     API_CALL_BODY,  false,  false, handle_call,    "group") \
    X(ALIAS,   "POST", "/v1/alias",     API_CALL_BODY,  false,  false, handle_call,    "alias") \
    X(BATCH,   "POST", "/v1/batch",     API_BATCH_BODY, false,  false, handle_batch,   "") \
    X(IMPORT,  "POST", "/v1/import",    API_BATCH_BODY, false,  false, handle_batch,   "") \
    X(EVENTS,  "GET",  "/v1/events",    API_NO_BODY,    false,  false, handle_events,  "") \
    X(EVENT,   "GET",  "/v1/events/*",  API_NO_BODY,    false,  false, handle_event,   "") \
    X(SYNC,    "POST", "/v1/sync",      API_SMALL_BODY, false,  false, handle_sync,    "") \
    X(PAUSE,   "POST", "/v1/pause",     API_SMALL_BODY, false,  false, handle_pause,   "pause") \
    X(RESUME,  "POST", "/v1/resume",    API_SMALL_BODY, false,  false, handle_pause,   "resume") \
    X(STATUS,  "GET",  "/v1/status",    API_NO_BODY,    false,  false, handle_status,  "") \
    X(METRICS, "GET",  "/metrics",      API_NO_BODY,    false,  false, handle_metrics, "") \
    X(HEALTH,  "GET",  "/healthz",      API_NO_BODY,    false,  true,  handle_health,  "")
/* clang-format on */

enum route_id {
#define X(id, method, path, body, local, open, handle, argument) ROUTE_##id,
    ROUTES(X)
#undef X
    ROUTE_COUNT
};

const struct api_route agent_routes[] = {
#define X(id, method, path, body, local, open, handle, argument) \
    {method, path, ROUTE_##id, body, local, open},
    ROUTES(X)
#undef X
};
const size_t agent_route_count = ROUTE_COUNT;

static const struct {
    handler handle;
    const char *argument;
} handlers[] = {
#define X(id, method, path, body, local, open, handle, argument) [ROUTE_##id] = {handle, argument},
    ROUTES(X)
#undef X
};

void agent_handle(struct agent *a, struct answer *answer)
{
    int route = answer->request.route;
    answer->status = 200;
    handlers[route].handle(a, answer, handlers[route].argument);
    if (!answer->body.failed) return;
    struct fault why = {0};
    (void)fault_set(&why, TILLPOST_E_NO_MEMORY, "", "the answer does not fit into memory");
    refuse(answer, &why);
}
