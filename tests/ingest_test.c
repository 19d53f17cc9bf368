/* From the body of an event route to rows of a real queue and the words of the answer. */
#include "testing.h"

#include "base/times.h"
#include "ingest_world.h"
#include "platform/platform.h"

static int call(const char *body)
{
    buf_clear(&answer);
    return ingest_call(&ingest, &now, "track", str_from(body), &answer);
}

static int batch(const char *body)
{
    buf_clear(&answer);
    return ingest_batch(&ingest, &now, str_from(body), &answer);
}

static int64_t queued(void)
{
    struct queue_counts c;
    queue_counts(queue, &c);
    return c.queued;
}

static int see_row(void *ctx, const struct queue_row *row)
{
    *(struct queue_row *)ctx = *row;
    return 1;
}

#define ORDER \
    "\"event\":\"Order Completed\",\"properties\":{\"email\":\"a@example.com\",\"value\":5}"

/* clang-format off */
static const struct { const char *body; int status; const char *words; } refusals[] = {
    {"{\"event\":",                                         400, "\"code\":\"bad_json\""},
    {"{\"event\":\"a\",\"event\":\"b\"}",                   400, "\"code\":\"bad_json\""},
    {"{" ORDER "} x",                                       400, "\"code\":\"bad_json\""},
    {"[1]",                                                 400, "\"code\":\"bad_request\""},
    {"\"x\"",                                               400, "\"code\":\"bad_request\""},
    {"{\"type\":\"page\"," ORDER "}",                       400, "\"path\":\"$.type\""},
    {"{\"type\":\"buy\"," ORDER "}",                        400, "\"path\":\"$.type\""},
    {"{}",                                                  422, "\"code\":\"missing_event\""},
    {"{\"event\":\" \"}",                                   422, "\"code\":\"missing_event\""},
    {"{\"event\":5}",                                       422, "\"path\":\"$.event\""},
    {"{\"event\":\"Order Completed\"}",                     422, "\"code\":\"missing_pii\""},
    {"{\"event\":\"Order Completed\",\"userId\":\"u\"}",    422, "\"code\":\"missing_pii\""},
    {"{\"event\":\"Order Completed\",\"properties\":{\"email\":\"a@b.c\",\"value\":\"$5\"}}", 422, "\"code\":\"bad_number\""},
    {"{\"timestamp\":\"2026-11-18\"," ORDER "}",            422, "\"code\":\"bad_timestamp\""},
    {"{\"timestamp\":\"2020-01-01T00:00:00Z\"," ORDER "}",  422, "\"code\":\"too_old\""},
    {"{\"timestamp\":\"2027-01-01T00:00:00Z\"," ORDER "}",  422, "\"code\":\"in_future\""},
    {"{\"event\":\"Order Completed\",\"properties\":{\"email\":\"a@b.c\",\"currency\":\"EURO\"}}", 422, "\"code\":\"bad_currency\""},
    {"{\"event\":\"Order Completed\",\"properties\":{\"email\":\"a@b.c\",\"order_id\":\"4111 1111 1111 1111\"}}", 422, "\"code\":\"card_number\""},
    {"{\"event\":\"Order Completed\",\"messageId\":\"a@example.com\",\"properties\":{\"email\":\"a@b.c\"}}", 422, "\"code\":\"bad_field\""},
};

static const struct { const char *body, *reason; } ignored[] = {
    {"{\"event\":\"Something Else\"}",                                                      "no_mapping"},
    {"{" ORDER ",\"integrations\":{\"TikTok Offline Conversions\":false}}",                 "integrations"},
    {"{" ORDER ",\"integrations\":{\"tiktok offline conversions (actions)\":false}}",       "integrations"},
    {"{" ORDER ",\"integrations\":{\"All\":false}}",                                        "integrations"},
};
/* clang-format on */

