#include "tillpost/client.h"

#include "base/json.h"
#include "testing.h"

static const char *json_of(struct tillpost_event *e)
{
    int why = 1;
    size_t bytes = 0;
    const char *json = tillpost_event_json(e, &bytes, &why);
    assert_non_null(json);
    assert_int_equal(why, 0);
    assert_int_equal(bytes, strlen(json));
    struct fault fault = {0};
    if (json_check((struct str){json, bytes}, &fault) < 0) fail_msg("%s: %s", json, fault.message);
    return json;
}

static struct tillpost_event *event_with_id(const char *id)
{
    struct tillpost_event *e = tillpost_event_new("Order Completed");
    assert_non_null(e);
    assert_int_equal(tillpost_event_set(e, TILLPOST_MESSAGE_ID, id), 0);
    return e;
}

static void a_purchase_is_written_as_segment_has_it(void **state)
{
    (void)state;
    struct tillpost_event *e = event_with_id("till-7-42");
    const struct tillpost_product shoe = {.id = "SKU-1",
                                          .name = "Shoe \"Größe 44\"",
                                          .category = "Shoes",
                                          .brand = "Acme",
                                          .price = {5990, 2},
                                          .quantity = {1, 0}};
    const struct tillpost_product nuts = {
        .id = "4006381333931", .price = TILLPOST_NO_DECIMAL, .quantity = {355, 3}};
    assert_int_equal(tillpost_event_set(e, TILLPOST_EMAIL, "jane@example.com"), 0);
    assert_int_equal(tillpost_event_set(e, TILLPOST_PHONE, "+1 213 373 4253"), 0);
    assert_int_equal(tillpost_event_set(e, TILLPOST_EXTERNAL_ID, "c-1"), 0);
    assert_int_equal(tillpost_event_set(e, TILLPOST_ORDER_ID, "42"), 0);
    assert_int_equal(tillpost_event_set(e, TILLPOST_SHOP_ID, "s-1"), 0);
    assert_int_equal(tillpost_event_set(e, TILLPOST_CURRENCY, "EUR"), 0);
    assert_int_equal(tillpost_event_value(e, (struct tillpost_decimal){1990, 2}), 0);
    assert_int_equal(tillpost_event_time(e, 1795305600000), 0);
    assert_int_equal(tillpost_event_product(e, &shoe), 0);
    assert_int_equal(tillpost_event_product(e, &nuts), 0);
    assert_string_equal(
        json_of(e),
        "{\"event\":\"Order Completed\",\"messageId\":\"till-7-42\",\"userId\":\"c-1\","
        "\"timestamp\":1795305600000,\"properties\":{\"email\":\"jane@example.com\","
        "\"phone\":\"+1 213 373 4253\",\"order_id\":\"42\",\"shop_id\":\"s-1\","
        "\"currency\":\"EUR\",\"value\":19.90,\"products\":[{\"product_id\":\"SKU-1\","
        "\"name\":\"Shoe \\\"Größe 44\\\"\",\"category\":\"Shoes\",\"brand\":\"Acme\","
        "\"price\":59.90,\"quantity\":1},{\"product_id\":\"4006381333931\",\"quantity\":0.355}]}}");
    tillpost_event_free(e);
}

static void a_second_call_overwrites_the_first(void **state)
{
    (void)state;
    struct tillpost_event *e = event_with_id("a");
    assert_int_equal(tillpost_event_set(e, TILLPOST_EMAIL, "x@example.com"), 0);
    assert_int_equal(tillpost_event_set(e, TILLPOST_EMAIL, ""), 0);
    assert_int_equal(tillpost_event_value(e, (struct tillpost_decimal){1, 0}), 0);
    assert_int_equal(tillpost_event_value(e, (struct tillpost_decimal){2, 0}), 0);
    static const char want[] =
        "{\"event\":\"Order Completed\",\"messageId\":\"a\",\"properties\":{\"value\":2}}";
    assert_string_equal(json_of(e), want);
    assert_string_equal(json_of(e), want); /* asked twice, told twice */
    tillpost_event_free(e);
}

