/* Rows of an upload file to rows of a real queue, and the words of the answer. */
#include "testing.h"

#include "agent/rows.h"
#include "ingest_world.h"

#include <signal.h>
#include <sys/wait.h>

#define T "2026-11-18T09:00:00Z"

static int post(const char *body)
{
    buf_clear(&answer);
    return rows_post(&ingest, &now, str_from(body), &answer);
}

static void assert_said(const char *words)
{
    if (!strstr(answer.p, words)) fail_msg("\"%s\" is not in %s", words, answer.p);
}

static int64_t queued(void)
{
    struct queue_counts c;
    queue_counts(queue, &c);
    return c.queued;
}

#define HEAD "{\"header\":[\"event_type\",\"email\",\"timestamp\",\"price\"],\"rows\":["
#define ROW  "[\"Purchase\",\"a@example.com\",\"" T "\",\"5\"]"

static void a_row_is_queued_and_then_known(void **state)
{
    assert_int_equal(post(HEAD ROW "]}"), 200);
    assert_said("{\"success\":true ,\"columns\":[\"event_type\",\"email\",\"timestamp\",\"price\"],"
                "\"results\":[{\"success\":true,\"status\":\"queued\",\"event_ids\":[\"csv-");
    assert_true(queue_dirty(queue));
    assert_int_equal(post(HEAD ROW "]}"), 200);
    assert_said("\"status\":\"duplicate\"");
    assert_int_equal(queue_commit(queue, NULL), 1);
    assert_int_equal(queued(), 1);
    assert_int_equal(ingest.counts[INGEST_QUEUED], 1);
    assert_int_equal(ingest.counts[INGEST_DUPLICATE], 1);
    assert_true(ingest.pushed_bytes > 0);
}

static void the_good_rows_among_bad_ones_are_queued(void **state)
{
    assert_int_equal(post(HEAD ROW ",[\"Refund\",\"a@example.com\",\"" T "\",\"5\"],"
                                   "[\"Lead\",\"a@example.com\",\"" T "\",\"\"],"
                                   "{\"fault\":\"bad_quote\",\"field\":3},"
                                   "[\"Lead\",\"a@example.com\"],"
                                   "[\"Lead\",\"a@example.com\",\"yesterday\",\"\"]]}"),
                     422);
    assert_said("{\"success\":false,\"columns\"");
    assert_said("{\"success\":false,\"code\":\"bad_event_name\",\"path\":\"event_type\","
                "\"category\":\"data formatting\",\"message\":\"event_type must be");
    assert_said("{\"success\":false,\"code\":\"bad_field\",\"path\":\"price\","
                "\"category\":\"data formatting\",\"message\":\"price has a quote");
    assert_said("\"path\":\"timestamp\",\"category\":\"inaccurate timestamps\"");
    assert_int_equal(queue_commit(queue, NULL), 1);
    assert_int_equal(queued(), 2);
    assert_int_equal(ingest.counts[INGEST_REFUSED], 4);
}

static void a_dry_run_stores_and_counts_nothing(void **state)
{
    ingest.queue = NULL;
    assert_int_equal(post(HEAD ROW ",[\"Refund\",\"\",\"\",\"\"]]}"), 422);
    assert_said("\"status\":\"dry_run\"");
    ingest.queue = queue;
    assert_false(queue_dirty(queue));
    for (int i = 0; i < INGEST_RESULTS; i++) assert_int_equal(ingest.counts[i], 0);
}

static void no_rows_are_a_question_about_the_header(void **state)
{
    assert_int_equal(post("{\"header\":[\"TIMESTAMP\",\"E-Mail\",\"Notes\",\"Event Type\"],"
                          "\"rows\":[]}"),
                     200);
    assert_said("\"columns\":[\"timestamp\",\"email\",null,\"event_type\"],\"results\":[]");
    assert_false(queue_dirty(queue));
}

static void a_map_names_a_column(void **state)
{
    assert_int_equal(post("{\"header\":[\"event_type\",\"Mail\",\"timestamp\"],"
                          "\"map\":{\"Mail\":\"email\"},\"rows\":[[\"Lead\",\"a@b.co\",\"" T
                          "\"]]}"),
                     200);
    assert_said("\"status\":\"queued\"");
}

