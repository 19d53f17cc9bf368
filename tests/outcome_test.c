/* outcome_test.c: what a reply means. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tiktok/batch.h"

#include <stdio.h>
#include <string.h>

static struct tiktok_outcome read_reply(int http, const char *body)
{
    struct tiktok_outcome out;
    memset(&out, 0x55, sizeof out);
    tiktok_outcome_read(http, str_from(body), &out);
    return out;
}

static struct tiktok_outcome read_message(int code, const char *message)
{
    char body[1024];
    snprintf(body, sizeof body, "{\"code\":%d,\"message\":\"%s\",\"request_id\":\"r\",\"data\":{}}",
             code, message);
    return read_reply(200, body);
}

/* Every code of TikTok's table (tiktok-api.md section 4). */
static const struct {
    int code;
    enum tiktok_class class;
    bool limited;
} code_rows[] = {
    {0, TIKTOK_DONE, false},
    {20001, TIKTOK_DONE, false},
    {40050, TIKTOK_DONE, false},
    {40100, TIKTOK_RETRY, true},
    {40016, TIKTOK_RETRY, true},
    {40133, TIKTOK_RETRY, true},
    {40132, TIKTOK_RETRY, true},
    {51021, TIKTOK_RETRY, true},
    {50000, TIKTOK_RETRY, false},
    {50002, TIKTOK_RETRY, false},
    {51305, TIKTOK_RETRY, false},
    {59999, TIKTOK_RETRY, false},
    {60001, TIKTOK_RETRY, false},
    {40202, TIKTOK_RETRY, false},
    {40000, TIKTOK_SPLIT, false},
    {40002, TIKTOK_SPLIT, false},
    {40700, TIKTOK_SPLIT, false},
    {40003, TIKTOK_SPLIT, false}, /* unknown 4xxxx */
    {49999, TIKTOK_SPLIT, false},
    {40001, TIKTOK_PAUSE_CONFIGURATION, false},
    {40006, TIKTOK_PAUSE_CONFIGURATION, false},
    {40007, TIKTOK_PAUSE_CONFIGURATION, false},
    {40008, TIKTOK_PAUSE_CONFIGURATION, false},
    {40009, TIKTOK_PAUSE_CONFIGURATION, false},
    {40010, TIKTOK_PAUSE_CONFIGURATION, false},
    {40013, TIKTOK_PAUSE_CONFIGURATION, false},
    {40014, TIKTOK_PAUSE_CONFIGURATION, false},
    {40051, TIKTOK_PAUSE_CONFIGURATION, false},
    {40117, TIKTOK_PAUSE_CONFIGURATION, false},
    {40118, TIKTOK_PAUSE_CONFIGURATION, false},
    {40300, TIKTOK_PAUSE_CONFIGURATION, false},
    {40301, TIKTOK_PAUSE_CONFIGURATION, false},
    {41000, TIKTOK_PAUSE_CONFIGURATION, false},
    {41001, TIKTOK_PAUSE_CONFIGURATION, false},
    {40101, TIKTOK_PAUSE_CREDENTIALS, false},
    {40102, TIKTOK_PAUSE_CREDENTIALS, false},
    {40104, TIKTOK_PAUSE_CREDENTIALS, false},
    {40105, TIKTOK_PAUSE_CREDENTIALS, false},
    {40106, TIKTOK_PAUSE_CREDENTIALS, false},
    {40113, TIKTOK_PAUSE_CREDENTIALS, false},
    {40115, TIKTOK_PAUSE_CREDENTIALS, false},
    {40116, TIKTOK_PAUSE_CREDENTIALS, false},
    {40119, TIKTOK_PAUSE_CREDENTIALS, false},
    {40124, TIKTOK_PAUSE_CREDENTIALS, false},
    {40125, TIKTOK_PAUSE_CREDENTIALS, false},
    {10000, TIKTOK_DOUBT, false}, /* unknown others */
    {20000, TIKTOK_DOUBT, false},
    {20002, TIKTOK_DOUBT, false},
    {30000, TIKTOK_DOUBT, false},
    {60000, TIKTOK_DOUBT, false},
    {60002, TIKTOK_DOUBT, false},
    {99999, TIKTOK_DOUBT, false},
    {1, TIKTOK_DOUBT, false},
    {200, TIKTOK_DOUBT, false},
};

