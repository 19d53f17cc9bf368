/*
 * queue_test.c: the queue on real files; numbers in brackets are those of src/queue/queue.c's
 * story. What power cuts and failing disks do to it is in crash/queue_power_cut.c.
 */
#include "testing.h"

#include "queue/leave.h"
#include "queue/limits.h"
#include "queue/queue.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { MIB = 1 << 20, NOW_S = 1800000000 };

static const unsigned char key[QUEUE_KEY_BYTES] = "the key of the queue in the test";
static const unsigned char other_key[QUEUE_KEY_BYTES] = "another key, for another queue..";

/* As queue_limits, but so that every corner comes soon. */
static const struct limits small = {
    .wal_max_bytes = 256 * 1024,
    .wal_idle_bytes = 128 * 1024,
    .growth_max_bytes = 128 * 1024,
    .change_max_bytes = 64 * 1024,
    .leave_max_bytes = 16 * 1024,
    .ballast_bytes = 256 * 1024,
    .space_try_ms = 20,
    .spare_bytes = 256 * 1024,
    .free_keep_bytes = 32 * 1024,
    .give_back_pages = 8,
    .forget_rows = 10,
    .recent_max = 32,
    .recent_spare = 4,
    .recent_idle = 12,
    .recent_must = 24,
};

/* A place for a queue ------------------------------------------------------------------------- */

struct place {
    char dir[TESTING_PATH_BYTES];
    char path[TESTING_PATH_BYTES + 32];
    struct fault why;
    struct queue *q;
};

static int place_open(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    testing_scratch(p->dir);
    (void)snprintf(p->path, sizeof p->path, "%s/queue.db", p->dir);
    *state = p;
    return 0;
}

static int place_close(void **state)
{
    struct place *p = *state;
    queue_close(p->q);
    (void)umount2(p->dir, MNT_DETACH);
    (void)testing_scratch_remove(p->dir);
    free(p);
    return 0;
}

static int open_with(struct place *p, const unsigned char *k, const struct limits *l, int64_t max)
{
    const struct queue_options options = {p->path, k, max, NULL};
    p->why = (struct fault){0};
    return queue_open_limited(&options, l, &p->q, &p->why);
}

static struct queue *opened(struct place *p)
{
    if (open_with(p, key, &small, 64 * MIB) < 0) fail_msg("%s", p->why.message);
    return p->q;
}

static struct queue *reopened(struct place *p)
{
    queue_close(p->q);
    return opened(p);
}

static void good(struct place *p, int r)
{
    if (r < 0) fail_msg("%d: %s", r, p->why.message);
}