/* clang-format off */
static const struct { const char *body; int status; const char *words; } wrong[] = {
    {"",                                                     400, "\"code\":\"bad_json\""},
    {"{\"header\":",                                         400, "\"code\":\"bad_json\""},
    {"[]",                                                   400, "\"code\":\"bad_request\""},
    {"{}",                                                   400, "\"path\":\"$.header\""},
    {"{\"header\":[\"email\"]}",                             400, "\"path\":\"$.rows\""},
    {"{\"header\":[\"email\"],\"rows\":{}}",                 400, "\"path\":\"$.rows\""},
    {"{\"header\":5,\"rows\":[]}",                           400, "\"path\":\"$.header\""},
    {"{\"header\":[1],\"rows\":[]}",                         400, "\"path\":\"$.header\""},
    {"{\"header\":{\"fault\":\"x\"},\"rows\":[]}",           400, "\"path\":\"$.header\""},
    {"{\"header\":[],\"rows\":[]}",                          422, "\"category\":\"missing required fields\""},
    {"{\"header\":[\"event_type\",\"email\"],\"rows\":[]}",  422, "\"path\":\"timestamp\""},
    {"{\"header\":{\"fault\":\"bad_character\"},\"rows\":[]}", 422, "\"category\":\"illegal characters\""},
    {"{\"header\":[\"a\"],\"map\":{\"a\":\"mail\"},\"rows\":[]}", 400, "\\\"mail\\\" is none of TikTok's columns"},
    {"{\"header\":[\"a\"],\"map\":{\"a\":5},\"rows\":[]}",   400, "\"path\":\"$.map\""},
    {HEAD "5]}",                                             422, "\"code\":\"bad_field\""},
    {HEAD "[1,2,3,4]]}",                                     422, "\"code\":\"bad_field\""},
    {HEAD "{\"fault\":\"good\"}]}",                          422, "\"code\":\"bad_field\""},
    {HEAD "[[]]]}",                                          422, "\"code\":\"bad_field\""},
    {HEAD "[[[]]]]}",                                        422, "\"code\":\"too_large\""},
};
/* clang-format on */

static void wrong_requests_say_what_to_do(void **state)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int status = post(wrong[i].body);
        if (status != wrong[i].status || !strstr(answer.p, wrong[i].words))
            fail_msg("%s: %d %s", wrong[i].body, status, answer.p);
        assert_false(queue_dirty(queue));
    }
}

static void more_than_1000_rows_are_too_many(void **state)
{
    struct buf body;
    buf_init(&body, 1024 * 1024);
    for (int n = ROWS_MAX; n <= ROWS_MAX + 1; n++) {
        buf_clear(&body);
        buf_add_z(&body, HEAD);
        for (int i = 0; i < n; i++) buf_add_z(&body, i ? "," ROW : ROW);
        buf_add_z(&body, "]}");
        assert_int_equal(post(body.p), n == ROWS_MAX ? 200 : 413);
    }
    assert_int_equal(queue_commit(queue, NULL), 1);
    assert_int_equal(queued(), 1);
    buf_free(&body);
}

static void where_consent_is_required_the_importer_gives_it(void **state)
{
    load(", \"privacy\": {\"require_consent\": \"$.context.consent\"}");
    assert_int_equal(post(HEAD ROW "]}"), 422);
    assert_said("\"code\":\"forbidden\"");
    assert_said("--consented");
    assert_false(queue_dirty(queue));
    assert_int_equal(post("{\"consented\":true,\"header\":[\"event_type\",\"email\",\"timestamp\"],"
                          "\"rows\":[[\"Lead\",\"a@b.co\",\"" T "\"]]}"),
                     200);
    assert_said("\"status\":\"queued\"");
}

static void presets_do_not_concern_rows(void **state)
{
    load(", \"mappings\": {\"presets\": []}");
    assert_int_equal(post(HEAD ROW "]}"), 200);
    assert_said("\"status\":\"queued\"");
}

static int see_row(void *ctx, const struct queue_row *row)
{
    struct queue_row *out = ctx;
    *out = *row;
    return 1;
}

static void a_rows_time_is_its_own_and_defaults_fill_it(void **state)
{
    struct queue_row row = {0};
    struct buf rest;
    struct fault why = {0};
    load(", \"defaults\": {\"shop_id\": \"store-12\", \"currency\": \"EUR\"}");
    buf_init(&rest, 4096);
    assert_int_equal(post(HEAD ROW "]}"), 200);
    assert_int_equal(queue_commit(queue, NULL), 1);
    assert_true(queue_walk(queue, 0, INT64_MAX, see_row, &row, &why) >= 0);
    assert_int_equal(row.occurred_ms / 1000, TRUTH_MS / 1000 - 2 * 3600 - 6 * 60 - 40);
    assert_false(row.stamped);
    assert_int_equal(queue_unseal(queue, row.seq, &rest, &why), 0);
    assert_non_null(strstr(rest.p, "\"shop_id\":\"store-12\""));
    assert_non_null(strstr(rest.p, "\"currency\":\"EUR\""));
    assert_null(strstr(rest.p, "example.com"));
    buf_free(&rest);
}

static void nothing_plain_is_left_in_the_arena(void **state)
{
    assert_int_equal(post(HEAD ROW "]}"), 200);
    assert_int_equal(ingest.arena.used_bytes, 0);
}

