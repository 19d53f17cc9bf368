/* fields_test.c: where each field goes, how its value is read, what may not stand in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "amounts.h"
#include "building.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sha256 of a@b.co, +12133734253, Cust-42 */
#define A_HASH    "80305c9bb1bb2480e03894350e0a8a366dcbdeb302e69e0817aa0743abd77054"
#define TEL_HASH  "9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"
#define CUST_HASH "772b91cabe669ed0525030074170426af10a5688a186c35b19bf5e84305ffdd1"

#define USER "\"user\":{\"email\":[\"" A_HASH "\"]}"
#define TAIL "\"limited_data_use\":false}"

/* The text of an event whose fields are a name, an e-mail address and `more`. */
static int run(struct building *b, const char *more)
{
    static char text[512 * 1024];
    snprintf(text, sizeof text, "{\"event\":\"Purchase\",\"email_addresses\":\"a@b.co\"%s%s}",
             more[0] == '\0' ? "" : ",", more);
    return building_run(b, str_from(text));
}

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

static void assert_rest(struct building *b, const char *more, const char *expected)
{
    int err = run(b, more);
    if (err < 0) print_message("%s: %s %s\n", more, b->why.path, b->why.message);
    assert_int_equal(err, 0);
    assert_string_equal(b->event.rest.p, expected);
    assert_int_equal(b->event.rest.len, strlen(expected));
}

static void assert_refused(struct building *b, const char *more, int err, const char *path)
{
    int got = run(b, more);
    if (got != err) print_message("%s: %s %s\n", more, b->why.path, b->why.message);
    assert_int_equal(got, err);
    assert_int_equal(b->why.err, err);
    assert_string_equal(b->why.path, path);
    assert_true(strlen(b->why.message) > 20);
}

static void assert_warned(struct building *b, size_t i, const char *path, const char *code)
{
    assert_true(i < b->warnings.count);
    assert_string_equal(b->warnings.list[i].path, path);
    assert_string_equal(b->warnings.list[i].code, code);
    assert_true(strlen(b->warnings.list[i].message) > 10);
}