static void refused(struct place *p, int r, int err, const char *words)
{
    assert_int_equal(r, err);
    assert_int_equal(p->why.err, err);
    if (strstr(p->why.message, words) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", p->why.message, words);
}

static struct queue_event event(const char *id, const char *name)
{
    return (struct queue_event){.event_id = str_from(id),
                                .event = str_from(name),
                                .key_event = str_from(name),
                                .rest = STR("{\"user\":{}}"),
                                .occurred_ms = NOW_S * INT64_C(1000),
                                .recorded_s = NOW_S};
}

static int64_t push(struct place *p, const char *id)
{
    struct queue_event e = event(id, "Purchase");
    int64_t seq;
    assert_int_equal(queue_push(p->q, &e, &seq, &p->why), 0);
    return seq;
}

static void push_many(struct place *p, const char *prefix, int n)
{
    char id[64];
    for (int i = 0; i < n; i++) {
        (void)snprintf(id, sizeof id, "%s-%d", prefix, i);
        (void)push(p, id);
    }
}

static void commit(struct place *p)
{
    good(p, queue_commit(p->q, &p->why));
}

static struct queue_counts counts(struct place *p)
{
    struct queue_counts c;
    queue_counts(p->q, &c);
    return c;
}

struct seen {
    struct queue_row rows[256];
    char ids[256][48];
    size_t count;
    size_t stop_after; /* 0: never */
};

static int see(void *ctx, const struct queue_row *row)
{
    struct seen *s = ctx;
    assert_true(s->count < 256);
    s->rows[s->count] = *row;
    (void)snprintf(s->ids[s->count], sizeof s->ids[0], "%.*s", (int)row->event_id.len,
                   row->event_id.p);
    s->count++;
    return s->count == s->stop_after;
}

/* "Q" queued, "S" sent, "D" dead, "X" dropped, "-" unknown. */
static char state_of(struct place *p, const char *id)
{
    struct seen s = {0};
    good(p, queue_find(p->q, str_from(id), see, &s, &p->why));
    assert_true(s.count <= 1);
    return s.count == 0 ? '-' : "QSDX"[s.rows[0].state];
}

static void tidy_all(struct place *p, int64_t forget_before_s)
{
    int r;
    const struct queue_ages ages = {forget_before_s, INT64_MIN};
    while ((r = queue_tidy(p->q, forget_before_s == INT64_MIN ? NULL : &ages, &p->why)) == 1)
        continue;
    good(p, r);
}

static int64_t bytes_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* One SQL statement on the file while no queue has it open; the first column of the first row. */
static int64_t sql(struct place *p, const char *text)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int64_t value = 0;
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE", NULL, NULL, NULL),
                     SQLITE_OK);
    if (sqlite3_prepare_v2(db, text, -1, &s, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) value = sqlite3_column_int64(s, 0);
    else assert_int_equal(rc, SQLITE_DONE);
    sqlite3_finalize(s);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

/* What is kept -------------------------------------------------------------------------------- */

static void what_was_committed_is_kept_and_nothing_else(void **state)
{
    struct place *p = *state;
    opened(p);
    (void)push(p, "a");
    assert_true(queue_dirty(p->q));
    assert_int_equal(queue_commit(p->q, &p->why), 1);
    assert_false(queue_dirty(p->q));
    assert_int_equal(queue_commit(p->q, &p->why), 0);
    (void)push(p, "b");
    queue_rollback(p->q);
    assert_int_equal(counts(p).queued, 1);
    assert_int_equal(state_of(p, "b"), '-');
    (void)push(p, "c");
    reopened(p);
    assert_int_equal(state_of(p, "a"), 'Q');
    assert_int_equal(state_of(p, "c"), '-');
    assert_int_equal(counts(p).queued, 1);
}

static void a_killed_process_loses_nothing_committed(void **state)
{
    struct place *p = *state;
    enum { TIMES = 8 };
    char id[32], last = 0;
    for (int i = 0; i < TIMES; i++) {
        int fd[2];
        assert_int_equal(pipe(fd), 0);
        pid_t child = fork();
        if (child == 0) {
            opened(p);
            for (int n = 0;; n++) {
                (void)snprintf(id, sizeof id, "%d-%d", i, n);
                (void)push(p, id);
                commit(p);
                char told = (char)n;
                if (write(fd[1], &told, 1) != 1) _exit(1);
            }
        }
        close(fd[1]);
        for (int n = 0; n <= i * 3; n++) assert_int_equal(read(fd[0], &last, 1), 1);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (read(fd[0], &last, 1) == 1) continue;
        close(fd[0]);
        opened(p);
        for (int n = 0; n <= last; n++) {
            (void)snprintf(id, sizeof id, "%d-%d", i, n);
            assert_int_equal(state_of(p, id), 'Q');
        }
        queue_close(p->q);
        p->q = NULL;
    }
    assert_int_equal(
        sql(p, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check<>'ok'"), 0);
}

static void a_row_comes_back_as_it_was_pushed(void **state)
{
    struct place *p = *state;
    static const unsigned char boot[QUEUE_BOOT_BYTES] = "boot of the till";
    struct queue_event e = event("sale \xc3\xa9 1", "CompletePayment");
    struct seen s = {0};
    struct buf out;
    int64_t seq;
    e.key_event = STR("Purchase");
    e.test_code = STR("TEST42");
    e.stamped = e.unjudged = true;
    e.boot_ms = 123456;
    e.boot_id = boot;
    e.occurred_ms = -5;
    opened(p);
    (void)push(p, "plain");
    good(p, queue_push(p->q, &e, &seq, &p->why));
    commit(p);
    reopened(p);
    good(p, queue_walk(p->q, 0, INT64_MAX, see, &s, &p->why));
    assert_int_equal(s.count, 2);
    const struct queue_row *plain = &s.rows[0], *row = &s.rows[1];
    assert_int_equal(plain->stamped || plain->unjudged, 0);
    assert_int_equal(plain->test_code.len, 0);
    assert_int_equal(row->seq, seq);
    assert_string_equal(s.ids[1], "sale \xc3\xa9 1");
    assert_int_equal(row->stamped && row->unjudged, 1);
    assert_int_equal(row->boot_ms, 123456);
    assert_memory_equal(row->boot_id, boot, sizeof boot);
    assert_int_equal(row->occurred_ms, -5);
    assert_int_equal(row->recorded_s, NOW_S);
    assert_int_equal(row->rest_len, e.rest.len);
    assert_int_equal(row->state, QUEUE_QUEUED);
    assert_int_equal(row->ended_s, 0);
    buf_init(&out, MIB);
    buf_add_z(&out, "before ");
    good(p, queue_unseal(p->q, seq, &out, &p->why));
    assert_string_equal(out.p, "before {\"user\":{}}");
    good(p, queue_set_time(p->q, seq, 77, &p->why));
    s.count = 0;
    good(p, queue_walk(p->q, seq, seq, see, &s, &p->why));
    assert_int_equal(s.rows[0].occurred_ms, 77);
    assert_false(s.rows[0].stamped);
    assert_false(s.rows[0].unjudged);
    buf_clear(&out);
    good(p, queue_unseal(p->q, seq, &out, &p->why));
    assert_string_equal(out.p, "{\"user\":{}}");
    buf_free(&out);
}

static void rows_of_every_size_are_kept_up_to_the_limit(void **state)
{
    struct place *p = *state;
    static char rest[QUEUE_ROW_MAX_BYTES + 1];
    static const size_t sizes[] = {0, 1, 800, 3900, 4096, 5000, 20000, QUEUE_ROW_MAX_BYTES};
    struct queue_event e = event("x", "Purchase");
    struct buf out;
    int64_t seq;
    char id[16];
    memset(rest, 'r', sizeof rest);
    buf_init(&out, QUEUE_ROW_MAX_BYTES); /* the largest row fits exactly */
    opened(p);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        (void)snprintf(id, sizeof id, "%zu", i);
        e.event_id = str_from(id);
        e.rest = (struct str){rest, sizes[i]};
        good(p, queue_push(p->q, &e, &seq, &p->why));
        buf_clear(&out);
        good(p, queue_unseal(p->q, seq, &out, &p->why));
        assert_int_equal(out.len, sizes[i]);
        assert_memory_equal(out.p, rest, out.len);
    }
    e.event_id = STR("too large");
    e.rest = (struct str){rest, sizeof rest};
    refused(p, queue_push(p->q, &e, &seq, &p->why), TILLPOST_E_TOO_LARGE, "smaller");
    assert_true(queue_dirty(p->q));
    buf_free(&out);
}

static void values_and_the_mark_ride_in_the_transaction(void **state)
{
    struct place *p = *state;
    const struct queue_range mark = {3, 9, NOW_S}, other = {4, 4, 5};
    struct queue_range now;
    opened(p);
    assert_int_equal(queue_value(p->q, QUEUE_VALUE_SENT_TOTAL), 0);
    assert_int_equal(queue_marked(p->q, &now), 0);
    good(p, queue_mark(p->q, NULL, &p->why));
    good(p, queue_set_value(p->q, QUEUE_VALUE_SENT_TOTAL, 0, &p->why));
    assert_false(queue_dirty(p->q));
    for (int v = 0; v < QUEUE_VALUE_COUNT; v++)
        good(p, queue_set_value(p->q, (enum queue_value)v, INT64_MIN + v, &p->why));
    good(p, queue_mark(p->q, &mark, &p->why));
    commit(p);
    good(p, queue_mark(p->q, &other, &p->why));
    good(p, queue_set_value(p->q, QUEUE_VALUE_PAUSED, 9, &p->why));
    queue_rollback(p->q);
    for (int twice = 0; twice < 2; twice++) {
        for (int v = 0; v < QUEUE_VALUE_COUNT; v++)
            assert_true(queue_value(p->q, (enum queue_value)v) == INT64_MIN + v);
        assert_int_equal(queue_marked(p->q, &now), 1);
        assert_memory_equal(&now, &mark, sizeof now);
        reopened(p);
    }
    good(p, queue_mark(p->q, NULL, &p->why));
    commit(p);
    reopened(p);
    assert_int_equal(queue_marked(p->q, &now), 0);
}

/* Duplicates (2, 4) --------------------------------------------------------------------------- */

static void end_none(struct place *p, int64_t seq)
{
    (void)p;
    (void)seq;
}

static void end_sent(struct place *p, int64_t seq)
{
    good(p, queue_settle(p->q, &seq, 1, NOW_S, &p->why));
}

static void end_dead(struct place *p, int64_t seq)
{
    good(p, queue_bury(p->q, seq, "expired", "too old", NOW_S, &p->why));
}

static void end_dropped(struct place *p, int64_t seq)
{
    good(p, queue_drop(p->q, seq, NOW_S, &p->why));
}

/* clang-format off */
static const struct { const char *name; void (*end)(struct place *, int64_t); char state; } ends[] = {
    {"queued",  end_none,    'Q'},
    {"sent",    end_sent,    'S'},
    {"dead",    end_dead,    'D'},
    {"dropped", end_dropped, 'X'},
};
/* `fill`: more ids, so that the first ones move from memory into the table */
static const struct { const char *name; bool committed, reopen; int fill; bool tidy; } moments[] = {
    {"in the same transaction", false, false, 0,   false},
    {"after the commit",        true,  false, 0,   false},
    {"after reopening",         true,  true,  0,   false},
    {"once moved by force",     true,  false, 100, false},
    {"once moved at leisure",   true,  true,  20,  true},
};
/* clang-format on */

static void check_duplicate(struct place *p, size_t end, size_t moment)
{
    char id[32], fill[32];
    (void)snprintf(id, sizeof id, "id-%zu-%zu", end, moment);
    (void)snprintf(fill, sizeof fill, "fill-%zu-%zu", end, moment);
    int64_t seq = push(p, id), again = 0;
    ends[end].end(p, seq);
    if (moments[moment].committed) commit(p);
    push_many(p, fill, moments[moment].fill);
    commit(p);
    if (moments[moment].tidy) tidy_all(p, INT64_MIN);
    if (moments[moment].reopen) reopened(p);
    struct queue_event e = event(id, "Purchase");
    e.event = STR("CompletePayment"); /* how it is spelt when sent does not matter */
    int r = queue_push(p->q, &e, &again, &p->why);
    if (r != 1 || again != seq || queue_dirty(p->q))
        fail_msg("%s, %s: %d", ends[end].name, moments[moment].name, r);
    assert_int_equal(state_of(p, id), ends[end].state);
    e.key_event = STR("Lead");
    good(p, r = queue_push(p->q, &e, &again, &p->why));
    assert_int_equal(r, 0);
    assert_true(again > seq);
    commit(p);
}

static void a_pair_of_id_and_name_is_taken_once(void **state)
{
    struct place *p = *state;
    opened(p);
    for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++)
        for (size_t m = 0; m < sizeof moments / sizeof moments[0]; m++) check_duplicate(p, e, m);
}

static void a_repeat_in_the_open_transaction_is_a_duplicate_too(void **state)
{
    struct place *p = *state;
    struct queue_event e = event("a", "Purchase");
    int64_t seq, again;
    opened(p);
    assert_int_equal(queue_push(p->q, &e, &seq, &p->why), 0);
    assert_int_equal(queue_push(p->q, &e, &again, &p->why), 1);
    assert_int_equal(again, seq);
    queue_rollback(p->q);
    assert_int_equal(queue_push(p->q, &e, &again, &p->why), 0);
    assert_int_equal(again, seq);
}

static void all_events_of_an_id_are_found_in_order(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"Purchase", "Lead", "Subscribe", "Contact", "Search"};
    opened(p);
    for (size_t i = 0; i < 5; i++) {
        struct queue_event e = event("one id", names[i]);
        int64_t seq;
        good(p, queue_push(p->q, &e, &seq, &p->why));
        char fill[16];
        (void)snprintf(fill, sizeof fill, "fill%zu", i);
        push_many(p, fill, 13);
        if (i == 1) end_sent(p, seq);
        if (i == 2) end_dead(p, seq);
    }
    struct seen s = {0};
    good(p, queue_find(p->q, STR("one id"), see, &s, &p->why));
    assert_int_equal(s.count, 5);
    for (size_t i = 1; i < 5; i++) assert_true(s.rows[i].seq > s.rows[i - 1].seq);
    assert_int_equal(s.rows[1].state, QUEUE_SENT);
    assert_int_equal(s.rows[2].state, QUEUE_DEAD);
    s = (struct seen){.stop_after = 2};
    good(p, queue_find(p->q, STR("one id"), see, &s, &p->why));
    assert_int_equal(s.count, 2);
    s = (struct seen){0};
    good(p, queue_find(p->q, STR("no such id"), see, &s, &p->why));
    assert_int_equal(s.count, 0);
}

/* From state to state (3) --------------------------------------------------------------------- */

static int do_settle(struct place *p, int64_t seq)
{
    return queue_settle(p->q, &seq, 1, NOW_S + 1, &p->why);
}

struct opening {
    struct place *p;
    const struct seen *seen; /* by a walk */
    size_t at;
    struct buf out;
};

static int open_both(void *ctx, const struct queue_row *row)
{
    struct opening *o = ctx;
    const struct queue_row *same = &o->seen->rows[o->at];
    int64_t other = o->seen->rows[(o->at + 1) % o->seen->count].seq;
    assert_true(str_is(row->event_id, o->seen->ids[o->at++]));
    assert_int_equal(row->seq, same->seq);
    assert_int_equal(row->state, same->state);
    assert_int_equal(row->test_code.len, same->test_code.len);
    assert_int_equal(row->occurred_ms, same->occurred_ms);
    assert_int_equal(row->recorded_s, same->recorded_s);
    assert_int_equal(row->stamped, same->stamped);
    assert_int_equal(row->unjudged, same->unjudged);
    assert_int_equal(row->boot_ms, same->boot_ms);
    assert_memory_equal(row->boot_id, same->boot_id, QUEUE_BOOT_BYTES);
    assert_int_equal(row->rest_len, same->rest_len);
    buf_clear(&o->out);
    good(o->p, queue_unseal(o->p->q, row->seq, &o->out, &o->p->why));
    assert_int_equal(o->out.len, row->rest_len);
    assert_int_equal(o->out.p[0], row->stamped ? 'a' : 'b');
    good(o->p, queue_unseal(o->p->q, other, &o->out, &o->p->why)); /* one that is not at hand */
    assert_int_equal(o->out.p[row->rest_len], row->stamped ? 'b' : 'a');
    return 0;
}

