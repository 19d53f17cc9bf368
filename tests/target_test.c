/* target_test.c: targets, percent escapes, query parameters. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/api.h"
#include "api/target.h"

#include <string.h>

static void same(struct str is, const char *should)
{
    assert_int_equal(is.len, strlen(should));
    if (is.len > 0) assert_memory_equal(is.p, should, is.len);
}

/* clang-format off */
static const struct split_row {
    const char *text;
    bool good;
    const char *authority, *path, *query;
} splits[] = {
    {"/",                        true,  "",        "/",   ""},
    {"/v1/events?limit=1&x",     true,  "",        "/v1/events", "limit=1&x"},
    {"/a?b?c",                   true,  "",        "/a",  "b?c"},
    {"//localhost/a",            true,  "",        "//localhost/a", ""},
    {"*",                        true,  "",        "*",   ""},
    {"http://h:1/a?b",           true,  "h:1",     "/a",  "b"},
    {"HTTP://h",                 true,  "h",       "/",   ""},
    {"http://h?b",               true,  "h",       "/",   "b"},
    {"http://u@h/a",             true,  "u@h",     "/a",  ""},
    {"http:///a",                false, "",        "",    ""},
    {"http://",                  false, "",        "",    ""},
    {"https://h/a",              false, "",        "",    ""},
    {"h:80",                     false, "",        "",    ""},
    {"*x",                       false, "",        "",    ""},
    {"?x",                       false, "",        "",    ""},
    {"",                         false, "",        "",    ""},
};
/* clang-format on */

static void a_target_is_taken_apart_as_its_row_says(void **state)
{
    for (size_t i = 0; i < sizeof splits / sizeof splits[0]; i++) {
        struct target t;
        bool good = target_split(str_from(splits[i].text), &t);
        if (good != splits[i].good) print_message("row \"%s\"\n", splits[i].text);
        assert_int_equal(good, splits[i].good);
        if (!good) continue;
        same(t.authority, splits[i].authority);
        same(t.path, splits[i].path);
        same(t.query, splits[i].query);
    }
}

/* clang-format off */
static const struct decode_row {
    const char *text, *plain; /* NULL: malformed */
    bool plus_is_space;
} decodes[] = {
    {"",          "",      false}, {"abc",       "abc",   false}, {"a%20b",     "a b",   false},
    {"%41%4a%4A", "AJJ",   false}, {"a+b",       "a+b",   false}, {"a+b",       "a b",   true},
    {"%2b",       "+",     true},  {"%25%32%35", "%25",   false}, {"%c3%a9",    "\xc3\xa9", false},
    {"%",         NULL,    false}, {"%4",        NULL,    false}, {"%4g",       NULL,    false},
    {"%g4",       NULL,    false}, {"%%41",      NULL,    false}, {"a%00b",     NULL,    false},
};
/* clang-format on */

static void escapes_are_decoded_once_and_never_to_a_nul(void **state)
{
    for (size_t i = 0; i < sizeof decodes / sizeof decodes[0]; i++) {
        char text[32];
        size_t len = strlen(decodes[i].text);
        memcpy(text, decodes[i].text, len + 1);
        bool good = percent_decode(text, &len, decodes[i].plus_is_space);
        assert_int_equal(good, decodes[i].plain != NULL);
        if (good) same((struct str){text, len}, decodes[i].plain);
    }
}

/* An escape cut off by the end of the text does not read what lies behind it. */
static void a_cut_escape_does_not_look_behind_the_end(void **state)
{
    char text[] = "%41";
    for (size_t len = 1; len < 3; len++) {
        size_t n = len;
        assert_false(percent_decode(text, &n, false));
    }
}

/* clang-format off */
static const struct query_row {
    const char *query, *name, *value; /* NULL: absent */
} queries[] = {
    {"state=dead&limit=5", "limit", "5"},
    {"state=dead&limit=5", "state", "dead"},
    {"state=dead",         "stat",  NULL},
    {"state=dead",         "tate",  NULL},
    {"a=1&a=2",            "a",     "1"},
    {"a&b=1",              "a",     ""},
    {"a=",                 "a",     ""},
    {"a=b=c",              "a",     "b=c"},
    {"&&a=x+y%2B",         "a",     "x y+"},
    {"a=%4",               "a",     NULL},
    {"a=1234567",          "a",     "1234567"},
    {"a=12345678",         "a",     NULL}, /* too long for the room given */
    {"",                   "a",     NULL},
};
/* clang-format on */

static void a_query_parameter_is_found_and_decoded(void **state)
{
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        char out[8];
        struct api_request r = {.query = str_from(queries[i].query)};
        bool found = api_query(&r, queries[i].name, out, sizeof out);
        if (found != (queries[i].value != NULL)) print_message("row \"%s\"\n", queries[i].query);
        assert_int_equal(found, queries[i].value != NULL);
        if (found) assert_string_equal(out, queries[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_taken_apart_as_its_row_says),
        cmocka_unit_test(escapes_are_decoded_once_and_never_to_a_nul),
        cmocka_unit_test(a_cut_escape_does_not_look_behind_the_end),
        cmocka_unit_test(a_query_parameter_is_found_and_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
