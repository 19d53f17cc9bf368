/* routes.c: the routes of the local API as a table, and what each does. */
#include "agent/agent.h"
#include "agent/export.h"
#include "agent/manage.h"
#include "agent/rows.h"

#include <stdlib.h>
#include <string.h>

typedef void (*handler)(struct agent *a, struct answer *answer, const char *argument);

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

static void handle_rows(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    answer->promises = true;
    answer->status = rows_post(&a->ingest, &a->now, body_of(answer), &answer->body);
}

/* Events out --------------------------------------------------------------------------------- */

/* after=SEQ, which may be absent. */
static int after_query(const struct api_request *r, int64_t *after, struct fault *why)
{
    char text[32];
    uint64_t n = 0;
    if (!api_query(r, "after", text, sizeof text)) return 0;
    if (str_to_u64(str_from(text), &n) < 0 || n > INT64_MAX)
        return fault_set(why, TILLPOST_E_BAD_REQUEST, "after",
                         "after must be the \"next\" of the page before");
    *after = (int64_t)n;
    return 0;
}

/* state=queued|sent|dead, limit=N, after=SEQ; each may be absent. */
static int list_query(const struct api_request *r, char *state, size_t state_bytes, unsigned *limit,
                      int64_t *after, struct fault *why)
{
    char text[32];
    uint64_t n = 0;
    if (!api_query(r, "state", state, state_bytes)) state[0] = 0;
    if (api_query(r, "limit", text, sizeof text)) {
        if (str_to_u64(str_from(text), &n) < 0 || n < 1 || n > MANAGE_LIST_MAX)
            return fault_set(why, TILLPOST_E_BAD_REQUEST, "limit", "limit must be 1 to %d",
                             MANAGE_LIST_MAX);
        *limit = (unsigned)n;
    }
    return after_query(r, after, why);
}

static void handle_events(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    char state[16];
    unsigned limit = MANAGE_LIST;
    int64_t after = 0;
    struct fault why = {0};
    int rc = list_query(&answer->request, state, sizeof state, &limit, &after, &why);
    if (rc >= 0) rc = manage_list(a->queue, str_from(state), limit, after, &answer->body, &why);
    if (rc < 0) refuse(answer, &why);
}

static void handle_event(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    struct fault why = {0};
    if (manage_find(a->queue, answer->request.parameter, &answer->body, &why) < 0)
        refuse(answer, &why);
}

static void handle_change(struct agent *a, struct answer *answer, const char *argument)
{
    struct fault why = {0};
    enum manage_change what = strcmp(argument, "retry") == 0 ? MANAGE_RETRY : MANAGE_DROP;
    int64_t now_s = clock_verify_ms(&a->clock, &a->now) / 1000;
    answer->promises = true;
    int rc = manage_change(a->queue, what, body_of(answer), now_s, &answer->body, &why);
    if (rc < 0) refuse(answer, &why);
    deliver_rows_changed(&a->deliver);
}

static void handle_erase(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    struct fault why = {0};
    if (erase_begin(&a->eraser, a->config, &answer->request, &why) < 0) refuse(answer, &why);
    else answer->later = true;
}

/* Events for an upload by hand ------------------------------------------------------------------ */

static struct export_view view_of(struct agent *a)
{
    struct export_view v = {.queue = a->queue, .clock = &a->clock, .now = &a->now};
    (void)deliver_busy(&a->deliver, &v.busy);
    return v;
}

static void handle_export(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    struct fault why = {0};
    struct export_view v = view_of(a);
    int64_t after = 0;
    int rc = after_query(&answer->request, &after, &why);
    if (rc >= 0) rc = export_page(&v, after, &answer->body, &why);
    if (rc < 0) refuse(answer, &why);
}

/* Deliveries wait for an export that they were in the way of, so that its next try succeeds. */
static void handle_settle(struct agent *a, struct answer *answer, const char *argument)
{
    (void)argument;
    struct fault why = {0};
    struct export_view v = view_of(a);
    answer->promises = true;
    int rc = export_settle(&v, body_of(answer), &answer->body, &why);
    if (rc < 0) refuse(answer, &why);
    deliver_hold(&a->deliver, &a->now, rc == TILLPOST_E_BUSY ? EXPORT_HOLD_MS : 0);
    deliver_rows_changed(&a->deliver);
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

static void handle_page(struct agent *a, struct answer *answer, const char *argument)
{
    (void)a;
    (void)argument;
    struct fault why = {0};
    if (page_write(&answer->body, answer->nonce, &why) < 0) refuse(answer, &why);
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
    X(ROWS,    "POST", "/v1/rows",      API_BATCH_BODY, true,   false, handle_rows,    "") \
    X(EVENTS,  "GET",  "/v1/events",    API_NO_BODY,    false,  false, handle_events,  "") \
    X(EVENT,   "GET",  "/v1/events/*",  API_NO_BODY,    false,  false, handle_event,   "") \
    X(RETRY,    "POST", "/v1/events/retry", API_SMALL_BODY, false, false, handle_change, "retry") \
    X(DROP,     "POST", "/v1/events/drop", API_SMALL_BODY, true, false, handle_change, "drop") \
    X(ERASE,   "POST", "/v1/erase",     API_CALL_BODY,  true,   false, handle_erase,   "") \
    X(EXPORT,  "GET",  "/v1/export",    API_NO_BODY,    true,   false, handle_export,  "") \
    X(SETTLE,  "POST", "/v1/export/settle", API_BATCH_BODY, true, false, handle_settle, "") \
    X(SYNC,    "POST", "/v1/sync",      API_SMALL_BODY, false,  false, handle_sync,    "") \
    X(PAUSE,   "POST", "/v1/pause",     API_SMALL_BODY, false,  false, handle_pause,   "pause") \
    X(RESUME,  "POST", "/v1/resume",    API_SMALL_BODY, false,  false, handle_pause,   "resume") \
    X(STATUS,  "GET",  "/v1/status",    API_NO_BODY,    false,  false, handle_status,  "") \
    X(METRICS, "GET",  "/metrics",      API_NO_BODY,    false,  false, handle_metrics, "") \
    X(HEALTH,  "GET",  "/healthz",      API_NO_BODY,    false,  true,  handle_health,  "") \
    X(PAGE_OF_STATUS, "GET", "/",       API_NO_BODY,    false,  false, handle_page,    "")
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