static void money_keeps_its_digits(void **state)
{
    (void)state;
    static const struct {
        struct tillpost_decimal d;
        const char *want; /* NULL: refused */
    } rows[] = {
        {{0, 0}, "0"},
        {{0, 2}, "0.00"},
        {{5, 2}, "0.05"},
        {{-5, 2}, "-0.05"},
        {{-1990, 2}, "-19.90"},
        {{100, 0}, "100"},
        {{999999999999999, 0}, "999999999999999"},
        {{999999999999999, 15}, "0.999999999999999"},
        {{1, 15}, "0.000000000000001"},
        {{1000000000000000, 0}, NULL},
        {{-1000000000000000, 0}, NULL},
        {{INT64_MIN, 0}, NULL},
        {{1, 16}, NULL},
        {{1, 255}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char want[128];
        struct tillpost_event *e = event_with_id("a");
        int rc = tillpost_event_value(e, rows[i].d);
        if (rows[i].want) {
            assert_int_equal(rc, 0);
            (void)snprintf(want, sizeof want, "\"properties\":{\"value\":%s}}", rows[i].want);
            assert_non_null(strstr(json_of(e), want));
        } else {
            assert_int_equal(rc, TILLPOST_E_BAD_NUMBER);
        }
        tillpost_event_free(e);
    }
}

static void what_is_not_right_stays_with_the_event(void **state)
{
    (void)state;
    static const char *const bad[] = {"\xFF", "a\xC3", "\xED\xA0\x80", NULL};
    char long_text[40 * 1024];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int why = 0;
        struct tillpost_event *e = event_with_id("a");
        assert_int_equal(tillpost_event_set(e, TILLPOST_EMAIL, bad[i]), TILLPOST_E_BAD_FIELD);
        assert_int_equal(tillpost_event_set(e, TILLPOST_EMAIL, "good@example.com"), 0);
        assert_null(tillpost_event_json(e, NULL, &why));
        assert_int_equal(why, TILLPOST_E_BAD_FIELD);
        tillpost_event_free(e);
    }
    struct tillpost_event *e = event_with_id("a");
    assert_int_equal(tillpost_event_set(e, (enum tillpost_text)99, "x"), TILLPOST_E_BAD_FIELD);
    tillpost_event_free(e);
    e = event_with_id("a");
    assert_int_equal(tillpost_event_set(e, TILLPOST_ORDER_ID, long_text), TILLPOST_E_TOO_LARGE);
    tillpost_event_free(e);
    e = event_with_id("a");
    assert_int_equal(tillpost_event_time(e, 0), TILLPOST_E_BAD_TIMESTAMP);
    tillpost_event_free(e);
    int why = 0;
    e = tillpost_event_new("");
    assert_null(tillpost_event_json(e, NULL, &why));
    assert_int_equal(why, TILLPOST_E_MISSING_EVENT);
    tillpost_event_free(e);
    tillpost_event_free(NULL);
}

static void control_characters_are_escaped(void **state)
{
    (void)state;
    struct tillpost_event *e = event_with_id("a\tb\n\x01\x1F\x7F\\\"/");
    assert_non_null(strstr(json_of(e), "\"a\\u0009b\\u000a\\u0001\\u001f\x7F\\\\\\\"/\""));
    tillpost_event_free(e);
}

static void an_event_without_an_id_of_the_callers_has_one_of_its_own(void **state)
{
    (void)state;
    char first[256], second[256];
    struct tillpost_event *e = tillpost_event_new("X");
    (void)snprintf(first, sizeof first, "%s", json_of(e));
    assert_string_equal(json_of(e), first);
    tillpost_event_free(e);
    e = tillpost_event_new("X");
    (void)snprintf(second, sizeof second, "%s", json_of(e));
    tillpost_event_free(e);
    assert_string_not_equal(first, second);
    /* {"event":"X","messageId":"xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx","properties":{}} */
    const char *id = first + strlen("{\"event\":\"X\",\"messageId\":\"");
    assert_int_equal(id[14], '4');
    assert_non_null(strchr("89ab", id[19]));
    assert_string_equal(id + 36, "\",\"properties\":{}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_purchase_is_written_as_segment_has_it),
        cmocka_unit_test(a_second_call_overwrites_the_first),
        cmocka_unit_test(money_keeps_its_digits),
        cmocka_unit_test(what_is_not_right_stays_with_the_event),
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(an_event_without_an_id_of_the_callers_has_one_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