static void wrong_calls_are_refused_with_code_path_and_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        int status = call(refusals[i].body);
        if (status != refusals[i].status || !strstr(answer.p, refusals[i].words) ||
            !strstr(answer.p, "\"success\":false") || strstr(answer.p, "\"message\":\"\""))
            fail_msg("row %zu: %d %s", i, status, answer.p);
    }
    assert_false(queue_dirty(queue));
    assert_int_equal(queued(), 0);
}

static void what_nobody_wants_is_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) {
        int status = call(ignored[i].body);
        if (status != 200 || !strstr(answer.p, "\"status\":\"ignored\"") ||
            !strstr(answer.p, ignored[i].reason))
            fail_msg("row %zu: %d %s", i, status, answer.p);
    }
    assert_int_equal(call("{" ORDER ",\"integrations\":{\"All\":false,"
                          "\"TikTok Offline Conversions\":{\"ttp\":\"x\"}}}"),
                     200);
    assert_non_null(strstr(answer.p, "\"queued\""));
    queue_rollback(queue);
}

static void a_repeated_message_id_is_a_duplicate(void **state)
{
    (void)state;
    const char *body = "{\"messageId\":\"m-1\"," ORDER "}";
    assert_int_equal(call(body), 200);
    assert_string_equal(answer.p,
                        "{\"success\":true,\"status\":\"queued\",\"event_ids\":[\"m-1\"]}");
    assert_int_equal(call(body), 200);
    assert_string_equal(answer.p,
                        "{\"success\":true,\"status\":\"duplicate\",\"event_ids\":[\"m-1\"]}");
    assert_true(queue_commit(queue, NULL) >= 0);
    assert_int_equal(queued(), 1);
}

static void a_repeated_sale_without_an_id_repeats_its_id(void **state)
{
    (void)state;
    char first[256];
    char stamp[TIMES_TEXT_BYTES], body[512];
    times_format(TRUTH_MS - 60000, stamp);
    (void)snprintf(body, sizeof body,
                   "{\"event\":\"Order Completed\",\"timestamp\":\"%s\",\"properties\":{\"email\":"
                   "\"a@example.com\",\"order_id\":77,\"shop_id\":\"s\"}}",
                   stamp);
    assert_int_equal(call(body), 200);
    (void)snprintf(first, sizeof first, "%s", strstr(answer.p, "event_ids"));
    assert_int_equal(call(body), 200);
    assert_non_null(strstr(answer.p, "\"duplicate\""));
    assert_non_null(strstr(answer.p, first));
    queue_rollback(queue);
}

static void a_call_without_anything_to_derive_from_gets_a_fresh_id(void **state)
{
    (void)state;
    char first[256];
    assert_int_equal(call("{" ORDER "}"), 200);
    (void)snprintf(first, sizeof first, "%s", strstr(answer.p, "event_ids"));
    assert_int_equal(call("{" ORDER "}"), 200);
    assert_non_null(strstr(answer.p, "\"queued\""));
    assert_null(strstr(answer.p, first));
    queue_rollback(queue);
}

static void a_call_that_matches_two_mappings_makes_two_events_with_one_id(void **state)
{
    (void)state;
    load(", \"mappings\": {\"custom\": [{\"name\":\"Also\",\"subscribe\":\"type = \\\"track\\\"\","
         "\"mapping\":{\"event\":\"Subscribe\",\"event_id\":{\"@path\":\"$.messageId\"},"
         "\"email_addresses\":{\"@path\":\"$.properties.email\"}}}]}");
    int64_t before = queued();
    assert_int_equal(call("{\"messageId\":\"two\"," ORDER "}"), 200);
    assert_non_null(strstr(answer.p, "\"event_ids\":[\"two\"]"));
    assert_true(queue_commit(queue, NULL) >= 0);
    assert_int_equal(queued(), before + 2);
    load("");
}

