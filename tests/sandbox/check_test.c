/*
 * check_test.c: what the stand-in finds fault with, as rows.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sandbox/check.h"

#include <stdio.h>
#include <string.h>

enum { NOW_S = 1800000000, ARENA_BYTES = 8 * 1024 * 1024, BODY_BYTES = 1024 * 1024 };

#define HASH    "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d"
#define NOBODY  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHORT   "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133"
#define UPPER   "86E0B9E56C17CC4D12387E1949B85053FBE73BC3CE5A1188713A9D300CC6133D"
#define HEAD    "\"event_source\":\"offline\",\"event_source_id\":\"7001\","
#define DATA(e) "{" HEAD "\"data\":[" e "]}"
#define OK      "{\"event\":\"Purchase\",\"event_time\":1800000000}"
#define WITH(m) "{\"event\":\"Purchase\",\"event_time\":1800000000," m "}"
#define USER(m) DATA(WITH("\"user\":{" m "}"))
#define PROP(m) DATA(WITH("\"properties\":{" m "}"))
#define ITEM(m) PROP("\"contents\":[{\"price\":1}," m "]")
#define SET     "Invalid value for event_source_id: not a valid string."
#define LENGTH  "Invalid value for data: Length must be between 1 and 1000."

static const struct check_rules rules = {"token", "7001", NULL};

static void judge(const char *text, const struct check_rules *with, struct check_result *result)
{
    struct arena a;
    const struct json *root;
    arena_init(&a, ARENA_BYTES, ARENA_BYTES * 4);
    check_body(&a, str_from(text), with, NOW_S, &root, result);
    arena_free(&a);
}

/* clang-format off */
static const struct { const char *body, *message; /* "": taken */ } bodies[] = {
    /* what TikTok documents */
    {DATA(OK), ""},
    {DATA(OK "," OK), ""},
    {"{" HEAD "\"partner_name\":\"Shop\",\"test_event_code\":\"T1\",\"data\":[" OK "]}", ""},
    {DATA(WITH("\"event_id\":\"a\"")), ""},
    {USER("\"email\":[\"" HASH "\"]"), ""},
    {USER("\"email\":\"" HASH "\",\"phone\":[\"" HASH "\",\"" HASH "\"],\"external_id\":[]"), ""},
    {USER("\"ttclid\":\"c\",\"ttp\":\"p\",\"ip\":\"203.0.113.7\",\"user_agent\":\"u\",\"locale\":\"en\""), ""},
    {USER("\"lead_id\":\"l\""), ""},
    {PROP("\"value\":0,\"currency\":\"UGX\",\"num_items\":3,\"order_id\":\"o\",\"shop_id\":\"s\""), ""},
    {PROP("\"contents\":[],\"content_ids\":[\"a\"],\"content_type\":\"product_group\""), ""},
    {PROP("\"query\":\"q\",\"search_string\":\"q\",\"description\":\"d\""), ""},
    {ITEM("{\"price\":1.5,\"quantity\":2,\"content_id\":\"i\",\"content_category\":\"c\","
          "\"content_name\":\"n\",\"brand\":\"b\"}"), ""},
    {DATA(WITH("\"page\":{\"url\":\"u\",\"referrer\":\"r\"},\"limited_data_use\":false")), ""},
    {DATA("{\"event\":\"CompletePayment\",\"event_time\":1800000000}"), ""},
    {DATA("{\"event\":\"Purchase\",\"event_time\":1797580800}"), ""}, /* 28 days */
    {DATA("{\"event\":\"Purchase\",\"event_time\":1800000600}"), ""}, /* 10 minutes */
    /* the envelope */
    {"", "Invalid request body: not a JSON object."},
    {"[]", "Invalid request body: not a JSON object."},
    {"{" HEAD "\"data\":[" OK "]} ", ""},
    {"{" HEAD "\"data\":[" OK "]}x", "Invalid request body: not a JSON object."},
    {"{}", "Invalid value for event_source: must be offline."},
    {"{\"event_source\":\"web\",\"event_source_id\":\"7001\",\"data\":[" OK "]}",
     "Invalid value for event_source: must be offline."},
    {"{\"event_source\":\"offline\",\"data\":[" OK "]}", SET},
    {"{\"event_source\":\"offline\",\"event_source_id\":7001,\"data\":[" OK "]}", SET},
    {"{\"event_source\":\"offline\",\"event_source_id\":\"7002\",\"data\":[" OK "]}", SET},
    {"{" HEAD "\"partner_name\":null,\"data\":[" OK "]}",
     "Invalid value for partner_name: not a valid string."},
    {"{" HEAD "\"test_event_code\":7,\"data\":[" OK "]}",
     "Invalid value for test_event_code: not a valid string."},
    {"{" HEAD "\"advertiser_id\":\"1\",\"data\":[" OK "]}",
     "Invalid value for advertiser_id: unknown field."},
    {"{\"event_source\":\"offline\",\"event_source_id\":\"7001\"}", LENGTH},
    {"{" HEAD "\"data\":{}}", LENGTH},
    {"{" HEAD "\"data\":[]}", LENGTH},
    /* events */
    {DATA("7"), "Batch.0: Not a valid object"},
    {DATA(OK ",{}"), "Batch.1.event: Missing data for required field"},
    {DATA("{\"event\":\"Purchase\"}"), "Batch.0.event_time: Missing data for required field"},
    {DATA("{\"event\":\"purchase\",\"event_time\":1800000000}"), "Batch.0.event: Not a standard event"},
    {DATA("{\"event\":\"PageView\",\"event_time\":1800000000}"), "Batch.0.event: Not a standard event"},
    {DATA("{\"event\":7,\"event_time\":1800000000}"), "Batch.0.event: Not a valid string"},
    {DATA("{\"event\":\"Lead\",\"event_time\":\"1800000000\"}"),
     "Batch.0.event_time: Not a valid integer"},
    {DATA("{\"event\":\"Lead\",\"event_time\":1800000000.5}"), "Batch.0.event_time: Not a valid integer"},
    {DATA("{\"event\":\"Lead\",\"event_time\":null}"), "Batch.0.event_time: Not a valid integer"},
    {DATA("{\"event\":\"Lead\",\"event_time\":1800000000000}"), "Batch.0.event_time: In the future"},
    {DATA("{\"event\":\"Lead\",\"event_time\":1800000601}"), "Batch.0.event_time: In the future"},
    {DATA("{\"event\":\"Lead\",\"event_time\":1797580799}"), "Batch.0.event_time: Older than 28 days"},
    {DATA(WITH("\"event_id\":7")), "Batch.0.event_id: Not a valid string"},
    {DATA(WITH("\"event_id\":\"\"")), "Batch.0.event_id: Must not be empty"},
    {DATA(WITH("\"test_event_code\":\"T1\"")), "Batch.0.test_event_code: Unknown field"},
    {DATA(WITH("\"lead\":{}")), "Batch.0.lead: Unknown field"},
    {DATA(WITH("\"user\":[]")), "Batch.0.user: Not a valid object"},
    {DATA(WITH("\"page\":{\"title\":\"t\"}")), "Batch.0.page.title: Unknown field"},
    {DATA(WITH("\"limited_data_use\":\"no\"")), "Batch.0.limited_data_use: Not a valid boolean"},
    /* people */
    {USER("\"email\":[\"jane@example.com\"]"),
     "Batch.0.user.email.0: Not a SHA-256 hash in lower-case hex"},
    {USER("\"email\":\"" UPPER "\""), "Batch.0.user.email: Not a SHA-256 hash in lower-case hex"},
    {USER("\"phone\":[\"" HASH "\",\"" SHORT "\"]"),
     "Batch.0.user.phone.1: Not a SHA-256 hash in lower-case hex"},
    {USER("\"phone\":[7]"), "Batch.0.user.phone.0: Not a valid string"},
    {USER("\"phone\":null"), "Batch.0.user.phone: Not a valid string"},
    {USER("\"external_id\":[\"" NOBODY "\"]"), "Batch.0.user.external_id.0: The hash of an empty value"},
    {USER("\"first_name\":\"" HASH "\""), "Batch.0.user.first_name: Unknown field"},
    {USER("\"ip\":7"), "Batch.0.user.ip: Not a valid string"},
    /* goods */
    {PROP("\"value\":\"19.9\""), "Batch.0.properties.value: Not a valid number"},
    {PROP("\"value\":null"), "Batch.0.properties.value: Not a valid number"},
    {PROP("\"currency\":\"eur\""), "Batch.0.properties.currency: Not an ISO 4217 code"},
    {PROP("\"currency\":\"EURO\""), "Batch.0.properties.currency: Not an ISO 4217 code"},
    {PROP("\"content_type\":\"shoe\""),
     "Batch.0.properties.content_type: Must be one of: product, product_group"},
    {PROP("\"num_items\":1.5"), "Batch.0.properties.num_items: Not a valid integer"},
    {PROP("\"order_id\":7"), "Batch.0.properties.order_id: Not a valid string"},
    {PROP("\"event_channel\":\"in_store\""), "Batch.0.properties.event_channel: Unknown field"},
    {PROP("\"content_ids\":\"a\""), "Batch.0.properties.content_ids: Not a valid list"},
    {PROP("\"contents\":{}"), "Batch.0.properties.contents: Not a valid list"},
    {ITEM("{\"content_id\":7}"), "Batch.0.properties.contents.1.content_id: Not a valid string"},
    {ITEM("{\"price\":\"7\"}"), "Batch.0.properties.contents.1.price: Not a valid number"},
    {ITEM("{\"quantity\":null}"), "Batch.0.properties.contents.1.quantity: Not a valid number"},
    {ITEM("{\"content_type\":\"product\"}"),
     "Batch.0.properties.contents.1.content_type: Unknown field"},
};
/* clang-format on */

