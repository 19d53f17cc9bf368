/* What time it really is: bounds, trust, and the time of a sale taken on a wrong clock. */
#include "testing.h"

#include "agent/clock.h"

enum { HOUR_MS = 3600 * 1000 };
#define BUILD_S  1790000000LL /* September 2026 */
#define TRUTH_MS 1795000000000LL
#define YEAR_MS  (365LL * 24 * HOUR_MS)

static const unsigned char boot_a[QUEUE_BOOT_BYTES] = "boot-a---------";
static const unsigned char boot_b[QUEUE_BOOT_BYTES] = "boot-b---------";
static const struct clock_memory nothing;

static struct clock_now reading(int64_t wall_ms, int64_t boot_ms)
{
    return (struct clock_now){.wall_ms = wall_ms, .mono_ms = boot_ms, .boot_ms = boot_ms};
}

/* clang-format off */
static const struct { const char *name; int64_t wall_ms; enum clock_state state; bool lenient; } states[] = {
    {"1970",                   5000,                                        CLOCK_STATE_IMPLAUSIBLE, true},
    {"2001",                   1000000000LL * 1000,                         CLOCK_STATE_IMPLAUSIBLE, true},
    {"2015",                   1420070400LL * 1000,                         CLOCK_STATE_IMPLAUSIBLE, true},
    {"just before the build",  BUILD_S * 1000 - 1,                          CLOCK_STATE_IMPLAUSIBLE, true},
    {"at the build",           BUILD_S * 1000,                              CLOCK_STATE_PLAUSIBLE,   false},
    {"now",                    TRUTH_MS,                                    CLOCK_STATE_PLAUSIBLE,   false},
    {"three years on",         BUILD_S * 1000 + CLOCK_PLAUSIBLE_MS,         CLOCK_STATE_PLAUSIBLE,   false},
    {"over three years on",    BUILD_S * 1000 + CLOCK_PLAUSIBLE_MS + 1,     CLOCK_STATE_IMPLAUSIBLE, false},
    {"2035",                   2051222400LL * 1000,                         CLOCK_STATE_IMPLAUSIBLE, false},
};
/* clang-format on */

static void a_clock_is_judged_by_the_lower_bound(void **state)
{
    (void)state;
    struct clock c;
    clock_init(&c, BUILD_S, boot_a, &nothing);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct clock_now now = reading(states[i].wall_ms, 1000);
        if (clock_state(&c, &now) != states[i].state ||
            clock_lenient(&c, &now) != states[i].lenient)
            fail_msg("%s", states[i].name);
        assert_true(clock_verify_ms(&c, &now) >= BUILD_S * 1000);
    }
}

static void a_verified_date_makes_it_trusted_whatever_the_system_clock_does(void **state)
{
    (void)state;
    struct clock c;
    clock_init(&c, BUILD_S, boot_a, &nothing);
    struct clock_now now = reading(5000, 5000);
    assert_true(clock_learn(&c, &now, TRUTH_MS));
    assert_int_equal(clock_state(&c, &now), CLOCK_STATE_TRUSTED);
    now = reading(TRUTH_MS + 10 * YEAR_MS, 5000 + HOUR_MS);
    assert_int_equal(clock_truth_ms(&c, &now), TRUTH_MS + HOUR_MS);
    assert_int_equal(clock_offset_ms(&c, &now), HOUR_MS - 10 * YEAR_MS);
    assert_int_equal(clock_verify_ms(&c, &now), TRUTH_MS + HOUR_MS);
    assert_false(clock_lenient(&c, &now));
}

static void the_grain_of_a_date_is_no_news(void **state)
{
    (void)state;
    struct clock c;
    clock_init(&c, BUILD_S, boot_a, &nothing);
    struct clock_now now = reading(TRUTH_MS, 1000);
    assert_true(clock_learn(&c, &now, TRUTH_MS - 900));
    assert_int_equal(clock_offset_ms(&c, &now), 0);
    assert_false(clock_learn(&c, &now, TRUTH_MS - 1000));
    assert_int_equal(clock_truth_ms(&c, &now), TRUTH_MS);
    assert_true(clock_learn(&c, &now, TRUTH_MS + 5000));
    assert_int_equal(clock_truth_ms(&c, &now), TRUTH_MS + 5000);
}

static void trust_outlives_the_agent_but_not_the_boot(void **state)
{
    (void)state;
    struct clock c;
    struct clock_memory m = {TRUTH_MS, 5000, clock_boot_number(boot_a)};
    struct clock_now now = reading(5000, 5000 + HOUR_MS);
    clock_init(&c, BUILD_S, boot_a, &m);
    assert_int_equal(clock_truth_ms(&c, &now), TRUTH_MS + HOUR_MS);
    clock_init(&c, BUILD_S, boot_b, &m);
    assert_int_equal(clock_state(&c, &now), CLOCK_STATE_IMPLAUSIBLE);
    now = reading(TRUTH_MS - 1, 5000);
    assert_int_equal(clock_state(&c, &now), CLOCK_STATE_IMPLAUSIBLE);
    now = reading(TRUTH_MS, 5000);
    assert_int_equal(clock_state(&c, &now), CLOCK_STATE_PLAUSIBLE);
}

/* It is kept in the queue, which may move to a machine with another order of bytes. */
static void a_boot_has_the_same_number_on_every_machine(void **state)
{
    static const unsigned char boot[QUEUE_BOOT_BYTES] = {0x80, 1, 2, 3, 4, 5, 6, 7};
    static const unsigned char none[QUEUE_BOOT_BYTES] = {0};
    (void)state;
    assert_true(clock_boot_number(boot) == 0x4000810182028303);
    assert_int_equal(clock_boot_number(none), 1);
}

static void a_sale_is_sent_with_its_true_time(void **state)
{
    (void)state;
    struct clock c;
    clock_init(&c, BUILD_S, boot_b, &nothing);
    struct clock_now now = reading(100 * 1000, 100 * 1000);
    struct queue_row same = {
        .stamped = true, .unjudged = true, .occurred_ms = 40 * 1000, .boot_ms = 40 * 1000};
    memcpy(same.boot_id, boot_b, QUEUE_BOOT_BYTES);
    assert_int_equal(clock_event_ms(&c, &now, &same), 40 * 1000);
    clock_learn(&c, &now, TRUTH_MS);
    assert_int_equal(clock_event_ms(&c, &now, &same), TRUTH_MS - 60 * 1000);

    struct queue_row older = same;
    memcpy(older.boot_id, boot_a, QUEUE_BOOT_BYTES);
    assert_int_equal(clock_event_ms(&c, &now, &older), TRUTH_MS - 100 * 1000);
    older.unjudged = false; /* our clock was plausible then */
    older.occurred_ms = TRUTH_MS - HOUR_MS;
    assert_int_equal(clock_event_ms(&c, &now, &older), TRUTH_MS - HOUR_MS);

    struct queue_row caller = {.stamped = false, .occurred_ms = 7};
    assert_int_equal(clock_event_ms(&c, &now, &caller), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_is_judged_by_the_lower_bound),
        cmocka_unit_test(a_verified_date_makes_it_trusted_whatever_the_system_clock_does),
        cmocka_unit_test(the_grain_of_a_date_is_no_news),
        cmocka_unit_test(trust_outlives_the_agent_but_not_the_boot),
        cmocka_unit_test(a_boot_has_the_same_number_on_every_machine),
        cmocka_unit_test(a_sale_is_sent_with_its_true_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
