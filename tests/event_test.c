/* event_test.c: an event's name, time and ids. What its fields hold is in fields_test.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "building.h"

#include <stdio.h>
#include <string.h>

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };
static const int64_t day_ms = INT64_C(24) * HOUR_MS;

static int setup(void **state)
{
    static struct building b;
    building_setup(&b);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    building_teardown(*state);
    return 0;
}

static int run(struct building *b, const char *event, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"event\":%s,\"email_addresses\":\"a@b.co\"%s%s}", event,
             more[0] == '\0' ? "" : ",", more);
    return building_run(b, str_from(text));
}

static void assert_fault(const struct building *b, int got, int err, const char *path)
{
    assert_int_equal(got, err);
    assert_int_equal(b->why.err, err);
    assert_string_equal(b->why.path, path);
    assert_true(strlen(b->why.message) > 20);
}

static void an_event_is_sent_under_the_name_that_is_asked_for(void **state)
{
    static const struct {
        const char *event, *current, *legacy;
    } rows[] = {
        {"\"Purchase\"", "Purchase", "CompletePayment"},
        {"\"CompletePayment\"", "Purchase", "CompletePayment"},
        {"\"Lead\"", "Lead", "SubmitForm"},
        {"\"SubmitForm\"", "Lead", "SubmitForm"},
        {"\"AddToCart\"", "AddToCart", "AddToCart"},
        {"\"PageView\"", "PageView", "PageView"},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        b->rules.legacy_names = false;
        assert_int_equal(run(b, rows[i].event, ""), 0);
        assert_string_equal(b->event.name, rows[i].current);
        assert_string_equal(b->event.key_name, rows[i].current);
        b->rules.legacy_names = true;
        assert_int_equal(run(b, rows[i].event, ""), 0);
        assert_string_equal(b->event.name, rows[i].legacy);
        assert_string_equal(b->event.key_name, rows[i].current);
    }
}

static void an_event_without_a_known_name_is_refused(void **state)
{
    static const struct {
        const char *event;
        int err;
    } rows[] = {
        {"null", TILLPOST_E_MISSING_EVENT},
        {"\"\"", TILLPOST_E_MISSING_EVENT},
        {"\" \"", TILLPOST_E_MISSING_EVENT},
        {"\"purchase\"", TILLPOST_E_BAD_EVENT_NAME},
        {"\" Purchase\"", TILLPOST_E_BAD_EVENT_NAME},
        {"\"Refund\"", TILLPOST_E_BAD_EVENT_NAME},
        {"7", TILLPOST_E_BAD_EVENT_NAME},
        {"true", TILLPOST_E_BAD_EVENT_NAME},
        {"[]", TILLPOST_E_BAD_EVENT_NAME},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_fault(b, run(b, rows[i].event, ""), rows[i].err, "$.event");
    }
    assert_fault(b, building_run(b, STR("{\"email_addresses\":\"a@b.co\"}")),
                 TILLPOST_E_MISSING_EVENT, "$.event");
    assert_fault(b, building_run(b, STR("[]")), TILLPOST_E_MISSING_EVENT, "$.event");
}

static void somebody_must_be_in_it(void **state)
{
    static const struct {
        const char *people;
        bool alone; /* accept_external_id_alone */
        int err;
    } rows[] = {
        {"\"email_addresses\":\"a@b.co\"", false, 0},
        {"\"phone_numbers\":\"+12133734253\"", false, 0},
        {"\"email_addresses\":\"nobody\",\"phone_numbers\":[\"x\",\"+12133734253\"]", false, 0},
        {"\"external_ids\":\"u\"", true, 0},
        {"\"external_ids\":\"u\"", false, TILLPOST_E_MISSING_PII},
        {"\"external_ids\":\"null\"", true, TILLPOST_E_MISSING_PII},
        {"\"external_ids\":\"u\",\"email_addresses\":\"nobody\"", false, TILLPOST_E_MISSING_PII},
        {"\"email_addresses\":\"nobody\"", false, TILLPOST_E_MISSING_PII},
        {"\"email_addresses\":[]", false, TILLPOST_E_MISSING_PII},
        {"\"email_addresses\":[\" \",null],\"phone_numbers\":\"N/A\"", false,
         TILLPOST_E_MISSING_PII},
        {"\"email_addresses\":null", true, TILLPOST_E_MISSING_PII},
        {"\"lead_id\":\"l\"", true, TILLPOST_E_MISSING_PII},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"event\":\"Purchase\",%s}", rows[i].people);
        b->rules.external_id_alone = rows[i].alone;
        int got = building_run(b, str_from(text));
        if (got != rows[i].err) print_message("%s\n", rows[i].people);
        assert_int_equal(got, rows[i].err);
        if (got < 0) assert_fault(b, got, rows[i].err, "$.email_addresses");
    }
}