static void every_code_has_its_class_whatever_the_status(void **state)
{
    static const int statuses[] = {200, 201, 302, 400, 401, 404, 429, 500, 503};
    for (size_t i = 0; i < sizeof code_rows / sizeof code_rows[0]; i++) {
        bool is_tiktok = code_rows[i].code == 0 || code_rows[i].code >= 10000;
        for (size_t s = 0; s < (is_tiktok ? sizeof statuses / sizeof statuses[0] : 1); s++) {
            char number[64], text[64];
            snprintf(number, sizeof number, "{\"code\":%d,\"message\":\"m\"}", code_rows[i].code);
            snprintf(text, sizeof text, " {\"message\":\"m\",\"code\":\"%d\"}\n",
                     code_rows[i].code);
            const char *bodies[] = {number, text};
            for (size_t b = 0; b < 2; b++) {
                struct tiktok_outcome out = read_reply(statuses[s], bodies[b]);
                if (out.class != code_rows[i].class) print_message("%s\n", bodies[b]);
                assert_int_equal(out.class, code_rows[i].class);
                assert_int_equal(out.limited, code_rows[i].limited);
                assert_int_equal(out.code, code_rows[i].code);
                assert_int_equal(out.http, statuses[s]);
                assert_true(out.is_json);
            }
        }
    }
}

static void only_a_clear_yes_is_done(void **state)
{
    for (int code = -1; code <= 100001; code++) {
        char body[32];
        snprintf(body, sizeof body, "{\"code\":%d}", code);
        bool is_yes = code == 0 || code == 20001 || code == 40050;
        assert_int_equal(read_reply(200, body).class == TIKTOK_DONE, is_yes);
    }
    static const char *const bodies[] = {
        "",
        " ",
        "0",
        "\"0\"",
        "[0]",
        "[{\"code\":0}]",
        "{}",
        "{\"code\":null}",
        "{\"code\":false}",
        "{\"code\":\"\"}",
        "{\"code\":\" 0\"}",
        "{\"code\":\"-0\"}",
        "{\"code\":\"0x0\"}",
        "{\"code\":0.5}",
        "{\"code\":-1}",
        "{\"code\":{}}",
        "{\"code\":[0]}",
        "{\"Code\":0}",
        "{\"code\":0",
        "{\"code\":0}}",
        "{\"code\":0,\"code\":0}",
        "{\"code\":00}",
        "{\"data\":{\"code\":0}}",
        "{\"code\":1e400}",
        "{\"code\":100000}",
        "{\"code\":4294967296}",
        "{\"code\":\"18446744073709551616\"}",
        "{\"code\":\"4294967296\"}",
        "{\"message\":\"OK\"}",
        "{\"status\":\"ok\"}",
        "<html>{\"code\":0}</html>",
        "OK",
        "{\"code\":0}\xFF",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct tiktok_outcome out = read_reply(200, bodies[i]);
        if (out.class != TIKTOK_DOUBT) print_message("%s\n", bodies[i]);
        assert_int_equal(out.class, TIKTOK_DOUBT);
        assert_false(out.limited);
    }
}

static void only_an_object_is_an_envelope(void **state)
{
    static const char *const bodies[] = {"[{\"code\":0}]", "0", "\"OK\"", "null", "", "<html>"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        assert_false(read_reply(200, bodies[i]).is_json);
    }
    assert_true(read_reply(200, "{}").is_json);
}

