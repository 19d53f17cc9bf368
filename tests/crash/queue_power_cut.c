/*
 * queue_power_cut.c: the real queue on a disk in memory, cut off at every write.
 *
 * A seeded workload (sales alone and in groups, marks, deliveries, dead letters, retries, drops,
 * erasures, doubts, forgetting, merging, shrinking, checkpoints, restarts) runs once and leaves a log of
 * every write, truncation and sync, and a list of points: after each call that returned, how long
 * the log was and a digest of all that the queue then answered. Then, for cut after cut, the disk
 * is built as a power cut may leave it (memory_vfs.h), the queue is opened on it, and its digest
 * must be that of the last point before the cut or of the one after: nothing acknowledged is lost,
 * nothing half done is seen, nothing settled comes back. SQLite's integrity_check must be content
 * too.
 *
 * The harness is harnessed: on a disk that lies about the WAL's sync, with commits that end within
 * a sector (psow=1), and for an agent that answers before it commits, it has to report losses.
 * Failing writes and syncs are injected in the same way; what failed may be there or not, what was
 * acknowledged must.
 *
 * TILLPOST_SOAK=1 runs 25,000 cuts instead of 3,000, and more failures. TILLPOST_SEED=N replays
 * one seed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory_vfs.h"
#include "queue/erase.h"
#include "queue/leave.h"
#include "queue/limits.h"
#include "queue/queue.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH "queue.db"
enum {
    STEPS = 500,
    POINTS_MAX = 4096,
    LIST_ALL = 1000000,
    CUTS = 3000,
    CUTS_SOAK = 25000,
    CUTS_CONTROL = 300,
    FAULTS = 60,
    FAULTS_SOAK = 1500,
    REST_MAX_BYTES = 9000,
    ROW_BYTES = 160, /* at least, of a row beside its text */
    LEAVE_BYTES = 4096,
    FIND_EVERY = 5
};

/* Every corner comes soon. */
static const struct limits small = {
    .wal_max_bytes = 96 * 1024,
    .wal_idle_bytes = 64 * 1024,
    .growth_max_bytes = 64 * 1024,
    .change_max_bytes = 1 << 20, /* no transaction is committed but by a step */
    .leave_max_bytes = LEAVE_BYTES,
    .space_try_ms = 0,
    .spare_bytes = 64 * 1024,
    .free_keep_bytes = 16 * 1024,
    .give_back_pages = 4,
    .forget_rows = 8,
    .recent_max = 64,
    .recent_spare = 24,
    .recent_idle = 20,
    .recent_must = 32,
};
static const unsigned char key[QUEUE_KEY_BYTES] = {7};

/* The digest of all that a queue answers ------------------------------------------------------ */

static uint64_t mix(uint64_t h, const void *p, size_t len)
{
    const unsigned char *c = p;
    for (size_t i = 0; i < len; i++) h = (h ^ c[i]) * UINT64_C(0x100000001b3);
    return (h ^ len) * UINT64_C(0x9e3779b97f4a7c15);
}

struct digesting {
    struct queue *q;
    struct buf rest;
    uint64_t hash;
    bool failed;
    char ids[2048][24];
    int64_t seqs[2048];
    size_t count;
};