static int two_hours_east(int64_t local_civil_s)
{
    (void)local_civil_s;
    return 7200;
}

static void a_callers_time_is_read_in_every_form(void **state)
{
    static const struct {
        const char *timestamp;
        int64_t ms; /* after now */
        const char *text;
    } rows[] = {
        {"\"2026-11-01T10:00:00Z\"", 0, "2026-11-01T10:00:00Z"},
        {"\" 2026-11-01T10:00:00Z \"", 0, "2026-11-01T10:00:00Z"},
        {"\"2026-11-01T11:00:00.250+01:00\"", 250, "2026-11-01T11:00:00.250+01:00"},
        {"\"2026-11-01T12:00:00\"", 0, "2026-11-01T12:00:00"}, /* in the device's zone */
        {"1793527200", 0, "1793527200"},
        {"\"1793527200\"", 0, "1793527200"},
        {"1793527200123", 123, "1793527200123"},
        {"\"1793527200123\"", 123, "1793527200123"},
        {"1793527199.5", -500, "1793527199.5"},
    };
    struct building *b = *state;
    b->rules.zone = two_hours_east;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char more[64];
        snprintf(more, sizeof more, "\"timestamp\":%s", rows[i].timestamp);
        assert_int_equal(run(b, "\"Lead\"", more), 0);
        assert_true(b->event.time_ms == BUILDING_NOW_MS + rows[i].ms);
        assert_true(str_is(b->event.timestamp_text, rows[i].text));
        assert_false(b->event.stamped);
        assert_false(b->event.unjudged);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const rows[] = {
        "\"yesterday\"", "\"2026-11-01\"",  "\"22/10/2022 19:11\"", "\"-5\"", "true", "[]", "{}",
        "1e400",         "\"1793527200.5\""};
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char more[64];
        snprintf(more, sizeof more, "\"timestamp\":%s", rows[i]);
        assert_fault(b, run(b, "\"Lead\"", more), TILLPOST_E_BAD_TIMESTAMP, "$.timestamp");
    }
}

static void a_missing_time_is_now_and_ours(void **state)
{
    struct building *b = *state;
    assert_int_equal(run(b, "\"Lead\"", ""), 0);
    assert_true(b->event.time_ms == BUILDING_NOW_MS);
    assert_true(b->event.stamped);
    assert_int_equal(b->event.timestamp_text.len, 0);
    b->now.implausible = true;
    b->now.sent_at = STR("2026-11-01T09:00:00Z");
    assert_int_equal(run(b, "\"Lead\"", "\"timestamp\":\" \""), 0);
    assert_true(b->event.time_ms == BUILDING_NOW_MS);
    assert_true(b->event.stamped && b->event.unjudged);
}

