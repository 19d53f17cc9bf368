/*
 * queue_wal_test.c: how large the WAL gets at the real limits, whatever is asked of the queue: never
 * over 8 MiB. Small events in commits as large as the agent's, batches of a thousand settled
 * meanwhile, an export and an erasure of everything: each once grew it to 20, 80 and 280 MiB.
 *
 * TILLPOST_SOAK=1: with as many ids as a busy store's in 28 days, and longer.
 */
#include "testing.h"

#include "queue/erase.h"
#include "queue/leave.h"

enum {
    MIB = 1 << 20,
    WAL_MAX_BYTES = 8 * MIB,
    COMMIT_BYTES = 2 * MIB + MIB / 2, /* pushed in one; the agent's, with a batch behind it */
    ID_BYTES = 17,
    BATCH_ROWS = 1000,
    NOW_S = 1800000000,
    SLICE_MS = 1000
};

static const unsigned char key[QUEUE_KEY_BYTES] = "the key of the queue in the test";

struct place {
    char dir[TESTING_PATH_BYTES];
    char path[TESTING_PATH_BYTES + 32], wal[TESTING_PATH_BYTES + 48];
    struct queue *q;
    struct fault why;
    int64_t pushed, settled;
};

static bool soak(void)
{
    const char *s = getenv("TILLPOST_SOAK");
    return s != NULL && s[0] == '1';
}

static void good(struct place *p, int r)
{
    if (r < 0) fail_msg("%d: %s", r, p->why.message);
}

static void reopen(struct place *p)
{
    const struct queue_options options = {p->path, key, INT64_C(4096) * MIB, NULL};
    queue_close(p->q);
    good(p, queue_open(&options, &p->q, &p->why));
}

static int place_open(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    testing_scratch(p->dir);
    (void)snprintf(p->path, sizeof p->path, "%s/queue.db", p->dir);
    (void)snprintf(p->wal, sizeof p->wal, "%s-wal", p->path);
    reopen(p);
    *state = p;
    return 0;
}

static int place_close(void **state)
{
    struct place *p = *state;
    queue_close(p->q);
    (void)testing_scratch_remove(p->dir);
    free(p);
    return 0;
}

static void check_wal(struct place *p, const char *after)
{
    struct stat st;
    if (stat(p->wal, &st) == 0 && st.st_size > WAL_MAX_BYTES)
        fail_msg("%s: %lld bytes of WAL", after, (long long)st.st_size);
}

static void commit(struct place *p, const char *what)
{
    good(p, queue_commit(p->q, &p->why));
    check_wal(p, what);
}

static void push(struct place *p, size_t bytes, size_t rows)
{
    static char rest[QUEUE_ROW_MAX_BYTES];
    char id[ID_BYTES + 1];
    int64_t seq;
    while (rows-- > 0) {
        (void)snprintf(id, sizeof id, "sale-%012lld", (long long)p->pushed++);
        const struct queue_event e = {.event_id = str_from(id),
                                      .event = STR("Purchase"),
                                      .key_event = STR("Purchase"),
                                      .rest = {rest, bytes},
                                      .occurred_ms = NOW_S * INT64_C(1000),
                                      .recorded_s = NOW_S};
        good(p, queue_push(p->q, &e, &seq, &p->why));
    }
}

static void fill(struct place *p, int64_t rows)
{
    while (p->pushed < rows) {
        push(p, 100, BATCH_ROWS);
        commit(p, "a thousand small events");
    }
}

static void settle_batch(struct place *p, size_t rows)
{
    static int64_t seqs[BATCH_ROWS];
    for (size_t i = 0; i < rows; i++) seqs[i] = ++p->settled;
    good(p, queue_settle(p->q, seqs, rows, NOW_S, &p->why));
}