static int digest_row(void *ctx, const struct queue_row *row)
{
    struct digesting *d = ctx;
    const struct str *texts[] = {&row->event_id, &row->event, &row->test_code, &row->reason,
                                 &row->message};
    int64_t numbers[] = {row->seq,
                         row->state,
                         row->occurred_ms,
                         row->recorded_s,
                         row->stamped,
                         row->unjudged,
                         row->boot_ms,
                         row->ended_s,
                         0,
                         0};
    struct queue_range doubt = {0};
    if (row->state == QUEUE_QUEUED) {
        numbers[8] = queue_doubt_find(d->q, row->seq, &doubt) ? doubt.since_s : 0;
        buf_clear(&d->rest);
        d->failed |= queue_unseal(d->q, row->seq, &d->rest, NULL) < 0;
        d->failed |= d->rest.len != row->rest_len;
        d->hash = mix(d->hash, d->rest.p, d->rest.len);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        d->hash = mix(d->hash, texts[i]->p ? texts[i]->p : "", texts[i]->len);
    d->hash = mix(d->hash, numbers, sizeof numbers);
    d->hash = mix(d->hash, row->boot_id, sizeof row->boot_id);
    if (d->count < 2048 && row->event_id.len < sizeof d->ids[0]) {
        memset(d->ids[d->count], 0, sizeof d->ids[0]);
        memcpy(d->ids[d->count], row->event_id.p, row->event_id.len);
        d->seqs[d->count++] = row->seq;
    }
    return 0;
}

struct finding {
    int64_t seq;
    bool found;
};

static int find_seq(void *ctx, const struct queue_row *row)
{
    struct finding *f = ctx;
    if (row->seq == f->seq) f->found = true;
    return 0;
}

/* Of all, and of what forgetting does not change. false: something could not be read, or a row is
 * not found under its id. */
struct digest {
    uint64_t all, unforgettable;
};

static bool digest(struct queue *q, struct digest *out)
{
    static struct digesting d;
    struct queue_counts c;
    struct queue_range mark = {0};
    d.q = q;
    d.hash = 1;
    d.failed = false;
    d.count = 0;
    buf_init(&d.rest, QUEUE_ROW_MAX_BYTES);
    static const enum queue_state states[] = {QUEUE_QUEUED, QUEUE_DEAD, QUEUE_SENT, QUEUE_DROPPED};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        d.failed |= queue_list(q, states[i], 0, LIST_ALL, digest_row, &d, NULL) < 0;
        if (states[i] == QUEUE_DEAD) out->unforgettable = d.hash;
    }
    queue_counts(q, &c);
    queue_marked(q, &mark);
    int64_t numbers[] = {
        c.queued,   c.dead,    c.oldest_seq, c.newest_seq,        c.oldest_recorded_s,
        mark.first, mark.last, mark.since_s, queue_doubt_count(q)};
    d.hash = mix(d.hash, numbers, sizeof numbers);
    for (int v = 0; v < QUEUE_VALUE_COUNT; v++) {
        int64_t value = queue_value(q, (enum queue_value)v);
        d.hash = mix(d.hash, &value, sizeof value);
    }
    for (size_t i = 0; i < d.count; i += FIND_EVERY) {
        struct finding f = {.seq = d.seqs[i]};
        d.failed |= queue_find(q, str_from(d.ids[i]), find_seq, &f, NULL) < 0 || !f.found;
    }
    buf_free(&d.rest);
    out->all = d.hash;
    return !d.failed;
}

/* The workload -------------------------------------------------------------------------------- */

struct point {
    size_t log_len;
    struct digest digest;
    struct digest tried; /* by a call that failed on the way here: may be there for a while */
};
struct world {
    struct disk disk;
    struct queue *q;
    uint64_t seed;
    int64_t now_s, next_id;
    bool answers_early; /* control */
    struct point *points;
    size_t point_count;
    struct digest tried; /* by the last call */
    long commits;
    long faults_counted; /* syncs that failed, by the queue's own count */
    long faults_unseen;  /* that came when there was no queue that could count */
};

static unsigned roll(struct world *w, unsigned n)
{
    return (unsigned)(chance_next(&w->seed) % n);
}

static int open_queue(struct world *w)
{
    const struct queue_options options = {PATH, key, 4 << 20, MEMORY_VFS};
    long left = w->disk.fault.times;
    int r = queue_open_limited(&options, &small, &w->q, NULL);
    if (r < 0) w->faults_unseen += left - w->disk.fault.times;
    return r;
}

static void close_queue(struct world *w)
{
    long left = w->disk.fault.times;
    if (w->q != NULL) w->faults_counted += (long)queue_sync_failures(w->q);
    queue_close(w->q);
    w->faults_unseen += left - w->disk.fault.times;
}

static void note_point(struct world *w, size_t log_len)
{
    assert_true(w->point_count < POINTS_MAX);
    struct point *p = &w->points[w->point_count++];
    p->log_len = log_len;
    assert_true(digest(w->q, &p->digest));
}