static void every_field_has_its_place(void **state)
{
    static const struct {
        const char *more, *expected;
    } rows[] = {
        {"", "{" USER "," TAIL},
        {"\"phone_numbers\":\"+12133734253\"",
         "{\"user\":{\"email\":[\"" A_HASH "\"],\"phone\":[\"" TEL_HASH "\"]}," TAIL},
        {"\"external_ids\":\"Cust-42\"",
         "{\"user\":{\"email\":[\"" A_HASH "\"],\"external_id\":[\"" CUST_HASH "\"]}," TAIL},
        {"\"ttclid\":\"T\"", "{\"user\":{\"email\":[\"" A_HASH "\"],\"ttclid\":\"T\"}," TAIL},
        {"\"ttp\":\"T\"", "{\"user\":{\"email\":[\"" A_HASH "\"],\"ttp\":\"T\"}," TAIL},
        {"\"lead_id\":\"T\"", "{\"user\":{\"email\":[\"" A_HASH "\"],\"lead_id\":\"T\"}," TAIL},
        {"\"locale\":\"T\"", "{\"user\":{\"email\":[\"" A_HASH "\"],\"locale\":\"T\"}," TAIL},
        {"\"ip\":\"T\"", "{\"user\":{\"email\":[\"" A_HASH "\"],\"ip\":\"T\"}," TAIL},
        {"\"user_agent\":\"T\"",
         "{\"user\":{\"email\":[\"" A_HASH "\"],\"user_agent\":\"T\"}," TAIL},
        {"\"content_type\":\"product\"",
         "{" USER ",\"properties\":{\"content_type\":\"product\"}," TAIL},
        {"\"currency\":\"EUR\"", "{" USER ",\"properties\":{\"currency\":\"EUR\"}," TAIL},
        {"\"value\":19.90", "{" USER ",\"properties\":{\"value\":19.9}," TAIL},
        {"\"description\":\"T\"", "{" USER ",\"properties\":{\"description\":\"T\"}," TAIL},
        {"\"query\":\"T\"", "{" USER ",\"properties\":{\"query\":\"T\"}," TAIL},
        {"\"order_id\":\"T\"", "{" USER ",\"properties\":{\"order_id\":\"T\"}," TAIL},
        {"\"shop_id\":\"T\"", "{" USER ",\"properties\":{\"shop_id\":\"T\"}," TAIL},
        {"\"url\":\"T\"", "{" USER ",\"page\":{\"url\":\"T\"}," TAIL},
        {"\"referrer\":\"T\"", "{" USER ",\"page\":{\"referrer\":\"T\"}," TAIL},
        {"\"limited_data_use\":true", "{" USER ",\"limited_data_use\":true}"},
        {"\"contents\":[{\"price\":1,\"quantity\":2,\"content_category\":\"a\",\"content_id\":"
         "\"b\",\"content_name\":\"c\",\"brand\":\"d\"}]",
         "{" USER ",\"properties\":{\"contents\":[{\"price\":1,\"quantity\":2,\"content_id\":\"b\","
         "\"content_category\":\"a\",\"content_name\":\"c\",\"brand\":\"d\"}]}," TAIL},
        {"\"event_id\":\"T\",\"test_event_code\":\"T\",\"timestamp\":\"" BUILDING_NOW "\","
         "\"sku\":\"T\",\"Value\":1,\"price\":1",
         "{" USER "," TAIL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_rest(*state, rows[i].more, rows[i].expected);
        assert_int_equal(((struct building *)*state)->warnings.count, 0);
    }
}

static void null_blank_and_empty_values_are_absent(void **state)
{
    static const char *const names[] = {
        "ttclid",
        "ttp",
        "lead_id",
        "locale",
        "ip",
        "user_agent",
        "currency",
        "value",
        "content_type",
        "query",
        "order_id",
        "shop_id",
        "url",
        "referrer",
        "description",
        "contents",
        "limited_data_use",
        "event_id",
        "timestamp",
        "test_event_code",
    };
    static const char *const values[] = {"null", "\"\"", "\" \\t\"", "\"\\u00a0\""};
    struct building *b = *state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
            char more[128];
            snprintf(more, sizeof more, "\"%s\":%s", names[i], values[v]);
            assert_rest(b, more, "{" USER "," TAIL);
            assert_int_equal(b->warnings.count, 0);
        }
    }
    assert_rest(b, "\"phone_numbers\":null,\"external_ids\":[]", "{" USER "," TAIL);
    assert_int_equal(b->warnings.count, 0);
    assert_rest(b, "\"contents\":[{}]", "{" USER "," TAIL);
    assert_rest(b, "\"contents\":{}", "{" USER "," TAIL);
    assert_rest(b, "\"contents\":[]", "{" USER "," TAIL);
    assert_rest(b, "\"contents\":[null,\" \",{\"price\":\"\",\"brand\":null},{\"sku\":\"x\"}]",
                "{" USER "," TAIL);
    assert_rest(b, "\"contents\":[{},{\"price\":0},{}]",
                "{" USER ",\"properties\":{\"contents\":[{\"price\":0}]}," TAIL);
}

static void a_search_says_what_was_looked_for_under_both_names(void **state)
{
    struct building *b = *state;
    assert_int_equal(building_run(b, STR("{\"event\":\"Search\",\"email_addresses\":\"a@b.co\","
                                         "\"query\":\"shoes\"}")),
                     0);
    assert_string_equal(b->event.rest.p, "{" USER ",\"properties\":{\"query\":\"shoes\","
                                         "\"search_string\":\"shoes\"}," TAIL);
}

