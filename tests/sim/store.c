/*
 * store.c: the agent of one store, on a disk in memory.
 *
 * A turn is that of agent/loop.c: settle → take in sales → plan → one commit → answer → send → tidy.
 * A power cut may fall between any two of them: what the disk holds then is all that the next start
 * finds. (Sectors that are torn or lost are the business of crash/queue_power_cut.c.)
 */
#include "world.h"

#include "agent/deliver_inside.h"
#include "agent/manage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MAX_BYTES = 64 * 1024 };
static const unsigned char key[QUEUE_KEY_BYTES] = {4};

struct clock_now store_clocks(void)
{
    return (struct clock_now){w.now + w.wall_ahead, w.now - w.booted_at + 5000,
                              w.now - w.booted_at + 5000};
}

/* Opening ---------------------------------------------------------------------------------------- */

static void open_queue(void)
{
    static const struct queue_options options = {
        .path = "queue.db", .key = key, .max_size_bytes = 64 << 20, .vfs = MEMORY_VFS};
    struct fault why;
    memory_vfs_use(&w.disk);
    if (queue_open(&options, &w.queue, &why) < 0) wrong("the queue does not open: %s", why.message);
}

static void open_clock(void)
{
    unsigned char boot_id[QUEUE_BOOT_BYTES] = {1};
    memcpy(boot_id + 1, &w.boot, sizeof w.boot);
    const struct clock_memory memory = {queue_value(w.queue, QUEUE_VALUE_VERIFIED_TIME_MS),
                                        queue_value(w.queue, QUEUE_VALUE_VERIFIED_BOOT_MS),
                                        queue_value(w.queue, QUEUE_VALUE_VERIFIED_BOOT)};
    clock_init(&w.clock, BUILT_S, boot_id, &memory);
}

static void open_agent(void)
{
    struct fault why;
    const struct clock_now now = store_clocks();
    open_queue();
    open_clock();
    int rc = deliver_open(&w.deliver, &w.config, w.queue, &w.clock, &now, &why);
    if (rc >= 0) rc = queue_commit(w.queue, &why);
    if (rc < 0) wrong("the agent does not start: %s", why.message);
}

static void configure(void)
{
    static const int64_t most[] = {15 * MINUTE, HOUR, 4 * HOUR};
    struct config *c = &w.config;
    *c = (struct config){0};
    c->tiktok.event_set_id = "7000000000000000001";
    c->tiktok.access_token_file = "token";
    c->queue.max_event_age_ms = AGE_MOST;
    c->queue.keep_sent_ms = AGE_MOST;
    /* Smaller ones may hold nothing but refused events: the rule of 20 then waits for a person. */
    c->sync.batch_events = in(4) ? between(40, 100) : SYNC_BATCH_MAX;
    c->sync.batch_size_bytes = 1 << 20;
    c->sync.retry_first_ms = 1000;
    c->sync.retry_most_ms = most[dice() % 3];
}

/* A till may boot in 1970, or ten years ahead; most know the time. */
static void set_wall(void)
{
    static const int64_t years[] = {1, 10, -10};
    switch (dice() % 8) {
    case 0: w.wall_ahead = -w.now; break;
    case 1: w.wall_ahead = years[dice() % 3] * 365 * DAY; break;
    case 2: w.wall_ahead = between(-HOUR, HOUR); break;
    default: w.wall_ahead = between(-2 * SECOND, 2 * SECOND); break;
    }
}

static void boot(void)
{
    w.boot++;
    w.booted_at = w.now;
    set_wall();
    say("boot %u, the clock is %+.1f days off", w.boot, (double)w.wall_ahead / DAY);
}

void store_open(void)
{
    w.disk.shares_sectors = true; /* a commit is whole or not there: see above */
    configure();
    boot();
    open_agent();
}

static void close_agent(void)
{
    deliver_close(&w.deliver);
    queue_close(w.queue);
}

void store_close(void)
{
    close_agent();
    disk_clear(&w.disk);
}