static void a_sealed_walk_sees_what_a_walk_sees_and_opens_it(void **state)
{
    struct place *p = *state;
    static const unsigned char boot[QUEUE_BOOT_BYTES] = "boot of the till";
    static char rest[2][20000];
    struct seen s = {0};
    int64_t seq;
    char id[16];
    opened(p);
    for (int i = 0; i < 4; i++) {
        bool second = i % 2 != 0;
        (void)snprintf(id, sizeof id, "%d", i);
        struct queue_event e = event(id, second ? "CompletePayment" : "Purchase");
        e.key_event = STR("Purchase");
        e.test_code = second ? STR("") : STR("TEST42");
        e.stamped = !second;
        e.unjudged = i < 2;
        e.boot_ms = 123456;
        e.boot_id = boot;
        memset(rest[second], second ? 'b' : 'a', sizeof rest[0]);
        e.rest = (struct str){rest[second], i < 2 ? 500 : sizeof rest[0]};
        good(p, queue_push(p->q, &e, &seq, &p->why));
    }
    good(p, queue_walk(p->q, 1, 9, see, &s, &p->why));
    assert_int_equal(s.count, 4);
    struct opening o = {.p = p, .seen = &s};
    buf_init(&o.out, MIB);
    good(p, queue_walk_sealed(p->q, 1, 9, open_both, &o, &p->why));
    assert_int_equal(o.at, 4);
    buf_free(&o.out);
}

static int do_bury(struct place *p, int64_t seq)
{
    return queue_bury(p->q, seq, "tiktok_40002", "wrong currency", NOW_S + 2, &p->why);
}

static int do_retry(struct place *p, int64_t seq)
{
    return queue_retry(p->q, seq, &p->why);
}

static int do_drop(struct place *p, int64_t seq)
{
    return queue_drop(p->q, seq, NOW_S + 3, &p->why);
}

static int do_set_time(struct place *p, int64_t seq)
{
    return queue_set_time(p->q, seq, 1, &p->why);
}

static int do_unseal(struct place *p, int64_t seq)
{
    struct buf out;
    buf_init(&out, MIB);
    int r = queue_unseal(p->q, seq, &out, &p->why);
    buf_free(&out);
    return r;
}

static void every_move_leads_where_it_should(void **state)
{
    struct place *p = *state;
    enum { GONE = TILLPOST_E_NOT_FOUND };
    /* clang-format off */
    static const struct { const char *name; int (*move)(struct place *, int64_t);
                          struct { int result; char state; } from[4]; /* queued, sent, dead, dropped */ } rows[] = {
        {"settle",   do_settle,   {{0, 'S'}, {0, 'S'},    {0, 'D'},    {0, 'X'}}},
        {"bury",     do_bury,     {{0, 'D'}, {GONE, 'S'}, {GONE, 'D'}, {GONE, 'X'}}},
        {"retry",    do_retry,    {{GONE, 'Q'}, {GONE, 'S'}, {0, 'Q'}, {GONE, 'X'}}},
        {"drop",     do_drop,     {{0, 'X'}, {GONE, 'S'}, {0, 'X'},    {GONE, 'X'}}},
        {"set time", do_set_time, {{0, 'Q'}, {GONE, 'S'}, {GONE, 'D'}, {GONE, 'X'}}},
        {"unseal",   do_unseal,   {{0, 'Q'}, {GONE, 'S'}, {GONE, 'D'}, {GONE, 'X'}}},
    };
    /* clang-format on */
    char id[32];
    int64_t queued = 0, dead = 0;
    opened(p);
    for (size_t m = 0; m < sizeof rows / sizeof rows[0]; m++)
        for (size_t f = 0; f < 4; f++) {
            (void)snprintf(id, sizeof id, "%s-%zu", rows[m].name, f);
            int64_t seq = push(p, id);
            ends[f].end(p, seq);
            commit(p);
            int r = rows[m].move(p, seq);
            char now = state_of(p, id);
            if (r != rows[m].from[f].result || now != rows[m].from[f].state)
                fail_msg("%s of a %s row: %d, %c", rows[m].name, ends[f].name, r, now);
            queued += now == 'Q';
            dead += now == 'D';
            assert_int_equal(counts(p).queued, queued);
            assert_int_equal(counts(p).dead, dead);
            commit(p);
        }
    assert_int_equal(do_bury(p, 4711), TILLPOST_E_NOT_FOUND);
    reopened(p);
    assert_int_equal(counts(p).queued, queued);
    assert_int_equal(counts(p).dead, dead);
}

static void a_dead_row_tells_why_and_comes_back_whole(void **state)
{
    struct place *p = *state;
    struct seen s = {0};
    struct buf out;
    opened(p);
    int64_t seq = push(p, "a"), later = push(p, "b");
    good(p, do_bury(p, seq));
    commit(p);
    reopened(p);
    struct queue_row row;
    good(p, queue_list(p->q, QUEUE_DEAD, 0, 10, see, &s, &p->why));
    row = s.rows[0];
    assert_int_equal(s.count, 1);
    assert_int_equal(row.reason.len, strlen("tiktok_40002"));
    assert_int_equal(row.message.len, strlen("wrong currency"));
    assert_int_equal(row.ended_s, NOW_S + 2);
    assert_int_equal(counts(p).oldest_seq, later);
    good(p, do_retry(p, seq));
    assert_int_equal(counts(p).oldest_seq, seq);
    buf_init(&out, MIB);
    good(p, queue_unseal(p->q, seq, &out, &p->why));
    assert_string_equal(out.p, "{\"user\":{}}");
    buf_free(&out);
}

static void numbers_are_never_given_twice(void **state)
{
    struct place *p = *state;
    opened(p);
    int64_t last = 0;
    for (int i = 0; i < 20; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "%d", i);
        int64_t seq = push(p, id);
        assert_true(seq > last);
        last = seq;
        ends[1 + i % 3].end(p, seq); /* the newest is gone */
        commit(p);
        reopened(p);
    }
    tidy_all(p, NOW_S + 10); /* and forgotten */
    reopened(p);
    assert_true(push(p, "next") > last);
}

static void a_batch_settles_as_a_whole_in_any_order(void **state)
{
    struct place *p = *state;
    int64_t seqs[40];
    size_t n = 0;
    opened(p);
    push_many(p, "a", 50);
    commit(p);
    for (int64_t i = 50; i > 30; i--) seqs[n++] = i;    /* backwards */
    for (int64_t i = 5; i < 15; i++) seqs[n++] = i;     /* a run */
    for (int64_t i = 20; i < 30; i += 3) seqs[n++] = i; /* with holes */
    seqs[n++] = 4711;                                   /* never was */
    good(p, queue_settle(p->q, seqs, n, NOW_S, &p->why));
    good(p, queue_settle(p->q, NULL, 0, NOW_S, &p->why));
    assert_int_equal(counts(p).queued, 50 - 20 - 10 - 4);
    assert_int_equal(counts(p).newest_seq, 30);
    assert_int_equal(counts(p).oldest_seq, 1);
    commit(p);
    reopened(p);
    assert_int_equal(counts(p).queued, 50 - 20 - 10 - 4);
    assert_int_equal(state_of(p, "a-49"), 'S');
    assert_int_equal(state_of(p, "a-29"), 'Q');
}

/* The queue beside a plain model, over random moves, restarts and idle work ------------------- */

enum { MODEL_IDS = 600, MODEL_DOUBTS = 128 };
struct model {
    char state[MODEL_IDS]; /* 0: not pushed */
    int64_t seq[MODEL_IDS];
    struct queue_range doubts[MODEL_DOUBTS];
    size_t doubt_count;
    uint64_t seed;
};

static unsigned roll(struct model *m, unsigned n)
{
    m->seed = m->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(m->seed >> 33) % n;
}

static void model_prune(struct model *m)
{
    size_t kept = 0;
    for (size_t d = 0; d < m->doubt_count; d++) {
        bool any = false;
        for (int i = 0; i < MODEL_IDS; i++)
            any |= (m->state[i] == 'Q' || m->state[i] == 'D') && m->seq[i] >= m->doubts[d].first &&
                   m->seq[i] <= m->doubts[d].last;
        if (any) m->doubts[kept++] = m->doubts[d];
    }
    m->doubt_count = kept;
}

static void model_clear(struct model *m, int64_t seq)
{
    for (size_t d = 0, n = m->doubt_count; d < n; d++) {
        const struct queue_range r = m->doubts[d];
        if (seq < r.first || seq > r.last) continue;
        m->doubts[d].last = seq - 1;
        m->doubts[m->doubt_count++] = (struct queue_range){seq + 1, r.last, r.since_s};
    }
}

