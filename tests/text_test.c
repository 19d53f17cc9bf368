/* text_test.c: borrowed strings, UTF-8, numbers, hex, wiping. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

#include "tillpost/err.h"
#include <string.h>

static void a_str_of_nothing_is_empty_and_not_null(void **state)
{
    assert_int_equal(str_from(NULL).len, 0);
    assert_non_null(str_from(NULL).p);
    assert_int_equal(str_from("abc").len, 3);
    assert_int_equal(STR("a\0b").len, 3);
}

static void strings_are_equal_byte_for_byte(void **state)
{
    assert_true(str_equal(STR("a\0b"), STR("a\0b")));
    assert_false(str_equal(STR("a\0b"), STR("a\0c")));
    assert_false(str_equal(STR("ab"), STR("abc")));
    assert_true(str_equal((struct str){NULL, 0}, STR("")));
    assert_true(str_is(STR("abc"), "abc"));
    assert_false(str_is(STR("abc"), "ab"));
    assert_false(str_is(STR("abc"), "Abc"));
}

static void case_is_ignored_for_ascii_letters_only(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"Content-TYPE", "content-type", true},
        {"az", "AZ", true},
        {"[", "{", false}, /* 0x20 apart like a letter's cases, but no letters */
        {"@", "`", false},
        {"\xC3\xA9", "\xC3\x89", false},
        {"ab", "abc", false},
        {"", "", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(str_is_nocase(str_from(rows[i].a), rows[i].b), rows[i].same);
    }
}

static void a_start_is_recognised(void **state)
{
    assert_true(str_starts(STR("abc"), "ab"));
    assert_true(str_starts(STR("abc"), ""));
    assert_true(str_starts((struct str){NULL, 0}, ""));
    assert_false(str_starts(STR("ab"), "abc"));
    assert_false(str_starts(STR("abc"), "b"));
}

