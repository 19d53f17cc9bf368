/* The drop folder, turn by turn: what a commit that failed, a file that grows and a week change. */
#include "testing.h"

#include "agent/folder.h"
#include "platform/platform.h"

#include <fcntl.h>
#include <time.h>

#define EMAIL "\"properties\":{\"email\":\"a@example.com\"}"
static char scratch[TESTING_PATH_BYTES], drop[TESTING_PATH_BYTES + 16];
static struct config *config;
static struct queue *queue;
static struct clock till_clock;
static struct clock_now now;
static struct ingest ingest;
static struct folder *folder;

static const char *path_of(const char *name)
{
    static char path[TESTING_PATH_BYTES + 300];
    (void)snprintf(path, sizeof path, "%s/%s", drop, name);
    return path;
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(path_of(name), &st) == 0;
}

static void load(const char *more)
{
    static struct config_problems problems;
    char file[TESTING_PATH_BYTES + 32], token[TESTING_PATH_BYTES + 32], text[2048];
    (void)snprintf(file, sizeof file, "%s/tillpost.json", scratch);
    (void)snprintf(token, sizeof token, "%s/token", scratch);
    testing_write(token, "abcdef0123456789\n", 0600);
    (void)snprintf(text, sizeof text,
                   "{\"tiktok\": {\"event_set_id\": \"7\", \"access_token_file\": \"%s\"}%s}",
                   token, more);
    testing_write(file, text, 0600);
    config_free(config);
    config = NULL;
    if (config_load(file, &config, &problems) < 0) fail_msg("%s", problems.list[0].message);
    ingest.config = config;
}

static int setup(void **state)
{
    (void)state;
    static const unsigned char key[QUEUE_KEY_BYTES] = {1}, boot[QUEUE_BOOT_BYTES] = {2};
    static const struct clock_memory nothing;
    char db[TESTING_PATH_BYTES + 32];
    testing_scratch(scratch);
    (void)snprintf(db, sizeof db, "%s/queue.db", scratch);
    (void)snprintf(drop, sizeof drop, "%s/drop", scratch);
    assert_int_equal(mkdir(drop, 0700), 0);
    unsetenv("CREDENTIALS_DIRECTORY");
    const struct queue_options options = {.path = db, .key = key, .max_size_bytes = 64 << 20};
    assert_int_equal(queue_open(&options, &queue, NULL), 0);
    /* The files get the machine's own time: a minute from now they are quiet. */
    now = (struct clock_now){platform_wall_ms() + 60 * 1000, 1000, 1000};
    clock_init(&till_clock, now.wall_ms / 1000 - 24 * 3600, boot, &nothing);
    ingest_init(&ingest, NULL, queue, &till_clock);
    load("");
    assert_int_equal(folder_open(drop, &folder), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    folder_close(folder);
    ingest_free(&ingest);
    queue_close(queue);
    config_free(config);
    config = NULL;
    return testing_scratch_remove(scratch);
}

static int64_t queued(void)
{
    struct queue_counts c;
    queue_counts(queue, &c);
    return c.queued;
}

/* One turn of the loop; its commit is kept, or lost. */
static void turn(bool kept)
{
    now.mono_ms += FOLDER_RESCAN_MS;
    folder_turn(folder, &ingest, &now);
    if (kept) assert_true(queue_commit(queue, NULL) >= 0);
    else queue_rollback(queue);
    folder_kept(folder, &now, kept);
}

static void turns(unsigned n)
{
    while (n--) turn(true);
}

static void write_file(const char *name, const char *text)
{
    testing_write(path_of(name), text, 0600);
}

static const char *calls(unsigned n)
{
    static char text[256 * 1024];
    size_t at = 0;
    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "{\"event\":\"Order Completed\"," EMAIL "}\n");
    return text;
}

static const char *rows(unsigned n)
{
    static char text[256 * 1024];
    char when[32];
    time_t s = (time_t)(now.wall_ms / 1000 - 3600);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime(&s));
    size_t at = (size_t)snprintf(text, sizeof text, "event_type,email,timestamp,order_id\n");
    for (unsigned i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "Purchase,a@example.com,%s,%u\n", when,
                               i);
    return text;
}

static void slices_take_turns_and_the_file_goes_after_the_last(void **state)
{
    (void)state;
    write_file("a.json", calls(FOLDER_SLICE_ROWS * 2 + 1));
    turn(true);
    assert_int_equal(queued(), FOLDER_SLICE_ROWS);
    turn(true);
    assert_int_equal(queued(), FOLDER_SLICE_ROWS * 2);
    assert_true(exists("a.json"));
    turn(true);
    assert_int_equal(queued(), FOLDER_SLICE_ROWS * 2 + 1);
    assert_false(exists("a.json"));
}

static void after_a_lost_commit_reading_goes_back_to_its_slice(void **state)
{
    (void)state;
    static const char *const names[] = {"a.json", "a.csv"};
    for (int i = 0; i < 2; i++) {
        int64_t before = queued();
        write_file(names[i], i ? rows(200) : calls(200));
        turn(false);
        turn(true);
        for (int lost = 0; lost < 3; lost++) turn(false);
        assert_true(queued() > before && queued() <= before + FOLDER_SLICE_ROWS);
        turn(true);
        turn(false);
        turns(8);
        assert_int_equal(queued(), before + 200);
        assert_false(exists(names[i]));
        assert_false(exists("failed"));
    }
}

static void a_lost_commit_of_the_last_slice_keeps_the_file(void **state)
{
    (void)state;
    write_file("a.json", calls(1));
    turn(false);
    assert_true(exists("a.json"));
    assert_int_equal(queued(), 0);
    turn(true);
    assert_false(exists("a.json"));
    assert_int_equal(queued(), 1);
}