static void model_move(struct place *p, struct model *m, int *pushed)
{
    char id[16];
    int i = *pushed > 0 ? (int)roll(m, (unsigned)*pushed) : 0, r;
    unsigned what = roll(m, 13);
    (void)snprintf(id, sizeof id, "m%d", what < 5 ? *pushed : i);
    if (what < 5 && *pushed < MODEL_IDS) {
        m->seq[*pushed] = push(p, id);
        m->state[(*pushed)++] = 'Q';
    } else if (*pushed == 0) {
        return;
    } else if (what < 8) {
        good(p, do_settle(p, m->seq[i]));
        if (m->state[i] == 'Q') m->state[i] = 'S';
    } else if (what == 8) {
        r = do_bury(p, m->seq[i]);
        assert_int_equal(r, m->state[i] == 'Q' ? 0 : TILLPOST_E_NOT_FOUND);
        if (r == 0) m->state[i] = 'D';
    } else if (what == 9) {
        r = do_retry(p, m->seq[i]);
        assert_int_equal(r, m->state[i] == 'D' ? 0 : TILLPOST_E_NOT_FOUND);
        if (r == 0) m->state[i] = 'Q';
    } else if (what == 10) {
        r = do_drop(p, m->seq[i]);
        assert_int_equal(r, m->state[i] == 'Q' || m->state[i] == 'D' ? 0 : TILLPOST_E_NOT_FOUND);
        if (r == 0) m->state[i] = 'X';
    } else if (what == 11 && m->doubt_count <= MODEL_DOUBTS / 2) {
        good(p, queue_doubt_clear(p->q, m->seq[i], &p->why));
        model_clear(m, m->seq[i]);
    } else if (m->doubt_count < MODEL_DOUBTS / 2) {
        struct queue_range d = {m->seq[i], m->seq[i] + roll(m, 20), roll(m, 1000)};
        good(p, queue_doubt_add(p->q, &d, &p->why));
        m->doubts[m->doubt_count++] = d;
    }
    model_prune(m);
}

static void model_check(struct place *p, const struct model *m, int pushed)
{
    int64_t queued = 0, dead = 0, oldest = 0, newest = 0;
    for (int i = 0; i < pushed; i++) {
        struct queue_range got, want = {0};
        char id[16];
        (void)snprintf(id, sizeof id, "m%d", i);
        if (state_of(p, id) != m->state[i])
            fail_msg("%s is %c, not %c", id, state_of(p, id), m->state[i]);
        queued += m->state[i] == 'Q';
        dead += m->state[i] == 'D';
        if (m->state[i] == 'Q' && oldest == 0) oldest = m->seq[i];
        if (m->state[i] == 'Q') newest = m->seq[i];
        for (size_t d = 0; d < m->doubt_count; d++) {
            const struct queue_range *r = &m->doubts[d];
            if (m->seq[i] < r->first || m->seq[i] > r->last) continue;
            if (want.first == 0 || r->since_s < want.since_s) want = *r;
        }
        assert_int_equal(queue_doubt_find(p->q, m->seq[i], &got), want.first != 0);
        if (want.first != 0) assert_int_equal(got.since_s, want.since_s);
    }
    struct queue_counts c = counts(p);
    assert_int_equal(c.queued, queued);
    assert_int_equal(c.dead, dead);
    assert_int_equal(c.oldest_seq, oldest);
    assert_int_equal(c.newest_seq, newest);
    assert_int_equal(c.oldest_recorded_s, oldest ? NOW_S : 0);
}