static void a_mapping_that_asks_for_no_id_gets_the_calls_own(void **state)
{
    (void)state;
    load(", \"mappings\": {\"presets\": [], \"custom\": [{\"name\":\"Bare\",\"subscribe\":"
         "\"type = \\\"track\\\"\",\"mapping\":{\"event\":\"Subscribe\","
         "\"email_addresses\":{\"@path\":\"$.properties.email\"}}}]}");
    assert_int_equal(call("{\"messageId\":\"own\"," ORDER "}"), 200);
    assert_non_null(strstr(answer.p, "\"event_ids\":[\"own\"]"));
    assert_int_equal(call("{\"messageId\":\"own\"," ORDER "}"), 200);
    assert_non_null(strstr(answer.p, "\"duplicate\""));
    assert_int_equal(call("{\"messageId\":4711," ORDER "}"), 200);
    assert_non_null(strstr(answer.p, "\"event_ids\":[\"4711\"]"));
    assert_int_equal(call("{\"messageId\":12.5," ORDER "}"), 200);
    assert_non_null(strstr(answer.p, "\"event_ids\":[\"12.5\"]"));
    assert_int_equal(call("{\"messageId\":[\" \",null]," ORDER "}"), 200);
    assert_int_equal(strlen(strstr(answer.p, "[\"")) - strlen("[\"\"]}"), 36); /* a fresh one */
    assert_int_equal(call("{\"messageId\":\"\\u00a0\"," ORDER "}"), 200);
    assert_int_equal(strlen(strstr(answer.p, "[\"")) - strlen("[\"\"]}"), 36); /* a fresh one */
    queue_rollback(queue);
    load("");
}

/* One that could be another's, or that may not stand in clear, is refused as by the mappings that
 * ask for it: with an id of its own making the sender's retry would count twice. */
static void a_wrong_id_is_refused_whether_a_mapping_asks_for_it_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *id, *code;
    } rows[] = {
        {"7000000000000000001", "bad_field"},
        {"1e400", "bad_field"},
        {"{}", "bad_field"},
        {"true", "bad_field"},
        {"\"jane@example.com\"", "bad_field"},
        {"\"4111 1111 1111 1111\"", "card_number"},
        {"\"R-4111-1111-1111-1111\"", "card_number"},
    };
    for (int asked = 0; asked < 2; asked++) {
        load(asked ? ""
                   : ", \"mappings\": {\"presets\": [], \"custom\": [{\"name\":\"Bare\","
                     "\"subscribe\":\"type = \\\"track\\\"\",\"mapping\":{\"event\":\"Subscribe\","
                     "\"email_addresses\":{\"@path\":\"$.properties.email\"}}}]}");
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            char body[512];
            (void)snprintf(body, sizeof body, "{\"messageId\":%s," ORDER "}", rows[i].id);
            int status = call(body);
            if (status != 422 || !strstr(answer.p, rows[i].code) ||
                !strstr(answer.p, "\"path\":\"$.event_id\"") || strstr(answer.p, "1111") ||
                strstr(answer.p, "jane"))
                fail_msg("%s: %d %s", rows[i].id, status, answer.p);
        }
    }
    assert_false(queue_dirty(queue));
    load("");
}

static void the_original_time_stamp_stands_in_for_a_missing_one(void **state)
{
    (void)state;
    struct queue_row row = {0};
    char stamp[TIMES_TEXT_BYTES], body[512];
    times_format(TRUTH_MS - 3600 * 1000, stamp);
    load(", \"mappings\": {\"presets\": [], \"custom\": [{\"name\":\"Exported\",\"subscribe\":"
         "\"type = \\\"track\\\"\",\"mapping\":{\"event\":\"Subscribe\",\"timestamp\":"
         "{\"@path\":\"$.timestamp\"},\"email_addresses\":{\"@path\":\"$.properties.email\"}}}]}");
    (void)snprintf(body, sizeof body,
                   "{\"messageId\":\"orig\",\"originalTimestamp\":\"%s\"," ORDER "}", stamp);
    assert_int_equal(call(body), 200);
    assert_true(queue_find(queue, STR("orig"), see_row, &row, NULL) >= 0);
    assert_false(row.stamped);
    assert_int_equal(row.occurred_ms, TRUTH_MS - 3600 * 1000);
    queue_rollback(queue);
    load("");
}

