/* offline.c: see offline.h. Root becomes the owner of the state directory before it opens it. */
#include "agent/offline.h"

#include "agent/build.h"
#include "agent/erase.h"
#include "agent/export.h"
#include "agent/ingest.h"
#include "agent/manage.h"
#include "agent/open.h"
#include "agent/rows.h"
#include "agent/secrets.h"
#include "agent/stored.h"
#include "api/api.h"
#include "platform/platform.h"

#include <stdio.h>
#include <string.h>

/* Problems ------------------------------------------------------------------------------------ */

enum { PROBLEM_CONFIG, PROBLEM_QUEUE, PROBLEM_STOPPED, PROBLEMS };
/* clang-format off */
static const struct { const char *code, *message, *todo; } problems[PROBLEMS] = {
    [PROBLEM_CONFIG]  = {"config",  "the configuration cannot be used",     "tillpost check"},
    [PROBLEM_QUEUE]   = {"queue",   NULL, /* the fault's own */             "tillpost doctor"},
    [PROBLEM_STOPPED] = {"stopped", "the agent does not run",               "start it: systemctl start tillpost, or tillpost run"},
};
/* clang-format on */

const char *offline_problem_code(size_t i)
{
    return i < PROBLEMS ? problems[i].code : NULL;
}

static void write_problem(struct buf *out, int which, const char *message)
{
    if (out->p[out->len - 1] == '}') buf_add_char(out, ',');
    buf_printf(out, "{\"code\":\"%s\",\"message\":", problems[which].code);
    json_write_string(out, str_from(message ? message : problems[which].message));
    buf_printf(out, ",\"do\":\"%s\"}", problems[which].todo);
}

/* Status -------------------------------------------------------------------------------------- */

static void write_queue(struct buf *out, const struct config *c, struct queue *q)
{
    struct queue_counts n;
    int64_t now_s = platform_wall_ms() / 1000;
    queue_counts(q, &n);
    int64_t age = n.queued && now_s > n.oldest_recorded_s ? now_s - n.oldest_recorded_s : 0;
    buf_add_z(out, "\"paused\":");
    stored_write_pause(q, stored_pause(q), out);
    buf_add_char(out, ',');
    buf_printf(out,
               "\"queue\":{\"queued\":%lld,\"dead\":%lld,\"oldest_age_s\":%lld,"
               "\"size_bytes\":%lld,\"max_size_bytes\":%lld},",
               (long long)n.queued, (long long)n.dead, (long long)age, (long long)n.size_bytes,
               (long long)c->queue.max_size_bytes);
    buf_printf(out, "\"delivery\":{\"sent_total\":%lld,\"last_success_at\":",
               (long long)queue_value(q, QUEUE_VALUE_SENT_TOTAL));
    stored_write_time(out, queue_value(q, QUEUE_VALUE_LAST_SUCCESS) * 1000);
    buf_add_z(out, "},");
}

void offline_status(const struct config *c, bool look, struct buf *out)
{
    struct offline o = {0};
    struct fault why = {0};
    int rc = c && look ? offline_open(&o, c, &why) : TILLPOST_E_NOT_FOUND;
    buf_printf(out, "{\"version\":\"%s\",\"state\":\"stopped\",", build_version());
    if (rc >= 0) write_queue(out, c, o.queue);
    offline_close(&o);
    buf_add_z(out, "\"problems\":[");
    if (!c) write_problem(out, PROBLEM_CONFIG, NULL);
    if (rc < 0 && rc != TILLPOST_E_NOT_FOUND) write_problem(out, PROBLEM_QUEUE, why.message);
    write_problem(out, PROBLEM_STOPPED, NULL);
    buf_add_z(out, "]}");
}

/* The queue ----------------------------------------------------------------------------------- */

/* The owner of the directory is the agent's user, who must own what is made there, too. */
static int become_owner(const char *path)
{
    char directory[SECRET_PATH_BYTES];
    const char *slash = strrchr(path, '/');
    int n = snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
    if (platform_file_stamp(path) != 0) return platform_become_owner(path);
    return n > 0 && n < SECRET_PATH_BYTES ? platform_become_owner(directory) : 0;
}

static int open_as_owner(struct offline *o, const struct config *c, bool may_create,
                         struct fault *why)
{
    o->queue = NULL;
    if (become_owner(c->queue.path) < 0)
        return fault_set(why, TILLPOST_E_DENIED, "", "the owner of %s cannot be acted for",
                         c->queue.path);
    return open_queue(c, may_create, &o->queue, why);
}