static void random_moves_agree_with_a_plain_model(void **state)
{
    struct place *p = *state;
    static struct model now, kept;
    int pushed = 0, kept_pushed = 0;
    now = kept = (struct model){.seed = 3};
    opened(p);
    for (int step = 0; step < 150; step++) {
        for (unsigned n = 1 + roll(&now, 10); n > 0; n--) model_move(p, &now, &pushed);
        if (roll(&now, 6) == 0) {
            uint64_t seed = now.seed;
            queue_rollback(p->q);
            now = kept;
            now.seed = seed;
            pushed = kept_pushed;
        }
        commit(p);
        kept = now;
        kept_pushed = pushed;
        if (roll(&now, 4) == 0) good(p, queue_tidy(p->q, NULL, &p->why));
        if (roll(&now, 12) == 0) reopened(p);
        if (step % 10 == 0) model_check(p, &now, pushed);
    }
    model_check(p, &now, pushed);
    assert_true(pushed > 200);
    queue_close(p->q);
    p->q = NULL;
    assert_int_equal(
        sql(p, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check<>'ok'"), 0);
    assert_true(sql(p, "SELECT count(*) FROM known") > 100);
}

/* Doubt --------------------------------------------------------------------------------------- */

static void a_doubt_goes_with_its_last_row(void **state)
{
    struct place *p = *state;
    struct queue_range found;
    opened(p);
    push_many(p, "a", 6);
    const struct queue_range early = {1, 3, 100}, late = {2, 5, 200}, empty = {50, 60, 1},
                             inside = {2, 3, 150};
    good(p, queue_doubt_add(p->q, &late, &p->why));
    good(p, queue_doubt_add(p->q, &early, &p->why));
    good(p, queue_doubt_add(p->q, &inside, &p->why)); /* says nothing new */
    good(p, queue_doubt_add(p->q, &empty, &p->why));  /* has no rows */
    commit(p);
    reopened(p);
    assert_int_equal(queue_doubt_count(p->q), 2);
    assert_int_equal(queue_doubt_find(p->q, 3, &found), 1);
    assert_memory_equal(&found, &early, sizeof found);
    assert_int_equal(queue_doubt_find(p->q, 4, &found), 1);
    assert_memory_equal(&found, &late, sizeof found);
    assert_int_equal(queue_doubt_find(p->q, 6, &found), 0);
    good(p, do_settle(p, 1));
    good(p, do_bury(p, 2));
    assert_int_equal(queue_doubt_count(p->q), 2);
    good(p, do_drop(p, 3));
    assert_int_equal(queue_doubt_count(p->q), 2); /* row 2 is dead, and may come back */
    good(p, do_retry(p, 2));
    assert_int_equal(queue_doubt_find(p->q, 2, &found), 1);
    assert_memory_equal(&found, &early, sizeof found);
    good(p, do_settle(p, 2));
    assert_int_equal(queue_doubt_count(p->q), 1);
    queue_rollback(p->q);
    assert_int_equal(queue_doubt_count(p->q), 2);
    const int64_t all[] = {1, 2, 3, 4};
    good(p, queue_settle(p->q, all, 4, NOW_S, &p->why));
    good(p, do_bury(p, 5));
    assert_int_equal(queue_doubt_count(p->q), 1);
    good(p, do_drop(p, 5));
    commit(p);
    assert_int_equal(queue_doubt_count(p->q), 0);
    reopened(p);
    assert_int_equal(queue_doubt_count(p->q), 0);
}

static void what_a_person_has_decided_is_in_doubt_no_more(void **state)
{
    struct place *p = *state;
    struct queue_range found;
    const struct queue_range early = {1, 3, 100}, late = {2, 6, 200};
    opened(p);
    push_many(p, "a", 6);
    good(p, queue_doubt_add(p->q, &late, &p->why));
    good(p, queue_doubt_add(p->q, &early, &p->why));
    good(p, queue_doubt_clear(p->q, 3, &p->why));
    good(p, queue_doubt_clear(p->q, 6, &p->why));
    commit(p);
    for (int again = 0; again < 2; again++, reopened(p)) {
        static const int64_t since_s[] = {100, 100, 0, 200, 200, 0}; /* of 1 … 6; 0: no doubt */
        for (int64_t seq = 1; seq <= 6; seq++) {
            const int64_t want = since_s[seq - 1];
            assert_int_equal(queue_doubt_find(p->q, seq, &found), want > 0);
            if (want > 0) assert_int_equal(found.since_s, want);
        }
    }
}

static int64_t ten_later_at_most(const void *ctx, int64_t since_s)
{
    const int64_t *most = ctx;
    return since_s + 10 < *most ? since_s + 10 : *most;
}

static void doubts_get_other_hours_in_one_commit(void **state)
{
    struct place *p = *state;
    const int64_t most = 205;
    const struct queue_range early = {1, 2, 100}, late = {3, 4, 200}, last = {5, 6, 205};
    static const int64_t want[] = {110, 110, 205, 205, 205, 205};
    struct queue_range found;
    opened(p);
    push_many(p, "a", 6);
    good(p, queue_doubt_add(p->q, &early, &p->why));
    good(p, queue_doubt_add(p->q, &late, &p->why));
    good(p, queue_doubt_add(p->q, &last, &p->why));
    commit(p);
    good(p, queue_doubt_redate(p->q, ten_later_at_most, &most, &p->why));
    queue_rollback(p->q);
    good(p, queue_doubt_find(p->q, 1, &found));
    assert_int_equal(found.since_s, 100);
    good(p, queue_doubt_redate(p->q, ten_later_at_most, &most, &p->why));
    commit(p);
    reopened(p);
    for (int64_t seq = 1; seq <= 6; seq++) {
        good(p, queue_doubt_find(p->q, seq, &found));
        assert_int_equal(found.since_s, want[seq - 1]);
    }
    const int64_t far = 0;
    good(p, queue_doubt_redate(p->q, ten_later_at_most, &far, &p->why));
    queue_rollback(p->q);
    const int64_t same = 110;
    good(p, queue_settle(p->q, (const int64_t[]){3, 4, 5, 6}, 4, NOW_S, &p->why));
    commit(p);
    good(p, queue_doubt_redate(p->q, ten_later_at_most, &same, &p->why));
    assert_false(queue_dirty(p->q)); /* nothing changes, nothing is written */
}

/* Visitors ------------------------------------------------------------------------------------ */

static void rows_are_listed_page_by_page_in_every_state(void **state)
{
    struct place *p = *state;
    opened(p);
    for (size_t e = 0; e < 4; e++)
        for (int i = 0; i < 25; i++) {
            char id[16];
            (void)snprintf(id, sizeof id, "%zu-%d", e, i);
            ends[e].end(p, push(p, id));
        }
    commit(p);
    for (int s = QUEUE_QUEUED; s <= QUEUE_DROPPED; s++) {
        struct seen all = {0};
        for (size_t before = 1; before != all.count;) {
            int64_t after = all.count > 0 ? all.rows[all.count - 1].seq : 0;
            before = all.count;
            good(p, queue_list(p->q, (enum queue_state)s, after, 10, see, &all, &p->why));
            assert_true(all.count <= before + 10);
        }
        assert_int_equal(all.count, 25);
        for (size_t i = 0; i < 25; i++) assert_int_equal(all.rows[i].state, s);
        for (size_t i = 1; i < 25; i++) assert_true(all.rows[i].seq > all.rows[i - 1].seq);
    }
    struct seen some = {.stop_after = 3};
    good(p, queue_walk(p->q, 2, 20, see, &some, &p->why));
    assert_int_equal(some.count, 3);
    assert_int_equal(some.rows[0].seq, 2);
    some = (struct seen){0};
    good(p, queue_walk(p->q, 5, 9, see, &some, &p->why));
    assert_int_equal(some.count, 5);
    assert_int_equal(some.rows[4].seq, 9);
    some = (struct seen){0};
    good(p, queue_walk(p->q, 20, 40, see, &some, &p->why)); /* from 26 on they are not queued */
    assert_int_equal(some.count, 6);
}

struct nesting {
    struct place *p;
    size_t rows;
};

static int nest(void *ctx, const struct queue_row *row)
{
    struct nesting *n = ctx;
    struct place *p = n->p;
    struct queue_event e = event("new", "Purchase");
    struct queue_range range;
    int64_t seq;
    int inner[] = {
        queue_push(p->q, &e, &seq, &p->why),
        queue_settle(p->q, &row->seq, 1, NOW_S, &p->why),
        queue_drop(p->q, row->seq, NOW_S, &p->why),
        queue_set_value(p->q, QUEUE_VALUE_PAUSED, 8, &p->why),
        queue_walk(p->q, 1, 9, nest, ctx, &p->why),
        queue_find(p->q, STR("a-0"), nest, ctx, &p->why),
    };
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
        refused(p, inner[i], TILLPOST_E_INTERNAL, "visitor");
    assert_int_equal(queue_tidy(p->q, &(struct queue_ages){INT64_MAX, INT64_MAX}, &p->why), 0);
    assert_int_equal(do_unseal(p, row->seq), 0);
    assert_int_equal(counts(p).queued, 5);
    assert_int_equal(queue_doubt_find(p->q, row->seq, &range), 0);
    char id[16];
    (void)snprintf(id, sizeof id, "a-%zu", n->rows++);
    assert_true(str_is(row->event_id, id)); /* still lent after all that */
    return 0;
}

static void a_visitor_may_look_but_not_touch(void **state)
{
    struct place *p = *state;
    static int (*const walks[])(struct queue *, int64_t, int64_t, queue_visit, void *,
                                struct fault *) = {queue_walk, queue_walk_sealed};
    opened(p);
    push_many(p, "a", 5);
    commit(p);
    for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++) {
        struct nesting n = {p, 0};
        good(p, walks[i](p->q, 1, 100, nest, &n, &p->why));
        assert_int_equal(n.rows, 5);
    }
    (void)push(p, "b");
    commit(p);
}

/* Seals (6) and keys -------------------------------------------------------------------------- */

static void a_damaged_row_says_so_and_the_others_go_on(void **state)
{
    struct place *p = *state;
    /* clang-format off */
    static const struct { const char *name, *damage; const char *works; } rows[] = {
        {"nothing",        "SELECT 1",                                                                      "YYYY"},
        {"moved",          "UPDATE event SET sealed=(SELECT sealed FROM event WHERE seq=3) WHERE seq=2",    "YNYY"},
        {"another id",     "UPDATE event SET event_id='x' WHERE seq=1",                                     "NYYY"},
        {"another name",   "UPDATE event SET event='Lead' WHERE seq=4",                                     "YYYN"},
        {"another key",    "UPDATE event SET key_event='Lead' WHERE seq=4",                                 "YYYN"},
        {"a test code",    "UPDATE event SET test_code='T' WHERE seq=1",                                    "NYYY"},
        {"another time",   "UPDATE event SET occurred_ms=occurred_ms+1 WHERE seq=2",                        "YNYY"},
        {"recorded later", "UPDATE event SET recorded_s=recorded_s+1 WHERE seq=3",                          "YYNY"},
        {"another flag",   "UPDATE event SET flags=flags|2 WHERE seq=3",                                    "YYNY"},
        {"a boot time",    "UPDATE event SET boot_ms=7 WHERE seq=2",                                        "YNYY"},
        {"a boot id",      "UPDATE event SET boot_id=x'01' WHERE seq=2",                                    "YNYY"},
        {"cut",            "UPDATE event SET sealed=substr(sealed,1,length(sealed)-1) WHERE seq=3",         "YYNY"},
        {"empty",          "UPDATE event SET sealed=x'' WHERE seq=3",                                       "YYNY"},
        {"one other byte", "UPDATE event SET sealed=CAST(substr(sealed,1,20)||x'00'||substr(sealed,22) AS BLOB) WHERE seq=2", "YNYY"},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)remove(p->path);
        opened(p);
        push_many(p, "a", 4);
        commit(p);
        queue_close(p->q);
        (void)sql(p, rows[i].damage);
        opened(p);
        for (int64_t seq = 1; seq <= 4; seq++) {
            int r = do_unseal(p, seq),
                want = rows[i].works[seq - 1] == 'Y' ? 0 : TILLPOST_E_DAMAGED;
            if (r != want) fail_msg("%s: row %d gives %d", rows[i].name, (int)seq, r);
        }
        struct seen s = {0};
        good(p, queue_walk(p->q, 1, 9, see, &s, &p->why));
        assert_int_equal(s.count, 4);
        for (int64_t seq = 1; seq <= 4; seq++) good(p, do_bury(p, seq));
        commit(p);
        queue_close(p->q);
        p->q = NULL;
    }
}

static void a_key_that_does_not_fit_is_refused_at_the_door(void **state)
{
    struct place *p = *state;
    for (int rows = 0; rows < 2; rows++) {
        opened(p);
        if (rows > 0) (void)push(p, "a");
        commit(p);
        queue_close(p->q);
        refused(p, open_with(p, other_key, &small, 64 * MIB), TILLPOST_E_CONFIG,
                "key does not fit");
        assert_null(p->q);
        opened(p);
        assert_int_equal(counts(p).queued, rows);
        if (rows > 0) assert_int_equal(do_unseal(p, 1), 0);
        queue_close(p->q);
    }
    /* The check itself may be what is damaged: there is a second one, then the oldest row decides. */
    (void)sql(p, "UPDATE value SET value=x'0102' WHERE slot=100");
    opened(p);
    queue_close(p->q);
    (void)sql(p, "UPDATE value SET value=x'0102' WHERE slot=102");
    opened(p);
    queue_close(p->q);
    refused(p, open_with(p, other_key, &small, 64 * MIB), TILLPOST_E_CONFIG, "key does not fit");
    p->q = NULL;
}

static void nothing_sealed_can_be_read_in_the_files(void **state)
{
    struct place *p = *state;
    static const char secret[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    char name[2 * TESTING_PATH_BYTES];
    static char content[4 * MIB];
    struct queue_event e = event("a", "Purchase");
    int64_t seq;
    e.rest = str_from(secret);
    opened(p);
    good(p, queue_push(p->q, &e, &seq, &p->why));
    commit(p);
    static const char *const suffixes[] = {"", "-wal"};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(name, sizeof name, "%s%s", p->path, suffixes[i]);
        FILE *f = fopen(name, "rb");
        assert_non_null(f);
        size_t n = fread(content, 1, sizeof content, f);
        (void)fclose(f);
        assert_true(n > 0);
        for (size_t at = 0; at + 16 <= n; at++) assert_memory_not_equal(content + at, secret, 16);
    }
}

/* Files --------------------------------------------------------------------------------------- */

static void write_newer(struct place *p)
{
    opened(p);
    push_many(p, "a", 3);
    commit(p);
    queue_close(p->q);
    (void)sql(p, "PRAGMA user_version=3");
    (void)sql(p, "UPDATE value SET value=value+1 WHERE slot=101");
}

static void write_foreign(struct place *p)
{
    (void)sql(p, "CREATE TABLE other(x)");
}

