/*
 * manage.c: see manage.h. A visitor may not change the queue: rows are gathered, then changed.
 */
#include "agent/manage.h"

#include "agent/deliver.h"
#include "base/json.h"
#include "base/times.h"
#include "queue/queue.h"

#include <string.h>

/* Looking ------------------------------------------------------------------------------------- */

struct listing {
    struct buf *out;
    unsigned count;
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
    return 0;
}

static int state_of(struct str name, enum queue_state *state, struct fault *why)
{
    static const char *const names[] = {"queued", "sent", "dead"};
    *state = QUEUE_QUEUED;
    if (!name.len) return 0;
    for (int i = 0; i < 3; i++) {
        *state = (enum queue_state)i;
        if (str_is(name, names[i])) return 0;
    }
    return fault_set(why, TILLPOST_E_BAD_REQUEST, "state", "state must be queued, sent or dead");
}

int manage_list(struct queue *q, struct str state, unsigned limit, int64_t after, struct buf *out,
                struct fault *why)
{
    struct listing l = {.out = out};
    enum queue_state which;
    int rc = state_of(state, &which, why);
    buf_add_z(out, "{\"events\":[");
    if (rc >= 0) rc = queue_list(q, which, after, limit, write_event, &l, why);
    if (rc < 0) return rc;
    if (l.count == limit) buf_printf(out, "],\"next\":%lld}", (long long)l.last_seq);
    else buf_add_z(out, "],\"next\":null}");
    return 0;
}

int manage_find(struct queue *q, struct str event_id, struct buf *out, struct fault *why)
{
    struct listing l = {.out = out};
    buf_add_z(out, "{\"events\":[");
    int rc = queue_find(q, event_id, write_event, &l, why);
    if (rc < 0) return rc;
    buf_add_z(out, "]}");
    if (l.count) return 0;
    return fault_set(why, TILLPOST_E_NOT_FOUND, "",
                     "no event with this id is known: it never came, or it was delivered longer "
                     "than queue.keep_sent ago");
}

/* Changing ------------------------------------------------------------------------------------ */

enum { GATHER_MAX = 500 };

struct gathering {
    enum manage_change what;
    int64_t seqs[GATHER_MAX];
    bool unclear[GATHER_MAX]; /* TikTok may have counted it, and has forgotten its id */
    unsigned count;
};
struct changes {
    int64_t changed, may_repeat;
    struct buf missing; /* ids, as JSON */
};

static bool may_change(enum manage_change what, enum queue_state state)
{
    return state == QUEUE_DEAD || (what == MANAGE_DROP && state == QUEUE_QUEUED);
}

static int gather(void *ctx, const struct queue_row *row)
{
    struct gathering *g = ctx;
    if (may_change(g->what, row->state)) {
        g->unclear[g->count] =
            str_is(row->reason, deliver_dead[DELIVER_DEAD_UNKNOWN_OUTCOME].reason);
        g->seqs[g->count++] = row->seq;
    }
    return g->count == GATHER_MAX;
}

/* Whoever sends one of unknown outcome again has looked, and is not asked a second time. */
static int retry(struct queue *q, int64_t seq, bool unclear, struct changes *c, struct fault *why)
{
    int rc = queue_retry(q, seq, why);
    if (rc < 0 || !unclear) return rc;
    c->may_repeat++;
    return queue_doubt_clear(q, seq, why);
}

static int change_gathered(struct queue *q, const struct gathering *g, int64_t now_s,
                           struct changes *c, struct fault *why)
{
    for (unsigned i = 0; i < g->count; i++) {
        int rc = g->what == MANAGE_RETRY ? retry(q, g->seqs[i], g->unclear[i], c, why)
                                         : queue_drop(q, g->seqs[i], now_s, why);
        if (rc < 0) return rc;
    }
    c->changed += g->count;
    return queue_add_value(
        q, g->what == MANAGE_RETRY ? QUEUE_VALUE_RETRIED_TOTAL : QUEUE_VALUE_DROPPED_TOTAL,
        g->count, why);
}

static int change_dead(struct queue *q, enum manage_change what, int64_t now_s, struct changes *c,
                       struct fault *why)
{
    struct gathering g = {.what = what};
    do {
        g.count = 0;
        int rc = queue_list(q, QUEUE_DEAD, 0, GATHER_MAX, gather, &g, why);
        if (rc >= 0) rc = change_gathered(q, &g, now_s, c, why);
        if (rc < 0) return rc;
    } while (g.count && c->changed < MANAGE_CHANGE_MAX);
    return 0;
}

static int change_ids(struct queue *q, enum manage_change what, const struct json *ids,
                      int64_t now_s, struct changes *c, struct fault *why)
{
    for (const struct json *id = json_first(ids); id; id = json_next(id)) {
        struct gathering g = {.what = what};
        if (!json_is(id, JSON_STRING))
            return fault_set(why, TILLPOST_E_BAD_REQUEST, "$.ids", "an id must be a string");
        int rc = queue_find(q, json_string(id), gather, &g, why);
        if (rc >= 0) rc = change_gathered(q, &g, now_s, c, why);
        if (rc < 0) return rc;
        if (g.count) continue;
        if (c->missing.len) buf_add_char(&c->missing, ',');
        json_write_string(&c->missing, json_string(id));
    }
    return 0;
}

static int change_request(struct queue *q, enum manage_change what, const struct json *request,
                          int64_t now_s, struct changes *c, struct fault *why)
{
    const struct json *ids = json_get(request, "ids");
    if (json_is(ids, JSON_ARRAY) && json_count(ids) > MANAGE_IDS_MAX)
        return fault_set(why, TILLPOST_E_TOO_LARGE, "$.ids", "more than %d ids: send them in parts",
                         MANAGE_IDS_MAX);
    if (json_is(ids, JSON_ARRAY)) return change_ids(q, what, ids, now_s, c, why);
    if (str_is(json_string(json_get(request, "state")), "dead"))
        return change_dead(q, what, now_s, c, why);
    return fault_set(why, TILLPOST_E_BAD_REQUEST, "$",
                     "the body must be {\"ids\":[…]} or {\"state\":\"dead\"}");
}

int manage_change(struct queue *q, enum manage_change what, struct str body, int64_t now_s,
                  struct buf *out, struct fault *why)
{
    static const struct json_limits limits = {64 * 1024, 3, MANAGE_IDS_MAX + 8};
    const struct json *request = NULL;
    struct arena arena;
    struct changes c = {0};
    struct queue_counts counts;
    arena_init(&arena, (size_t)16 * 1024, (size_t)512 * 1024);
    buf_init(&c.missing, (size_t)256 * 1024);
    int rc = json_parse(&arena, body, &limits, &request, why);
    if (rc >= 0) rc = change_request(q, what, request, now_s, &c, why);
    if (rc >= 0 && !c.changed && c.missing.len)
        rc = fault_set(why, TILLPOST_E_NOT_FOUND, "$.ids",
                       what == MANAGE_RETRY ? "no dead letter has such an id"
                                            : "no queued event or dead letter has such an id");
    queue_counts(q, &counts);
    bool whole = json_is(json_get(request, "ids"), JSON_ARRAY);
    if (rc >= 0) {
        buf_printf(out,
                   "{\"success\":true,\"changed\":%lld,\"left\":%lld,\"may_repeat\":%lld,"
                   "\"not_found\":[",
                   (long long)c.changed, (long long)(whole ? 0 : counts.dead),
                   (long long)c.may_repeat);
        buf_add_str(out, buf_str(&c.missing));
        buf_add_z(out, "]}");
    }
    buf_free(&c.missing);
    arena_free(&arena);
    return rc;
}
