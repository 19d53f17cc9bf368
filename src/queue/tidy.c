/*
 * tidy.c: idle work, and the ballast.
 *
 * Each call of queue_tidy does one step of at most a few milliseconds, the first of the table that
 * has something to do. A step that changes rows is a transaction of its own. At rest no step
 * writes.
 *
 * Forgetting goes through `past` in order of seq, which is nearly the order in which rows ended.
 * Rows that ended much later than their neighbours are skipped; when a whole step finds nothing to
 * forget, the pass is over. The next one begins an hour later, from the front.
 *
 * The ballast is a file of random bytes (a file system may compress others away) beside the queue:
 * 2 MiB, on a small disk an eighth of what is free. On a full disk it is removed, so that
 * settling, which needs space in the WAL before it frees any, can go on; pushes wait until a new
 * one could be written. queue.db never has more growth in the WAL alone than three quarters of the
 * ballast, so that with its space a checkpoint succeeds; then the WAL, which keeps its blocks, is
 * written anew from its start.
 */
#include "queue/queue.h"

#include "platform/platform.h"
#include "queue/inside.h"
#include "queue/leave.h"
#include "queue/salvage.h"
#include "tillpost/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    FORGET_EVERY_S = 3600,
    BALLAST_SHARE = 8, /* of the free space, at most */
    BALLAST_LEAST_BYTES = DB_PAGE_BYTES,
    BALLAST_MODE = 0600,
    GROWTH_LEAST_BYTES = 16 * 1024
};

/* The ballast --------------------------------------------------------------------------------- */

void ballast_release(struct queue *q, bool remove_it)
{
    q->full = true;
    q->try_space_ms = platform_mono_ms() + q->limits->space_try_ms;
    if (q->ballast_path == NULL || !remove_it) return;
    (void)remove(q->ballast_path);
    q->ballast_bytes = 0;
}

int64_t ballast_growth_max(const struct queue *q)
{
    int64_t most = q->ballast_bytes / 4 * 3;
    if (q->ballast_path == NULL || most > q->limits->growth_max_bytes)
        return q->limits->growth_max_bytes;
    return most > GROWTH_LEAST_BYTES ? most : GROWTH_LEAST_BYTES;
}

static bool ballast_missing(struct queue *q)
{
    struct stat st;
    if (q->ballast_path == NULL || q->ballast_bytes > 0) return false;
    if (stat(q->ballast_path, &st) == 0) q->ballast_bytes = (int64_t)st.st_size;
    return q->ballast_bytes == 0;
}

static int64_t ballast_wanted(const struct queue *q)
{
    int64_t bytes = platform_free_bytes(q->path) / BALLAST_SHARE;
    if (bytes < 0 || bytes > q->limits->ballast_bytes) return q->limits->ballast_bytes;
    return bytes / DB_PAGE_BYTES * DB_PAGE_BYTES;
}

static bool ballast_make(struct queue *q)
{
    int64_t bytes = ballast_wanted(q);
    if (bytes < BALLAST_LEAST_BYTES) return false;
    void *p = malloc((size_t)bytes);
    if (p == NULL) return false;
    int r = platform_random(p, (size_t)bytes);
    if (r >= 0) r = platform_write_file(q->ballast_path, p, (size_t)bytes, BALLAST_MODE);
    free(p);
    if (r >= 0) q->ballast_bytes = bytes;
    return r >= 0;
}

/* With nothing left to settle, the WAL's space is of more use in a new ballast. */
static bool ballast_remake(struct queue *q)
{
    if (ballast_make(q)) return true;
    if (!q->full || q->oldest_seq != 0 || queue_dirty(q)) return false;
    return db_empty_wal(q->db, NULL) >= 0 && ballast_make(q);
}

bool ballast_ready(struct queue *q)
{
    if (!q->full) return true;
    if (platform_mono_ms() < q->try_space_ms) return false;
    q->try_space_ms = platform_mono_ms() + q->limits->space_try_ms;
    q->full = ballast_missing(q) && !ballast_remake(q);
    return !q->full;
}

/* Steps: 1 something was done, 0 nothing to do, < 0 a fault ----------------------------------- */

static int keep_ballast(struct queue *q, struct fault *why)
{
    (void)why;
    if (platform_mono_ms() < q->try_space_ms || !ballast_missing(q)) return 0;
    q->try_space_ms = platform_mono_ms() + q->limits->space_try_ms;
    if (!ballast_remake(q)) return 0;
    q->full = false;
    return 1;
}

static int64_t spare_pages(const struct queue *q)
{
    return q->size.free_pages - q->limits->free_keep_bytes / DB_PAGE_BYTES;
}

static int checkpoint(struct queue *q, struct fault *why)
{
    bool shrunk = q->shrinking && spare_pages(q) <= 0;
    if (!shrunk && !queue_wants_checkpoint(q, q->limits->wal_idle_bytes)) return 0;
    int r = db_checkpoint(q->db, why);
    if (r < 0) return r;
    if (shrunk) q->shrinking = false;
    return 1;
}