static void people_are_hashed_and_what_is_no_value_goes_with_a_warning(void **state)
{
    struct building *b = *state;
    assert_int_equal(
        building_run(b, STR("{\"event\":\"Purchase\",\"email_addresses\":[\"a@b.co\",\" A@B.co\","
                            "\"nobody\",\"\",null,\"" A_HASH "\"],\"phone_numbers\":[12133734253,"
                            "\"+1 213 373 4253\",\"N/A\"],\"external_ids\":[\"null\",\"Cust-42\","
                            "\" Cust-42\",\" \"]}")),
        0);
    assert_string_equal(b->event.rest.p,
                        "{\"user\":{\"email\":[\"" A_HASH "\"],\"phone\":[\"" TEL_HASH
                        "\"],\"external_id\":[\"" CUST_HASH "\"]}," TAIL);
    static const struct {
        const char *path, *code;
    } rows[] = {
        {"$.email_addresses[1]", "repeated"},    {"$.email_addresses[2]", "invalid_email"},
        {"$.email_addresses[3]", "blank"},       {"$.email_addresses[4]", "blank"},
        {"$.email_addresses[5]", "repeated"},    {"$.phone_numbers[1]", "repeated"},
        {"$.phone_numbers[2]", "invalid_phone"}, {"$.external_ids[0]", "invalid_external_id"},
        {"$.external_ids[2]", "repeated"},       {"$.external_ids[3]", "blank"},
    };
    assert_int_equal(b->warnings.count, sizeof rows / sizeof rows[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_warned(b, i, rows[i].path, rows[i].code);
    }
}

static void a_single_person_that_is_none_is_named_without_an_index(void **state)
{
    struct building *b = *state;
    assert_rest(b, "\"phone_numbers\":\"N/A\",\"external_ids\":\" \"", "{" USER "," TAIL);
    assert_warned(b, 0, "$.phone_numbers", "invalid_phone");
    assert_warned(b, 1, "$.external_ids", "blank");
}

static void a_person_that_is_no_text_goes_and_not_the_sale(void **state)
{
    static const struct {
        const char *name, *value, *path, *code;
    } rows[] = {
        {"phone_numbers", "{}", "$.phone_numbers", "invalid_phone"},
        {"phone_numbers", "true", "$.phone_numbers", "invalid_phone"},
        {"phone_numbers", "[1234567890123456]", "$.phone_numbers[0]", "invalid_phone"},
        {"phone_numbers", "1e400", "$.phone_numbers", "invalid_phone"},
        {"external_ids", "[[\"b\"]]", "$.external_ids[0]", "invalid_external_id"},
        {"external_ids", "false", "$.external_ids", "invalid_external_id"},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char more[128];
        snprintf(more, sizeof more, "\"%s\":%s", rows[i].name, rows[i].value);
        assert_rest(b, more, "{" USER "," TAIL);
        assert_int_equal(b->warnings.count, 1);
        assert_warned(b, 0, rows[i].path, rows[i].code);
    }
}

static void the_second_of_two_people_is_kept(void **state)
{
    struct building *b = *state;
    assert_int_equal(building_run(b, STR("{\"event\":\"Purchase\",\"email_addresses\":["
                                         "\"alice_abc@gmail.com\",\"a@b.co\","
                                         "\"ALICE_abc@gmail.com\",\"A@B.CO\"]}")),
                     0);
    assert_string_equal(b->event.rest.p,
                        "{\"user\":{\"email\":[\"848a771458438fc2ec420560d769fb9b9b86851ee338ec565"
                        "17baabd79d3bb4f\",\"" A_HASH "\"]}," TAIL);
    assert_int_equal(b->warnings.count, 2);
}

static void the_calling_code_of_the_rules_reaches_the_phone(void **state)
{
    struct building *b = *state;
    b->rules.calling_code = "1";
    assert_rest(b, "\"phone_numbers\":\"(213) 373-4253\"",
                "{\"user\":{\"email\":[\"" A_HASH "\"],\"phone\":[\"" TEL_HASH "\"]}," TAIL);
}

static void text_is_text_and_short_numbers_become_it(void **state)
{
    static const struct {
        const char *value, *expected; /* NULL: bad_field */
    } rows[] = {
        {"\"A-1\"", "A-1"},
        {"\" A 1 \"", " A 1 "},
        {"\"a\\\"\\\\\\n\\u00fc\"", "a\\\"\\\\\\n\u00FC"},
        {"1001", "1001"},
        {"0", "0"},
        {"-7", "-7"},
        {"12.50", "12.5"},
        {"999999999999999", "999999999999999"},
        {"1234567890.12345", "1234567890.12345"},
        {"1000000000000000", NULL}, /* 16 digits */
        {"9999999999999999", NULL},
        {"0.1234567890123456", NULL},
        {"1e20", NULL},
        {"1e400", NULL},
        {"0.00000001", NULL}, /* 1e-08 */
        {"true", NULL},
        {"false", NULL},
        {"{}", NULL},
        {"[\"a\"]", NULL},
    };
    static const char *const names[] = {"order_id", "lead_id", "ttclid"};
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
            char more[128], path[32], member[128];
            snprintf(more, sizeof more, "\"%s\":%s", names[n], rows[i].value);
            snprintf(path, sizeof path, "$.%s", names[n]);
            if (rows[i].expected == NULL) {
                assert_refused(b, more, TILLPOST_E_BAD_FIELD, path);
                continue;
            }
            assert_int_equal(run(b, more), 0);
            snprintf(member, sizeof member, "\"%s\":\"%s\"", names[n], rows[i].expected);
            assert_non_null(strstr(b->event.rest.p, member));
        }
    }
}