static void the_senders_clock_is_corrected_however_it_writes_the_time(void **state)
{
    (void)state;
    static const struct {
        const char *sent_at;
        bool corrected, warned;
    } rows[] = {
        {"1794996400", true, false},
        {"1794996400000", true, false},
        {"1794996400.5", true, false},
        {"\"2026-11-18T10:06:40Z\"", true, false},
        {"\"1794996400\"", true, false},
        {"null", false, false},
        {"\" \"", false, false},
        {"true", false, true},
        {"{}", false, true},
        {"\"soon\"", false, true},
        {"1e400", false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct queue_row row = {0};
        char body[512], id[32];
        (void)snprintf(id, sizeof id, "sent-%zu", i);
        (void)snprintf(body, sizeof body,
                       "{\"messageId\":\"%s\",\"timestamp\":1794996400,\"sentAt\":%s," ORDER "}",
                       id, rows[i].sent_at);
        if (call(body) != 200) fail_msg("%s: %s", body, answer.p);
        assert_true(queue_find(queue, str_from(id), see_row, &row, NULL) >= 0);
        bool corrected = row.occurred_ms != 1794996400000;
        bool warned = strstr(answer.p, "bad_sent_at") != NULL;
        if (corrected != rows[i].corrected || warned != rows[i].warned)
            fail_msg("%s: %lld %s", body, (long long)row.occurred_ms, answer.p);
    }
    queue_rollback(queue);
}

static void one_bad_mapping_does_not_take_the_others_with_it(void **state)
{
    (void)state;
    load(
        ", \"mappings\": {\"custom\": [{\"name\":\"Odd\",\"subscribe\":\"type = \\\"track\\\"\","
        "\"mapping\":{\"event\":\"MyOwnEvent\",\"email_addresses\":{\"@path\":\"$.properties.email\"}}}]}");
    assert_int_equal(call("{\"messageId\":\"odd\"," ORDER "}"), 200);
    assert_non_null(strstr(answer.p, "\"queued\""));
    assert_non_null(strstr(answer.p, "bad_event_name"));
    assert_int_equal(call("{\"messageId\":\"odd2\",\"event\":\"Else\",\"properties\":"
                          "{\"email\":\"a@example.com\"}}"),
                     422);
    assert_non_null(strstr(answer.p, "\"code\":\"bad_event_name\""));
    queue_rollback(queue);
    load("");
}

static void a_card_number_refuses_the_call_whatever_other_mappings_make_of_it(void **state)
{
    (void)state;
    load(", \"mappings\": {\"custom\": [{\"name\":\"Also\",\"subscribe\":\"type = \\\"track\\\"\","
         "\"mapping\":{\"event\":\"Subscribe\","
         "\"email_addresses\":{\"@path\":\"$.properties.email\"}}}]}");
    int64_t before = queued();
    assert_int_equal(call("{\"event\":\"Order Completed\",\"properties\":{\"email\":"
                          "\"a@example.com\",\"order_id\":\"4111 1111 1111 1111\"}}"),
                     422);
    assert_non_null(strstr(answer.p, "\"code\":\"card_number\""));
    assert_int_equal(queued(), before);
    load("");
}

static void a_dry_run_shows_what_would_go_out_and_stores_nothing(void **state)
{
    (void)state;
    int64_t before = queued();
    load(", \"mappings\": {\"custom\": [{\"name\":\"Test\",\"subscribe\":\"type = \\\"track\\\"\","
         "\"mapping\":{\"event\":\"Contact\",\"test_event_code\":{\"@path\":\"$.properties.code\"},"
         "\"email_addresses\":{\"@path\":\"$.properties.email\"}}}]}");
    ingest.queue = NULL;
    int status = call("{\"messageId\":\"dry\",\"event\":\"Order Completed\",\"properties\":{"
                      "\"email\":\"a@example.com\",\"phone\":\"no\",\"code\":\"TEST9\"}}");
    ingest.queue = queue;
    load("");
    assert_int_equal(status, 200);
    static const char *const words[] = {
        "\"status\":\"dry_run\"",
        "{\"mapping\":\"Complete Payment\",\"sends\":{\"event\":\"Purchase\"",
        "{\"mapping\":\"Test\",\"test_event_code\":\"TEST9\",\"sends\":{\"event\":\"Contact\"",
        "\"event_id\":\"dry\"", "\"code\":\"invalid_phone\""};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (!strstr(answer.p, words[i])) fail_msg("no %s in %s", words[i], answer.p);
    assert_null(strstr(answer.p, "a@example.com"));
    assert_false(queue_dirty(queue));
    assert_int_equal(queued(), before);
}

static void only_a_true_consent_lets_an_event_in(void **state)
{
    (void)state;
    load(", \"privacy\": {\"require_consent\": \"$.context.consent.Advertising\"}");
    assert_int_equal(call("{" ORDER "}"), 200);
    assert_non_null(strstr(answer.p, "\"reason\":\"consent\""));
    assert_int_equal(call("{" ORDER ",\"context\":{\"consent\":{\"Advertising\":\"true\"}}}"), 200);
    assert_non_null(strstr(answer.p, "\"reason\":\"consent\""));
    assert_int_equal(call("{" ORDER ",\"context\":{\"consent\":{\"Advertising\":true}}}"), 200);
    assert_non_null(strstr(answer.p, "\"queued\""));
    queue_rollback(queue);
    load("");
}

static void a_batch_gives_each_call_its_own_answer_in_order(void **state)
{
    (void)state;
    int64_t before = queued();
    assert_int_equal(batch("{\"batch\":[{\"type\":\"track\",\"messageId\":\"b1\"," ORDER "},"
                           "{\"type\":\"track\",\"event\":\"Order Completed\"},"
                           "{\"type\":\"identify\",\"userId\":\"u\"},"
                           "{\"type\":\"track\",\"messageId\":\"b1\"," ORDER "}]}"),
                     422);
    const char *at = answer.p;
    static const char *const order[] = {"\"success\":false,\"results\":[", "\"queued\"",
                                        "missing_pii", "\"ignored\"", "\"duplicate\""};
    for (size_t i = 0; i < 5; i++) {
        at = strstr(at, order[i]);
        if (!at) fail_msg("%zu: %s", i, answer.p);
    }
    assert_true(queue_commit(queue, NULL) >= 0);
    assert_int_equal(queued(), before + 1);
    assert_int_equal(batch("{\"batch\":[]}"), 200);
    assert_non_null(strstr(answer.p, "\"results\":[]"));
}

/* clang-format off */
static const struct { const char *body; int status; const char *words; } batches[] = {
    {"{\"batch\":[{]}",                    400, "bad_json"},
    {"[]",                                 400, "bad_request"},
    {"{}",                                 400, "$.batch"},
    {"{\"batch\":{}}",                     400, "$.batch"},
    {"{\"batch\":[5]}",                    422, "bad_request"},
    {"{\"batch\":[{\"userId\":\"x\"}]}",   422, "$.type"},
    {"{\"batch\":[{\"type\":\"track\",\"event\":\"x\",\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}]}", 422, "too_large"},
};
/* clang-format on */

static void a_wrong_batch_is_refused_whole_or_call_by_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        int status = batch(batches[i].body);
        if (status != batches[i].status || !strstr(answer.p, batches[i].words))
            fail_msg("row %zu: %d %s", i, status, answer.p);
    }
    assert_false(queue_dirty(queue));
}