static int push_one(struct world *w)
{
    static char rest[REST_MAX_BYTES];
    static const char *const names[] = {"Purchase", "Lead", "CompletePayment"};
    char id[24];
    unsigned kind = roll(w, 8);
    size_t len = kind == 0 ? 4000 + roll(w, REST_MAX_BYTES - 4000) : 20 + roll(w, 900);
    unsigned name = roll(w, 3);
    unsigned char boot[QUEUE_BOOT_BYTES] = {9};
    int64_t seq;
    for (size_t i = 0; i < len; i++) rest[i] = (char)chance_next(&w->seed);
    /* Some ids come twice, under the same name and under others. */
    int64_t n = roll(w, 10) == 0 && w->next_id > 0 ? roll(w, (unsigned)w->next_id) : w->next_id++;
    (void)snprintf(id, sizeof id, "sale-%lld", (long long)n);
    struct queue_event e = {
        .event_id = str_from(id),
        .event = str_from(names[name]),
        .key_event = str_from(names[name == 2 ? 0 : name]),
        .rest = {rest, len},
        .test_code = kind == 1 ? STR("TEST1") : (struct str){0},
        .occurred_ms = w->now_s * 1000 + 5,
        .recorded_s = w->now_s,
        .stamped = kind == 2,
        .unjudged = kind == 3,
        .boot_ms = 77,
        .boot_id = boot,
    };
    return queue_push(w->q, &e, &seq, NULL);
}

static int push_some(struct world *w)
{
    unsigned n = roll(w, 3) == 0 ? 1 + roll(w, 12) : 1;
    int r = 0;
    for (unsigned i = 0; r >= 0 && i < n; i++) r = push_one(w);
    if (r >= 0 && roll(w, 2)) {
        struct queue_counts c;
        queue_counts(w->q, &c);
        struct queue_range mark = {c.oldest_seq, c.newest_seq, w->now_s};
        if (c.queued > 0) r = queue_mark(w->q, &mark, NULL);
    }
    return r;
}

struct collecting {
    int64_t seqs[64];
    size_t count, max, bytes;
};

/* What is settled in several transactions would be no step of its own. */
static int collect(void *ctx, const struct queue_row *row)
{
    struct collecting *c = ctx;
    c->bytes += row->rest_len + ROW_BYTES;
    if (c->count > 0 && c->bytes > LEAVE_BYTES) return 1;
    c->seqs[c->count++] = row->seq;
    return c->count == c->max;
}

static int collect_some(struct world *w, enum queue_state state, unsigned max, struct collecting *c)
{
    c->count = c->bytes = 0;
    c->max = max;
    return queue_list(w->q, state, 0, max, collect, c, NULL);
}

/* On a full disk the queue commits what is beyond 16 rows by itself. */
static int settle_some(struct world *w)
{
    struct collecting c;
    unsigned most = w->disk.fault.kind == DISK_FAULT_FULL ? 16 : 40;
    int r = collect_some(w, QUEUE_QUEUED, 1 + roll(w, most), &c);
    if (r < 0 || c.count == 0) return r;
    r = queue_settle(w->q, c.seqs, c.count, w->now_s, NULL);
    if (r >= 0)
        r = queue_set_value(w->q, QUEUE_VALUE_SENT_TOTAL,
                            queue_value(w->q, QUEUE_VALUE_SENT_TOTAL) + (int64_t)c.count, NULL);
    return r < 0 ? r : queue_mark(w->q, NULL, NULL);
}

static int bury_one(struct world *w)
{
    struct collecting c;
    int r = collect_some(w, QUEUE_QUEUED, 1 + roll(w, 5), &c);
    if (r < 0 || c.count == 0) return r;
    return queue_bury(w->q, c.seqs[c.count - 1], "tiktok_40002", "no such event", w->now_s, NULL);
}

static int retry_one(struct world *w)
{
    struct collecting c;
    int r = collect_some(w, QUEUE_DEAD, 1, &c);
    return r < 0 || c.count == 0 ? r : queue_retry(w->q, c.seqs[0], NULL);
}

static int drop_one(struct world *w)
{
    struct collecting c;
    int r = collect_some(w, roll(w, 2) ? QUEUE_DEAD : QUEUE_QUEUED, 3, &c);
    return r < 0 || c.count == 0 ? r : queue_drop(w->q, c.seqs[c.count - 1], w->now_s, NULL);
}