static void numbers_keep_fifteen_digits(void **state)
{
    static const struct {
        const char *value, *expected; /* NULL: bad_number */
    } rows[] = {
        {"0", "0"},
        {"19.90", "19.9"},
        {"32.839999999999996", "32.84"}, /* float noise of a register */
        {"0.30000000000000004", "0.3"},
        {"-5.5", "-5.5"},
        {"1e3", "1000"},
        {"999999999999999", "999999999999999"},
        {"1000000000000000", "1e+15"},
        {"1e300", "1e+300"},
        {"1234567890123456", "1.23456789012346e+15"},
        {"12345678901234567890", "1.23456789012346e+19"},
        {"1e400", NULL},
        {"-1e400", NULL},
        {"\"19.90\"", "19.9"},
        {"\" 19.90\\n\"", "19.9"},
        {"\"0\"", "0"},
        {"\"-5\"", "-5"},
        {"\"+5\"", "5"},
        {"\".50\"", "0.5"},
        {"\"5.\"", "5"},
        {"\"007\"", "7"},
        {"\"123456789012345\"", "123456789012345"},
        {"\"1234567890123.45\"", "1234567890123.45"},
        {"\"0.00000000000001\"", "1e-14"},
        {"\"0.123456789012345\"", "0.123456789012345"},
        {"\"-0.123456789012345\"", "-0.123456789012345"},
        {"\"00.123456789012345\"", NULL},
        {"\"0.1234567890123456\"", NULL},
        {"\"10.00000000000000\"", NULL},
        {"\"1234567890123456\"", NULL},
        {"\"32.839999999999996\"", NULL},
        {"\"0000000000000001\"", NULL},
        {"\"1e3\"", NULL},
        {"\"0x10\"", NULL},
        {"\"1,234.50\"", NULL},
        {"\"12,50\"", NULL},
        {"\"$12.50\"", NULL},
        {"\"12.50 EUR\"", NULL},
        {"\"1 000\"", NULL},
        {"\"1.2.3\"", NULL},
        {"\"--1\"", NULL},
        {"\"1-\"", NULL},
        {"\".\"", NULL},
        {"\"-\"", NULL},
        {"\"abc\"", NULL},
        {"\"NaN\"", NULL},
        {"\"Infinity\"", NULL},
        {"\"\u0661\"", NULL}, /* an Arabic digit */
        {"\"00000000000000000000000000000000000000000000000000\"", NULL},
        {"true", NULL},
        {"[1]", NULL},
        {"{}", NULL},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char more[128], member[64];
        snprintf(more, sizeof more, "\"value\":%s", rows[i].value);
        if (rows[i].expected == NULL) {
            assert_refused(b, more, TILLPOST_E_BAD_NUMBER, "$.value");
            snprintf(more, sizeof more, "\"contents\":[{},{\"price\":%s}]", rows[i].value);
            assert_refused(b, more, TILLPOST_E_BAD_NUMBER, "$.contents[1].price");
            snprintf(more, sizeof more, "\"contents\":{\"quantity\":%s}", rows[i].value);
            assert_refused(b, more, TILLPOST_E_BAD_NUMBER, "$.contents.quantity");
            continue;
        }
        assert_int_equal(run(b, more), 0);
        snprintf(member, sizeof member, "{\"value\":%s}", rows[i].expected);
        if (strstr(b->event.rest.p, member) == NULL) print_message("%s\n", b->event.rest.p);
        assert_non_null(strstr(b->event.rest.p, member));
    }
}

static void a_currency_is_three_capital_letters(void **state)
{
    static const struct {
        const char *value, *expected; /* NULL: bad_currency */
        bool warned;
    } rows[] = {
        {"\"EUR\"", "EUR", false}, {"\"eur\"", "EUR", false}, {"\" Usd\\t\"", "USD", false},
        {"\"UGX\"", "UGX", true},  {"\"EU\"", NULL, false},   {"\"EURO\"", NULL, false},
        {"\"E1R\"", NULL, false},  {"\"E R\"", NULL, false},  {"\"\u20AC\"", NULL, false},
        {"978", NULL, false},      {"true", NULL, false},     {"[\"EUR\"]", NULL, false},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char more[64], member[64];
        snprintf(more, sizeof more, "\"currency\":%s", rows[i].value);
        if (rows[i].expected == NULL) {
            assert_refused(b, more, TILLPOST_E_BAD_CURRENCY, "$.currency");
            continue;
        }
        assert_int_equal(run(b, more), 0);
        snprintf(member, sizeof member, "{\"currency\":\"%s\"}", rows[i].expected);
        assert_non_null(strstr(b->event.rest.p, member));
        assert_int_equal(b->warnings.count, rows[i].warned);
        if (rows[i].warned) assert_warned(b, 0, "$.currency", "unknown_currency");
    }
}