static void a_batch_lends_its_context_and_sent_at_to_its_calls(void **state)
{
    (void)state;
    assert_int_equal(
        batch(
            "{\"context\":{\"traits\":{\"email\":\"a@example.com\"}},\"batch\":["
            "{\"type\":\"track\",\"event\":\"Order Completed\"},"
            "{\"type\":\"track\",\"event\":\"Order Completed\",\"context\":{\"ip\":\"1.2.3.4\"}}]}"),
        200);
    queue_rollback(queue);
    assert_int_equal(
        batch("{\"integrations\":{\"All\":false},\"batch\":[{\"type\":\"track\"," ORDER "}]}"),
        200);
    assert_non_null(strstr(answer.p, "integrations"));
}

static void more_than_a_thousand_calls_are_too_large(void **state)
{
    (void)state;
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_add_z(&body, "{\"batch\":[");
    for (int i = 0; i < 1001; i++) buf_add_z(&body, i ? ",{}" : "{}");
    buf_add_z(&body, "]}");
    assert_int_equal(batch(body.p), 413);
    buf_free(&body);
}

static void a_sale_on_a_wrong_clock_is_taken_and_marked(void **state)
{
    (void)state;
    struct queue_row row = {0};
    struct clock_now in_1970 = {5000, 5000, 5000};
    buf_clear(&answer);
    assert_int_equal(ingest_call(&ingest, &in_1970, "track",
                                 str_from("{\"messageId\":\"early\"," ORDER "}"), &answer),
                     200);
    assert_int_equal(queue_find(queue, STR("early"), see_row, &row, NULL) >= 0, 1);
    assert_true(row.stamped && row.unjudged);
    assert_int_equal(row.boot_ms, 5000);
    buf_clear(&answer);
    assert_int_equal(ingest_call(&ingest, &in_1970, "track",
                                 str_from("{\"messageId\":\"early2\",\"timestamp\":"
                                          "\"2026-11-18T10:00:00Z\"," ORDER "}"),
                                 &answer),
                     200);
    assert_int_equal(queue_find(queue, STR("early2"), see_row, &row, NULL) >= 0, 1);
    assert_true(!row.stamped && row.unjudged);
    queue_rollback(queue);
}