static int doubt_some(struct world *w)
{
    struct collecting c;
    int r = collect_some(w, QUEUE_QUEUED, 2 + roll(w, 20), &c);
    if (r < 0 || c.count == 0) return r;
    struct queue_range range = {c.seqs[0], c.seqs[c.count - 1], w->now_s};
    return queue_doubt_add(w->q, &range, NULL);
}

/* clang-format off */
static const struct { unsigned share; int (*change)(struct world *); } changes[] = {
    {12, push_some}, {4, settle_some}, {2, bury_one}, {1, retry_one}, {1, drop_one}, {1, doubt_some},
};
/* clang-format on */

static int change_something(struct world *w)
{
    unsigned all = 0;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) all += changes[i].share;
    unsigned at = roll(w, all);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (at < changes[i].share) return changes[i].change(w);
        at -= changes[i].share;
    }
    return 0;
}

static int commit_step(struct world *w)
{
    int r = change_something(w);
    if (r >= 0 && roll(w, 3) == 0) r = change_something(w);
    if (r < 0) return r;
    if (roll(w, 25) == 0) {
        queue_rollback(w->q);
        return 0;
    }
    (void)digest(w->q, &w->tried);
    w->tried.unforgettable = 0;
    size_t before = w->disk.op_count;
    r = queue_commit(w->q, NULL);
    if (r == 1) w->commits++;
    if (r >= 0) note_point(w, w->answers_early ? before : w->disk.op_count);
    return r;
}

/* What it will forget cannot be told before. */
static int tidy_step(struct world *w)
{
    w->tried.unforgettable = w->points[w->point_count - 1].digest.unforgettable;
    bool may_fail = w->disk.fault.times > 0; /* then dead rows stay: `tried` counts on it */
    const struct queue_ages ages = {w->now_s - 60, may_fail ? INT64_MIN : w->now_s - 60};
    int r = queue_tidy(w->q, &ages, NULL);
    if (r >= 0) note_point(w, w->disk.op_count);
    return r;
}

static bool begins_like(void *ctx, struct str rest)
{
    return rest.len > 0 && (unsigned char)rest.p[0] % 16 == *(const unsigned *)ctx;
}

/* What is erased commits by itself; what that will look like is tried, and rolled back, before. */
static int erase_step(struct world *w)
{
    struct queue_erasure e;
    unsigned who = roll(w, 16);
    queue_erasure_begin(&e);
    int r = queue_erasure_look(w->q, &e, begins_like, &who, 1000, NULL);
    for (size_t i = 0; r >= 0 && i < e.count; i++) r = queue_drop(w->q, e.seqs[i], w->now_s, NULL);
    if (r >= 0 && e.count > 0)
        r = queue_add_value(w->q, QUEUE_VALUE_ERASED_TOTAL, (int64_t)e.count, NULL);
    if (r >= 0) {
        (void)digest(w->q, &w->tried);
        w->tried.unforgettable = 0;
        queue_rollback(w->q);
        r = queue_erasure_finish(w->q, &e, w->now_s, NULL);
    }
    queue_erasure_free(&e);
    if (r >= 0) note_point(w, w->disk.op_count);
    return r;
}

/* An export: all of its rows leave, its number with them, and none without it. */
static int export_step(struct world *w)
{
    const struct queue_whole whole = {QUEUE_VALUE_EXPORT, w->now_s, QUEUE_VALUE_EXPORTED_TOTAL};
    struct queue_numbers numbers;
    struct queue_counts c;
    queue_counts(w->q, &c);
    int64_t first = c.oldest_seq, last = first + roll(w, 60);
    int64_t before = c.queued;
    queue_numbers_init(&numbers);
    queue_numbers_add(&numbers, first, last);
    int r = 0;
    for (int64_t seq = first; r >= 0 && seq <= last; seq++)
        r = queue_settle(w->q, &seq, 1, w->now_s, NULL);
    queue_counts(w->q, &c);
    if (r >= 0) r = queue_set_value(w->q, whole.name, whole.name_value, NULL);
    if (r >= 0) r = queue_add_value(w->q, whole.counter, before - c.queued, NULL);
    if (r >= 0) {
        (void)digest(w->q, &w->tried);
        w->tried.unforgettable = 0;
        queue_rollback(w->q);
        r = queue_settle_whole(w->q, &numbers, w->now_s, &whole, NULL);
    }
    if (r >= 0) r = queue_commit(w->q, NULL);
    queue_numbers_free(&numbers);
    if (r >= 0) note_point(w, w->disk.op_count);
    return r;
}