static void the_defaults_fill_in_what_is_missing(void **state)
{
    struct building *b = *state;
    b->rules.currency = "EUR";
    b->rules.shop_id = "S-1";
    assert_rest(b, "", "{" USER ",\"properties\":{\"currency\":\"EUR\",\"shop_id\":\"S-1\"}," TAIL);
    assert_string_equal(b->event.shop_id.p, "S-1");
    assert_rest(b, "\"currency\":\" \",\"shop_id\":null",
                "{" USER ",\"properties\":{\"currency\":\"EUR\",\"shop_id\":\"S-1\"}," TAIL);
    assert_rest(b, "\"currency\":\"USD\",\"shop_id\":\"S-2\"",
                "{" USER ",\"properties\":{\"currency\":\"USD\",\"shop_id\":\"S-2\"}," TAIL);
    assert_string_equal(b->event.shop_id.p, "S-2");
}

static void choices_take_their_values_and_no_other(void **state)
{
    static const struct {
        const char *more, *member; /* NULL: refused */
        int err;
        const char *path;
    } rows[] = {
        {"\"content_type\":\"product_group\"", "\"content_type\":\"product_group\"", 0, ""},
        {"\"content_type\":\"Product\"", NULL, TILLPOST_E_BAD_CONTENT_TYPE, "$.content_type"},
        {"\"content_type\":\"products\"", NULL, TILLPOST_E_BAD_CONTENT_TYPE, "$.content_type"},
        {"\"content_type\":1", NULL, TILLPOST_E_BAD_CONTENT_TYPE, "$.content_type"},
        {"\"content_type\":[]", NULL, TILLPOST_E_BAD_CONTENT_TYPE, "$.content_type"},
        {"\"limited_data_use\":false", "\"limited_data_use\":false", 0, ""},
        {"\"limited_data_use\":\"true\"", "\"limited_data_use\":true", 0, ""},
        {"\"limited_data_use\":\"false\"", "\"limited_data_use\":false", 0, ""},
        {"\"limited_data_use\":1", "\"limited_data_use\":true", 0, ""},
        {"\"limited_data_use\":0", "\"limited_data_use\":false", 0, ""},
        {"\"limited_data_use\":2", NULL, TILLPOST_E_BAD_FIELD, "$.limited_data_use"},
        {"\"limited_data_use\":\"yes\"", NULL, TILLPOST_E_BAD_FIELD, "$.limited_data_use"},
        {"\"limited_data_use\":\"1\"", NULL, TILLPOST_E_BAD_FIELD, "$.limited_data_use"},
        {"\"limited_data_use\":[]", NULL, TILLPOST_E_BAD_FIELD, "$.limited_data_use"},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].member == NULL) {
            assert_refused(b, rows[i].more, rows[i].err, rows[i].path);
            continue;
        }
        assert_int_equal(run(b, rows[i].more), 0);
        assert_non_null(strstr(b->event.rest.p, rows[i].member));
    }
}