static void a_body_is_judged_as_tiktok_documents_it(void **state)
{
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct check_result r;
        judge(bodies[i].body, &rules, &r);
        if (strcmp(r.message, bodies[i].message) != 0) print_message("row %zu: %s\n", i, r.message);
        assert_string_equal(r.message, bodies[i].message);
        assert_int_equal(r.code, *bodies[i].message ? CHECK_PARAMETER : CHECK_OK);
    }
}

static void a_probe_is_told_from_a_faulty_body(void **state)
{
    struct check_result r;
    judge("{" HEAD "\"data\":[]}", &rules, &r);
    assert_true(r.probe);
    judge("{" HEAD "\"data\":{}}", &rules, &r);
    assert_false(r.probe);
    judge("{\"event_source\":\"offline\",\"event_source_id\":\"7002\",\"data\":[]}", &rules, &r);
    assert_false(r.probe);
}

static void a_thousand_events_pass_and_one_more_refuses_all(void **state)
{
    static char body[BODY_BYTES];
    for (size_t n = 1000; n <= 1001; n++) {
        struct check_result r;
        size_t len = (size_t)snprintf(body, sizeof(body), "{" HEAD "\"data\":[");
        for (size_t i = 0; i < n; i++)
            len += (size_t)snprintf(body + len, sizeof(body) - len, "%s" OK, i ? "," : "");
        snprintf(body + len, sizeof(body) - len, "]}");
        judge(body, &rules, &r);
        assert_string_equal(r.message, n == 1000 ? "" : LENGTH);
        assert_int_equal(r.count, n);
    }
}