static int restart_step(struct world *w)
{
    close_queue(w);
    int r = open_queue(w);
    if (r >= 0) note_point(w, w->disk.op_count);
    return r;
}

static int step(struct world *w)
{
    w->now_s += 1 + roll(w, 100);
    unsigned what = roll(w, 60);
    if (what == 0) return restart_step(w);
    if (what < 3) return erase_step(w);
    if (what == 3) return export_step(w);
    return what < 40 ? commit_step(w) : tidy_step(w);
}

static void world_open(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->seed = seed;
    w->now_s = 1800000000;
    w->points = calloc(POINTS_MAX, sizeof w->points[0]);
    assert_non_null(w->points);
    w->disk.recording = true;
    memory_vfs_use(&w->disk);
}

static void world_close(struct world *w)
{
    disk_clear(&w->disk);
    free(w->points);
}

static void work(struct world *w, int steps)
{
    assert_int_equal(open_queue(w), 0);
    note_point(w, w->disk.op_count);
    for (int i = 0; i < steps; i++) assert_true(step(w) >= 0);
    w->disk.recording = false;
    queue_close(w->q);
}

/* The cuts ------------------------------------------------------------------------------------ */

static bool is_sound(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    bool sound = sqlite3_open_v2(PATH, &db, SQLITE_OPEN_READWRITE, MEMORY_VFS) == SQLITE_OK &&
                 sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK &&
                 sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL) == SQLITE_OK &&
                 sqlite3_step(s) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(s, 0), "ok") == 0;
    sqlite3_finalize(s);
    sqlite3_close(db);
    return sound;
}

struct tally {
    long cuts, unopened, unsound, lost;
};

static bool was_tried(const struct point *p, const struct digest *found)
{
    return p->tried.all == found->all || p->tried.unforgettable == found->unforgettable;
}

/* The digest must be that of the last point before the cut or of the one after. What a call tried
 * in vain may show until something else was committed in its place. */
static bool is_expected(const struct world *w, size_t op, const struct digest *found)
{
    size_t i = 0;
    while (i < w->point_count && w->points[i].log_len <= op) i++;
    if (i < w->point_count) {
        const struct point *next = &w->points[i];
        if (next->digest.all == found->all || was_tried(next, found)) return true;
    }
    if (i == 0) return false;
    uint64_t last = w->points[i - 1].digest.all;
    for (size_t k = i; k > 0 && w->points[k - 1].digest.all == last; k--)
        if (was_tried(&w->points[k - 1], found)) return true;
    return last == found->all;
}

static void check_cut(struct world *w, const struct replay *r, enum cut cut, struct tally *t)
{
    struct disk after = {0};
    struct digest found;
    struct world again = {0};
    t->cuts++;
    replay_cut(r, cut, r->at * 3 + cut, &after);
    memory_vfs_use(&after);
    if (open_queue(&again) < 0) {
        t->unopened++;
    } else {
        bool readable = digest(again.q, &found);
        queue_close(again.q);
        if (!is_sound()) t->unsound++;
        if (!readable || !is_expected(w, r->at, &found)) t->lost++;
    }
    disk_clear(&after);
}

/* About `cuts` of them, spread over the log. */
static void cut_everywhere(struct world *w, long cuts, struct tally *t)
{
    struct replay r;
    size_t stride = w->disk.op_count * 3 / (size_t)cuts + 1;
    replay_begin(&r, &w->disk);
    for (size_t op = 0; op <= w->disk.op_count;
         op += 1 + (size_t)(chance_next(&w->seed) % (2 * stride - 1))) {
        replay_to(&r, op);
        for (enum cut c = CUT_NOTHING_MORE; c <= CUT_SOME_OF_IT; c++) check_cut(w, &r, c, t);
    }
    replay_end(&r);
}

static bool soak(void)
{
    const char *s = getenv("TILLPOST_SOAK");
    return s != NULL && s[0] == '1';
}

static uint64_t seed_or(uint64_t otherwise)
{
    const char *s = getenv("TILLPOST_SEED");
    return s != NULL ? strtoull(s, NULL, 10) : otherwise;
}