/* Rows with order ids 0 to n - 1 of a part. */
static int post_part(int first, int n)
{
    static struct buf body;
    buf_init(&body, 1024 * 1024);
    buf_add_z(&body,
              "{\"header\":[\"event_type\",\"email\",\"timestamp\",\"order_id\"],\"rows\":[");
    for (int i = first; i < first + n; i++)
        buf_printf(&body, "%s[\"Purchase\",\"a@example.com\",\"" T "\",\"%d\"]",
                   i > first ? "," : "", i);
    buf_add_z(&body, "]}");
    int status = post(body.p);
    buf_free(&body);
    return status;
}

static void a_full_queue_answers_507_and_keeps_what_was_committed(void **state)
{
    int status = 200, parts = 0;
    queue_close(queue);
    open_till(4 << 20);
    while (status == 200 && parts < 1000) {
        status = post_part(parts * 100, 100);
        if (status == 200) assert_int_equal(queue_commit(queue, NULL), 1);
        parts += status == 200;
    }
    assert_true(status == 507 || status == 422);
    assert_said("\"code\":\"queue_full\"");
    if (status == 507) assert_true(str_starts(buf_str(&answer), "{\"success\":false,\"code\":"));
    queue_rollback(queue);
    assert_int_equal(queued(), parts * 100);
}

/* Kills ---------------------------------------------------------------------------------------- */

enum { KILL_ROWS = 5000, KILL_EVERY = 50, KILL_PART = 250 };

struct feed { /* a file of KILL_ROWS rows; the power goes when `kill_at` of them were read */
    int next, kill_at;
};

static long feed_row(void *ctx, char *to, size_t bytes_max)
{
    struct feed *f = ctx;
    if (f->next > KILL_ROWS) return 0;
    int n = f->next == 0 ? snprintf(to, bytes_max, "order_id,timestamp,email,event_type\n")
                         : snprintf(to, bytes_max, "%d," T ",a@example.com,Purchase\n", f->next);
    f->next++;
    return n;
}

/* An import as the command does it: a part a commit. */
static void import_fed(struct feed *f)
{
    static struct rows_file rows;
    static struct rows_taken taken;
    struct csv_reader reader;
    struct csv_record record;
    int row = 0;
    assert_int_equal(csv_open(&reader, feed_row, f), 0);
    assert_int_equal(csv_next(&reader, &record), 1);
    assert_int_equal(
        tiktok_csv_read_header(record.fields, record.count, NULL, 0, &rows.header, &taken.refusal),
        0);
    while (csv_next(&reader, &record) == 1) {
        assert_true(rows_take(&ingest, &now, &rows, &record, &taken) >= 0);
        if (++row == f->kill_at) (void)raise(SIGKILL);
        if (row % KILL_PART == 0) assert_true(queue_commit(queue, NULL) >= 0);
    }
    assert_true(queue_commit(queue, NULL) >= 0);
    csv_close(&reader);
}

static void import_in_a_child(int kill_at)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct feed f = {.kill_at = kill_at};
        open_till(64 << 20);
        import_fed(&f);
        _exit(0);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void a_kill_at_every_50th_row_ends_in_exactly_5000_events(void **state)
{
    struct feed whole = {.kill_at = 0};
    queue_close(queue);
    for (int kill_at = KILL_EVERY; kill_at <= KILL_ROWS; kill_at += KILL_EVERY) {
        import_in_a_child(kill_at);
        open_till(64 << 20);
        /* Parts that were committed before a kill are there, and no other row. */
        assert_int_equal(queued(), (kill_at - 1) / KILL_PART * KILL_PART);
        queue_close(queue);
    }
    open_till(64 << 20);
    import_fed(&whole);
    assert_int_equal(queued(), KILL_ROWS);
    whole.next = 0;
    import_fed(&whole);
    assert_int_equal(queued(), KILL_ROWS);
}

int main(void)
{
#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_row_is_queued_and_then_known),
        IN_A_WORLD(the_good_rows_among_bad_ones_are_queued),
        IN_A_WORLD(a_dry_run_stores_and_counts_nothing),
        IN_A_WORLD(no_rows_are_a_question_about_the_header),
        IN_A_WORLD(a_map_names_a_column),
        IN_A_WORLD(wrong_requests_say_what_to_do),
        IN_A_WORLD(more_than_1000_rows_are_too_many),
        IN_A_WORLD(where_consent_is_required_the_importer_gives_it),
        IN_A_WORLD(presets_do_not_concern_rows),
        IN_A_WORLD(a_rows_time_is_its_own_and_defaults_fill_it),
        IN_A_WORLD(nothing_plain_is_left_in_the_arena),
        IN_A_WORLD(a_full_queue_answers_507_and_keeps_what_was_committed),
        IN_A_WORLD(a_kill_at_every_50th_row_ends_in_exactly_5000_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