static void contents_are_objects(void **state)
{
    static const struct {
        const char *more;
        int err;
        const char *path;
    } rows[] = {
        {"\"contents\":\"shoes\"", TILLPOST_E_BAD_FIELD, "$.contents"},
        {"\"contents\":7", TILLPOST_E_BAD_FIELD, "$.contents"},
        {"\"contents\":true", TILLPOST_E_BAD_FIELD, "$.contents"},
        {"\"contents\":[{},\"shoes\"]", TILLPOST_E_BAD_FIELD, "$.contents[1]"},
        {"\"contents\":[[]]", TILLPOST_E_BAD_FIELD, "$.contents[0]"},
        {"\"contents\":[{\"content_id\":true}]", TILLPOST_E_BAD_FIELD, "$.contents[0].content_id"},
        {"\"contents\":[{\"brand\":{}}]", TILLPOST_E_BAD_FIELD, "$.contents[0].brand"},
        {"\"external_ids\":[\"a\",1234567890123456]", TILLPOST_E_BAD_FIELD, "$.external_ids[1]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_refused(*state, rows[i].more, rows[i].err, rows[i].path);
    }
    assert_rest(*state, "\"contents\":{\"content_id\":1077218,\"price\":\"8\"}",
                "{" USER ",\"properties\":{\"contents\":[{\"price\":8,\"content_id\":\"1077218\"}]}"
                "," TAIL);
}

#define CARD "4111 1111 1111 1111"

static void a_card_number_in_clear_text_refuses_the_event(void **state)
{
    static const struct {
        const char *format, *name, *path;
    } rows[] = {
        {"\"order_id\":\"%s\"", "order_id", "$.order_id"},
        {"\"shop_id\":\"%s\"", "shop_id", "$.shop_id"},
        {"\"event_id\":\"%s\"", "event_id", "$.event_id"},
        {"\"description\":\"paid with %s\"", "description", "$.description"},
        {"\"query\":\"%s\"", "query", "$.query"},
        {"\"url\":\"https://x/?c=%s\"", "url", "$.url"},
        {"\"referrer\":\"https://x/?c=%s\"", "referrer", "$.referrer"},
        {"\"contents\":[{\"content_name\":\"%s\"}]", "content_name", "$.contents[0].content_name"},
        {"\"contents\":{\"content_category\":\"%s\"}", "content_category",
         "$.contents.content_category"},
        {"\"contents\":[{},{\"brand\":\"%s\"}]", "brand", "$.contents[1].brand"},
        {"\"ttclid\":\"%s\"", "ttclid", "$.ttclid"},
        {"\"ttp\":\"%s\"", "ttp", "$.ttp"},
        {"\"lead_id\":\"%s\"", "lead_id", "$.lead_id"},
        {"\"locale\":\"%s\"", "locale", "$.locale"},
        {"\"ip\":\"%s\"", "ip", "$.ip"},
        {"\"user_agent\":\"%s\"", "user_agent", "$.user_agent"},
        {"\"test_event_code\":\"%s\"", "test_event_code", "$.test_event_code"},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char more[128];
        int len = snprintf(more, sizeof more, rows[i].format, CARD);
        assert_true(len > 0 && (size_t)len < sizeof more);
        const char *allowed[] = {"something", rows[i].name};
        b->rules.card_like_fields = allowed;
        b->rules.card_like_count = 1;
        assert_refused(b, more, TILLPOST_E_CARD_NUMBER, rows[i].path);
        assert_null(strstr(b->why.message, "1111"));
        b->rules.card_like_count = 2;
        assert_int_equal(run(b, more), 0);
    }
}

static void a_card_number_elsewhere_is_not_looked_for(void **state)
{
    struct building *b = *state;
    assert_int_equal(run(b, "\"contents\":[{\"content_id\":\"4111111111111111\"}],"
                            "\"external_ids\":\"4111111111111111\",\"order_id\":4111111111111"),
                     0);
}

static void an_email_address_in_clear_text_goes_or_refuses(void **state)
{
    static const struct {
        const char *more, *path;
        int err; /* 0: the field goes, with a warning */
    } rows[] = {
        {"\"order_id\":\"jane@example.com-1\"", "$.order_id", TILLPOST_E_BAD_FIELD},
        {"\"shop_id\":\"jane@example.com\"", "$.shop_id", TILLPOST_E_BAD_FIELD},
        {"\"event_id\":\"jane@example.com\"", "$.event_id", TILLPOST_E_BAD_FIELD},
        {"\"url\":\"https://x/?e=jane%40example.com\"", "$.url", 0},
        {"\"referrer\":\"https://x/?e=jane@example.com\"", "$.referrer", 0},
        {"\"query\":\"jane@example.com\"", "$.query", 0},
        {"\"description\":\"for jane@example.com\"", "$.description", 0},
        {"\"test_event_code\":\"jane@example.com\"", "$.test_event_code", TILLPOST_E_BAD_FIELD},
        {"\"ttclid\":\"jane@example.com\"", "$.ttclid", 0},
        {"\"ttp\":\"jane@example.com\"", "$.ttp", 0},
        {"\"lead_id\":\"jane@example.com\"", "$.lead_id", 0},
        {"\"locale\":\"jane@example.com\"", "$.locale", 0},
        {"\"ip\":\"jane@example.com\"", "$.ip", 0},
        {"\"user_agent\":\"Bot (jane@example.com)\"", "$.user_agent", 0},
        {"\"contents\":{\"content_id\":\"jane@example.com\"}", "$.contents.content_id", 0},
        {"\"contents\":[{\"content_name\":\"jane@example.com\"}]", "$.contents[0].content_name", 0},
        {"\"contents\":[{\"content_category\":\"jane@example.com\"}]",
         "$.contents[0].content_category", 0},
        {"\"contents\":[{\"brand\":\"jane@example.com\"}]", "$.contents[0].brand", 0},
        {"\"url\":\"https://x/?ttclid=jane%40example.com\"", "$.url", 0},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].err != 0) {
            assert_refused(b, rows[i].more, rows[i].err, rows[i].path);
            assert_null(strstr(b->why.message, "jane"));
            continue;
        }
        assert_rest(b, rows[i].more, "{" USER "," TAIL);
        assert_int_equal(b->warnings.count, 1);
        assert_warned(b, 0, rows[i].path, "email_in_clear");
    }
}