static void report(const char *what, uint64_t seed, const struct world *w, const struct tally *t)
{
    print_message("%s: seed %llu, %ld commits, %zu writes and syncs, %ld cuts: "
                  "%ld unopened, %ld unsound, %ld with losses\n",
                  what, (unsigned long long)seed, w->commits, w->disk.op_count, t->cuts,
                  t->unopened, t->unsound, t->lost);
}

enum flaw { FLAW_NONE, FLAW_WAL_NOT_SYNCED, FLAW_SHARED_SECTORS, FLAW_EARLY_ANSWER };

static void run(const char *what, uint64_t seed, enum flaw flaw, long cuts, struct tally *t)
{
    struct world w;
    world_open(&w, seed);
    w.disk.lying = flaw == FLAW_WAL_NOT_SYNCED;
    w.disk.shares_sectors = flaw == FLAW_SHARED_SECTORS;
    w.answers_early = flaw == FLAW_EARLY_ANSWER;
    work(&w, STEPS);
    cut_everywhere(&w, cuts, t);
    report(what, seed, &w, t);
    world_close(&w);
}

static void nothing_acknowledged_is_lost_at_any_power_cut(void **state)
{
    long cuts = soak() ? CUTS_SOAK : CUTS / CRASH_SHARE;
    for (uint64_t seed = seed_or(1), n = 0; n < 5; n++) {
        struct tally t = {0};
        run("power cuts", seed + n, FLAW_NONE, cuts / 5, &t);
        assert_true(t.cuts >= cuts / 8);
        assert_int_equal(t.unopened + t.unsound + t.lost, 0);
    }
}

static void find_out(enum flaw flaw, const char *what)
{
    struct tally t = {0};
    run(what, 1, flaw, CUTS_CONTROL, &t);
    assert_true(t.lost > 0);
}

static void a_disk_that_lies_about_the_sync_of_the_wal_is_found_out(void **state)
{
    find_out(FLAW_WAL_NOT_SYNCED, "control, WAL not synced");
}

static void commits_that_share_a_sector_are_found_out(void **state)
{
    find_out(FLAW_SHARED_SECTORS, "control, psow=1");
}

static void an_answer_before_the_commit_is_found_out(void **state)
{
    find_out(FLAW_EARLY_ANSWER, "control, answer before the commit");
}

/* Failing disks ------------------------------------------------------------------------------- */

/* A call failed. The next ones see the queue opened again, with what was acknowledged, and with all
 * or nothing of what was tried. Then it becomes a point of its own. */
static void check_after_failure(struct world *w)
{
    const struct digest *acknowledged = &w->points[w->point_count - 1].digest;
    struct digest found;
    long tries = 0;
    queue_rollback(w->q); /* a push that is refused for lack of space leaves the transaction open */
    while (queue_tidy(w->q, NULL, NULL) < 0) assert_true(++tries < 20);
    assert_true(digest(w->q, &found));
    bool whole = found.all == acknowledged->all || found.all == w->tried.all;
    assert_true(whole || found.unforgettable == w->tried.unforgettable);
    note_point(w, w->disk.op_count);
    w->points[w->point_count - 1].tried = w->tried;
}

static void work_with_fault(struct world *w, const struct disk_fault *fault, int steps)
{
    assert_int_equal(open_queue(w), 0);
    note_point(w, w->disk.op_count);
    w->disk.fault = *fault;
    for (int i = 0; i < steps; i++) {
        w->tried = (struct digest){0};
        int r = step(w);
        if (r >= 0) continue;
        for (int tries = 0; w->q == NULL && open_queue(w) < 0; tries++) assert_true(tries < 20);
        check_after_failure(w);
    }
    w->disk.recording = false;
    close_queue(w);
    assert_true(is_sound());
    long came = fault->times - w->disk.fault.times - w->faults_unseen;
    assert_int_equal(w->faults_counted, fault->kind == DISK_FAULT_SYNC ? came : 0);
}