static void write_text(struct place *p)
{
    char text[9000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    testing_write(p->path, text, 0600);
}

static void write_directory(struct place *p)
{
    assert_int_equal(mkdir(p->path, 0700), 0);
}

static void write_file_as_directory(struct place *p)
{
    (void)snprintf(p->path, sizeof p->path, "%s/file/queue.db", p->dir);
    char file[TESTING_PATH_BYTES + 32];
    (void)snprintf(file, sizeof file, "%s/file", p->dir);
    testing_write(file, "x", 0600);
}

static void write_missing_directories(struct place *p)
{
    (void)snprintf(p->path, sizeof p->path, "%s/a/b/queue.db", p->dir);
}

struct content {
    unsigned char bytes[256 * 1024];
    size_t len;
};

static void read_all(const char *path, struct content *c)
{
    FILE *f = fopen(path, "rb");
    c->len = f == NULL ? 0 : fread(c->bytes, 1, sizeof c->bytes, f);
    if (f != NULL) (void)fclose(f);
}

static void what_cannot_be_a_queue_is_refused_and_left_as_it_is(void **state)
{
    /* clang-format off */
    static const struct { const char *name; void (*write)(struct place *); int err; const char *words; } rows[] = {
        {"newer",               write_newer,              TILLPOST_E_CONFIG,      "a newer tillpost wrote it (schema 3, this one knows 2)"},
        {"another program's",   write_foreign,            TILLPOST_E_CONFIG,      "another program's database"},
        {"text",                write_text,               TILLPOST_E_DAMAGED,     "no SQLite database"},
        {"a directory",         write_directory,          TILLPOST_E_CANT_CREATE, "not a directory"},
        {"a file on the way",   write_file_as_directory,  TILLPOST_E_CANT_CREATE, "queue.path"},
        {"no directory",        write_missing_directories,TILLPOST_E_CANT_CREATE, "directory"},
    };
    /* clang-format on */
    static struct content before, after;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *fresh;
        place_open(&fresh);
        struct place *p = fresh;
        rows[i].write(p);
        read_all(p->path, &before);
        int r = open_with(p, key, &small, 64 * MIB);
        if (r != rows[i].err || strstr(p->why.message, rows[i].words) == NULL)
            fail_msg("%s: %d %s", rows[i].name, r, p->why.message);
        assert_int_equal(p->why.err, r);
        assert_null(p->q);
        read_all(p->path, &after);
        assert_int_equal(before.len, after.len);
        assert_memory_equal(before.bytes, after.bytes, after.len);
        place_close(&fresh);
    }
    (void)state;
}