static void no_plain_text_is_left_in_the_arena(void **state)
{
    (void)state;
    assert_int_equal(call("{\"event\":\"Order Completed\",\"properties\":"
                          "{\"email\":\"findme-in-memory@example.com\"}}"),
                     200);
    queue_rollback(queue);
    assert_int_equal(ingest.arena.used_bytes, 0); /* reset, and a reset wipes */
    char *p = arena_alloc(&ingest.arena, 16 * 1024);
    assert_non_null(p);
    for (size_t i = 0; i + 16 < 16 * 1024; i++)
        if (memcmp(p + i, "findme-in-memory", 16) == 0) fail_msg("at %zu", i);
    arena_reset(&ingest.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_calls_are_refused_with_code_path_and_words),
        cmocka_unit_test(what_nobody_wants_is_ignored),
        cmocka_unit_test(a_repeated_message_id_is_a_duplicate),
        cmocka_unit_test(a_repeated_sale_without_an_id_repeats_its_id),
        cmocka_unit_test(a_call_without_anything_to_derive_from_gets_a_fresh_id),
        cmocka_unit_test(a_call_that_matches_two_mappings_makes_two_events_with_one_id),
        cmocka_unit_test(a_mapping_that_asks_for_no_id_gets_the_calls_own),
        cmocka_unit_test(a_wrong_id_is_refused_whether_a_mapping_asks_for_it_or_not),
        cmocka_unit_test(the_original_time_stamp_stands_in_for_a_missing_one),
        cmocka_unit_test(the_senders_clock_is_corrected_however_it_writes_the_time),
        cmocka_unit_test(one_bad_mapping_does_not_take_the_others_with_it),
        cmocka_unit_test(a_card_number_refuses_the_call_whatever_other_mappings_make_of_it),
        cmocka_unit_test(a_dry_run_shows_what_would_go_out_and_stores_nothing),
        cmocka_unit_test(only_a_true_consent_lets_an_event_in),
        cmocka_unit_test(a_batch_gives_each_call_its_own_answer_in_order),
        cmocka_unit_test(a_wrong_batch_is_refused_whole_or_call_by_call),
        cmocka_unit_test(a_batch_lends_its_context_and_sent_at_to_its_calls),
        cmocka_unit_test(more_than_a_thousand_calls_are_too_large),
        cmocka_unit_test(a_sale_on_a_wrong_clock_is_taken_and_marked),
        cmocka_unit_test(no_plain_text_is_left_in_the_arena),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