/* clang-format off */
static const struct { const char *what; size_t bytes, batch_rows; int commits, commits_soak; } days[] = {
    {"small events",             100, 1000, 6,  60},
    {"events of the usual size", 600, 1000, 12, 200},
    {"two thirds of a page",    2700,  400, 12, 200},
    {"long events, batches of 8 MiB", 60000, 140, 6, 100},
};
/* clang-format on */

static void large_commits_and_batches_keep_it_small(void **state)
{
    struct place *p = *state;
    fill(p, soak() ? 400000 : 60000);
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        int commits = soak() ? days[i].commits_soak : days[i].commits;
        /* What is settled is as long as what is pushed. */
        if (i > 0) p->settled = p->pushed;
        for (int k = 0; k < commits; k++) {
            if (p->pushed - p->settled >= (int64_t)days[i].batch_rows)
                settle_batch(p, days[i].batch_rows);
            push(p, days[i].bytes, COMMIT_BYTES / (days[i].bytes + ID_BYTES));
            commit(p, days[i].what);
        }
    }
}

/* One push follows the other, and nobody commits: the register of an import that forgot to. */
static void a_transaction_that_nobody_ends_is_ended(void **state)
{
    struct place *p = *state;
    push(p, 8000, 2500);
    commit(p, "20 MB of events");
    reopen(p);
    struct queue_counts c;
    queue_counts(p->q, &c);
    assert_int_equal(c.queued, 2500);
}

static bool every_other(void *ctx, struct str rest)
{
    (void)rest;
    return ++*(int *)ctx % 2 == 0;
}

static void an_erasure_of_half_the_queue_keeps_it_small(void **state)
{
    struct place *p = *state;
    struct queue_erasure e;
    struct queue_counts c;
    int seen = 0, r;
    push(p, 1500, 12000);
    commit(p, "18 MB of events");
    queue_erasure_begin(&e);
    while ((r = queue_erasure_look(p->q, &e, every_other, &seen, SLICE_MS, &p->why)) > 0) continue;
    good(p, r);
    /* As queue_erasure_finish does it, which then empties the WAL. */
    assert_int_equal(
        queue_drop_rows(p->q, e.seqs, e.count, NOW_S, QUEUE_VALUE_ERASED_TOTAL, &p->why), 6000);
    commit(p, "an erasure");
    queue_erasure_free(&e);
    reopen(p);
    queue_counts(p->q, &c);
    assert_int_equal(c.queued, 6000);
    assert_int_equal(queue_value(p->q, QUEUE_VALUE_ERASED_TOTAL), 6000);
}

/* The WAL's file keeps its length until it is cut: it shows the most that there was. */
static void an_export_of_everything_keeps_it_small(void **state)
{
    struct place *p = *state;
    const struct queue_whole whole = {QUEUE_VALUE_EXPORT, 77, QUEUE_VALUE_EXPORTED_TOTAL};
    const int64_t rows = soak() ? 100000 : 15000;
    struct queue_numbers numbers;
    struct queue_counts c;
    push(p, 600, (size_t)rows);
    commit(p, "events");
    queue_numbers_init(&numbers);
    queue_numbers_add(&numbers, 1, 7);
    queue_numbers_add(&numbers, 9, rows);
    good(p, queue_settle_whole(p->q, &numbers, NOW_S, &whole, &p->why));
    queue_numbers_free(&numbers);
    assert_true(queue_dirty(p->q));
    commit(p, "an export");
    reopen(p);
    queue_counts(p->q, &c);
    assert_int_equal(c.queued, 1);
    assert_int_equal(c.oldest_seq, 8);
    assert_int_equal(queue_value(p->q, QUEUE_VALUE_EXPORT), 77);
    assert_int_equal(queue_value(p->q, QUEUE_VALUE_EXPORTED_TOTAL), rows - 1);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(large_commits_and_batches_keep_it_small),
        PLACED(a_transaction_that_nobody_ends_is_ended),
        PLACED(an_erasure_of_half_the_queue_keeps_it_small),
        PLACED(an_export_of_everything_keeps_it_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
