/* offline.c: see offline.h. Root becomes the owner of the state directory before it opens it. */
#include "agent/offline.h"

#include "agent/build.h"
#include "agent/ingest.h"
#include "agent/manage.h"
#include "agent/open.h"
#include "base/times.h"
#include "platform/platform.h"

static void write_status(struct buf *out, const struct config *c, struct queue *q)
{
    struct queue_counts n;
    char text[TIMES_TEXT_BYTES];
    int64_t now_s = platform_wall_ms() / 1000, last_s = queue_value(q, QUEUE_VALUE_LAST_SUCCESS);
    queue_counts(q, &n);
    int64_t age = n.queued && now_s > n.oldest_recorded_s ? now_s - n.oldest_recorded_s : 0;
    buf_printf(out, "{\"version\":\"%s\",\"state\":\"stopped\",\"paused\":null,", build_version());
    buf_printf(out,
               "\"queue\":{\"queued\":%lld,\"dead\":%lld,\"oldest_age_s\":%lld,"
               "\"size_bytes\":%lld,\"max_size_bytes\":%lld},",
               (long long)n.queued, (long long)n.dead, (long long)age, (long long)n.size_bytes,
               (long long)c->queue.max_size_bytes);
    times_format(last_s * 1000, text);
    buf_printf(out, "\"delivery\":{\"sent_total\":%lld,\"last_success_at\":%s%s%s},",
               (long long)queue_value(q, QUEUE_VALUE_SENT_TOTAL), last_s ? "\"" : "",
               last_s ? text : "null", last_s ? "\"" : "");
    buf_add_z(out, "\"problems\":[{\"code\":\"stopped\",\"message\":\"the agent does not run\","
                   "\"do\":\"start it: systemctl start tillpost, or tillpost run\"}]}");
}

int offline_open(struct offline *o, const struct config *c, struct fault *why)
{
    o->queue = NULL;
    if (platform_become_owner(c->queue.path) < 0)
        return fault_set(why, TILLPOST_E_DENIED, "", "the owner of %s cannot be acted for",
                         c->queue.path);
    return open_queue(c, false, &o->queue, why);
}

void offline_close(struct offline *o)
{
    queue_close(o->queue);
    o->queue = NULL;
}

int offline_status(const struct config *c, struct buf *out, struct fault *why)
{
    struct offline o;
    int rc = offline_open(&o, c, why);
    if (rc < 0) return rc;
    write_status(out, c, o.queue);
    offline_close(&o);
    return 0;
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
    int64_t now_s = platform_wall_ms() / 1000;
    int rc = manage_change(o->queue, drop ? MANAGE_DROP : MANAGE_RETRY, body, now_s, out, why);
    if (rc >= 0) rc = queue_commit(o->queue, why);
    return rc < 0 ? rc : 0;
}

int offline_dry_run(const struct config *c, const char *type, struct str body, struct buf *out)
{
    struct ingest g;
    struct clock clock;
    unsigned char boot_id[QUEUE_BOOT_BYTES] = {0};
    const struct clock_memory nothing = {0};
    const struct clock_now now = {platform_wall_ms(), platform_mono_ms(), platform_boot_ms()};
    (void)platform_boot_id(boot_id);
    clock_init(&clock, build_time_s(), boot_id, &nothing);
    ingest_init(&g, c, NULL, &clock);
    int status = ingest_call(&g, &now, type, body, out);
    ingest_free(&g);
    return status;
}