static void another_event_name_can_be_let_in(void **state)
{
    struct check_rules with = rules;
    struct check_result r;
    with.also = "PageView";
    judge(DATA("{\"event\":\"PageView\",\"event_time\":1800000000}"), &with, &r);
    assert_int_equal(r.code, CHECK_OK);
}

static void a_token_must_be_there_and_be_the_one(void **state)
{
    /* clang-format off */
    static const struct { const char *header; int code; } rows[] = {
        {NULL, CHECK_TOKEN_EMPTY}, {"", CHECK_TOKEN_EMPTY}, {"token", CHECK_OK},
        {"Bearer token", CHECK_TOKEN_INVALID}, {"toke", CHECK_TOKEN_INVALID},
        {"tokens", CHECK_TOKEN_INVALID}, {"TOKEN", CHECK_TOKEN_INVALID},
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct check_result r;
        assert_int_equal(check_token(rows[i].header, &rules, &r), rows[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_judged_as_tiktok_documents_it),
        cmocka_unit_test(a_probe_is_told_from_a_faulty_body),
        cmocka_unit_test(a_thousand_events_pass_and_one_more_refuses_all),
        cmocka_unit_test(another_event_name_can_be_let_in),
        cmocka_unit_test(a_token_must_be_there_and_be_the_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