int offline_open(struct offline *o, const struct config *c, struct fault *why)
{
    return open_as_owner(o, c, false, why);
}

int offline_make(struct offline *o, const struct config *c, struct fault *why)
{
    return open_as_owner(o, c, true, why);
}

void offline_close(struct offline *o)
{
    queue_close(o->queue);
    o->queue = NULL;
}

int offline_events(struct offline *o, const char *state, int64_t after, struct buf *out,
                   struct fault *why)
{
    return manage_list(o->queue, str_from(state), MANAGE_LIST, after, out, why);
}

int offline_event(struct offline *o, const char *event_id, struct buf *out, struct fault *why)
{
    return manage_find(o->queue, str_from(event_id), out, why);
}

int offline_change(struct offline *o, bool drop, struct str body, struct buf *out,
                   struct fault *why)
{
    int64_t now_s = platform_wall_ms() / 1000,
            verified_s = queue_value(o->queue, QUEUE_VALUE_VERIFIED_TIME_MS) / 1000;
    if (now_s < verified_s) now_s = verified_s;
    int rc = manage_change(o->queue, drop ? MANAGE_DROP : MANAGE_RETRY, body, now_s, out, why);
    if (rc >= 0) rc = queue_commit(o->queue, why);
    return rc < 0 ? rc : 0;
}

int offline_erase(struct offline *o, const struct config *c, struct str body, struct buf *out,
                  struct fault *why)
{
    char hash[PII_HASH_BYTES];
    struct queue_erasure e;
    int rc = erase_read(c, body, hash, why);
    if (rc < 0) return rc;
    queue_erasure_begin(&e);
    while ((rc = queue_erasure_look(o->queue, &e, erase_matches, hash, ERASE_SLICE_MS, why)) > 0) {
    }
    if (rc == 0) rc = queue_erasure_finish(o->queue, &e, platform_wall_ms() / 1000, why);
    if (rc >= 0) erase_write(out, rc);
    queue_erasure_free(&e);
    wipe(hash, sizeof hash);
    return rc < 0 ? rc : 0;
}

static int view_of(struct offline *o, struct clock *clock, struct clock_now *now,
                   struct export_view *out, struct fault *why)
{
    *out = (struct export_view){.queue = o->queue, .clock = clock, .now = now};
    (void)queue_marked(o->queue, &out->busy);
    *now = open_read_clocks();
    return open_clock(o->queue, clock, why);
}

int offline_export(struct offline *o, int64_t after, struct buf *out, struct fault *why)
{
    struct clock clock;
    struct clock_now now;
    struct export_view v;
    int rc = view_of(o, &clock, &now, &v, why);
    return rc < 0 ? rc : export_page(&v, after, out, why);
}

int offline_settle(struct offline *o, struct str body, struct buf *out, struct fault *why)
{
    struct clock clock;
    struct clock_now now;
    struct export_view v;
    int rc = view_of(o, &clock, &now, &v, why);
    if (rc >= 0) rc = export_settle(&v, body, out, why);
    if (rc >= 0) rc = queue_commit(o->queue, why);
    return rc < 0 ? rc : 0;
}

static int refuse(struct buf *out, const struct fault *why)
{
    buf_clear(out);
    api_refusal(out, why);
    return tillpost_err_info(why->err)->http;
}

int offline_dry_run(const struct config *c, const char *type, struct str body, struct buf *out)
{
    struct ingest g;
    struct clock clock;
    struct fault why = {0};
    const struct clock_now now = open_read_clocks();
    if (open_clock(NULL, &clock, &why) < 0) return refuse(out, &why);
    ingest_init(&g, c, NULL, &clock);
    int status = ingest_call(&g, &now, type, body, out);
    ingest_free(&g);
    return status;
}

int offline_rows(struct offline *o, const struct config *c, struct str body, struct buf *out)
{
    struct ingest g;
    struct clock clock;
    struct fault why = {0};
    const struct clock_now now = open_read_clocks();
    if (open_clock(o->queue, &clock, &why) < 0) return refuse(out, &why);
    ingest_init(&g, c, o->queue, &clock);
    int status = rows_post(&g, &now, body, out);
    ingest_free(&g);
    if (o->queue && queue_commit(o->queue, &why) < 0) return refuse(out, &why);
    return status;
}