static void the_click_id_of_the_page_stands_in_for_a_missing_one(void **state)
{
    static const struct {
        const char *more, *ttclid; /* NULL: none */
    } rows[] = {
        {"\"url\":\"https://x/?a=1&ttclid=E.C.P&b=2\"", "E.C.P"},
        {"\"url\":\"https://x/?ttclid=E%2eC%2EP#top\"", "E.C.P"},
        {"\"url\":\"/?ttclid=1\"", "1"},
        {"\"url\":\"https://x/?ttclid=&ttclid=2\"", "2"},
        {"\"url\":\"https://x/?ttclid=1&ttclid=2\"", "1"},
        {"\"url\":\"https://x/?ttclid=1\",\"ttclid\":\"own\"", "own"},
        {"\"url\":\"https://x/?ttclid=1\",\"ttclid\":\"\"", "1"},
        {"\"url\":\"https://x/?ttclid=1&e=jane@example.com\"", "1"},
        {"\"url\":\"https://x/?ttclid=100%\"", "100%"},
        {"\"url\":\"https://x/?Ttclid=1\"", NULL},
        {"\"url\":\"https://x/?xttclid=1\"", NULL},
        {"\"url\":\"https://x/?ttclidx=1\"", NULL},
        {"\"url\":\"https://x/#?ttclid=1\"", NULL},
        {"\"url\":\"https://x/?a=1#ttclid=1\"", NULL},
        {"\"url\":\"https://x/ttclid=1\"", NULL},
        {"\"url\":\"https://x/?ttclid=a%00b\"", NULL},
        {"\"url\":\"https://x/?ttclid=a%20b\"", NULL},
        {"\"url\":\"https://x/?ttclid=%FF\"", NULL},
        {"\"url\":\"https://x/?ttclid=a%22b\"", "a\\\"b"},
        {"\"url\":null", NULL},
    };
    struct building *b = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char member[64];
        assert_int_equal(run(b, rows[i].more), 0);
        snprintf(member, sizeof member, "\"ttclid\":\"%s\"",
                 rows[i].ttclid == NULL ? "" : rows[i].ttclid);
        const char *user_end = strchr(b->event.rest.p, '}');
        const char *found = strstr(b->event.rest.p, rows[i].ttclid == NULL ? "\"ttclid\"" : member);
        if ((found != NULL) != (rows[i].ttclid != NULL)) print_message("%s\n", rows[i].more);
        assert_int_equal(found != NULL && found < user_end, rows[i].ttclid != NULL);
    }
}

/* As a number and as a text, as a sale's value and as a price; a million with TILLPOST_SOAK=1. */
static void random_amounts_reach_the_event_as_they_were_given(void **state)
{
    struct building *b = *state;
    uint64_t seed = 20261118;
    int n = getenv("TILLPOST_SOAK") == NULL ? 20000 : 1000000;
    for (int i = 0; i < n; i++) {
        char amount[AMOUNT_BYTES], more[256], value[64], price[64];
        amount_make(&seed, amount);
        const char *quote = i % 2 == 0 ? "" : "\"";
        snprintf(more, sizeof more, "\"contents\":[{\"price\":%s%s%s}],\"value\":%s%s%s", quote,
                 amount, quote, quote, amount, quote);
        assert_int_equal(run(b, more), 0);
        const char *at = strstr(b->event.rest.p, "\"price\":");
        assert_true(at != NULL && sscanf(at, "\"price\":%63[^}]", price) == 1);
        at = strstr(b->event.rest.p, "\"value\":");
        assert_true(at != NULL && sscanf(at, "\"value\":%63[^}]", value) == 1);
        if (!amount_is_same(amount, price) || !amount_is_same(amount, value))
            fail_msg("%d: %s became %s and %s", i, amount, price, value);
    }
}