/* What was stamped in a boot whose time became known keeps that time for good. */
static void note_known_times(void)
{
    if (!w.clock.trusted || w.deliver.correct_from || w.known_boot == w.boot) return;
    w.known_boot = w.boot;
    for (unsigned i = 0; i < w.pushed; i++)
        if (w.events[i].boot == w.boot) w.events[i].time_is_known = true;
}

/* The mark of what is in flight, or was a moment ago, may be found by the next start; and if the
 * commit that takes it off fails, by any later one. */
static void note_mark(bool stays)
{
    const bool marked = w.served && (stays || w.now - w.reply_at <= DELIVER_MARK_KEEP_MS);
    for (unsigned i = 0; marked && i < w.in_body_count; i++)
        tiktok_note_unclear(&w.events[w.in_body[i]]);
}

/* The disk as it is now is what the next start finds. */
static void stop_dead(void)
{
    w.disk.frozen = true;
    close_agent();
    w.disk.frozen = false;
    w.disk.fault = (struct disk_fault){0};
}

void store_restart(enum stop stop)
{
    if (w.under_way || stop != STOP_CLEAN) note_mark(w.under_way);
    if (stop == STOP_CLEAN) {
        (void)deliver_rest(&w.deliver, NULL);
        close_agent();
    }
    if (stop != STOP_CLEAN) stop_dead();
    w.restarts++;
    w.prompted = true;
    if (stop == STOP_POWER) boot();
    say("the agent starts");
    open_agent();
}

/* A turn ----------------------------------------------------------------------------------------- */

static int push_one(unsigned n, const struct clock_now *now, struct fault *why)
{
    struct event *e = &w.events[n];
    char id[16];
    int64_t seq;
    (void)snprintf(id, sizeof id, "e%u", n);
    const bool odd = clock_state(&w.clock, now) == CLOCK_STATE_IMPLAUSIBLE;
    const struct queue_event row = {
        .event_id = str_from(id),
        .event = STR("Purchase"),
        .key_event = STR("Purchase"),
        .rest = STR("{\"user\":{}}"),
        .occurred_ms = e->own_time ? e->sold_at : clock_truth_ms(&w.clock, now),
        .recorded_s = clock_truth_ms(&w.clock, now) / 1000,
        .stamped = !e->own_time && !w.clock.trusted,
        .unjudged = odd,
        .boot_ms = now->boot_ms,
        .boot_id = w.clock.boot_id,
    };
    int rc = queue_push(w.queue, &row, &seq, why);
    if (rc == 0) {
        e->boot = w.boot;
        e->time_is_known = w.clock.trusted;
        if (!e->own_time) e->sold_at = w.now; /* the repeat of a sale whose row is gone */
    }
    return rc < 0 ? rc : 0;
}

static int take_sales(const struct clock_now *now, unsigned *upto, struct fault *why)
{
    int rc = 0;
    *upto = w.pushed;
    while (rc >= 0 && *upto < w.sold && *upto - w.pushed < SALES_A_TURN_MAX)
        rc = push_one((*upto)++, now, why);
    return rc;
}

static void answer(unsigned upto)
{
    for (; w.pushed < upto; w.pushed++) w.events[w.pushed].acknowledged = true;
}

/* Control: gone before TikTok has said yes. */
static void settle_early(struct fault *why)
{
    if (w.broken != SETTLED_BEFORE_REPLY || !w.sent_now || w.deliver.rows == 0) return;
    (void)queue_settle(w.queue, w.deliver.seqs, w.deliver.rows, w.now / 1000, why);
}

static void tidy(const struct clock_now *now, struct fault *why)
{
    if (queue_dirty(w.queue) || !in(32)) return;
    const int64_t now_s = clock_truth_ms(&w.clock, now) / 1000;
    const struct queue_ages ages = {now_s - w.config.queue.keep_sent_ms / 1000, INT64_MIN};
    for (int rc = 1, steps = 0; rc == 1 && steps < 8; steps++)
        rc = queue_tidy(w.queue, w.clock.trusted ? &ages : NULL, why);
}