static int merge(struct queue *q, struct fault *why)
{
    if (q->merge_upto == 0 && q->recent.count < q->limits->recent_idle) return 0;
    int r = queue_change(q, why);
    if (r >= 0) r = queue_merge_part(q, why);
    return r < 0 ? r : queue_commit(q, why);
}

/* The rows of this step that may be forgotten go to q->forget. */
static int find_forgettable(struct queue *q, size_t *count, bool *end, struct fault *why)
{
    size_t seen = 0;
    int r;
    *count = 0;
    db_start(q->db, SQL_PAST_AFTER,
             DB_ARGS(DB_ARG_INT(q->forgetting.after_seq), DB_ARG_INT(q->limits->forget_rows)));
    while ((r = db_next(q->db, SQL_PAST_AFTER, why)) > 0) {
        struct recent_entry *e = &q->forget[*count];
        seen++;
        q->forgetting.after_seq = db_int(q->db, SQL_PAST_AFTER, 0);
        if (db_int(q->db, SQL_PAST_AFTER, 4) >= q->forgetting.before_s) continue;
        r = queue_read_id(q, SQL_PAST_AFTER, e);
        if (r < 0) break;
        ++*count;
    }
    db_reset(q->db, SQL_PAST_AFTER);
    *end = seen < q->limits->forget_rows || *count == 0;
    return r;
}

static int forget_rows(struct queue *q, size_t count, struct fault *why)
{
    int r = queue_change(q, why);
    for (size_t i = 0; r >= 0 && i < count; i++) {
        const struct recent_entry *e = &q->forget[i];
        struct str key = {(const char *)e->key.bytes, RECENT_KEY_BYTES};
        recent_remove(&q->recent, &e->key);
        r = db_run(q->db, SQL_KNOWN_REMOVE, DB_ARGS(DB_ARG_BLOB(key)), why);
        if (r >= 0) r = db_run(q->db, SQL_PAST_REMOVE, DB_ARGS(DB_ARG_INT(e->seq)), why);
    }
    return r < 0 ? r : queue_commit(q, why);
}

static int forget(struct queue *q, struct fault *why)
{
    size_t count;
    bool end;
    if (!q->forgetting.on) return 0;
    int r = find_forgettable(q, &count, &end, why);
    if (r < 0) return r;
    if (end) q->forgetting.on = false;
    return count == 0 ? 0 : forget_rows(q, count, why);
}

/* Dead rows have no order of age: the pass goes through all of them. */
static int find_expired(struct queue *q, int64_t *seqs, size_t *count, bool *end, struct fault *why)
{
    struct pass *p = &q->expiring;
    size_t seen = 0;
    int r;
    *count = 0;
    db_start(q->db, SQL_DEAD_AFTER,
             DB_ARGS(DB_ARG_INT(p->after_seq), DB_ARG_INT(q->limits->forget_rows)));
    while ((r = db_next(q->db, SQL_DEAD_AFTER, why)) > 0) {
        p->after_seq = db_int(q->db, SQL_DEAD_AFTER, 0);
        if (db_int(q->db, SQL_DEAD_AFTER, 1) < p->before_s) seqs[(*count)++] = p->after_seq;
        seen++;
    }
    *end = seen < q->limits->forget_rows;
    return r;
}

/* What is dropped counts as ended when its time had come: its id is forgotten in its turn. */
static int expire(struct queue *q, struct fault *why)
{
    int64_t seqs[FORGET_ROWS_MAX];
    size_t count;
    bool end;
    if (!q->expiring.on) return 0;
    int r = find_expired(q, seqs, &count, &end, why);
    if (r < 0) return r;
    if (end) q->expiring.on = false;
    if (count == 0) return end ? 0 : 1;
    r = queue_drop_rows(q, seqs, count, q->expiring.before_s, QUEUE_VALUE_GIVEN_UP_TOTAL, why);
    return r < 0 ? r : queue_commit(q, why);
}

static int give_back(struct queue *q, struct fault *why)
{
    int64_t pages = spare_pages(q), most = q->limits->give_back_pages;
    if (pages <= 0) return 0;
    q->shrinking = true;
    int r = db_give_back(q->db, (unsigned)(pages < most ? pages : most), why);
    if (r >= 0) r = db_size(q->db, &q->size, why);
    return r < 0 ? r : 1;
}

static void plan_pass(struct pass *p, int64_t before_s)
{
    if (p->on) return;
    if (p->before_s != INT64_MIN && before_s - p->before_s < FORGET_EVERY_S) return;
    *p = (struct pass){true, before_s, 0};
}

int queue_tidy(struct queue *q, const struct queue_ages *ages, struct fault *why)
{
    static int (*const steps[])(struct queue *, struct fault *) = {
        salvage_step, keep_ballast, checkpoint, expire, merge, forget, scrub_step, give_back,
    };
    if (queue_dirty(q) || q->visiting > 0) return 0;
    int r = queue_ready(q, why);
    if (r < 0) return r;
    if (ages != NULL) plan_pass(&q->forgetting, ages->forget_before_s);
    if (ages != NULL) plan_pass(&q->expiring, ages->dead_before_s);
    for (size_t i = 0; r == 0 && i < sizeof steps / sizeof steps[0]; i++) r = steps[i](q, why);
    return queue_done(q, r);
}