static void a_refused_line_is_reported_once_whatever_was_lost(void **state)
{
    (void)state;
    char report[512] = {0};
    write_file("a.json",
               "{\"event\":\"Order Completed\"}\n{\"event\":\"Order Completed\"," EMAIL "}\n");
    turn(false);
    turn(false);
    turn(true);
    assert_false(exists("a.json"));
    assert_true(exists("failed/a.json"));
    FILE *f = fopen(path_of("failed/a.json.report.txt"), "r");
    assert_non_null(f);
    assert_true(fread(report, 1, sizeof report - 1, f) > 0);
    (void)fclose(f);
    assert_true(strncmp(report, "line 1: missing_pii: ", 21) == 0);
    assert_null(strstr(strchr(report, '\n') + 1, "line"));
    assert_true(folder_has_refused(folder));
}

static void what_was_added_meanwhile_is_taken_too(void **state)
{
    (void)state;
    write_file("a.json", calls(FOLDER_SLICE_ROWS));
    turn(true);
    int fd = open(path_of("a.json"), O_WRONLY | O_APPEND);
    assert_true(write(fd, calls(2), strlen(calls(2))) > 0);
    close(fd);
    turns(4);
    assert_int_equal(queued(), FOLDER_SLICE_ROWS + 2);
    assert_false(exists("a.json"));
}

static void a_file_that_took_its_name_is_another(void **state)
{
    (void)state;
    write_file("a.json", calls(FOLDER_SLICE_ROWS + 1));
    turn(true);
    write_file("b.tmp", calls(3));
    char to[sizeof drop + 300];
    (void)snprintf(to, sizeof to, "%s", path_of("a.json"));
    assert_int_equal(rename(path_of("b.tmp"), to), 0);
    turn(true);
    assert_true(exists("a.json"));
    turns(2);
    assert_false(exists("a.json"));
    assert_int_equal(queued(), FOLDER_SLICE_ROWS + 4);
}

static void a_young_file_waits(void **state)
{
    (void)state;
    write_file("a.json", calls(1));
    now.wall_ms = platform_wall_ms();
    turn(true);
    assert_true(exists("a.json"));
    assert_true(folder_timeout_ms(folder, &now) <= FOLDER_QUIET_MS);
    now.wall_ms += FOLDER_QUIET_MS + 1000;
    turn(true);
    assert_false(exists("a.json"));
}

static void without_consent_rows_are_refused_and_calls_are_passed_over(void **state)
{
    (void)state;
    load(", \"privacy\": {\"require_consent\": \"$.context.consent.ok\"}");
    write_file("a.csv", rows(2));
    write_file("b.json", calls(2));
    turns(2);
    assert_int_equal(queued(), 0);
    assert_true(exists("failed/a.csv"));
    assert_false(exists("b.json"));
    assert_false(exists("failed/b.json"));
}

static void failed_is_emptied_after_a_week_by_a_clock_that_can_be_right(void **state)
{
    (void)state;
    const int64_t week_ms = (FOLDER_FAILED_KEEP_S + 3600) * 1000LL;
    write_file("a.json", "x");
    turn(true);
    assert_true(exists("failed/a.json"));
    now.mono_ms += FOLDER_SWEEP_MS;
    now.wall_ms += week_ms * 1000; /* 19 years ahead */
    turn(true);
    assert_true(exists("failed/a.json"));
    now.wall_ms += week_ms - week_ms * 1000;
    turn(true);
    assert_false(exists("failed/a.json"));
    assert_false(exists("failed/a.json.report.txt"));
    turn(true);
    assert_false(folder_has_refused(folder));
}

static void what_was_moved_by_a_wrong_clock_has_its_week_from_now_on(void **state)
{
    (void)state;
    const int64_t week_ms = (FOLDER_FAILED_KEEP_S + 3600) * 1000LL;
    write_file("a.json", "x");
    turn(true);
    till_clock.lower_ms = now.wall_ms + 365 * 24 * 3600 * 1000LL; /* it was a year behind */
    now.wall_ms = till_clock.lower_ms + week_ms;
    now.mono_ms += FOLDER_SWEEP_MS;
    turn(true);
    assert_true(exists("failed/a.json"));
}

static void a_folder_in_the_way_of_failed_keeps_the_file(void **state)
{
    (void)state;
    assert_int_equal(symlink(scratch, path_of("failed")), 0);
    write_file("a.json", "x");
    turns(3);
    assert_true(exists("a.json"));
    assert_true(folder_unusable(folder));
    assert_int_equal(unlink(path_of("failed")), 0);
    turns(2);
    assert_false(exists("a.json"));
    assert_true(exists("failed/a.json"));
    assert_false(folder_unusable(folder));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(slices_take_turns_and_the_file_goes_after_the_last),
        TEST(after_a_lost_commit_reading_goes_back_to_its_slice),
        TEST(a_lost_commit_of_the_last_slice_keeps_the_file),
        TEST(a_refused_line_is_reported_once_whatever_was_lost),
        TEST(what_was_added_meanwhile_is_taken_too),
        TEST(a_file_that_took_its_name_is_another),
        TEST(a_young_file_waits),
        TEST(without_consent_rows_are_refused_and_calls_are_passed_over),
        TEST(failed_is_emptied_after_a_week_by_a_clock_that_can_be_right),
        TEST(what_was_moved_by_a_wrong_clock_has_its_week_from_now_on),
        TEST(a_folder_in_the_way_of_failed_keeps_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
