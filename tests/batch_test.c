/* batch_test.c: the body of a request. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tiktok/batch.h"

#include <stdlib.h>
#include <string.h>

#define REST "{\"user\":{\"email\":[\"h\"]},\"limited_data_use\":false}"

static void a_body_is_what_its_parts_make(void **state)
{
    static const struct {
        const char *partner, *test_code, *expected;
    } rows[] = {
        {NULL, "", "{\"event_source\":\"offline\",\"event_source_id\":\"71\",\"data\":["},
        {"Acme", "",
         "{\"event_source\":\"offline\",\"event_source_id\":\"71\",\"partner_name\":\"Acme\","
         "\"data\":["},
        {NULL, "TEST1",
         "{\"event_source\":\"offline\",\"event_source_id\":\"71\",\"test_event_code\":\"TEST1\","
         "\"data\":["},
        {"A\"B", "T\\1",
         "{\"event_source\":\"offline\",\"event_source_id\":\"71\",\"partner_name\":\"A\\\"B\","
         "\"test_event_code\":\"T\\\\1\",\"data\":["},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf body;
        buf_init(&body, 4096);
        tiktok_batch_begin(&body, "71", rows[i].partner, str_from(rows[i].test_code));
        assert_string_equal(body.p, rows[i].expected);
        buf_free(&body);
    }
}

static void events_follow_each_other_with_what_is_known_only_now(void **state)
{
    struct buf body;
    buf_init(&body, 4096);
    tiktok_batch_begin(&body, "71", NULL, STR(""));
    size_t head = body.len;
    tiktok_batch_add(&body, STR("Purchase"), 1700000000, STR("m-1"), STR(REST));
    assert_string_equal(body.p + head,
                        "{\"event\":\"Purchase\",\"event_time\":1700000000,\"event_id\":\"m-1\","
                        "\"user\":{\"email\":[\"h\"]},\"limited_data_use\":false}");
    size_t first = body.len;
    tiktok_batch_add(&body, STR("Lead"), -1, STR("m\"2\n"), STR(REST));
    tiktok_batch_end(&body);
    assert_string_equal(body.p + first,
                        ",{\"event\":\"Lead\",\"event_time\":-1,\"event_id\":\"m\\\"2\\n\","
                        "\"user\":{\"email\":[\"h\"]},\"limited_data_use\":false}]}");
    buf_free(&body);
}

static void an_event_without_id_has_no_id(void **state)
{
    struct buf body;
    buf_init(&body, 4096);
    tiktok_batch_add(&body, STR("Lead"), 1, STR(""), STR(REST));
    assert_string_equal(body.p, "{\"event\":\"Lead\",\"event_time\":1,\"user\":{\"email\":[\"h\"]},"
                                "\"limited_data_use\":false}");
    buf_free(&body);
}

static void a_probe_has_no_events(void **state)
{
    struct buf body;
    buf_init(&body, 4096);
    tiktok_batch_probe(&body, "71", NULL);
    assert_true(str_is(buf_str(&body),
                       "{\"event_source\":\"offline\",\"event_source_id\":\"71\",\"data\":[]}"));
    buf_free(&body);
}

static void a_row_never_takes_more_than_was_said(void **state)
{
    static const struct str ids[] = {{"m-1", 3}, {"\x01\x02\x1F\"\\\n", 6}, {"", 0}};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct buf body;
        buf_init(&body, 4096);
        tiktok_batch_begin(&body, "71", NULL, STR(""));
        tiktok_batch_add(&body, STR("Lead"), 1, STR("a"), STR(REST));
        size_t before = body.len;
        tiktok_batch_add(&body, STR("Lead"), INT64_MIN, ids[i], STR(REST));
        assert_true(body.len - before <= tiktok_batch_row_bytes(4, ids[i].len, sizeof REST - 1));
        buf_free(&body);
    }
}

static void a_body_over_its_ceiling_has_failed(void **state)
{
    struct buf body;
    buf_init(&body, 100);
    tiktok_batch_begin(&body, "71", NULL, STR(""));
    assert_false(body.failed);
    tiktok_batch_add(&body, STR("Lead"), 1, STR("a"), STR(REST));
    assert_true(body.failed);
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_what_its_parts_make),
        cmocka_unit_test(events_follow_each_other_with_what_is_known_only_now),
        cmocka_unit_test(an_event_without_id_has_no_id),
        cmocka_unit_test(a_probe_has_no_events),
        cmocka_unit_test(a_row_never_takes_more_than_was_said),
        cmocka_unit_test(a_body_over_its_ceiling_has_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