/* within: how many calls of the kind a run makes */
static void fail_everywhere(enum disk_fault_kind kind, unsigned within, const char *name)
{
    struct tally t = {0};
    long faults = soak() ? FAULTS_SOAK : FAULTS / CRASH_SHARE;
    for (long n = 0; n < faults; n++) {
        struct world w;
        uint64_t seed = seed_or(1) + (uint64_t)n;
        world_open(&w, seed);
        struct disk_fault fault = {kind, 1L + (long)roll(&w, within), 1L + (long)roll(&w, 5)};
        work_with_fault(&w, &fault, 60);
        cut_everywhere(&w, 15, &t);
        if (t.unopened + t.unsound + t.lost > 0) report(name, seed, &w, &t);
        world_close(&w);
        assert_int_equal(t.unopened + t.unsound + t.lost, 0);
    }
    print_message("%s: %ld failures, %ld cuts after them\n", name, faults, t.cuts);
}

static void failing_writes_lose_nothing_acknowledged(void **state)
{
    fail_everywhere(DISK_FAULT_WRITE, 600, "failing writes");
}

static void a_full_disk_loses_nothing_acknowledged(void **state)
{
    fail_everywhere(DISK_FAULT_FULL, 600, "full disk");
}

static void failing_syncs_lose_nothing_acknowledged(void **state)
{
    fail_everywhere(DISK_FAULT_SYNC, 60, "failing syncs");
}

/* The process dies of it, before it can cut the WAL back; the next one finds it in the cache. */
static void work_and_die(struct world *w, bool distrusts, int steps)
{
    assert_int_equal(open_queue(w), 0);
    note_point(w, w->disk.op_count);
    w->disk.fault = (struct disk_fault){DISK_FAULT_SYNC, 1 + (long)roll(w, 60), 1};
    w->disk.dies = true;
    for (int i = 0; i < steps; i++) {
        w->tried = (struct digest){0};
        int r = step(w);
        if (r >= 0 && !w->disk.frozen) continue;
        queue_close(w->q);
        w->disk.frozen = w->disk.dies = false;
        if (distrusts) disk_forget(&w->disk, PATH "-wal");
        assert_int_equal(open_queue(w), 0);
        check_after_failure(w);
    }
    w->disk.recording = false;
    queue_close(w->q);
}

static void die_everywhere(bool distrusts, const char *name, uint64_t seed, long deaths, long cuts,
                           struct tally *t)
{
    for (long n = 0; n < deaths; n++) {
        struct world w;
        world_open(&w, seed + (uint64_t)n);
        work_and_die(&w, distrusts, 60);
        cut_everywhere(&w, cuts, t);
        if (distrusts && t->unopened + t->unsound + t->lost > 0)
            report(name, seed + (uint64_t)n, &w, t);
        world_close(&w);
        if (distrusts) assert_int_equal(t->unopened + t->unsound + t->lost, 0);
    }
    print_message(
        "%s: %ld deaths, %ld cuts after them: %ld unopened, %ld unsound, %ld with losses\n", name,
        deaths, t->cuts, t->unopened, t->unsound, t->lost);
}

static void a_death_between_a_failed_sync_and_its_cure_loses_nothing(void **state)
{
    struct tally t = {0};
    long deaths = soak() ? FAULTS_SOAK : FAULTS / CRASH_SHARE;
    die_everywhere(true, "deaths of a failed sync", seed_or(1), deaths, 60, &t);
}

static void a_wal_that_is_believed_from_the_cache_is_found_out(void **state)
{
    struct tally t = {0};
    die_everywhere(false, "control, WAL believed from the cache", 19, 4, 1500, &t);
    assert_true(t.unopened + t.unsound + t.lost > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_lost_at_any_power_cut),
        cmocka_unit_test(a_disk_that_lies_about_the_sync_of_the_wal_is_found_out),
        cmocka_unit_test(commits_that_share_a_sector_are_found_out),
        cmocka_unit_test(an_answer_before_the_commit_is_found_out),
        cmocka_unit_test(failing_writes_lose_nothing_acknowledged),
        cmocka_unit_test(a_full_disk_loses_nothing_acknowledged),
        cmocka_unit_test(failing_syncs_lose_nothing_acknowledged),
        cmocka_unit_test(a_death_between_a_failed_sync_and_its_cure_loses_nothing),
        cmocka_unit_test(a_wal_that_is_believed_from_the_cache_is_found_out),
    };
    memory_vfs_register();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