static bool cut_here(enum cut_at cut, enum cut_at here)
{
    if (cut != here) return false;
    say("the power fails (%d)", (int)here);
    store_restart(STOP_POWER);
    return true;
}

bool store_turn(enum cut_at cut)
{
    struct deliver *d = &w.deliver;
    const struct clock_now now = store_clocks();
    struct fault why = {0};
    unsigned upto = w.pushed;
    w.sent_now = false;
    int rc = deliver_settle(d, &now, &why);
    if (cut_here(cut, CUT_SETTLED)) return true;
    if (rc >= 0) rc = take_sales(&now, &upto, &why);
    if (w.broken == ANSWERED_BEFORE_COMMIT) answer(upto);
    if (cut_here(cut, CUT_PUSHED)) return true;
    if (rc >= 0) rc = deliver_plan(d, &now, &why);
    if (cut_here(cut, CUT_PLANNED)) return true;
    if (rc >= 0) rc = queue_commit(w.queue, &why);
    else queue_rollback(w.queue);
    if (cut_here(cut, CUT_COMMITTED)) return true;
    w.refused = rc < 0;
    if (rc < 0) {
        say("the commit fails: %s", why.message);
        note_mark(true);
        deliver_commit_failed(d);
        return false;
    }
    answer(upto);
    note_known_times();
    if (cut_here(cut, CUT_ANSWERED)) return true;
    deliver_send(d, &now);
    tiktok_serve();
    settle_early(&why);
    if (w.sent_now && cut_here(cut, CUT_SENT)) return true;
    tidy(&now, &why);
    return false;
}

/* While a fault pauses, the agent looks every two seconds for a new token: that is told apart, so
 * that a paused month does not take a million turns. */
int64_t store_next_turn(void)
{
    const struct clock_now now = store_clocks();
    if (queue_dirty(w.queue)) return w.now + 1;
    if (w.pushed < w.sold) return w.now + (w.refused ? SECOND : 1); /* the register repeats */
    int64_t wait = deliver_timeout_ms(&w.deliver, &now);
    if (wait == DELIVER_TOKEN_POLL_MS && w.token_stamp == w.deliver.token.stamp) {
        wait = sync_next_try_ms(&w.deliver.sync, now.mono_ms);
        if (wait < 0) wait = DAY;
    }
    int64_t at = w.now + (wait >= DAY ? DAY : wait > 0 ? wait : 1);
    return w.under_way && w.reply_at < at ? w.reply_at : at;
}

/* A person ---------------------------------------------------------------------------------------- */

static int gather(void *ctx, const struct queue_row *row)
{
    struct buf *ids = ctx;
    const struct event *e = &w.events[strtoul(row->event_id.p + 1, NULL, 10)];
    if (str_is(row->reason, "unknown_outcome") && e->counted) return 0;
    buf_printf(ids, "%s\"%.*s\"", ids->len ? "," : "", (int)row->event_id.len, row->event_id.p);
    return 0;
}

/* A technician gives back what was set aside, but not what Events Manager shows as counted. */
void store_retry_dead(void)
{
    struct buf ids, body, answer;
    struct fault why;
    buf_init(&ids, RETRY_MAX_BYTES);
    buf_init(&body, RETRY_MAX_BYTES);
    buf_init(&answer, RETRY_MAX_BYTES);
    int rc = queue_list(w.queue, QUEUE_DEAD, 0, EVENTS_MAX, gather, &ids, &why);
    buf_printf(&body, "{\"ids\":[%s]}", ids.len ? ids.p : "");
    if (rc >= 0) rc = manage_change(w.queue, MANAGE_RETRY, buf_str(&body), 0, &answer, &why);
    if (rc >= 0) say("a technician: %s", answer.p);
    if (rc >= 0) deliver_rows_changed(&w.deliver);
    buf_free(&ids);
    buf_free(&body);
    buf_free(&answer);
}