static void without_a_code_the_status_decides(void **state)
{
    static const struct {
        int from, to;
        enum tiktok_class class;
    } rows[] = {
        {0, 299, TIKTOK_DOUBT},
        {300, 399, TIKTOK_PAUSE_CONFIGURATION},
        {400, 400, TIKTOK_DOUBT},
        {401, 401, TIKTOK_PAUSE_CREDENTIALS},
        {402, 402, TIKTOK_DOUBT},
        {403, 403, TIKTOK_PAUSE_CREDENTIALS},
        {404, 405, TIKTOK_PAUSE_CONFIGURATION},
        {406, 412, TIKTOK_DOUBT},
        {413, 413, TIKTOK_SPLIT},
        {414, 428, TIKTOK_DOUBT},
        {429, 429, TIKTOK_RETRY},
        {430, 502, TIKTOK_DOUBT},
        {503, 503, TIKTOK_RETRY},
        {504, 600, TIKTOK_DOUBT},
    };
    static const char *const bodies[] = {"", "<html></html>", "{\"error\":\"no\"}",
                                         "{\"code\":404,\"message\":\"no Route matched\"}"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int http = rows[i].from; http <= rows[i].to; http++) {
            struct tiktok_outcome out = read_reply(http, bodies[http % 4]);
            if (out.class != rows[i].class) print_message("HTTP %d\n", http);
            assert_int_equal(out.class, rows[i].class);
            assert_int_equal(out.limited, http == 429);
            assert_int_equal(out.is_json, http % 4 >= 2);
        }
    }
}