static void an_event_outside_its_window_is_refused(void **state)
{
    struct building *b = *state;
    struct {
        int64_t after_now_ms;
        int err;
    } rows[] = {
        {-28 * day_ms, 0},
        {-28 * day_ms - 1, TILLPOST_E_TOO_OLD},
        {10 * MINUTE_MS, 0},
        {10 * MINUTE_MS + 1, TILLPOST_E_IN_FUTURE},
        {-365 * day_ms, TILLPOST_E_TOO_OLD},
        {365 * day_ms, TILLPOST_E_IN_FUTURE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char more[64];
        snprintf(more, sizeof more, "\"timestamp\":%lld",
                 (long long)(BUILDING_NOW_MS + rows[i].after_now_ms));
        b->now.implausible = false;
        int got = run(b, "\"Lead\"", more);
        assert_int_equal(got, rows[i].err);
        if (got < 0) assert_fault(b, got, rows[i].err, "$.timestamp");
        b->now.implausible = true; /* judged when it is about to be sent */
        assert_int_equal(run(b, "\"Lead\"", more), 0);
        assert_true(b->event.unjudged);
        assert_true(b->event.time_ms == BUILDING_NOW_MS + rows[i].after_now_ms);
    }
}

static void a_senders_skew_over_ten_seconds_is_taken_out(void **state)
{
    static const struct {
        const char *timestamp, *sent_at;
        int64_t ms; /* after now */
        bool implausible, warned;
    } rows[] = {
        {"2026-11-01T08:30:00Z", "2026-11-01T09:00:00Z", -30 * MINUTE_MS, false, false},
        {"2026-11-01T10:30:00Z", "2026-11-01T11:00:00Z", -30 * MINUTE_MS, false, false},
        {"2020-01-01T00:00:00Z", "2020-01-01T00:00:05Z", -5 * SECOND_MS, false, false},
        {"2026-11-01T09:59:50Z", "2026-11-01T09:59:50Z", -10 * SECOND_MS, false, false},
        {"2026-11-01T09:59:50Z", "2026-11-01T09:59:49.999Z", 1, false, false},
        {"2026-11-01T10:00:05Z", "2026-11-01T10:00:10Z", 5 * SECOND_MS, false, false},
        {"2026-11-01T10:00:05Z", "2026-11-01T10:00:10.001Z", -5 * SECOND_MS - 1, false, false},
        {"2026-11-01T08:30:00Z", "1793523600", -30 * MINUTE_MS, false, false},
        {"2026-11-01T08:30:00Z", "", -90 * MINUTE_MS, false, false},
        {"2026-11-01T08:30:00Z", " ", -90 * MINUTE_MS, false, false},
        {"2026-11-01T08:30:00Z", "soon", -90 * MINUTE_MS, false, true},
        {"2026-11-01T08:30:00Z", "2026-11-01T09:00:00Z", -90 * MINUTE_MS, true, false},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char more[64];
        snprintf(more, sizeof more, "\"timestamp\":\"%s\"", rows[i].timestamp);
        b->now.sent_at = str_from(rows[i].sent_at);
        b->now.implausible = rows[i].implausible;
        assert_int_equal(run(b, "\"Lead\"", more), 0);
        if (b->event.time_ms != BUILDING_NOW_MS + rows[i].ms) print_message("row %zu\n", i);
        assert_true(b->event.time_ms == BUILDING_NOW_MS + rows[i].ms);
        assert_int_equal(b->warnings.count, rows[i].warned);
        if (rows[i].warned) assert_string_equal(b->warnings.list[0].code, "bad_sent_at");
    }
}

static void the_age_is_that_of_the_corrected_time(void **state)
{
    struct building *b = *state;
    b->now.sent_at = STR("2026-11-01T12:00:00Z"); /* two hours ahead */
    assert_int_equal(run(b, "\"Lead\"", "\"timestamp\":\"2026-11-01T12:00:00Z\""), 0);
    b->now.sent_at = STR("2026-11-01T08:00:00Z");
    assert_int_equal(run(b, "\"Lead\"", "\"timestamp\":\"2026-11-01T10:00:00Z\""),
                     TILLPOST_E_IN_FUTURE);
}

static void ids_and_the_test_code_stand_beside_the_event(void **state)
{
    struct building *b = *state;
    assert_int_equal(run(b, "\"Lead\"",
                         "\"event_id\":\"m-1\",\"order_id\":1001,\"shop_id\":\"S\","
                         "\"test_event_code\":\"TEST1\""),
                     0);
    assert_true(str_is(b->event.event_id, "m-1"));
    assert_true(str_is(b->event.order_id, "1001"));
    assert_true(str_is(b->event.shop_id, "S"));
    assert_true(str_is(b->event.test_code, "TEST1"));
    assert_null(strstr(b->event.rest.p, "m-1"));
    assert_null(strstr(b->event.rest.p, "TEST1"));
    assert_int_equal(run(b, "\"Lead\"", "\"event_id\":12345"), 0);
    assert_true(str_is(b->event.event_id, "12345"));
    assert_int_equal(b->event.test_code.len, 0);
    assert_int_equal(b->event.order_id.len, 0);
    assert_fault(b, run(b, "\"Lead\"", "\"event_id\":1234567890123456"), TILLPOST_E_BAD_FIELD,
                 "$.event_id");
    assert_fault(b, run(b, "\"Lead\"", "\"test_event_code\":true"), TILLPOST_E_BAD_FIELD,
                 "$.test_event_code");
}

static void the_warnings_of_several_events_share_a_list(void **state)
{
    struct building *b = *state;
    struct tiktok_event second;
    const struct json *fields = NULL;
    static const struct json_limits limits = {4096, 8, 100};
    assert_int_equal(run(b, "\"Lead\"", "\"phone_numbers\":\"x\""), 0);
    assert_int_equal(b->warnings.count, 1);
    assert_int_equal(json_parse(&b->arena,
                                STR("{\"event\":\"Purchase\",\"email_addresses\":\"a@b.co\","
                                    "\"phone_numbers\":\"x\",\"currency\":\"UGX\"}"),
                                &limits, &fields, NULL),
                     0);
    assert_int_equal(
        tiktok_event_build(&b->arena, fields, &b->rules, &b->now, &second, &b->warnings, &b->why),
        0);
    assert_int_equal(b->warnings.count, 2);
    assert_string_equal(b->warnings.list[0].path, "$.phone_numbers");
    assert_string_equal(b->warnings.list[1].code, "unknown_currency");
}

static void without_memory_there_is_no_event(void **state)
{
    struct building *b = *state;
    const struct json *fields = NULL;
    static const struct json_limits limits = {4096, 8, 100};
    struct arena tree;
    arena_init(&tree, 4096, 1024 * 1024);
    assert_int_equal(json_parse(&tree,
                                STR("{\"event\":\"Lead\",\"email_addresses\":[\"a@b.co\",\"x\"],"
                                    "\"order_id\":1,\"timestamp\":1793527200,"
                                    "\"url\":\"/?ttclid=1\"}"),
                                &limits, &fields, NULL),
                     0);
    bool fitted = false;
    for (size_t bytes = 0; bytes < 1024 && !fitted; bytes += 16) {
        struct arena small;
        arena_init(&small, 16, bytes);
        b->warnings.count = 0;
        b->why = (struct fault){.err = 0};
        int err = tiktok_event_build(&small, fields, &b->rules, &b->now, &b->event, &b->warnings,
                                     &b->why);
        fitted = err == 0;
        if (!fitted) assert_fault(b, err, TILLPOST_E_NO_MEMORY, "");
        arena_free(&small);
    }
    assert_true(fitted);
    arena_free(&tree);
}

static void a_derived_id_says_shop_order_and_time(void **state)
{
    char id[TIKTOK_ID_BYTES], other[TIKTOK_ID_BYTES];
    assert_true(tiktok_derive_id(STR("S"), STR("1001"), STR(BUILDING_NOW), id));
    assert_int_equal(strlen(id), 3 + 32);
    /* sha256 of the three sha256s: kept for good, since a register's repeats rely on it. */
    assert_string_equal(id, "tp-dce16728811f30e2189e62c21594213b");
    static const struct {
        const char *shop, *order, *time;
    } others[] = {
        {"S1", "001", BUILDING_NOW}, {"S", "1002", BUILDING_NOW},
        {"s", "1001", BUILDING_NOW}, {"S", "1001", "2026-11-01T10:00:01Z"},
        {"1001", "S", BUILDING_NOW},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_true(tiktok_derive_id(str_from(others[i].shop), str_from(others[i].order),
                                     str_from(others[i].time), other));
        assert_string_not_equal(id, other);
    }
    assert_false(tiktok_derive_id(STR(""), STR("1001"), STR(BUILDING_NOW), other));
    assert_false(tiktok_derive_id(STR("S"), STR(""), STR(BUILDING_NOW), other));
    assert_false(tiktok_derive_id(STR("S"), STR("1001"), STR(""), other));
}

static void a_fresh_id_is_a_uuid_in_the_order_of_time(void **state)
{
    static const unsigned char ones[10] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                           0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    static const unsigned char some[10] = {0x0C, 0xC3, 0x18, 0xC4, 0xDC,
                                           0x0C, 0x0C, 0x07, 0x39, 0x8F};
    char id[TIKTOK_ID_BYTES], later[TIKTOK_ID_BYTES];
    /* RFC 9562, appendix A.6. */
    tiktok_fresh_id(INT64_C(0x017F22E279B0), some, id);
    assert_string_equal(id, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    tiktok_fresh_id(INT64_C(0x017F22E279B0), ones, id);
    assert_string_equal(id, "017f22e2-79b0-7fff-bfff-ffffffffffff");
    tiktok_fresh_id(INT64_C(0x017F22E279B1), some, later);
    assert_true(strcmp(id, later) < 0);
    tiktok_fresh_id(-1, some, id);
    assert_string_equal(id, "00000000-0000-7cc3-98c4-dc0c0c07398f");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_sent_under_the_name_that_is_asked_for),
        TEST(an_event_without_a_known_name_is_refused),
        TEST(somebody_must_be_in_it),
        TEST(a_callers_time_is_read_in_every_form),
        TEST(what_is_no_time_is_refused),
        TEST(a_missing_time_is_now_and_ours),
        TEST(an_event_outside_its_window_is_refused),
        TEST(a_senders_skew_over_ten_seconds_is_taken_out),
        TEST(the_age_is_that_of_the_corrected_time),
        TEST(ids_and_the_test_code_stand_beside_the_event),
        TEST(the_warnings_of_several_events_share_a_list),
        TEST(without_memory_there_is_no_event),
        TEST(a_derived_id_says_shop_order_and_time),
        TEST(a_fresh_id_is_a_uuid_in_the_order_of_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
