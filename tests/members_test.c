#include "client/members.h"
#include "testing.h"

struct row {
    const char *json, *name, *want; /* raw text; NULL: not found */
};

/* clang-format off */
static const struct row rows[] = {
    {"{\"a\":1}",                              "a", "1"},
    {" { \"a\" : 1 } ",                        "a", "1"},
    {"{\"a\":1,\"b\":\"x\"}",                  "b", "\"x\""},
    {"{\"b\":{\"a\":2},\"a\":3}",              "a", "3"},
    {"{\"b\":[\"a\",{\"a\":2}],\"a\":[1,[2]]}", "a", "[1,[2]]"},
    {"{\"b\":\"\\\"a\\\":9\",\"a\":4}",        "a", "4"},
    {"{\"b\":\"}\",\"a\":5}",                  "a", "5"},
    {"{\"b\":[\"]\"],\"a\":6}",                "a", "6"},
    {"{\"a\":\"\\\\\",\"b\":7}",               "b", "7"},
    {"{\"a\":true}",                           "a", "true"},
    {"{\"ab\":1,\"b\":2}",                     "a", NULL},
    {"{\"A\":1}",                              "a", NULL},
    {"{\"b\":{\"a\":1}}",                      "a", NULL},
    {"[{\"a\":1}]",                            "a", NULL},
    {"{}",                                     "a", NULL},
    {"",                                       "a", NULL},
    {"{\"a\"",                                 "a", NULL},
    {"{\"a\":",                                "a", NULL},
    {"{\"a\":\"x",                             "a", NULL},
    {"{\"a\":\"x\\",                           "a", NULL},
    {"{\"a\":{\"b\":1",                        "a", NULL},
    {"{a:1}",                                  "a", NULL},
    {"{\"b\" 1,\"a\":1}",                      "a", NULL},
};
/* clang-format on */

/* A copy that ends where the text ends, so that a sanitizer sees a step beyond. */
static char *exactly(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    return copy;
}

static void members_of_the_first_level_are_found_and_no_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].json);
        char *json = exactly(rows[i].json, len);
        struct members_value v = members_find(json, len, rows[i].name);
        const char *want = rows[i].want;
        if (!want ? v.p != NULL : v.len != strlen(want) || memcmp(v.p, want, v.len) != 0)
            fail_msg("row %zu: %s", i, rows[i].json);
        free(json);
    }
}

static void a_text_cut_anywhere_is_not_read_beyond_its_end(void **state)
{
    (void)state;
    static const char text[] = "{\"b\":[\"\\\"]\",{\"c\":\"\\u00e9\"}],\"a\":\"caf\\u00e9\\n\"}";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char out[16];
        char *json = exactly(text, len);
        members_text(members_find(json, len, "a"), out, sizeof out);
        /* Only the last bracket may be missing. */
        assert_string_equal(out, len == sizeof text - 2 ? "caf\xC3\xA9\n" : "");
        free(json);
    }
}

static struct members_value raw(const char *text)
{
    return (struct members_value){text, strlen(text)};
}

static void a_text_is_resolved_and_cut_at_a_character(void **state)
{
    (void)state;
    char out[8];
    members_text(raw("\"a\\\"\\\\\\/\\t\""), out, sizeof out);
    assert_string_equal(out, "a\"\\/\t");
    members_text(raw("\"\\u20ac\\u0041\""), out, sizeof out);
    assert_string_equal(out, "\xE2\x82\xAC"
                             "A");
    members_text(raw("\"12345\xE2\x82\xAC\""), out, sizeof out);
    assert_string_equal(out, "12345");
    members_text(raw("\"1234\xE2\x82\xAC\""), out, sizeof out);
    assert_string_equal(out, "1234\xE2\x82\xAC");
    members_text(raw("\"\\ud83d\\ude00\""), out, sizeof out);
    assert_string_equal(out, "??");
    members_text(raw("\"1234567890\""), out, sizeof out);
    assert_string_equal(out, "1234567");
    members_text(raw("12"), out, sizeof out);
    assert_string_equal(out, "");
    members_text((struct members_value){NULL, 0}, out, sizeof out);
    assert_string_equal(out, "");
}

static void the_first_element_is_what_stands_first(void **state)
{
    (void)state;
    char out[8];
    members_text(members_first(raw("[\"x\",\"y\"]")), out, sizeof out);
    assert_string_equal(out, "x");
    assert_null(members_first(raw("[]")).p);
    assert_null(members_first(raw("\"x\"")).p);
    assert_null(members_first((struct members_value){NULL, 0}).p);
}

static void a_text_is_a_string_that_is_not_empty(void **state)
{
    (void)state;
    assert_true(members_is_text(raw("\"x\"")));
    assert_false(members_is_text(raw("\"\"")));
    assert_false(members_is_text(raw("null")));
    assert_false(members_is_text(raw("12")));
    assert_false(members_is_text((struct members_value){NULL, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_the_first_level_are_found_and_no_others),
        cmocka_unit_test(a_text_cut_anywhere_is_not_read_beyond_its_end),
        cmocka_unit_test(a_text_is_resolved_and_cut_at_a_character),
        cmocka_unit_test(the_first_element_is_what_stands_first),
        cmocka_unit_test(a_text_is_a_string_that_is_not_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