static void an_end_is_recognised(void **state)
{
    static const struct {
        const char *a, *z;
        bool ends, ends_nocase;
    } rows[] = {
        {"till.csv", ".csv", true, true},
        {"TILL.CSV", ".csv", false, true},
        {".csv", ".csv", true, true},
        {"csv", ".csv", false, false},
        {"till.csv~", ".csv", false, false},
        {"abc", "", true, true},
        {"", "", true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(str_ends(str_from(rows[i].a), rows[i].z), rows[i].ends);
        assert_int_equal(str_ends_nocase(str_from(rows[i].a), rows[i].z), rows[i].ends_nocase);
    }
}

static void white_space_goes_at_both_ends(void **state)
{
    static const char *const rows[][2] = {
        {" \t\r\n\v\fa b\v\f\n\r\t ", "a b"},
        {"a", "a"},
        {"", ""},
        {" \n ", ""},
        {"\xC2\xA0", "\xC2\xA0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(str_is(str_trim(str_from(rows[i][0])), rows[i][1]));
    }
}

static void a_list_is_split_at_its_separators(void **state)
{
    static const struct {
        const char *text, *first, *rest;
    } rows[] = {
        {"a,b,c", "a", "b,c"}, {"a", "a", ""}, {",b", "", "b"}, {"a,", "a", ""}, {"", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str rest;
        assert_true(str_is(str_split(str_from(rows[i].text), ',', &rest), rows[i].first));
        assert_true(str_is(rest, rows[i].rest));
    }
}

static void a_cut_never_parts_a_character(void **state)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"
                               "b"; /* 1, 2, 3, 4, 1 bytes */
    static const size_t lens[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (size_t max_bytes = 0; max_bytes < sizeof lens / sizeof lens[0]; max_bytes++) {
        assert_int_equal(str_cut(STR(text), max_bytes).len, lens[max_bytes]);
    }
    assert_int_equal(str_cut(STR("\x80\x80\x80\x80\x80\x80"), 5).len, 2); /* no characters */
}

static void only_shortest_forms_of_real_characters_are_utf8(void **state)
{
    static const struct {
        struct str text;
        size_t bytes;
    } rows[] = {
        {{"", 0}, 0},
        {{"\0", 1}, 1},
        {{"\x7F", 1}, 1},
        {{"\x80", 1}, 0},
        {{"\xBF", 1}, 0},
        {{"\xC0\x80", 2}, 0},
        {{"\xC1\xBF", 2}, 0},
        {{"\xC2\x80", 2}, 2},
        {{"\xDF\xBF"
          "x",
          3},
         2},
        {{"\xC2", 1}, 0},
        {{"\xC2\x7F", 2}, 0},
        {{"\xC2\xC0", 2}, 0},
        {{"\xE0\x9F\xBF", 3}, 0},
        {{"\xE0\xA0\x80", 3}, 3},
        {{"\xE1\x80\x80", 3}, 3},
        {{"\xEC\xBF\xBF", 3}, 3},
        {{"\xED\x9F\xBF", 3}, 3},
        {{"\xED\xA0\x80", 3}, 0},
        {{"\xEE\x80\x80", 3}, 3},
        {{"\xEF\xBF\xBF", 3}, 3},
        {{"\xEF\xBF\x7F", 3}, 0},
        {{"\xEF\xBF", 2}, 0},
        {{"\xF0\x8F\xBF\xBF", 4}, 0},
        {{"\xF0\x90\x80\x80", 4}, 4},
        {{"\xF1\x80\x80\x80", 4}, 4},
        {{"\xF3\xBF\xBF\xBF", 4}, 4},
        {{"\xF4\x8F\xBF\xBF", 4}, 4},
        {{"\xF4\x90\x80\x80", 4}, 0},
        {{"\xF4\x80\x80", 3}, 0},
        {{"\xF4\x80\x80\xC0", 4}, 0},
        {{"\xF5\x80\x80\x80", 4}, 0},
        {{"\xFF", 1}, 0},
        {{"\xC2\x80", 1}, 0}, /* whole in memory, but not in the str */
        {{"\xEF\xBF\xBF", 2}, 0},
        {{"\xF4\x80\x80\x80", 3}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (str_utf8_char(rows[i].text) != rows[i].bytes) fail_msg("row %zu", i);
    }
}

static void whole_numbers_are_digits_and_fit(void **state)
{
    static const struct {
        const char *text;
        int err;
        uint64_t n;
    } rows[] = {
        {"0", TILLPOST_OK, 0},
        {"007", TILLPOST_OK, 7},
        {"18446744073709551615", TILLPOST_OK, UINT64_MAX},
        {"18446744073709551616", TILLPOST_E_BAD_NUMBER, 0},
        {"99999999999999999999", TILLPOST_E_BAD_NUMBER, 0},
        {"", TILLPOST_E_BAD_NUMBER, 0},
        {"-1", TILLPOST_E_BAD_NUMBER, 0},
        {"+1", TILLPOST_E_BAD_NUMBER, 0},
        {" 1", TILLPOST_E_BAD_NUMBER, 0},
        {"1 ", TILLPOST_E_BAD_NUMBER, 0},
        {"1:", TILLPOST_E_BAD_NUMBER, 0},
        {"0x1", TILLPOST_E_BAD_NUMBER, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t n = 0;
        assert_int_equal(str_to_u64(str_from(rows[i].text), &n), rows[i].err);
        assert_true(n == rows[i].n);
    }
}

static void hex_goes_there_and_back(void **state)
{
    unsigned char bytes[4] = {0};
    char text[9];
    assert_true(hex_decode(STR("00fFa981"), bytes, 4));
    assert_memory_equal(bytes, "\x00\xFF\xA9\x81", 4);
    hex_encode(bytes, 4, text);
    assert_string_equal(text, "00ffa981");
    hex_encode(bytes, 0, text);
    assert_string_equal(text, "");
}

static void hex_of_another_length_or_alphabet_is_refused(void **state)
{
    static const char *const rows[] = {"",     "00",   "000",  "00000", "0g00",
                                       "00 0", "-100", "0x00", "@@@@"};
    unsigned char bytes[2];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_false(hex_decode(str_from(rows[i]), bytes, sizeof bytes));
    }
    assert_false(hex_decode((struct str){"00000000", 2}, bytes, sizeof bytes));
}

static void wiping_clears_exactly_what_it_is_given(void **state)
{
    char bytes[] = "abcdef";
    wipe(bytes + 1, 3);
    assert_memory_equal(bytes, "a\0\0\0ef", 6);
    wipe(NULL, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_str_of_nothing_is_empty_and_not_null),
        cmocka_unit_test(strings_are_equal_byte_for_byte),
        cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(a_start_is_recognised),
        cmocka_unit_test(an_end_is_recognised),
        cmocka_unit_test(white_space_goes_at_both_ends),
        cmocka_unit_test(a_list_is_split_at_its_separators),
        cmocka_unit_test(a_cut_never_parts_a_character),
        cmocka_unit_test(only_shortest_forms_of_real_characters_are_utf8),
        cmocka_unit_test(whole_numbers_are_digits_and_fit),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(hex_of_another_length_or_alphabet_is_refused),
        cmocka_unit_test(wiping_clears_exactly_what_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
