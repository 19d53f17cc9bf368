#include "agent/hours.h"

#include "testing.h"

enum { HOUR_S = 3600, NOON_S = 1800000000 - 1800000000 % HOUR_S };

static char dir[TESTING_PATH_BYTES], path[TESTING_PATH_BYTES + 16];
static struct queue *q;

static void reopen(void)
{
    static const unsigned char key[QUEUE_KEY_BYTES] = "the key of the queue in the test";
    const struct queue_options options = {path, key, 64 * 1024 * 1024, NULL};
    struct fault why;
    queue_close(q);
    if (queue_open(&options, &q, &why) < 0) fail_msg("%s", why.message);
}

static int setup(void **state)
{
    (void)state;
    testing_scratch(dir);
    (void)snprintf(path, sizeof path, "%s/queue.db", dir);
    q = NULL;
    reopen();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    queue_close(q);
    return testing_scratch_remove(dir);
}

static void add(int64_t now_s, int64_t n)
{
    struct fault why;
    assert_int_equal(hours_add(q, now_s, n, &why), 0);
    assert_true(queue_commit(q, &why) >= 0);
}

/* The counters that are not 0, as "index:count ". */
static void counters_are(int64_t now_s, const char *want)
{
    char got[512] = "";
    struct buf out;
    buf_init(&out, 4096);
    hours_write(q, now_s, &out);
    const char *p = buf_str(&out).p;
    int i = 0;
    for (const char *at = p + 1; at < p + out.len; i++) {
        char *end;
        long long n = strtoll(at, &end, 10);
        size_t len = strlen(got);
        if (n) (void)snprintf(got + len, sizeof got - len, "%d:%lld ", i, n);
        at = end + 1;
    }
    assert_int_equal(p[0], '[');
    assert_int_equal(p[out.len - 1], ']');
    assert_int_equal(i, HOURS_KEPT);
    assert_string_equal(got, want);
    buf_free(&out);
}

static void each_hour_has_its_counter_and_the_last_is_now(void **state)
{
    (void)state;
    counters_are(NOON_S, "");
    add(NOON_S, 3);
    add(NOON_S + HOUR_S - 1, 4);
    add(NOON_S + HOUR_S, 5);
    counters_are(NOON_S, "47:7 ");
    counters_are(NOON_S + HOUR_S, "46:7 47:5 ");
    counters_are(NOON_S + 47 * HOUR_S, "0:7 1:5 ");
    counters_are(NOON_S + 48 * HOUR_S, "0:5 ");
    counters_are(NOON_S + 49 * HOUR_S, "");
}

static void an_hour_begins_anew_after_two_days(void **state)
{
    (void)state;
    add(NOON_S, 3);
    add(NOON_S + 48 * HOUR_S, 1);
    counters_are(NOON_S + 48 * HOUR_S, "47:1 ");
    add(NOON_S, 2); /* a clock that steps back */
    counters_are(NOON_S, "47:2 ");
}

static void counters_outlive_a_restart(void **state)
{
    (void)state;
    for (int i = 0; i < HOURS_KEPT; i++)
        add(NOON_S + (int64_t)i * HOUR_S, i == 0 || i == 47 ? 9 : 0);
    add(NOON_S + 47 * HOUR_S, 1);
    reopen();
    counters_are(NOON_S + 47 * HOUR_S, "0:9 47:10 ");
}

static void a_clock_before_1970_and_endless_counts_do_no_harm(void **state)
{
    (void)state;
    add(-1, 5);
    counters_are(-1, "");
    counters_are(HOUR_S, "");
    add(NOON_S, INT64_C(1) << 39);
    add(NOON_S, INT64_C(1) << 39);
    add(NOON_S, 1);
    counters_are(NOON_S, "47:1099511627775 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_hour_has_its_counter_and_the_last_is_now, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_hour_begins_anew_after_two_days, setup, teardown),
        cmocka_unit_test_setup_teardown(counters_outlive_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_before_1970_and_endless_counts_do_no_harm, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