static void warnings_over_the_limit_are_counted_and_not_kept(void **state)
{
    struct building *b = *state;
    struct buf more;
    buf_init(&more, 1024);
    buf_add_z(&more, "\"external_ids\":[\"x\"");
    for (size_t i = 0; i < TIKTOK_WARNINGS_MAX + 8; i++) {
        buf_add_z(&more, ",\"x\"");
    }
    buf_add_char(&more, ']');
    assert_int_equal(run(b, more.p), 0);
    buf_free(&more);
    assert_int_equal(b->warnings.count, TIKTOK_WARNINGS_MAX + 8);
    assert_warned(b, TIKTOK_WARNINGS_MAX - 1, "$.external_ids[32]", "repeated");
}

static void an_event_over_its_limit_is_too_large(void **state)
{
    struct building *b = *state;
    static char more[128 * 1024];
    size_t head = (size_t)snprintf(more, sizeof more, "\"description\":\"");
    size_t frame = sizeof "{" USER ",\"properties\":{\"description\":\"\"}," TAIL - 1;
    memset(more + head, 'x', sizeof more - head);
    size_t len = TIKTOK_REST_MAX_BYTES - frame;
    snprintf(more + head + len, sizeof more - head - len, "\"");
    assert_int_equal(run(b, more), 0);
    assert_int_equal(b->event.rest.len, TIKTOK_REST_MAX_BYTES);
    memset(more + head, 'x', sizeof more - head);
    snprintf(more + head + len + 1, sizeof more - head - len - 1, "\"");
    assert_int_equal(run(b, more), TILLPOST_E_TOO_LARGE);
    assert_int_equal(b->why.err, TILLPOST_E_TOO_LARGE);
}

static void people_over_the_limit_are_too_large_and_nothing_breaks(void **state)
{
    struct building *b = *state;
    static char more[64 * 1024];
    size_t len = (size_t)snprintf(more, sizeof more, "\"external_ids\":[0");
    for (int i = 1; i < 2000; i++) {
        len += (size_t)snprintf(more + len, sizeof more - len, ",%d", i);
    }
    snprintf(more + len, sizeof more - len, "],\"contents\":[{}]");
    assert_int_equal(run(b, more), TILLPOST_E_TOO_LARGE);
}

static void no_plain_text_of_a_person_is_left_in_the_event(void **state)
{
    struct building *b = *state;
    assert_int_equal(
        building_run(b, STR("{\"event\":\"Purchase\",\"email_addresses\":[\"jane@example.com\"],"
                            "\"phone_numbers\":[\"+12133734253\"],\"external_ids\":\"Cust-42\"}")),
        0);
    assert_null(strstr(b->event.rest.p, "jane"));
    assert_null(strstr(b->event.rest.p, "213373"));
    assert_null(strstr(b->event.rest.p, "Cust"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_field_has_its_place),
        TEST(null_blank_and_empty_values_are_absent),
        TEST(a_search_says_what_was_looked_for_under_both_names),
        TEST(people_are_hashed_and_what_is_no_value_goes_with_a_warning),
        TEST(a_single_person_that_is_none_is_named_without_an_index),
        TEST(a_person_that_is_no_text_goes_and_not_the_sale),
        TEST(the_second_of_two_people_is_kept),
        TEST(the_calling_code_of_the_rules_reaches_the_phone),
        TEST(text_is_text_and_short_numbers_become_it),
        TEST(numbers_keep_fifteen_digits),
        TEST(a_currency_is_three_capital_letters),
        TEST(the_defaults_fill_in_what_is_missing),
        TEST(choices_take_their_values_and_no_other),
        TEST(contents_are_objects),
        TEST(a_card_number_in_clear_text_refuses_the_event),
        TEST(a_card_number_elsewhere_is_not_looked_for),
        TEST(an_email_address_in_clear_text_goes_or_refuses),
        TEST(the_click_id_of_the_page_stands_in_for_a_missing_one),
        TEST(warnings_over_the_limit_are_counted_and_not_kept),
        TEST(random_amounts_reach_the_event_as_they_were_given),
        TEST(an_event_over_its_limit_is_too_large),
        TEST(people_over_the_limit_are_too_large_and_nothing_breaks),
        TEST(no_plain_text_of_a_person_is_left_in_the_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