/* A power cut under a newer program leaves a WAL; the older one must not touch that either. */
static void the_wal_of_a_newer_program_is_left_as_it_is(void **state)
{
    struct place *p = *state;
    static struct content before, after;
    char wal[TESTING_PATH_BYTES + 48];
    (void)snprintf(wal, sizeof wal, "%s-wal", p->path);
    opened(p);
    commit(p);
    queue_close(p->q);
    p->q = NULL;
    pid_t child = fork();
    if (child == 0) {
        sqlite3 *db = NULL;
        sqlite3_open(p->path, &db);
        sqlite3_exec(db,
                     "PRAGMA locking_mode=EXCLUSIVE; PRAGMA user_version=3;"
                     "UPDATE value SET value=value+1 WHERE slot=101",
                     NULL, NULL, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    read_all(wal, &before);
    assert_true(before.len > 0);
    refused(p, open_with(p, key, &small, 64 * MIB), TILLPOST_E_CONFIG, "schema 3");
    read_all(wal, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.bytes, after.bytes, after.len);
}

/* Files that earlier programs wrote, and this one on an x86-64: later ones and other processors must
 * read them, to the byte. Schema 2's has ids that moved to the table `known`. */
static const struct golden_row {
    const char *file;
    int64_t sent_total;
    const char *moved; /* an id in the table; NULL: there is none */
} goldens[] = {
    {"schema-1.db", 1, NULL},
    {"schema-2.db", 0, "moved-7"},
};

static void check_golden(struct place *p, const struct golden_row *row)
{
    struct queue_counts c = counts(p);
    struct queue_range range;
    assert_int_equal(c.queued, 2);
    assert_int_equal(c.dead, 1);
    assert_int_equal(state_of(p, "queued"), 'Q');
    assert_int_equal(state_of(p, "doubtful"), 'Q');
    assert_int_equal(state_of(p, "dead"), 'D');
    assert_int_equal(state_of(p, "sent"), 'S');
    assert_int_equal(state_of(p, "dropped"), 'X');
    if (row->moved) assert_int_equal(state_of(p, row->moved), 'S');
    assert_int_equal(do_unseal(p, c.oldest_seq), 0);
    assert_int_equal(do_unseal(p, c.newest_seq), 0);
    assert_int_equal(queue_doubt_find(p->q, c.newest_seq, &range), 1);
    assert_int_equal(queue_marked(p->q, &range), 1);
    assert_int_equal(queue_value(p->q, QUEUE_VALUE_SENT_TOTAL), row->sent_total);
}

static void a_queue_of_every_schema_opens(void **state)
{
    static struct content golden;
    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
        void *fresh;
        char from[TESTING_PATH_BYTES];
        place_open(&fresh);
        struct place *p = fresh;
        (void)snprintf(from, sizeof from, "%s/queue/%s", TEST_DATA_DIR, goldens[i].file);
        read_all(from, &golden);
        assert_true(golden.len > 0);
        FILE *f = fopen(p->path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(golden.bytes, 1, golden.len, f), golden.len);
        assert_int_equal(fclose(f), 0);
        opened(p);
        check_golden(p, &goldens[i]);
        place_close(&fresh);
    }
    (void)state;
}

static void files_are_private_whatever_the_umask(void **state)
{
    struct place *p = *state;
    static const char *const names[] = {"queue.db", "queue.db-wal", "queue.db-ballast"};
    char path[2 * TESTING_PATH_BYTES];
    mode_t before = umask(0);
    (void)snprintf(p->path, sizeof p->path, "%s/state dir %%3f?#&=/queue.db", p->dir);
    opened(p);
    (void)push(p, "a");
    commit(p);
    tidy_all(p, INT64_MIN);
    (void)umask(before);
    for (size_t i = 0; i < 3; i++) {
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/state dir %%3f?#&=/%s", p->dir, names[i]);
        if (stat(path, &st) != 0) fail_msg("%s is missing", path);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    (void)snprintf(path, sizeof path, "%s/state dir %%3f?#&=", p->dir);
    DIR *d = opendir(path);
    assert_non_null(d);
    int entries = 0;
    while (readdir(d) != NULL) entries++;
    (void)closedir(d);
    assert_int_equal(entries, 2 + 3); /* nothing else beside them */
}

static void one_queue_has_one_owner(void **state)
{
    struct place *p = *state;
    opened(p);
    (void)push(p, "a");
    commit(p);
    pid_t child = fork();
    if (child == 0) {
        struct queue *second = NULL;
        struct fault why = {0};
        const struct queue_options options = {p->path, key, 64 * MIB, NULL};
        int r = queue_open(&options, &second, &why);
        _exit(r == TILLPOST_E_LOCKED && strstr(why.message, "another") ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)push(p, "b");
    commit(p);
    reopened(p);
    assert_int_equal(counts(p).queued, 2);
}

/* Full (9) ------------------------------------------------------------------------------------ */

static int push_until_full(struct place *p, const char *prefix, int per_commit)
{
    static char rest[1500];
    char id[48];
    int r = 0, n = 0, kept = 0;
    memset(rest, 'r', sizeof rest);
    while (r == 0 && n < 100000) {
        (void)snprintf(id, sizeof id, "%s-%d", prefix, n++);
        struct queue_event e = event(id, "Purchase");
        int64_t seq;
        e.rest = (struct str){rest, sizeof rest};
        r = queue_push(p->q, &e, &seq, &p->why);
        if (r == 0 && n % per_commit == 0) {
            r = queue_commit(p->q, &p->why) < 0 ? p->why.err : 0;
            if (r == 0) kept = n;
        }
    }
    assert_int_equal(r, TILLPOST_E_QUEUE_FULL);
    return kept;
}

/* As the agent does it: what could not be committed is tried again. */
static int try_to_settle_all(struct place *p)
{
    int r = 0, tries = 0;
    while (r >= 0 && counts(p).queued > 0) {
        struct seen s = {.stop_after = 50};
        int64_t seqs[50];
        r = queue_walk(p->q, 0, INT64_MAX, see, &s, &p->why);
        for (size_t i = 0; i < s.count; i++) seqs[i] = s.rows[i].seq;
        if (r >= 0) r = queue_settle(p->q, seqs, s.count, NOW_S, &p->why);
        if (r >= 0) r = queue_commit(p->q, &p->why);
        if (r == TILLPOST_E_QUEUE_FULL && ++tries < 3) r = 0;
    }
    return r;
}

static void settle_all(struct place *p)
{
    good(p, try_to_settle_all(p));
}

static void at_max_size_pushes_are_refused_and_the_rest_goes_on(void **state)
{
    struct place *p = *state;
    assert_int_equal(open_with(p, key, &small, 4 * MIB), 0);
    (void)push_until_full(p, "a", 50);
    assert_non_null(strstr(p->why.message, "queue.max_size (4 MiB)"));
    assert_true(queue_dirty(p->q)); /* what came before it stays */
    int64_t queued = counts(p).queued;
    commit(p);
    assert_int_equal(counts(p).queued, queued);
    assert_true(queued > 1500);
    tidy_all(p, INT64_MIN);
    queue_close(p->q);
    assert_true(bytes_of(p->path) <= 4 * MIB);
    assert_int_equal(open_with(p, key, &small, 4 * MIB), 0);
    for (int64_t seq = 1; seq <= 200; seq++) good(p, do_bury(p, seq));
    commit(p);
    settle_all(p);
    for (int64_t seq = 1; seq <= 200; seq++) good(p, do_drop(p, seq));
    commit(p);
    assert_true(push_until_full(p, "b", 50) > 1000);
    commit(p);
    queue_close(p->q);
    p->q = NULL;
    assert_true(bytes_of(p->path) <= 4 * MIB);
}

static void wait_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void a_full_disk_is_survived_and_noticed_when_it_ends(void **state)
{
    struct place *p = *state;
    static const int kib[] = {256, 1024, 4096};
    char options[32], hog[TESTING_PATH_BYTES + 16];
    (void)snprintf(hog, sizeof hog, "%s/hog", p->dir);
    for (size_t i = 0; i < sizeof kib / sizeof kib[0]; i++) {
        (void)snprintf(options, sizeof options, "size=%dk", kib[i]);
        if (mount("tmpfs", p->dir, "tmpfs", 0, options) != 0) {
            print_message("skipped: mounting a tmpfs needs root (%s)\n", strerror(errno));
            skip();
        }
        assert_int_equal(open_with(p, key, &small, 64 * MIB), 0);
        tidy_all(p, INT64_MIN);
        int kept = push_until_full(p, "a", 4);
        assert_non_null(strstr(p->why.message, "pace"));
        queue_rollback(p->q);
        assert_true(counts(p).queued >= kept);
        /* Nothing is taken, nothing is lost, what is there leaves. */
        struct queue_event e = event("late", "Purchase");
        int64_t seq;
        FILE *f = fopen(hog, "w");
        assert_non_null(f);
        while (fputc('x', f) != EOF) continue;
        (void)fclose(f);
        assert_int_equal(queue_push(p->q, &e, &seq, &p->why), TILLPOST_E_QUEUE_FULL);
        for (int k = 0; k < kept; k++) {
            char id[16];
            (void)snprintf(id, sizeof id, "a-%d", k);
            assert_int_equal(state_of(p, id), 'Q');
        }
        (void)remove(hog);
        if (try_to_settle_all(p) < 0)
            fail_msg("%d KiB: %s; %d queued of %d", kib[i], p->why.message, (int)counts(p).queued,
                     kept);
        tidy_all(p, INT64_MIN);
        wait_ms(2 * (long)small.space_try_ms);
        (void)push(p, "after");
        commit(p);
        reopened(p);
        assert_int_equal(state_of(p, "after"), 'Q');
        assert_int_equal(state_of(p, "a-0"), 'S');
        queue_close(p->q);
        p->q = NULL;
        assert_int_equal(umount(p->dir), 0);
    }
}

/* With 0 bytes free, deliveries go on: what the ballast is for. */
static void settling_goes_on_with_nothing_free_but_the_ballast(void **state)
{
    struct place *p = *state;
    char hog[TESTING_PATH_BYTES + 16];
    (void)snprintf(hog, sizeof hog, "%s/hog", p->dir);
    if (mount("tmpfs", p->dir, "tmpfs", 0, "size=8m") != 0) {
        print_message("skipped: mounting a tmpfs needs root (%s)\n", strerror(errno));
        skip();
    }
    assert_int_equal(open_with(p, key, &small, 64 * MIB), 0);
    tidy_all(p, INT64_MIN);
    push_many(p, "a", 200);
    commit(p);
    FILE *f = fopen(hog, "w");
    assert_non_null(f);
    while (fputc('x', f) != EOF) continue;
    (void)fclose(f);
    (void)push_until_full(p, "b", 1);
    settle_all(p);
    assert_int_equal(state_of(p, "a-199"), 'S');
    queue_close(p->q);
    p->q = NULL;
    assert_int_equal(umount(p->dir), 0);
}

static int settle_whole(struct place *p, int64_t first, int64_t last)
{
    const struct queue_whole whole = {QUEUE_VALUE_EXPORT, 77, QUEUE_VALUE_EXPORTED_TOTAL};
    struct queue_numbers numbers;
    queue_numbers_init(&numbers);
    queue_numbers_add(&numbers, first, last);
    int r = queue_settle_whole(p->q, &numbers, NOW_S, &whole, &p->why);
    queue_numbers_free(&numbers);
    return r;
}

/* An export has written its files: on a full disk too all of its rows leave, or none. */
static void what_leaves_as_a_whole_leaves_on_a_full_disk_too(void **state)
{
    struct place *p = *state;
    char hog[TESTING_PATH_BYTES + 16];
    (void)snprintf(hog, sizeof hog, "%s/hog", p->dir);
    if (mount("tmpfs", p->dir, "tmpfs", 0, "size=8m") != 0) {
        print_message("skipped: mounting a tmpfs needs root (%s)\n", strerror(errno));
        skip();
    }
    assert_int_equal(open_with(p, key, &small, 64 * MIB), 0);
    tidy_all(p, INT64_MIN);
    push_many(p, "a", 200);
    commit(p);
    FILE *f = fopen(hog, "w");
    assert_non_null(f);
    while (fputc('x', f) != EOF) continue;
    (void)fclose(f);
    (void)push_until_full(p, "b", 1);
    queue_rollback(p->q);
    int r = settle_whole(p, 1, 200);
    if (r >= 0) r = queue_commit(p->q, &p->why);
    queue_rollback(p->q);
    (void)reopened(p);
    bool decided = queue_value(p->q, QUEUE_VALUE_EXPORT) == 77;
    if (r >= 0) assert_true(decided);
    assert_int_equal(state_of(p, "a-0"), decided ? 'S' : 'Q');
    assert_int_equal(state_of(p, "a-199"), decided ? 'S' : 'Q');
    assert_int_equal(queue_value(p->q, QUEUE_VALUE_EXPORTED_TOTAL), decided ? 200 : 0);
    queue_close(p->q);
    p->q = NULL;
    assert_int_equal(umount(p->dir), 0);
}

static void a_read_only_disk_is_named(void **state)
{
    struct place *p = *state;
    if (mount("tmpfs", p->dir, "tmpfs", 0, "size=4m") != 0) {
        print_message("skipped: mounting a tmpfs needs root (%s)\n", strerror(errno));
        skip();
    }
    for (int exists = 0; exists < 2; exists++) {
        if (exists) opened(p);
        queue_close(p->q);
        p->q = NULL;
        assert_int_equal(mount("", p->dir, "", MS_REMOUNT | MS_RDONLY, NULL), 0);
        refused(p, open_with(p, key, &small, 64 * MIB), TILLPOST_E_STORAGE, "Read-only");
        assert_int_equal(mount("", p->dir, "", MS_REMOUNT, NULL), 0);
    }
    opened(p);
    queue_close(p->q);
    p->q = NULL;
    assert_int_equal(umount(p->dir), 0);
}

static void a_limit_of_file_sizes_reads_as_full(void **state)
{
    struct place *p = *state;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {400 * 1024, 400 * 1024};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        opened(p);
        int kept = push_until_full(p, "a", 4);
        bool said = strstr(p->why.message, "file sizes") != NULL;
        _exit(said ? kept : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    int kept = WEXITSTATUS(status);
    if (!WIFEXITED(status) || kept < 50) fail_msg("status %x", (unsigned)status);
    opened(p);
    for (int i = 0; i < kept; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "a-%d", i);
        assert_int_equal(state_of(p, id), 'Q');
    }
    (void)push(p, "after");
    commit(p);
}

/* Idle work ----------------------------------------------------------------------------------- */

static void ids_are_forgotten_when_their_time_has_come(void **state)
{
    struct place *p = *state;
    char id[16];
    opened(p);
    for (int i = 0; i < 100; i++) { /* 0…99 end at NOW_S + i; every tenth is dropped */
        (void)snprintf(id, sizeof id, "%d", i);
        int64_t seq = push(p, id);
        if (i % 10 == 0) good(p, queue_drop(p->q, seq, NOW_S + i, &p->why));
        else good(p, queue_settle(p->q, &seq, 1, NOW_S + i, &p->why));
    }
    int64_t dead = push(p, "dead"), late = push(p, "late");
    (void)push(p, "queued");
    end_dead(p, dead);
    good(p, queue_settle(p->q, &late, 1, NOW_S + 100000, &p->why));
    commit(p);
    tidy_all(p, INT64_MIN);
    assert_int_equal(state_of(p, "0"), 'X');
    tidy_all(p, NOW_S + 42);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        assert_int_equal(state_of(p, id), i < 42 ? '-' : i % 10 == 0 ? 'X' : 'S');
    }
    tidy_all(p, NOW_S + 42 + 3599); /* not yet an hour later */
    assert_int_equal(state_of(p, "42"), 'S');
    tidy_all(p, NOW_S + 42 + 3600);
    assert_int_equal(state_of(p, "99"), '-');
    assert_int_equal(state_of(p, "late"), 'S');
    assert_int_equal(state_of(p, "dead"), 'D');
    assert_int_equal(state_of(p, "queued"), 'Q');
    (void)push(p, "42"); /* may come again */
    commit(p);
    reopened(p);
    assert_int_equal(counts(p).queued, 2);
    queue_close(p->q);
    p->q = NULL;
    assert_int_equal(sql(p, "SELECT count(*) FROM past"), 1);
    assert_int_equal(
        sql(p, "SELECT count(*) FROM known WHERE seq NOT IN"
               " (SELECT seq FROM event UNION SELECT seq FROM dead UNION SELECT seq FROM past)"),
        0);
}

/* Nobody looked at them: what they hold goes, their ids are forgotten in their turn. */
static void dead_rows_are_dropped_when_their_time_has_come(void **state)
{
    struct place *p = *state;
    char id[64];
    opened(p);
    push_many(p, "a", 35);
    for (int64_t seq = 1; seq <= 35; seq++)
        good(p, queue_bury(p->q, seq, "tiktok_1", "no", NOW_S + seq % 7, &p->why));
    (void)push(p, "queued");
    commit(p);
    queue_close(p->q);
    (void)opened(p);
    const struct queue_ages ages = {NOW_S - 1000, NOW_S + 3};
    int r;
    while ((r = queue_tidy(p->q, &ages, &p->why)) == 1) continue;
    good(p, r);
    assert_int_equal(counts(p).dead, 20);
    assert_int_equal(counts(p).queued, 1);
    for (int i = 0; i < 35; i++) {
        (void)snprintf(id, sizeof id, "a-%d", i);
        assert_int_equal(state_of(p, id), (i + 1) % 7 < 3 ? 'X' : 'D');
    }
    reopened(p);
    assert_int_equal(counts(p).dead, 20);
    assert_int_equal(queue_value(p->q, QUEUE_VALUE_GIVEN_UP_TOTAL), 15);
    const struct queue_ages later = {NOW_S + 4, NOW_S + 3};
    while ((r = queue_tidy(p->q, &later, &p->why)) == 1) continue;
    assert_int_equal(state_of(p, "a-0"), '-');
}

static void an_id_that_is_forgotten_soon_may_come_again_too(void **state)
{
    struct place *p = *state;
    opened(p);
    int64_t seq = push(p, "a");
    (void)push(p, "b");
    end_sent(p, seq);
    commit(p);
    tidy_all(p, NOW_S + 1);
    assert_int_equal(state_of(p, "a"), '-');
    assert_true(push(p, "a") > seq);
    commit(p);
    reopened(p);
    assert_int_equal(state_of(p, "a"), 'Q');
}

static void at_rest_nothing_is_written(void **state)
{
    struct place *p = *state;
    static struct content before[2], after[2];
    char wal[TESTING_PATH_BYTES + 48];
    (void)snprintf(wal, sizeof wal, "%s-wal", p->path);
    opened(p);
    push_many(p, "a", 60);
    commit(p);
    settle_all(p);
    tidy_all(p, NOW_S - 5);
    (void)push(p, "a lone sale");
    commit(p);
    read_all(p->path, &before[0]);
    read_all(wal, &before[1]);
    struct stat st[2], now[2];
    assert_int_equal(stat(p->path, &st[0]) + stat(wal, &st[1]), 0);
    for (int i = 0; i < 100; i++) {
        const struct queue_ages ages = {NOW_S - 5 + i, NOW_S - 5 + i};
        assert_int_equal(queue_tidy(p->q, &ages, &p->why), 0);
    }
    assert_false(queue_dirty(p->q));
    read_all(p->path, &after[0]);
    read_all(wal, &after[1]);
    assert_int_equal(stat(p->path, &now[0]) + stat(wal, &now[1]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(before[i].len, after[i].len);
        assert_memory_equal(before[i].bytes, after[i].bytes, after[i].len);
        assert_memory_equal(&st[i].st_mtim, &now[i].st_mtim, sizeof now[i].st_mtim);
    }
}

static void opening_and_closing_writes_nothing(void **state)
{
    struct place *p = *state;
    static struct content before, after;
    opened(p);
    push_many(p, "a", 5);
    commit(p);
    queue_close(p->q);
    read_all(p->path, &before);
    opened(p);
    queue_close(p->q);
    p->q = NULL;
    read_all(p->path, &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.bytes, after.bytes, after.len);
}

static void the_file_shrinks_after_a_backlog_and_the_wal_stays_small(void **state)
{
    struct place *p = *state;
    char wal[TESTING_PATH_BYTES + 48], prefix[16];
    (void)snprintf(wal, sizeof wal, "%s-wal", p->path);
    opened(p);
    for (int i = 0; i < 60; i++) {
        (void)snprintf(prefix, sizeof prefix, "%d", i);
        push_many(p, prefix, 100);
        commit(p);
        if (i % 3 == 0) (void)queue_tidy(p->q, NULL, &p->why);
        assert_true(bytes_of(wal) < small.wal_max_bytes + 400 * 1024);
    }
    int64_t full = counts(p).size_bytes;
    assert_true(full > MIB / 2);
    settle_all(p);
    tidy_all(p, NOW_S + 1);
    assert_int_equal(counts(p).queued, 0);
    assert_true(counts(p).size_bytes < full / 2);
    assert_true(bytes_of(p->path) <= counts(p).size_bytes);
    assert_true(bytes_of(wal) < 8 * MIB);
}

static void a_hundred_thousand_rows_are_no_trouble(void **state)
{
    struct place *p = *state;
    enum { ROWS = 100000, GROUP = 1000 };
    static int64_t seqs[GROUP];
    char prefix[16];
    assert_int_equal(open_with(p, key, &queue_limits, 1024 * MIB), 0);
    for (int i = 0; i < ROWS / GROUP; i++) {
        (void)snprintf(prefix, sizeof prefix, "%d", i);
        push_many(p, prefix, GROUP);
        commit(p);
    }
    queue_close(p->q);
    assert_int_equal(open_with(p, key, &queue_limits, 1024 * MIB), 0);
    assert_int_equal(counts(p).queued, ROWS);
    struct queue_event e = event("7-77", "Purchase");
    int64_t seq;
    assert_int_equal(queue_push(p->q, &e, &seq, &p->why), 1);
    assert_int_equal(seq, 7 * GROUP + 77 + 1);
    for (int i = 0; i < ROWS / GROUP; i++) {
        for (int k = 0; k < GROUP; k++) seqs[k] = i * GROUP + k + 1;
        good(p, queue_settle(p->q, seqs, GROUP, NOW_S, &p->why));
        commit(p);
    }
    assert_int_equal(counts(p).queued, 0);
    assert_int_equal(queue_push(p->q, &e, &seq, &p->why), 1);
}

int main(void)
{
#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)
    const struct CMUnitTest tests[] = {
        PLACED(what_was_committed_is_kept_and_nothing_else),
        PLACED(a_killed_process_loses_nothing_committed),
        PLACED(a_row_comes_back_as_it_was_pushed),
        PLACED(rows_of_every_size_are_kept_up_to_the_limit),
        PLACED(a_sealed_walk_sees_what_a_walk_sees_and_opens_it),
        PLACED(values_and_the_mark_ride_in_the_transaction),
        PLACED(a_pair_of_id_and_name_is_taken_once),
        PLACED(a_repeat_in_the_open_transaction_is_a_duplicate_too),
        PLACED(all_events_of_an_id_are_found_in_order),
        PLACED(every_move_leads_where_it_should),
        PLACED(a_dead_row_tells_why_and_comes_back_whole),
        PLACED(numbers_are_never_given_twice),
        PLACED(a_batch_settles_as_a_whole_in_any_order),
        PLACED(random_moves_agree_with_a_plain_model),
        PLACED(a_doubt_goes_with_its_last_row),
        PLACED(what_a_person_has_decided_is_in_doubt_no_more),
        PLACED(doubts_get_other_hours_in_one_commit),
        PLACED(rows_are_listed_page_by_page_in_every_state),
        PLACED(a_visitor_may_look_but_not_touch),
        PLACED(a_damaged_row_says_so_and_the_others_go_on),
        PLACED(a_key_that_does_not_fit_is_refused_at_the_door),
        PLACED(nothing_sealed_can_be_read_in_the_files),
        PLACED(what_cannot_be_a_queue_is_refused_and_left_as_it_is),
        PLACED(the_wal_of_a_newer_program_is_left_as_it_is),
        cmocka_unit_test(a_queue_of_every_schema_opens),
        PLACED(files_are_private_whatever_the_umask),
        PLACED(one_queue_has_one_owner),
        PLACED(at_max_size_pushes_are_refused_and_the_rest_goes_on),
        PLACED(a_full_disk_is_survived_and_noticed_when_it_ends),
        PLACED(settling_goes_on_with_nothing_free_but_the_ballast),
        PLACED(a_read_only_disk_is_named),
        PLACED(what_leaves_as_a_whole_leaves_on_a_full_disk_too),
        PLACED(a_limit_of_file_sizes_reads_as_full),
        PLACED(ids_are_forgotten_when_their_time_has_come),
        PLACED(dead_rows_are_dropped_when_their_time_has_come),
        PLACED(an_id_that_is_forgotten_soon_may_come_again_too),
        PLACED(at_rest_nothing_is_written),
        PLACED(opening_and_closing_writes_nothing),
        PLACED(the_file_shrinks_after_a_backlog_and_the_wal_stays_small),
        PLACED(a_hundred_thousand_rows_are_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