static void a_refusal_of_the_event_source_is_no_events_fault(void **state)
{
    static const struct {
        const char *message;
        enum tiktok_class class;
    } rows[] = {
        {"Invalid value for event_source", TIKTOK_PAUSE_CONFIGURATION},
        {"Invalid value for event_source_id: not a valid string.", TIKTOK_PAUSE_CONFIGURATION},
        {"event_source_id: Missing data for required field.", TIKTOK_PAUSE_CONFIGURATION},
        {"lead.lead_event_source and event_source.", TIKTOK_PAUSE_CONFIGURATION},
        {"Invalid value for data.0.event_source", TIKTOK_SPLIT},
        {"Batch.3.event_source_id: not valid", TIKTOK_SPLIT},
        {"Batch.3: event_source is not known", TIKTOK_SPLIT},
        {"Invalid value for lead.event_source", TIKTOK_SPLIT},
        {"Invalid value for lead_event_source", TIKTOK_SPLIT},
        {"Invalid value for event_sources", TIKTOK_SPLIT},
        {"Invalid value for event_source_idx", TIKTOK_SPLIT},
        {"Invalid value for description: 'event_source'", TIKTOK_SPLIT},
        {"Invalid value for event_id: not a valid string.", TIKTOK_SPLIT},
        {"Something new that names no field", TIKTOK_SPLIT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiktok_outcome out = read_message(40002, rows[i].message);
        if (out.class != rows[i].class) print_message("%s\n", rows[i].message);
        assert_int_equal(out.class, rows[i].class);
    }
    assert_int_equal(read_message(40000, "Invalid value for event_source").class, TIKTOK_SPLIT);
}

static void a_code_for_both_a_limit_and_a_token_is_told_by_its_words(void **state)
{
    static const struct {
        const char *message;
        enum tiktok_class class;
    } rows[] = {
        {"", TIKTOK_RETRY},
        {"App reaches the QPS limit.", TIKTOK_RETRY},
        {"Requests made too frequently.", TIKTOK_RETRY},
        {"Too many requests for this access token", TIKTOK_RETRY},
        {"The access token reaches the QPS limit.", TIKTOK_RETRY},
        {"Access token is invalid", TIKTOK_PAUSE_CREDENTIALS},
        {"Invalid Token", TIKTOK_PAUSE_CREDENTIALS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiktok_outcome out = read_message(40100, rows[i].message);
        assert_int_equal(out.class, rows[i].class);
        assert_int_equal(out.limited, rows[i].class == TIKTOK_RETRY);
    }
}

static void the_index_is_that_of_the_event_named(void **state)
{
    static const struct {
        const char *message;
        long index;
    } rows[] = {
        {"Batch.0.properties.contents.0.content_id: Not a valid string", 0},
        {"Batch.17.properties.contents.3.content_id: Not a valid string", 17},
        {"Invalid value for data.999.event_id", 999},
        {"Invalid value for data[12].event_id", 12},
        {"data.5: not an object", 5},
        {"Event at index 7 is invalid", 7},
        {"Error at index: 8", 8},
        {"index=9 failed", 9},
        {"Index #10", 10},
        {"batch[4]", 4},
        {"data.1000.event_id", -1},
        {"data.10000.event_id", -1},
        {"data.1a", -1},
        {"data.event_id", -1},
        {"metadata.5.x", -1},
        {"contents.5.content_id", -1},
        {"data 5", -1},
        {"data5.event_id", -1},
        {"indexes 5", -1},
        {"my_index 5", -1},
        {"Invalid value for description: 'data.5.x'", -1}, /* an echo */
        {"data.2.description: 'data.5.x'", 2},
        {"index", -1},
        {"data.", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiktok_outcome out = read_message(40002, rows[i].message);
        if (out.index != rows[i].index) print_message("%s\n", rows[i].message);
        assert_int_equal(out.index, rows[i].index);
    }
}

#define DOTS "\u2026"
#define HASH "86e0b9e56c17cc4d12387e1949b85053fbe73bc3ce5a1188713a9d300cc6133d"

static void a_message_keeps_tiktoks_words_and_no_value(void **state)
{
    static const struct {
        const char *message, *expected; /* NULL: the same */
    } rows[] = {
        {"OK", NULL},
        {"Batch.0.properties.contents.0.content_id: Not a valid string", NULL},
        {"Invalid value for data[3].user.external_id: not a valid string.", NULL},
        {"Access token is incorrect or has been revoked.", NULL},
        {"The developer doesn't have the permission.", NULL},
        {"Error 40002, see data.999.", NULL},
        {"and/or N/A (see v1.3)?", NULL},
        {"Error 40003", "Error " DOTS},
        {"Advertiser (1)'s QPS (11) reaches QPS limit 10 for current path.", NULL},
        {"No permission to operate pixel code: BU35TSQHT2A1QT375OMG. You must be",
         "No permission to operate pixel code: " DOTS ". You must be"},
        {"Invalid value 'jane doe' for email", "Invalid value " DOTS " for email"},
        {"Invalid value \\\"jane doe\\\" for email", "Invalid value " DOTS " for email"},
        {"Invalid value `x` for email", "Invalid value " DOTS " for email"},
        {"Invalid value: 'jane doe and so on", "Invalid value: " DOTS},
        {"Invalid email jane@example.com.", "Invalid email " DOTS "."},
        {"Invalid email (jane%40example.com)", "Invalid email (" DOTS ")"},
        {"Invalid phone +12133734253", "Invalid phone " DOTS},
        {"Invalid hash " HASH, "Invalid hash " DOTS},
        {"Invalid id abcdefabcdefabcd", "Invalid id " DOTS},
        {"Invalid order ORD-123456", "Invalid order " DOTS},
        {"Invalid ip 203.0.113.7", "Invalid ip " DOTS},
        {"Invalid ip 2001:db8::1", "Invalid ip " DOTS},
        {"See https://shop.example/x?y=1 for more", "See " DOTS " for more"},
        {"Bad key eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0", "Bad key " DOTS},
        {"line\\none\\ttwo\\u007f.", "line one two ."},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiktok_outcome out = read_message(40002, rows[i].message);
        const char *expected = rows[i].expected == NULL ? rows[i].message : rows[i].expected;
        assert_string_equal(out.message, expected);
    }
}

static void a_long_message_is_cut_between_characters(void **state)
{
    char message[600] = "ab"; /* so that byte 255 is the second of a character */
    for (size_t at = 2; at + 4 < sizeof message; at += 4) {
        memcpy(message + at, "\u00E4a ", 5);
    }
    struct tiktok_outcome out = read_message(40002, message);
    size_t len = strlen(out.message);
    assert_true(len >= TIKTOK_MESSAGE_BYTES - 4 && len < TIKTOK_MESSAGE_BYTES);
    assert_memory_equal(out.message, message, len);
    assert_int_not_equal((unsigned char)out.message[len - 1], 0xC3);
}

static void a_reply_without_message_says_its_status(void **state)
{
    assert_string_equal(read_reply(502, "<html>").message,
                        "HTTP 502 without a message of TikTok's");
    assert_string_equal(read_reply(200, "{\"code\":0}").message,
                        "HTTP 200 without a message of TikTok's");
}

static void the_request_id_is_kept_as_far_as_it_is_one(void **state)
{
    static const struct {
        const char *id, *expected;
    } rows[] = {
        {"\"20250103073127BF3B94E1C8AF2EC6AAAA\"", "20250103073127BF3B94E1C8AF2EC6AAAA"},
        {"\"a\\nb<c>-_\"", "abc-_"},
        {"\"0123456789012345678901234567890123456789012345678901234567890123456789\"",
         "012345678901234567890123456789012345678901234567890123456789012"},
        {"5", ""},
        {"null", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"code\":0,\"request_id\":%s}", rows[i].id);
        assert_string_equal(read_reply(200, body).request_id, rows[i].expected);
    }
    assert_string_equal(read_reply(200, "").request_id, "");
}

static void a_probe_is_answered_by_its_own_refusal(void **state)
{
    static const struct {
        int http;
        const char *body;
        enum tiktok_class class;
    } rows[] = {
        {200, "{\"code\":40002,\"message\":\"data: Shorter than minimum length 1.\"}", TIKTOK_DONE},
        {200, "{\"code\":0}", TIKTOK_DONE},
        {200, "{\"code\":40002,\"message\":\"Invalid value for event_source_id\"}",
         TIKTOK_PAUSE_CONFIGURATION},
        {200, "{\"code\":40105,\"message\":\"Access token is incorrect\"}",
         TIKTOK_PAUSE_CREDENTIALS},
        {200, "{\"code\":40100,\"message\":\"\"}", TIKTOK_RETRY},
        {200, "{\"code\":40000,\"message\":\"\"}", TIKTOK_SPLIT},
        {200, "<html>portal</html>", TIKTOK_DOUBT},
        {413, "", TIKTOK_SPLIT},
        {404, "", TIKTOK_PAUSE_CONFIGURATION},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tiktok_outcome out;
        tiktok_probe_read(rows[i].http, str_from(rows[i].body), &out);
        assert_int_equal(out.class, rows[i].class);
    }
}

static void a_reply_over_64_KiB_is_no_reply(void **state)
{
    static char body[70000];
    memset(body, ' ', sizeof body - 1);
    memcpy(body, "{\"code\":0}", 10);
    struct tiktok_outcome out = read_reply(200, body);
    assert_int_equal(out.class, TIKTOK_DOUBT);
    body[60000] = '\0';
    out = read_reply(200, body);
    assert_int_equal(out.class, TIKTOK_DONE);
}

static void every_class_has_its_name(void **state)
{
    assert_string_equal(tiktok_class_name(TIKTOK_DONE), "done");
    assert_string_equal(tiktok_class_name(TIKTOK_RETRY), "retry");
    assert_string_equal(tiktok_class_name(TIKTOK_DOUBT), "doubt");
    assert_string_equal(tiktok_class_name(TIKTOK_SPLIT), "split");
    assert_string_equal(tiktok_class_name(TIKTOK_PAUSE_CREDENTIALS), "pause");
    assert_string_equal(tiktok_class_name(TIKTOK_PAUSE_CONFIGURATION), "pause");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_class_whatever_the_status),
        cmocka_unit_test(only_a_clear_yes_is_done),
        cmocka_unit_test(only_an_object_is_an_envelope),
        cmocka_unit_test(without_a_code_the_status_decides),
        cmocka_unit_test(a_refusal_of_the_event_source_is_no_events_fault),
        cmocka_unit_test(a_code_for_both_a_limit_and_a_token_is_told_by_its_words),
        cmocka_unit_test(the_index_is_that_of_the_event_named),
        cmocka_unit_test(a_message_keeps_tiktoks_words_and_no_value),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(a_reply_without_message_says_its_status),
        cmocka_unit_test(the_request_id_is_kept_as_far_as_it_is_one),
        cmocka_unit_test(a_probe_is_answered_by_its_own_refusal),
        cmocka_unit_test(a_reply_over_64_KiB_is_no_reply),
        cmocka_unit_test(every_class_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
