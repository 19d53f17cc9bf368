/* json_test.c: what is JSON and what is not, what trees give back, what goes out again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "amounts.h"
#include "base/json.h"

#include "no_memory.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ARENA_BLOCK_BYTES = 4096, ARENA_MAX_BYTES = 64 << 20, TEXT_MAX_BYTES = 1 << 20 };

static const struct json_limits wide = {TEXT_MAX_BYTES, 1000, 1 << 20};
static struct arena arena;

static int open_arena(void **state)
{
    arena_init(&arena, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    return 0;
}

static int close_arena(void **state)
{
    arena_free(&arena);
    return 0;
}

/* The text behind exact bounds on the heap, so that a read behind its end is seen by ASan. */
static struct str exact(struct str text)
{
    char *copy = malloc(text.len == 0 ? 1 : text.len);
    assert_non_null(copy);
    if (text.len > 0) memcpy(copy, text.p, text.len);
    return (struct str){copy, text.len};
}

static const struct json *parse(const char *text)
{
    const struct json *v;
    struct fault why = {0};
    if (json_parse(&arena, str_from(text), &wide, &v, &why) < 0) {
        fail_msg("%s: %s", text, why.message);
    }
    return v;
}

/* What a value looks like written; lives until the arena goes. */
static const char *written(const struct json *v)
{
    struct buf out;
    buf_init(&out, TEXT_MAX_BYTES);
    json_write(&out, v);
    assert_false(out.failed);
    char *copy = arena_copy(&arena, buf_str(&out));
    buf_free(&out);
    assert_non_null(copy);
    return copy;
}

/* The grammar: names and cases follow JSONTestSuite (y_ must be taken, n_ refused, i_ is ours to
 * decide: here TAKE and DROP), with rows of our own behind. */
enum verdict { Y, N, TAKE, DROP };

struct grammar_row {
    enum verdict verdict;
    const char *name, *text;
    size_t len;
};

#define T(literal) (literal), sizeof(literal) - 1

/* clang-format off */
static const struct grammar_row grammar[] = {
    /* arrays */
    {Y, "array_empty",                       T("[]")},
    {Y, "array_empty_string",                T("[\"\"]")},
    {Y, "array_spaces_inside",               T("[ ]")},
    {Y, "array_arrays_with_spaces",          T("[[]   ]")},
    {Y, "array_ending_with_newline",         T("[\"a\"]\n")},
    {Y, "array_false",                       T("[false]")},
    {Y, "array_heterogeneous",               T("[null, 1, \"1\", {}]")},
    {Y, "array_null",                        T("[null]")},
    {Y, "array_with_1_and_newline",          T("[1\n]")},
    {Y, "array_with_leading_space",          T(" [1]")},
    {Y, "array_with_several_null",           T("[1,null,null,null,2]")},
    {Y, "array_with_trailing_space",         T("[2] ")},
    {N, "array_1_true_without_comma",        T("[1 true]")},
    {N, "array_colon_instead_of_comma",      T("[\"\": 1]")},
    {N, "array_comma_after_close",           T("[\"\"],")},
    {N, "array_comma_and_number",            T("[,1]")},
    {N, "array_double_comma",                T("[1,,2]")},
    {N, "array_double_extra_comma",          T("[\"x\",,]")},
    {N, "array_extra_close",                 T("[\"x\"]]")},
    {N, "array_extra_comma",                 T("[\"\",]")},
    {N, "array_incomplete",                  T("[\"x\"")},
    {N, "array_incomplete_invalid_value",    T("[x")},
    {N, "array_inner_array_no_comma",        T("[3[4]]")},
    {N, "array_items_separated_by_semicolon",T("[1:2]")},
    {N, "array_just_comma",                  T("[,]")},
    {N, "array_just_minus",                  T("[-]")},
    {N, "array_missing_value",               T("[   , \"\"]")},
    {N, "array_newlines_unclosed",           T("[\"a\",\n4\n,1,")},
    {N, "array_number_and_comma",            T("[1,]")},
    {N, "array_number_and_several_commas",   T("[1,,]")},
    {N, "array_spaces_vertical_tab",         T("[\"\va\"\\f]")},
    {N, "array_star_inside",                 T("[*]")},
    {N, "array_unclosed",                    T("[\"\"")},
    {N, "array_unclosed_trailing_comma",     T("[1,")},
    {N, "array_unclosed_with_new_lines",     T("[1,\n1\n,1")},
    {N, "array_unclosed_with_object_inside", T("[{}")},
    {N, "array_closed_by_brace",             T("[1}")},
    /* literals */
    {Y, "structure_lonely_false",            T("false")},
    {Y, "structure_lonely_null",             T("null")},
    {Y, "structure_lonely_true",             T("true")},
    {Y, "structure_true_in_array",           T("[true]")},
    {N, "incomplete_false",                  T("[fals]")},
    {N, "incomplete_null",                   T("[nul]")},
    {N, "incomplete_true",                   T("[tru]")},
    {N, "literal_cut_at_the_end",            T("nul")},
    {N, "literal_one_letter",                T("t")},
    {N, "structure_capitalized_True",        T("[True]")},
    {N, "structure_upper_case_null",         T("[NULL]")},
    {N, "literal_and_letter",                T("[truex]")},
    {N, "literal_undefined",                 T("[undefined]")},
    {N, "multidigit_number_then_00",         T("123\x00")},
    /* numbers */
    {Y, "number",                            T("[123e65]")},
    {Y, "number_0e+1",                       T("[0e+1]")},
    {Y, "number_0e1",                        T("[0e1]")},
    {Y, "number_after_space",                T("[ 4]")},
    {Y, "number_close_to_zero",              T("[-0.0000000000000000000000000000000000000000000000"
                                               "00000000000000000000000000000001]")},
    {Y, "number_int_with_exp",               T("[20e1]")},
    {Y, "number_minus_zero",                 T("[-0]")},
    {Y, "number_negative_int",               T("[-123]")},
    {Y, "number_negative_one",               T("[-1]")},
    {Y, "number_negative_zero_real",         T("[-0.0]")},
    {Y, "number_real_capital_e",             T("[1E22]")},
    {Y, "number_real_capital_e_neg_exp",     T("[1E-2]")},
    {Y, "number_real_capital_e_pos_exp",     T("[1E+2]")},
    {Y, "number_real_exponent",              T("[123e45]")},
    {Y, "number_real_fraction_exponent",     T("[123.456e78]")},
    {Y, "number_real_neg_exp",               T("[1e-2]")},
    {Y, "number_real_pos_exponent",          T("[1e+2]")},
    {Y, "number_simple_int",                 T("[123]")},
    {Y, "number_simple_real",                T("[123.456789]")},
    {Y, "number_exponent_with_leading_zeros",T("[1e0002]")},
    {Y, "structure_lonely_int",              T("42")},
    {Y, "structure_lonely_negative_real",    T("-0.1")},
    {N, "number_++",                         T("[++1234]")},
    {N, "number_+1",                         T("[+1]")},
    {N, "number_+Inf",                       T("[+Inf]")},
    {N, "number_-01",                        T("[-01]")},
    {N, "number_-00.0",                      T("[-00.0]")},
    {N, "number_-00e0",                      T("[-00e0]")},
    {N, "number_-1.0.",                      T("[-1.0.]")},
    {N, "number_-2.",                        T("[-2.]")},
    {N, "number_-NaN",                       T("[-NaN]")},
    {N, "number_.-1",                        T("[.-1]")},
    {N, "number_.2e-3",                      T("[.2e-3]")},
    {N, "number_0.1.2",                      T("[0.1.2]")},
    {N, "number_0.3e",                       T("[0.3e]")},
    {N, "number_0.3e+",                      T("[0.3e+]")},
    {N, "number_0.e1",                       T("[0.e1]")},
    {N, "number_00",                         T("[00]")},
    {N, "number_00.0",                       T("[00.0]")},
    {N, "number_00e0",                       T("[00e0]")},
    {N, "number_012",                        T("[012]")},
    {N, "number_-012",                       T("[-012]")},
    {N, "number_0E",                         T("[0E]")},
    {N, "number_0E+",                        T("[0E+]")},
    {N, "number_1.0e",                       T("[1.0e]")},
    {N, "number_1.0e+",                      T("[1.0e+]")},
    {N, "number_1.0e-",                      T("[1.0e-]")},
    {N, "number_1_000",                      T("[1 000.0]")},
    {N, "number_1eE2",                       T("[1eE2]")},
    {N, "number_2.e3",                       T("[2.e3]")},
    {N, "number_2.e+3",                      T("[2.e+3]")},
    {N, "number_9.e+",                       T("[9.e+]")},
    {N, "number_Inf",                        T("[Inf]")},
    {N, "number_NaN",                        T("[NaN]")},
    {N, "number_full_width_digit",           T("[\xEF\xBC\x91]")},
    {N, "number_expression",                 T("[1+2]")},
    {N, "number_hex_1_digit",                T("[0x1]")},
    {N, "number_hex_2_digits",               T("[0x42]")},
    {N, "number_infinity",                   T("[Infinity]")},
    {N, "number_invalid+-",                  T("[0e+-1]")},
    {N, "number_invalid_negative_real",      T("[-123.123foo]")},
    {N, "number_invalid_utf8_in_bigger_int", T("[123\xE5]")},
    {N, "number_invalid_utf8_in_exponent",   T("[1e1\xE5]")},
    {N, "number_minus_infinity",             T("[-Infinity]")},
    {N, "number_minus_sign_trailing_garbage",T("[-foo]")},
    {N, "number_minus_space_1",              T("[- 1]")},
    {N, "number_neg_with_garbage_at_end",    T("[-1x]")},
    {N, "number_real_garbage_after_e",       T("[1ea]")},
    {N, "number_real_without_fraction",      T("[1.]")},
    {N, "number_starting_with_dot",          T("[.123]")},
    {N, "number_with_alpha",                 T("[1.2a-3]")},
    {N, "number_with_alpha_char",            T("[1.8011670033376514H-308]")},
    {N, "number_with_comma",                 T("[19,90.5.1]")},
    {N, "number_with_underscore",            T("[1_000]")},
    {N, "number_cut_behind_minus",           T("-")},
    {N, "number_cut_behind_point",           T("1.")},
    {N, "number_cut_behind_e",               T("1e")},
    {N, "number_cut_behind_exponent_sign",   T("1e-")},
    {TAKE, "number_huge_exp",                T("[0.4e006699999999999999999999999999999999999999999"
                                               "99999999999999999999999999999999999999999999999]")},
    {TAKE, "number_neg_int_huge_exp",        T("[-1e+9999]")},
    {TAKE, "number_pos_double_huge_exp",     T("[1.5e+9999]")},
    {TAKE, "number_real_neg_overflow",       T("[-123123e100000]")},
    {TAKE, "number_real_underflow",          T("[123e-10000000]")},
    {TAKE, "number_too_big_neg_int",         T("[-123123123123123123123123123123]")},
    {TAKE, "number_very_big_negative_int",   T("[-2374623746732768942798327498324234798232463]")},
    /* objects */
    {Y, "object",                            T("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}")},
    {Y, "object_basic",                      T("{\"asd\":\"sdf\"}")},
    {Y, "object_empty",                      T("{}")},
    {Y, "object_empty_key",                  T("{\"\":0}")},
    {Y, "object_extreme_numbers",            T("{\"min\":-1.0e+28,\"max\":1.0e+28}")},
    {Y, "object_long_strings",               T("{\"x\":[{\"id\":\"xxxxxxxxxxxxxxxxxxxxx\"}]}")},
    {Y, "object_string_unicode",             T("{\"title\":\"\\u041f\\u043e\\u043b\"}")},
    {Y, "object_with_newlines",              T("{\n\"a\": \"b\"\n}")},
    {Y, "object_tabs_and_returns",           T("\t{\r\n\t\"a\"\t:\t1\r\n}\r\n")},
    {Y, "object_same_key_in_other_objects",  T("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":1}]}")},
    {Y, "object_keys_that_differ_in_case",   T("{\"a\":1,\"A\":2}")},
    {Y, "object_key_is_prefix_of_another",   T("{\"a\":1,\"ab\":2,\"\":3}")},
    {Y, "object_key_looks_escaped",          T("{\"\\\\u0061\":1,\"a\":2}")},
    {N, "object_duplicated_key",             T("{\"a\":\"b\",\"a\":\"c\"}")},
    {N, "object_duplicated_key_and_value",   T("{\"a\":\"b\",\"a\":\"b\"}")},
    {N, "object_duplicated_key_escaped",     T("{\"a\":1,\"\\u0061\":2}")},
    {N, "object_duplicated_key_escaped_utf8",T("{\"\\u00e9\":1,\"\xC3\xA9\":2}")},
    {N, "object_duplicated_key_escaped_euro",T("{\"\\u20ac\":1,\"\xE2\x82\xAC\":2}")},
    {N, "object_duplicated_key_surrogates",  T("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}")},
    {N, "object_duplicated_key_short_escape",T("{\"\\n/\":1,\"\\u000a\\/\":2}")},
    {N, "object_duplicated_empty_key",       T("{\"\":1,\"\":2}")},
    {N, "object_duplicated_key_nested",      T("[{\"a\":[{\"k\":1,\"l\":2,\"k\":3}]}]")},
    {N, "object_duplicated_key_around_child",T("{\"a\":{\"b\":1,\"c\":2},\"a\":3}")},
    {N, "object_bad_value",                  T("[\"x\", truth]")},
    {N, "object_bracket_key",                T("{[: \"x\"}\n")},
    {N, "object_comma_instead_of_colon",     T("{\"x\", null}")},
    {N, "object_double_colon",               T("{\"x\"::\"b\"}")},
    {N, "object_emoji",                      T("{\xF0\x9F\x87\xA8\xF0\x9F\x87\xAD}")},
    {N, "object_garbage_at_end",             T("{\"a\":\"a\" 123}")},
    {N, "object_key_with_single_quotes",     T("{key: 'value'}")},
    {N, "object_lone_continuation_byte",     T("{\"\xB9\":\"0\",}")},
    {N, "object_missing_colon",              T("{\"a\" b}")},
    {N, "object_missing_key",                T("{:\"b\"}")},
    {N, "object_missing_semicolon",          T("{\"a\" \"b\"}")},
    {N, "object_missing_value",              T("{\"a\":")},
    {N, "object_no_colon",                   T("{\"a\"")},
    {N, "object_non_string_key",             T("{1:1}")},
    {N, "object_huge_number_key",            T("{9999E9999:1}")},
    {N, "object_key_and_half_a_pair",        T("{\"a\":\"a\\uD83D\"}")},
    {N, "object_null_keys",                  T("{null:null,null:null}")},
    {N, "object_several_trailing_commas",    T("{\"id\":0,,,,,}")},
    {N, "object_single_quote",               T("{'a':0}")},
    {N, "object_trailing_comma",             T("{\"id\":0,}")},
    {N, "object_trailing_comment",           T("{\"a\":\"b\"}/**/")},
    {N, "object_trailing_comment_open",      T("{\"a\":\"b\"}/**//")},
    {N, "object_trailing_line_comment",      T("{\"a\":\"b\"}//")},
    {N, "object_two_commas_in_a_row",        T("{\"a\":\"b\",,\"c\":\"d\"}")},
    {N, "object_unquoted_key",               T("{a: \"b\"}")},
    {N, "object_unterminated_value",         T("{\"a\":\"a")},
    {N, "object_with_single_string",         T("{ \"foo\" : \"bar\", \"a\" }")},
    {N, "object_with_trailing_garbage",      T("{\"a\":\"b\"}#")},
    {N, "object_closed_by_bracket",          T("{\"a\":1]")},
    {N, "object_just_comma",                 T("{,}")},
    /* strings */
    {Y, "string_1_2_3_bytes_utf8",           T("[\"\\u0060\\u012a\\u12AB\"]")},
    {Y, "string_accepted_surrogate_pair",    T("[\"\\uD801\\udc37\"]")},
    {Y, "string_accepted_surrogate_pairs",   T("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]")},
    {Y, "string_allowed_escapes",            T("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]")},
    {Y, "string_backslash_and_u_zero",       T("[\"\\\\u0000\"]")},
    {Y, "string_backslash_doublequotes",     T("[\"\\\"\"]")},
    {Y, "string_comments",                   T("[\"a/*b*/c/*d//e\"]")},
    {Y, "string_double_escape_a",            T("[\"\\\\a\"]")},
    {Y, "string_double_escape_n",            T("[\"\\\\n\"]")},
    {Y, "string_escaped_control_character",  T("[\"\\u0012\"]")},
    {Y, "string_escaped_noncharacter",       T("[\"\\uFFFF\"]")},
    {Y, "string_in_array",                   T("[\"asd\"]")},
    {Y, "string_last_surrogates_1_and_2",    T("[\"\\uDBFF\\uDFFF\"]")},
    {Y, "string_noncharacter_10FFFF",        T("[\"\xF4\x8F\xBF\xBF\"]")},
    {Y, "string_noncharacter_FFFF",          T("[\"\xEF\xBF\xBF\"]")},
    {Y, "string_one_byte_utf8",              T("[\"\\u002c\"]")},
    {Y, "string_reserved_character",         T("[\"\xF0\x9B\xBF\xBF\"]")},
    {Y, "string_simple_ascii",               T("[\"asd \"]")},
    {Y, "string_space",                      T("\" \"")},
    {Y, "string_three_byte_utf8",            T("[\"\\u0821\"]")},
    {Y, "string_two_byte_utf8",              T("[\"\\u0123\"]")},
    {Y, "string_u_2028_line_sep",            T("[\"\xE2\x80\xA8\"]")},
    {Y, "string_unescaped_del",              T("[\"\x7F\"]")},
    {Y, "string_u_escape_in_capitals",       T("[\"\\uA66D\\u00AF\"]")},
    {Y, "string_in_array_after_a_space",     T("[ \"asd\"]")},
    {Y, "string_escaped_nbsp",               T("[\"new\\u00A0line\"]")},
    {Y, "string_pi",                         T("[\"\xCF\x80\"]")},
    {Y, "string_surrogates_musical_symbol",  T("[\"\\uD834\\uDd1e\"]")},
    {Y, "string_u_2029_par_sep",             T("[\"\xE2\x80\xA9\"]")},
    {Y, "string_escaped_newline_by_number",  T("[\"new\\u000Aline\"]")},
    {Y, "string_escaped_backslash_by_number",T("[\"\\u005C\"]")},
    {Y, "string_escaped_quote_by_number",    T("[\"\\u0022\"]")},
    {Y, "string_ideograms",                  T("[\"\xE2\x8D\x82\xE3\x88\xB4\xE2\x8D\x82\"]")},
    {Y, "string_escaped_10FFFE",             T("[\"\\uDBFF\\uDFFE\"]")},
    {Y, "string_escaped_1FFFE",              T("[\"\\uD83F\\uDFFE\"]")},
    {Y, "string_escaped_zero_width_space",   T("[\"\\u200B\"]")},
    {Y, "string_escaped_invisible_plus",     T("[\"\\u2064\"]")},
    {Y, "string_escaped_noncharacter_FDD0",  T("[\"\\uFDD0\"]")},
    {Y, "string_escaped_noncharacter_FFFE",  T("[\"\\uFFFE\"]")},
    {Y, "string_utf8_of_4_bytes",            T("[\"\xE2\x82\xAC\xF0\x9D\x84\x9E\"]")},
    {Y, "string_del_in_text",                T("[\"a\x7F" "a\"]")},
    {Y, "string_bom_inside",                 T("[\"\xEF\xBB\xBF\"]")},
    {Y, "structure_lonely_string",           T("\"asd\"")},
    {Y, "structure_string_empty",            T("\"\"")},
    {N, "string_u_zero",                     T("[\"\\u0000\"]")},
    {N, "string_u_zero_as_key",              T("{\"a\\u0000b\":1}")},
    {N, "string_raw_nul",                    T("[\"a\x00" "b\"]")},
    {N, "string_1_surrogate_then_escape",    T("[\"\\uD800\\\"]")},
    {N, "string_1_surrogate_then_escape_u",  T("[\"\\uD800\\u\"]")},
    {N, "string_1_surrogate_then_escape_u1", T("[\"\\uD800\\u1\"]")},
    {N, "string_1_surrogate_then_escape_u1x",T("[\"\\uD800\\u1x\"]")},
    {N, "string_accentuated_char_no_quotes", T("[\xC3\xA9]")},
    {N, "string_backslash_00",               T("[\"\\\x00\"]")},
    {N, "string_escape_x",                   T("[\"\\x00\"]")},
    {N, "string_escape_octal",               T("[\"\\012\"]")},
    {N, "string_escape_single_quote",        T("[\"\\'\"]")},
    {N, "string_escaped_backslash_bad",      T("[\"\\\\\\\"]")},
    {N, "string_escaped_ctrl_char_tab",      T("[\"\\\t\"]")},
    {N, "string_escaped_emoji",              T("[\"\\\xF0\x9F\x8C\x80\"]")},
    {N, "string_incomplete_escape",          T("[\"\\\"]")},
    {N, "string_incomplete_escaped_char",    T("[\"\\u00A\"]")},
    {N, "string_incomplete_surrogate",       T("[\"\\uD834\\uDd\"]")},
    {N, "string_incomplete_surrogate_escape",T("[\"\\uD800\\uD800\\x\"]")},
    {N, "string_invalid_utf8_in_escape",     T("[\"\\u\xE5\"]")},
    {N, "string_invalid_backslash_esc",      T("[\"\\a\"]")},
    {N, "string_invalid_unicode_escape",     T("[\"\\uqqqq\"]")},
    {N, "string_capital_u_escape",           T("[\"\\U0041\"]")},
    {N, "string_leading_uescaped_thinspace", T("[\\u0020\"asd\"]")},
    {N, "string_no_quotes_with_bad_escape",  T("[\\n]")},
    {N, "string_single_doublequote",         T("\"")},
    {N, "string_single_quote",               T("['single quote']")},
    {N, "string_single_string_no_quotes",    T("abc")},
    {N, "string_start_escape_unclosed",      T("[\"\\")},
    {N, "string_unescaped_ctrl_1f",          T("[\"a\x1F\"]")},
    {N, "string_unescaped_newline",          T("[\"new\nline\"]")},
    {N, "string_unescaped_tab",              T("[\"\t\"]")},
    {N, "string_unclosed_unicode_escape",    T("\"\\u00")},
    {N, "string_with_trailing_garbage",      T("\"\"x")},
    {DROP, "string_1st_surrogate_but_2nd_missing", T("[\"\\uDADA\"]")},
    {DROP, "string_1st_valid_surrogate_2nd_bad",   T("[\"\\uD888\\u1234\"]")},
    {DROP, "string_2nd_surrogate_twice",           T("[\"\\uDC00\\uDC00\"]")},
    {DROP, "string_second_just_over_the_surrogates",T("[\"\\uD800\\uE000\"]")},
    {DROP, "string_1st_surrogate_twice",           T("[\"\\uD800\\uD800\"]")},
    {DROP, "string_inverted_surrogates",           T("[\"\\uDd1e\\uD834\"]")},
    {DROP, "string_invalid_lonely_surrogate",      T("[\"\\ud800\"]")},
    {DROP, "string_lone_second_surrogate",         T("[\"\\uDFAA\"]")},
    {DROP, "string_surrogate_then_text",           T("[\"\\uD800abcdefg\"]")},
    {DROP, "string_utf16le_with_bom",              T("\xFF\xFE[\x00\"\x00\xE9\x00\"\x00]\x00")},
    {DROP, "string_utf16be_no_bom",                T("\x00[\x00\"\x00\xE9\x00\"\x00]")},
    {DROP, "string_invalid_utf8",                  T("[\"\xFF\"]")},
    {DROP, "string_iso_latin_1",                   T("[\"\xE9\"]")},
    {DROP, "string_lone_continuation_byte",        T("[\"\x81\"]")},
    {DROP, "string_overlong_2_bytes",              T("[\"\xC0\xAF\"]")},
    {DROP, "string_overlong_2_bytes_C1",           T("[\"\xC1\xBF\"]")},
    {DROP, "string_overlong_3_bytes",              T("[\"\xE0\x80\xAF\"]")},
    {DROP, "string_overlong_3_bytes_last",         T("[\"\xE0\x9F\xBF\"]")},
    {DROP, "string_overlong_4_bytes",              T("[\"\xF0\x80\x80\xAF\"]")},
    {DROP, "string_overlong_4_bytes_last",         T("[\"\xF0\x8F\xBF\xBF\"]")},
    {DROP, "string_overlong_6_bytes",              T("[\"\xFC\x83\xBF\xBF\xBF\xBF\"]")},
    {DROP, "string_overlong_nul",                  T("[\"\xC0\x80\"]")},
    {DROP, "string_truncated_utf8_2",              T("[\"\xC3\"]")},
    {DROP, "string_truncated_utf8_3",              T("[\"\xE0\xFF\"]")},
    {DROP, "string_truncated_utf8_4",              T("[\"\xF0\x9F\x98\"]")},
    {DROP, "string_truncated_at_the_end",          T("\"\xE2\x82")},
    {DROP, "string_utf8_surrogate_D800",           T("[\"\xED\xA0\x80\"]")},
    {DROP, "string_utf8_surrogate_DFFF",           T("[\"\xED\xBF\xBF\"]")},
    {DROP, "string_not_in_unicode_range",          T("[\"\xF4\xBF\xBF\xBF\"]")},
    {DROP, "string_just_over_10FFFF",              T("[\"\xF4\x90\x80\x80\"]")},
    {DROP, "string_first_byte_F5",                 T("[\"\xF5\x80\x80\x80\"]")},
    {TAKE, "string_utf8_before_the_surrogates",    T("[\"\xED\x9F\xBF\"]")},
    {TAKE, "string_utf8_behind_the_surrogates",    T("[\"\xEE\x80\x80\"]")},
    {TAKE, "string_utf8_first_of_2_bytes",         T("[\"\xC2\x80\"]")},
    {TAKE, "string_utf8_first_of_3_bytes",         T("[\"\xE0\xA0\x80\"]")},
    {TAKE, "string_utf8_first_of_4_bytes",         T("[\"\xF0\x90\x80\x80\"]")},
    /* the text as a whole */
    {Y, "structure_trailing_newline",        T("[\"a\"]\n")},
    {Y, "structure_whitespace_array",        T(" [] ")},
    {Y, "structure_every_white_space",       T(" \t\r\n1 \t\r\n")},
    {N, "structure_no_data",                 T("")},
    {N, "single_space",                      T(" ")},
    {N, "structure_U+2060_word_joined",      T("[\xE2\x81\xA0]")},
    {N, "structure_UTF8_BOM_no_data",        T("\xEF\xBB\xBF")},
    {DROP, "structure_UTF8_BOM_object",      T("\xEF\xBB\xBF{}")},
    {N, "structure_incomplete_UTF8_BOM",     T("\xEF\xBB{}")},
    {N, "structure_angle_bracket_.",         T("<.>")},
    {N, "structure_array_trailing_garbage",  T("[1]x")},
    {N, "structure_array_with_extra_close",  T("[1]]")},
    {N, "structure_ascii_identifier",        T("aA\xC3\xA5")},
    {N, "structure_close_unopened_array",    T("1]")},
    {N, "structure_comma_instead_of_closing",T("{\"x\": true,")},
    {N, "structure_double_array",            T("[][]")},
    {N, "structure_end_array",               T("]")},
    {N, "structure_end_object",              T("}")},
    {N, "structure_lone_open_bracket",       T("[")},
    {N, "structure_lone_open_brace",         T("{")},
    {N, "structure_null_byte_outside_string",T("[\x00]")},
    {N, "structure_nul_behind_the_value",    T("[1]\x00")},
    {N, "structure_number_with_garbage",     T("2@")},
    {N, "structure_object_unclosed",         T("{\"asd\":\"asd\"")},
    {N, "structure_object_with_comment",     T("{\"a\":/*comment*/\"b\"}")},
    {N, "structure_object_trailing_garbage", T("{\"a\": true} \"x\"")},
    {N, "structure_open_array_apostrophe",   T("['")},
    {N, "structure_open_array_comma",        T("[,")},
    {N, "structure_open_array_open_object",  T("[{")},
    {N, "structure_open_array_open_string",  T("[\"a")},
    {N, "structure_open_object_close_array", T("{]")},
    {N, "structure_open_object_comma",       T("{,")},
    {N, "structure_open_open",               T("[\"\\{[\"\\{[\"\\{[\"\\{")},
    {N, "structure_single_eacute",           T("\xE9")},
    {N, "structure_single_star",             T("*")},
    {N, "structure_trailing_hash",           T("{\"a\":\"b\"}#{}")},
    {N, "structure_two_values",              T("1 2")},
    {N, "structure_uescaped_LF_before",      T("[\\u000A\"\"]")},
    {N, "structure_unclosed_array_value",    T("[1")},
    {N, "structure_whitespace_U+00A0",       T("[\xC2\xA0]")},
    {N, "structure_whitespace_formfeed",     T("[\f]")},
    {N, "structure_whitespace_vertical_tab", T("[\v1]")},
    {N, "structure_html",                    T("<html><body>Sign in</body></html>")},
};
/* clang-format on */

static int parse_exact(const struct grammar_row *row, const struct json **v, struct fault *why)
{
    struct str text = exact((struct str){row->text, row->len});
    int checked = json_check(text, NULL);
    int parsed = json_parse(&arena, text, &wide, v, why);
    free((char *)text.p);
    if (checked != parsed) fail_msg("%s: check says %d, parse %d", row->name, checked, parsed);
    return parsed;
}

static void a_text_is_taken_exactly_when_it_is_json(void **state)
{
    assert_true(sizeof grammar / sizeof grammar[0] >= 150);
    for (size_t i = 0; i < sizeof grammar / sizeof grammar[0]; i++) {
        const struct grammar_row *row = &grammar[i];
        bool good = row->verdict == Y || row->verdict == TAKE;
        const struct json *v = NULL;
        struct fault why = {0};
        int err = parse_exact(row, &v, &why);
        if (good && err != TILLPOST_OK) fail_msg("%s is refused: %s", row->name, why.message);
        if (!good && err != TILLPOST_E_BAD_JSON) fail_msg("%s: %d, not bad_json", row->name, err);
        assert_int_equal(v != NULL, good);
        assert_int_equal(why.err, err);
        if (!good && strncmp(why.message, "line ", 5) != 0) fail_msg("%s: no line", row->name);
        arena_reset(&arena);
    }
}

/* Every text of the table, cut anywhere, is read to its end and no further (ASan looks on), and
 * what a cut text is taken for is taken again when written. */
static void a_text_cut_anywhere_is_read_within_its_bounds(void **state)
{
    for (size_t i = 0; i < sizeof grammar / sizeof grammar[0]; i++) {
        for (size_t len = 0; len < grammar[i].len; len++) {
            struct grammar_row cut = grammar[i];
            const struct json *v;
            cut.len = len;
            if (parse_exact(&cut, &v, NULL) == TILLPOST_OK) parse(written(v));
            arena_reset(&arena);
        }
    }
}

static void a_fault_names_line_column_and_rule(void **state)
{
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"", "line 1, column 1: the text ends where a value is expected"},
        {"[1,", "line 1, column 4: the text ends where a value is expected"},
        {"{\"a\":1,\n \"b\":tru}", "line 2, column 6: a value is expected: an object, an array, a "
                                   "string in double quotes, a number, true, false or null"},
        {"[1\n\n 2]", "line 3, column 2: a comma or ] is expected"},
        {"{\"a\":1\r\n}x", "line 2, column 2: nothing may follow the value"},
        {"{\"a\" 1}", "line 1, column 6: a colon is expected behind the key"},
        {"{\"a\":1 \"b\":2}", "line 1, column 8: a comma or } is expected"},
        {"{\"a\":1,}", "line 1, column 8: a key in double quotes is expected"},
        {"{a:1}", "line 1, column 2: a key in double quotes is expected"},
        {"[01]", "line 1, column 3: a number must not start with 0"},
        {"[-x]", "line 1, column 3: a digit is expected behind the minus sign"},
        {"[1.x]", "line 1, column 4: a digit is expected behind the decimal point"},
        {"[1e+]", "line 1, column 5: a digit is expected in the exponent"},
        {"[\"abc]", "line 1, column 2: the string does not end"},
        {"[\"a\nb\"]", "line 1, column 4: a control character in a string must be escaped"},
        {"[\"a\\qb\"]", "line 1, column 4: unknown escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t "
                        "\\uXXXX are allowed"},
        {"[\"\\u12\"]", "line 1, column 3: \\u needs four hex digits"},
        {"[\"\\u0000\"]", "line 1, column 3: \\u0000 is not allowed"},
        {"[\"\\ud800\"]",
         "line 1, column 3: half a surrogate pair: write both \\u escapes or the character"},
        {"[\"\xC3\xA9\xE9\"]", "line 1, column 5: not valid UTF-8"},
        {"\xEF\xBB\xBF{}",
         "line 1, column 1: a byte order mark is not allowed; save as UTF-8 without it"},
        {"{\"a\":1,\n\"b\":2,\n \"\\u0061\":3,\n\"b\":4}",
         "line 3, column 2: this key is in its object already"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault why = {0};
        assert_int_equal(json_check(str_from(rows[i].text), &why), TILLPOST_E_BAD_JSON);
        assert_string_equal(why.message, rows[i].message);
        assert_string_equal(why.path, "");
    }
}

static void limits_hold_to_the_very_value(void **state)
{
    static const struct json_limits limits = {.bytes_max = 40, .depth_max = 3, .values_max = 5};
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"1", NULL},
        {"[[[1,2]]]", NULL},
        {"{\"a\":{\"b\":{\"c\":1}}}", NULL},
        {"[[[[]]]]", "the JSON is nested deeper than 3 levels; flatten it"},
        {"{\"a\":[{\"b\":{}}]}", "the JSON is nested deeper than 3 levels; flatten it"},
        {"[1,2,3,4]", NULL},
        {"[1,2,3,4,5]", "the JSON has more than 5 values; send less at once"},
        {"{\"a\":1,\"b\":\"\",\"c\":null,\"d\":[]}", NULL},
        {"{\"a\":1,\"b\":\"\",\"c\":null,\"d\":[{}]}",
         "the JSON has more than 5 values; send less at once"},
        {"\"45678901234567890123456789012345678901\"", NULL},
        {"\"456789012345678901234567890123456789012\"",
         "the JSON has 41 bytes; at most 40 are allowed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json *v;
        struct fault why = {0};
        int err = json_parse(&arena, str_from(rows[i].text), &limits, &v, &why);
        assert_int_equal(err, rows[i].message == NULL ? TILLPOST_OK : TILLPOST_E_TOO_LARGE);
        assert_int_equal(v == NULL, err < 0);
        if (err < 0) assert_string_equal(why.message, rows[i].message);
        if (err < 0)
            assert_int_equal(
                json_parse_commented(&arena, str_from(rows[i].text), &limits, &v, NULL), err);
    }
}

static struct str nested(struct buf *text, size_t depth)
{
    buf_init(text, TEXT_MAX_BYTES);
    for (size_t i = 0; i < depth; i++) buf_add_char(text, '[');
    for (size_t i = 0; i < depth; i++) buf_add_char(text, ']');
    return buf_str(text);
}

static void a_thousand_levels_are_taken_and_no_more(void **state)
{
    struct buf text;
    const struct json *v;
    assert_int_equal(json_parse(&arena, nested(&text, 1000), &wide, &v, NULL), TILLPOST_OK);
    assert_string_equal(written(v), text.p);
    buf_free(&text);
    assert_int_equal(json_check(nested(&text, 1001), NULL), TILLPOST_E_TOO_LARGE);
    static const struct json_limits deeper = {TEXT_MAX_BYTES, 5000, 1 << 20};
    assert_int_equal(json_parse(&arena, buf_str(&text), &deeper, &v, NULL), TILLPOST_E_TOO_LARGE);
    buf_free(&text);
    assert_int_equal(json_check(nested(&text, 100000), NULL), TILLPOST_E_TOO_LARGE);
    buf_free(&text);
    buf_init(&text, TEXT_MAX_BYTES);
    for (int i = 0; i < 50000; i++) buf_add_z(&text, "[{\"\":");
    assert_int_equal(json_check(buf_str(&text), NULL), TILLPOST_E_TOO_LARGE);
    buf_free(&text);
}

/* Keys ---------------------------------------------------------------------------------------- */

enum { HOSTILE_BYTES = 500 * 1024 };

/* An object of about so many bytes, every key another. */
static struct str many_keys(struct buf *text, const char *format, size_t bytes)
{
    buf_init(text, TEXT_MAX_BYTES);
    buf_add_char(text, '{');
    for (unsigned i = 0; text->len < bytes; i++) {
        buf_printf(text, format, i);
        buf_add_char(text, ',');
    }
    buf_add_z(text, "\"last\":0}");
    return buf_str(text);
}

/* An object of n keys; then key number `twin` again, which is another one when twin is n. */
static struct str twin_keys(struct buf *text, unsigned n, unsigned twin)
{
    buf_init(text, TEXT_MAX_BYTES);
    buf_add_char(text, '{');
    for (unsigned i = 0; i < n; i++) buf_printf(text, "\"k%u\":0,", i);
    buf_printf(text, "\"k%u\":0}", twin);
    return buf_str(text);
}

static void a_repeated_key_is_found_among_any_number(void **state)
{
    for (unsigned n = 1; n < 200; n++) {
        for (unsigned twin = 0; twin <= n; twin += n < 40 ? 1 : 13) {
            struct buf text;
            struct str object = twin_keys(&text, n, twin);
            int expected = twin < n ? TILLPOST_E_BAD_JSON : TILLPOST_OK;
            if (json_check(object, NULL) != expected) fail_msg("%u keys, twin %u", n, twin);
            buf_free(&text);
        }
    }
}

/* cJSON resolves escapes on its own: what it makes of one is the same key as the escape. */
static void an_escape_and_its_character_are_one_key(void **state)
{
    for (unsigned point = 1; point <= 0x10FFFF; point += point < 0x10000 ? 1 : 0x3F1) {
        char escape[16], text[64];
        if (point >= 0xD800 && point <= 0xDFFF) continue;
        if (point < 0x10000) {
            snprintf(escape, sizeof escape, "\\u%04X", point);
        } else {
            snprintf(escape, sizeof escape, "\\u%04x\\u%04x", 0xD800 + ((point - 0x10000) >> 10),
                     0xDC00 + ((point - 0x10000) & 0x3FF));
        }
        snprintf(text, sizeof text, "{\"%s\":1}", escape);
        const char *character = json_key(json_first(parse(text))).p;
        assert_int_equal(str_utf8_char(str_from(character)), strlen(character));
        assert_true(str_is(json_raw_member(str_from(text), character), "1"));
        if (point < 0x20 || point == '"' || point == '\\') continue;
        snprintf(text, sizeof text, "{\"%s\":1,\"%s\":2}", escape, character);
        assert_int_equal(json_check(str_from(text), NULL), TILLPOST_E_BAD_JSON);
        arena_reset(&arena);
    }
}

/* 300 objects in one another, each with a, b and c; number `odd` from within ends with `extra`. */
static struct str open_objects(struct buf *text, unsigned odd, const char *extra)
{
    enum { OBJECTS = 300 };
    buf_init(text, TEXT_MAX_BYTES);
    for (unsigned i = 0; i < OBJECTS; i++) buf_add_z(text, "{\"a\":1,\"b\":2,\"c\":");
    buf_add_z(text, "{}");
    for (unsigned i = 0; i < OBJECTS; i++) buf_printf(text, "%s}", i == odd ? extra : "");
    return buf_str(text);
}

static void keys_of_open_objects_do_not_mix(void **state)
{
    for (unsigned odd = 0; odd < 300; odd += 23) {
        struct buf text;
        assert_int_equal(json_check(open_objects(&text, odd, ",\"d\":3"), NULL), TILLPOST_OK);
        buf_free(&text);
        assert_int_equal(json_check(open_objects(&text, odd, ",\"b\":3"), NULL),
                         TILLPOST_E_BAD_JSON);
        buf_free(&text);
    }
}

/* Pairs with one 32-bit FNV-1a hash, found by trying. */
static void keys_with_one_hash_are_still_two_keys(void **state)
{
    static const char pairs[] = "\"kekzhzf\":1,\"ksgaudv\":2,\"kgxafrc\":3,\"klmnxzd\":4";
    static const char more[] = ",\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0"
                               ",\"i\":0,\"j\":0,\"k\":0,\"l\":0,\"m\":0,\"n\":0,\"o\":0,\"p\":0";
    for (int many = 0; many <= 1; many++) {
        struct buf text;
        buf_init(&text, TEXT_MAX_BYTES);
        buf_printf(&text, "{%s%s}", pairs, many ? more : "");
        assert_int_equal(json_check(buf_str(&text), NULL), TILLPOST_OK);
        buf_clear(&text);
        buf_printf(&text, "{%s%s,\"kekzhzf\":5}", pairs, many ? more : "");
        assert_int_equal(json_check(buf_str(&text), NULL), TILLPOST_E_BAD_JSON);
        buf_free(&text);
    }
}

static void of_several_repeated_keys_the_first_is_named(void **state)
{
    for (unsigned n = 2; n < 60; n++) {
        struct buf text;
        struct fault why;
        buf_init(&text, TEXT_MAX_BYTES);
        buf_add_char(&text, '{');
        for (unsigned i = 0; i < n; i++) buf_printf(&text, "\"k%u\":0,\n", i);
        for (unsigned i = n; i > 0; i--) buf_printf(&text, "\"k%u\":0,\n", i - 1);
        buf_add_z(&text, "\"\":0}");
        assert_int_equal(json_check(buf_str(&text), &why), TILLPOST_E_BAD_JSON);
        char start[64];
        snprintf(start, sizeof start, "line %u, column 1: this key", n + 1);
        assert_memory_equal(why.message, start, strlen(start));
        buf_free(&text);
    }
}

static int64_t cpu_us(struct str object, int times)
{
    clock_t start = clock();
    for (int i = 0; i < times; i++) assert_int_equal(json_check(object, NULL), TILLPOST_OK);
    return (int64_t)(clock() - start) * 1000000 / CLOCKS_PER_SEC;
}

/* Ten times the keys cost about ten times the time: each with each would be a hundred times. */
static void half_a_megabyte_of_keys_costs_no_more_than_its_length(void **state)
{
    static const char *const formats[] = {
        "\"%x\":0",                                           /* as many as possible */
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%x\":0", /* long and alike */
        "\"\\u0061%x\":0",
    };
    enum { FACTOR = 10, SLACK = 4, NOISE_US = 20000 };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct buf small, large;
        struct str few = many_keys(&small, formats[i], HOSTILE_BYTES / FACTOR);
        struct str many = many_keys(&large, formats[i], HOSTILE_BYTES);
        assert_true(cpu_us(many, 1) < SLACK * cpu_us(few, FACTOR) + NOISE_US);
        buf_free(&small);
        buf_free(&large);
    }
}

static void without_memory_for_its_keys_a_text_is_not_checked(void **state)
{
    struct buf text;
    struct fault why = {0};
    struct str object = many_keys(&text, "\"%x\":0", HOSTILE_BYTES);
    if (!no_memory_begin()) {
        buf_free(&text);
        skip();
    }
    int err = json_check(object, &why);
    no_memory_end();
    assert_int_equal(err, TILLPOST_E_NO_MEMORY);
    assert_int_equal(why.err, TILLPOST_E_NO_MEMORY);
    buf_free(&text);
}

/* Raw text ------------------------------------------------------------------------------------ */

static void a_raw_member_is_the_text_of_its_value(void **state)
{
    static const struct {
        const char *object, *key, *raw;
    } rows[] = {
        {"{\"batch\":[1, 2],\"x\":3}", "batch", "[1, 2]"},
        {" { \"a\" : {\"batch\":0} , \"batch\" : [ ] } ", "batch", "[ ]"},
        {"{\"a\":\"}\",\"b\":\"x\\\"y\"}", "b", "\"x\\\"y\""},
        {"{\"a\":\"\\\\\",\"b\":true}", "b", "true"},
        {"{\"b\\u0061tch\":-1.5e3}", "batch", "-1.5e3"},
        {"{\"\\ud83d\\ude00\":null}", "\xF0\x9F\x98\x80", "null"},
        {"{\"a\":1}", "A", ""},
        {"{\"ab\":1}", "a", ""},
        {"{\"a\":1}", "ab", ""},
        {"{\"\":1}", "", "1"},
        {"{}", "a", ""},
        {"[\"a\",1]", "a", ""},
        {"\"a\"", "a", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str raw = json_raw_member(str_from(rows[i].object), rows[i].key);
        if (!str_is(raw, rows[i].raw)) fail_msg("%s in %s", rows[i].key, rows[i].object);
    }
}

static void raw_items_are_stepped_through_in_order(void **state)
{
    static const struct {
        const char *array, *items;
    } rows[] = {
        {"[]", ""},
        {" [ ] ", ""},
        {"[1]", "1;"},
        {" [ 1 , \"a,b\" ,\n[2,[3]],{\"a\":[4,5]} , null ]",
         "1;\"a,b\";[2,[3]];{\"a\":[4,5]};null;"},
        {"[\"]\",\"\\\"]\"]", "\"]\";\"\\\"]\";"},
        {"[[],{},[{}]]", "[];{};[{}];"},
        {"{\"a\":1}", ""},
        {"7", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf items;
        struct str item;
        size_t pos = 0;
        buf_init(&items, TEXT_MAX_BYTES);
        while (json_raw_next(str_from(rows[i].array), &pos, &item)) {
            buf_add_str(&items, item);
            buf_add_char(&items, ';');
        }
        assert_true(str_is(buf_str(&items), rows[i].items));
        buf_free(&items);
    }
}

/* For every text, JSON or not: no read outside (ASan), no endless loop, items inside the text. */
static void walking_any_text_stays_inside_it(void **state)
{
    static const char *const path[] = {"a", "1", "b"};
    for (size_t i = 0; i < sizeof grammar / sizeof grammar[0]; i++) {
        for (size_t len = 0; len <= grammar[i].len; len++) {
            struct str text = exact((struct str){grammar[i].text, len});
            struct str item = json_raw_member(text, "a");
            assert_true(item.len <= text.len);
            size_t pos = 0, last = 0;
            while (json_raw_next(text, &pos, &item)) {
                assert_true(pos > last && pos <= text.len && item.p >= text.p);
                last = pos;
            }
            assert_true(json_line_of(text, path, 1) < 5 && json_line_of(text, path, 3) < 5);
            free((char *)text.p);
        }
    }
}

static void a_configuration_key_is_found_on_its_line(void **state)
{
    static const char text[] = "// \"tiktok\": {\n"
                               "{ /* \"a\":1\n"
                               "   */ \"tiktok\": {\n"
                               "    \"event_set_id\": \"7\", // {\"endpoint\"\n"
                               "    \"endpoint\": \"https://x//y\",\n"
                               "  },\n"
                               "  \"mappings\": { \"custom\": [ {\"name\": 1},\n"
                               "     {\"name\":\n"
                               "        2}] },\n"
                               "  \"none\": [[], 1]\n"
                               "}\n";
    static const struct {
        const char *keys[4];
        unsigned line;
    } rows[] = {
        {{"tiktok"}, 3},
        {{"tiktok", "event_set_id"}, 4},
        {{"tiktok", "endpoint"}, 5},
        {{"tiktok", "missing"}, 0},
        {{"missing", "endpoint"}, 0},
        {{"mappings"}, 7},
        {{"mappings", "custom"}, 7},
        {{"mappings", "custom", "0", "name"}, 7},
        {{"mappings", "custom", "1"}, 8},
        {{"mappings", "custom", "1", "name"}, 8},
        {{"mappings", "custom", "2"}, 0},
        {{"mappings", "custom", "x"}, 0},
        {{"none", "0"}, 10},
        {{"none", "0", "0"}, 0},
        {{"none", "0", "1"}, 0},
        {{"none", "1"}, 10},
        {{"tiktok", "event_set_id", "x"}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = 0;
        while (n < 4 && rows[i].keys[n] != NULL) n++;
        assert_int_equal(json_line_of(STR(text), rows[i].keys, n), rows[i].line);
    }
    assert_int_equal(json_line_of(STR(text), rows[0].keys, 0), 0);
}

/* Comments ------------------------------------------------------------------------------------ */

static void comments_are_blanks_and_strings_keep_theirs(void **state)
{
    static const struct {
        const char *text, *out; /* out is the value written, or the message */
    } rows[] = {
        {"// a\n{\"a\": 1} // b", "{\"a\":1}"},
        {"{/* \"x\": */\"a\"/**/:/***/1/* * / */}", "{\"a\":1}"},
        {"{\"url\":\"https://x/*y*/\",\"e\":\"\\\"//\"}",
         "{\"url\":\"https://x/*y*/\",\"e\":\"\\\"//\"}"},
        {"[1/* \n */,2]// \xE9\xFF", "[1,2]"},
        {"[1,// \"\n2]", "[1,2]"},
        {"// [\r\n1", "1"},
        {"1/**/2", "line 1, column 6: nothing may follow the value"},
        {"[1,\n/* 2]", "line 2, column 1: the comment does not end"},
        {"[1]/*/", "line 1, column 4: the comment does not end"},
        {"/*\n\n*/ x", "line 3, column 4: a value is expected: an object, an array, a string in "
                       "double quotes, a number, true, false or null"},
        {"[1] / 2", "line 1, column 5: nothing may follow the value"},
        {"[1, // x", "line 1, column 9: the text ends where a value is expected"},
        {"{\"a\":1,// x\n\"a\":2}", "line 2, column 1: this key is in its object already"},
        {"[\"a//b]", "line 1, column 2: the string does not end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json *v;
        struct fault why = {0};
        struct str text = exact(str_from(rows[i].text));
        int err = json_parse_commented(&arena, text, &wide, &v, &why);
        assert_string_equal(err < 0 ? why.message : written(v), rows[i].out);
        free((char *)text.p);
    }
}

/* Trees --------------------------------------------------------------------------------------- */

static void a_tree_is_walked_as_it_was_written(void **state)
{
    const struct json *v = parse("{\"a\":[1.5,\"x\\u00e9\",true,false,null,{}],\"A\":2,\"\":\"\"}");
    assert_int_equal(json_type(v), JSON_OBJECT);
    assert_int_equal(json_count(v), 3);
    const struct json *a = json_get(v, "a");
    assert_int_equal(json_type(a), JSON_ARRAY);
    assert_int_equal(json_count(a), 6);
    assert_true(json_number(json_at(a, 0)) == 1.5);
    assert_true(str_is(json_string(json_at(a, 1)), "x\xC3\xA9"));
    assert_int_equal(json_type(json_at(a, 2)), JSON_TRUE);
    assert_int_equal(json_type(json_at(a, 3)), JSON_FALSE);
    assert_int_equal(json_type(json_at(a, 4)), JSON_NULL);
    assert_int_equal(json_count(json_at(a, 5)), 0);
    assert_null(json_at(a, 6));
    assert_null(json_next(json_at(a, 5)));
    const struct json *second = json_next(json_first(v));
    assert_true(str_is(json_key(second), "A"));
    assert_true(json_number(second) == 2);
    assert_ptr_equal(json_get(v, ""), json_next(second));
}

static void keys_are_looked_up_to_the_letter(void **state)
{
    const struct json *v = parse("{\"Email\":1,\"email\":2,\"e\":3}");
    assert_true(json_number(json_get(v, "email")) == 2);
    assert_true(json_number(json_get(v, "Email")) == 1);
    assert_null(json_get(v, "EMAIL"));
    assert_null(json_get(v, "emai"));
    assert_null(json_get(v, ""));
    assert_null(json_get_str(v, (struct str){"email", 0}));
    assert_non_null(json_get_str(parse("{\"\":1}"), (struct str){"email", 0}));
    assert_true(json_number(json_get_str(v, (struct str){"email", 1})) == 3);
    assert_null(json_get_str(v, (struct str){"e\0mail", 6}));
    assert_null(json_get(parse("[{\"a\":1}]"), "a"));
    assert_null(json_get(parse("[1]"), "")); /* items have no key, which is not an empty one */
}

static void asking_a_value_for_what_it_is_not_gives_nothing(void **state)
{
    const struct json *text = parse("\"7\""), *number = parse("7"), *object = parse("{\"0\":1}");
    assert_int_equal(json_string(number).len, 0);
    assert_non_null(json_string(number).p);
    assert_true(json_number(text) == 0);
    assert_int_equal(json_count(text), 0);
    assert_null(json_at(object, 0));
    assert_null(json_first(number));
    assert_int_equal(json_key(number).len, 0);
    assert_int_equal(json_type(NULL), JSON_NULL);
    assert_false(json_is(NULL, JSON_NULL));
    assert_true(json_is(parse("null"), JSON_NULL));
    assert_null(json_get(NULL, "a"));
    assert_null(json_at(NULL, 0));
    assert_null(json_next(NULL));
    assert_int_equal(json_string(NULL).len, 0);
    assert_int_equal(json_key(NULL).len, 0);
    assert_true(json_number(NULL) == 0);
}

static void a_tree_is_built_and_written(void **state)
{
    struct json *object = json_new_object(&arena), *array = json_new_array(&arena);
    assert_true(json_add(array, json_new_null(&arena)));
    assert_true(json_add(array, json_new_bool(&arena, true)));
    assert_true(json_add(array, json_new_bool(&arena, false)));
    assert_true(json_add(array, json_new_number(&arena, -0.5)));
    assert_true(json_add(array, json_new_string(&arena, (struct str){"abc", 2})));
    assert_true(json_set(&arena, object, (struct str){"key", 1}, array));
    assert_true(json_set(&arena, object, STR("o\n"), json_new_object(&arena)));
    assert_string_equal(written(object), "{\"k\":[null,true,false,-0.5,\"ab\"],\"o\\n\":{}}");
}

static void setting_a_key_again_replaces_it_in_place(void **state)
{
    static const struct {
        const char *key, *out;
    } rows[] = {
        {"a", "{\"a\":9,\"b\":2,\"c\":3}"},         {"b", "{\"a\":1,\"b\":9,\"c\":3}"},
        {"c", "{\"a\":1,\"b\":2,\"c\":9}"},         {"d", "{\"a\":1,\"b\":2,\"c\":3,\"d\":9}"},
        {"A", "{\"a\":1,\"b\":2,\"c\":3,\"A\":9}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json *object = json_new_object(&arena);
        static const char *const keys[] = {"a", "b", "c"};
        for (int k = 0; k < 3; k++) {
            json_set(&arena, object, str_from(keys[k]), json_new_number(&arena, k + 1));
        }
        assert_true(json_set(&arena, object, str_from(rows[i].key), json_new_number(&arena, 9)));
        assert_string_equal(written(object), rows[i].out);
        assert_true(json_set(&arena, object, STR("z"), json_new_null(&arena)));
        assert_int_equal(json_count(object),
                         rows[i].key[0] == 'd' || rows[i].key[0] == 'A' ? 5 : 4);
    }
}

static void keys_are_replaced_one_after_another(void **state)
{
    static const char *const orders[] = {"abc", "acb", "bac", "bca", "cab", "cba"};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct json *object = json_new_object(&arena);
        for (int round = 0; round < 3; round++) {
            for (int k = 0; k < 3; k++) {
                struct str key = {round == 0 ? &"abc"[k] : &orders[i][k], 1};
                json_set(&arena, object, key, json_new_number(&arena, round * 10 + *key.p - 'a'));
            }
        }
        assert_string_equal(written(object), "{\"a\":20,\"b\":21,\"c\":22}");
    }
}

static void a_replacement_may_hold_what_it_replaces(void **state)
{
    struct json *object = json_new_object(&arena);
    json_set(&arena, object, STR("a"), json_ref(&arena, parse("{\"x\":[1,2]}")));
    struct json *wrapped = json_new_array(&arena);
    assert_true(json_add(wrapped, json_ref(&arena, json_get(object, "a"))));
    assert_true(json_set(&arena, object, STR("a"), wrapped));
    assert_string_equal(written(object), "{\"a\":[{\"x\":[1,2]}]}");
}

static void an_appended_key_is_borrowed_and_a_key_like_any_other(void **state)
{
    static const char key[] = "a";
    const struct json *source = parse("{\"\":1,\"ab\":2}");
    struct json *object = json_new_object(&arena);
    assert_true(json_append(object, STR(key), json_new_number(&arena, 3)));
    assert_ptr_equal(json_key(json_first(object)).p, key);
    for (const struct json *m = json_first(source); m != NULL; m = json_next(m)) {
        assert_true(json_append(object, json_key(m), json_ref(&arena, m)));
    }
    assert_string_equal(written(object), "{\"a\":3,\"\":1,\"ab\":2}");
    assert_true(json_set(&arena, object, STR("a"), json_new_null(&arena)));
    assert_true(json_set(&arena, object, STR(""), json_new_null(&arena)));
    assert_string_equal(written(object), "{\"a\":null,\"\":null,\"ab\":2}");
    assert_true(json_number(json_get(object, "ab")) == 2);
    assert_string_equal(written(source), "{\"\":1,\"ab\":2}");
}

static void one_value_stands_in_two_trees(void **state)
{
    static const char *const texts[] = {"{\"x\":[1,{}]}", "[1,[2]]", "\"text\"", "1.25", "true",
                                        "false",          "null",    "[]",       "{}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct buf text;
        buf_init(&text, TEXT_MAX_BYTES);
        buf_printf(&text, "{\"k\":%s,\"l\":1}", texts[i]);
        const struct json *source = parse(text.p);
        struct json *array = json_new_array(&arena);
        size_t before = arena.used_bytes;
        assert_true(json_add(array, json_ref(&arena, json_get(source, "k"))));
        assert_true(arena.used_bytes - before <= 128);
        assert_true(json_add(array, json_ref(&arena, json_get(source, "k"))));
        assert_string_equal(written(source), text.p);
        buf_clear(&text);
        buf_printf(&text, "[%s,%s]", texts[i], texts[i]);
        assert_string_equal(written(array), text.p);
        buf_free(&text);
    }
    assert_null(json_ref(&arena, NULL));
}

static void a_full_arena_is_an_error_and_never_a_crash(void **state)
{
    static const char text[] =
        "{\"a\":[1,2.5,\"x\",{\"b\":null}],\"c\":\"yyyyyyyyyyyyyyyyyyyyyy\"}";
    bool parsed = false;
    for (size_t max_bytes = 0; !parsed; max_bytes += 16) {
        struct arena small;
        const struct json *v;
        struct fault why = {0};
        arena_init(&small, 64, max_bytes);
        int err = max_bytes % 32 == 0 ? json_parse(&small, STR(text), &wide, &v, &why)
                                      : json_parse_commented(&small, STR(text), &wide, &v, &why);
        parsed = err == TILLPOST_OK;
        assert_true(parsed || err == TILLPOST_E_NO_MEMORY);
        assert_int_equal(v != NULL, parsed);
        assert_int_equal(why.err, err);
        arena_free(&small);
    }
}

static void building_in_a_full_arena_gives_null_and_false(void **state)
{
    struct json *object = json_new_object(&arena), *array = json_new_array(&arena);
    struct arena full;
    arena_init(&full, 64, 0);
    assert_null(json_new_null(&full));
    assert_null(json_new_bool(&full, true));
    assert_null(json_new_number(&full, 1));
    assert_null(json_new_string(&full, STR("x")));
    assert_null(json_new_array(&full));
    assert_null(json_new_object(&full));
    assert_null(json_ref(&full, object));
    assert_false(json_add(array, NULL));
    assert_false(json_set(&arena, object, STR("a"), NULL));
    assert_false(json_set(&full, object, STR("a"), array));
    assert_false(json_append(object, STR("a"), NULL));
    assert_false(json_append(NULL, STR("a"), json_new_null(&arena)));
    assert_false(json_add(NULL, json_new_null(&arena)));
    assert_false(json_set(&arena, NULL, STR("a"), json_new_null(&arena)));
    assert_string_equal(written(object), "{}");
    arena_free(&full);
}

/* Text out ------------------------------------------------------------------------------------ */

static void strings_are_escaped_as_little_as_json_allows(void **state)
{
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {
        {{"", 0}, "\"\""},
        {{"plain /text", 11}, "\"plain /text\""},
        {{"\"\\", 2}, "\"\\\"\\\\\""},
        {{"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
        {{"\x01\x1F\x7F", 3}, "\"\\u0001\\u001f\x7F\""},
        {{"a\0b", 3}, "\"a\\u0000b\""},
        {{"\xC3\xA9\xF0\x9F\x98\x80", 6}, "\"\xC3\xA9\xF0\x9F\x98\x80\""},
        {{"x\ny", 3}, "\"x\\ny\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out;
        buf_init(&out, TEXT_MAX_BYTES);
        json_write_string(&out, rows[i].in);
        assert_string_equal(out.p, rows[i].out);
        buf_free(&out);
    }
}

/* Strings are looked at in words of eight bytes. */
static void every_byte_of_a_string_is_seen_wherever_it_stands(void **state)
{
    enum { AT_MAX = 20, TAIL_BYTES = 9 };
    for (size_t at = 0; at <= AT_MAX; at++) {
        for (int byte = 1; byte <= 0xFF; byte++) {
            char text[AT_MAX + TAIL_BYTES + 4] = "\"";
            memset(text + 1, 'a', at + 1 + TAIL_BYTES);
            text[1 + at] = (char)byte;
            text[2 + at + TAIL_BYTES] = '"';
            struct str plain = {text + 1, at + 1 + TAIL_BYTES};
            bool needs_no_look = byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';
            bool taken = json_check((struct str){text, plain.len + 2}, NULL) == TILLPOST_OK;
            if (taken != needs_no_look) fail_msg("0x%02x at %zu is read", (unsigned)byte, at);
            struct buf out;
            buf_init(&out, sizeof text * 6);
            json_write_string(&out, plain);
            if (byte < 0x80 && !str_equal(json_string(parse(out.p)), plain))
                fail_msg("0x%02x at %zu is written as %s", (unsigned)byte, at, out.p);
            buf_free(&out);
            arena_reset(&arena);
        }
    }
}

static void what_is_written_is_read_again_as_the_same(void **state)
{
    for (size_t i = 0; i < sizeof grammar / sizeof grammar[0]; i++) {
        const struct json *v;
        if (parse_exact(&grammar[i], &v, NULL) < 0) continue;
        const char *once = written(v);
        assert_string_equal(written(parse(once)), once);
    }
}

static void numbers_go_out_with_15_digits_at_most(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"0", "0"},
        {"-0", "0"},
        {"-0.0", "0"},
        {"7", "7"},
        {"-7", "-7"},
        {"10", "10"},
        {"1e2", "100"},
        {"1.0", "1"},
        {"19.90", "19.9"},
        {"19.899999999999999", "19.9"},
        {"32.839999999999996", "32.84"},
        {"0.1", "0.1"},
        {"0.30000000000000004", "0.3"},
        {"59.699999999999996", "59.7"},
        {"-1234.5678", "-1234.5678"},
        {"0.01", "0.01"},
        {"0.00001", "1e-05"},
        {"4503599627370496", "4.5035996273705e+15"},
        {"99999999999999", "99999999999999"},
        {"999999999999999", "999999999999999"},
        {"-999999999999999", "-999999999999999"},
        {"1000000000000000", "1e+15"},
        {"9999999999999.99", "9999999999999.99"},
        {"99999999999999.9", "99999999999999.9"},
        {"999999999999.999", "999999999999.999"},
        {"999999999999999.9", "1e+15"},
        {"1761991200000", "1761991200000"},
        {"1e308", "1e+308"},
        {"1e400", "null"},
        {"-1e400", "null"},
        {"1e-400", "0"},
        {"-1e-400", "0"},
        {"2.5e-308", "2.5e-308"},
        {"123456789012345678", "1.23456789012346e+17"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(written(parse(rows[i].in)), rows[i].out);
    }
    struct json *nan = json_new_number(&arena, NAN);
    assert_string_equal(written(nan), "null");
}

/* Amounts: as they came in, so they go out ---------------------------------------------------- */

enum { AMOUNTS_IN_CI = 100000, AMOUNTS_IN_SOAK = 1000000 };

static void the_measure_of_amounts_itself_is_right(void **state)
{
    assert_true(amount_is_same("19.90", "19.9"));
    assert_true(amount_is_same("0.00001", "1e-05"));
    assert_true(amount_is_same("100", "1e+02"));
    assert_true(amount_is_same("-0.0", "0"));
    assert_true(amount_is_same("10.0", "10"));
    assert_false(amount_is_same("19.9", "19.91"));
    assert_false(amount_is_same("19.9", "1.99"));
    assert_false(amount_is_same("19.9", "-19.9"));
    assert_false(amount_is_same("0.01", "0.001"));
    assert_false(amount_is_same("1", "10"));
    assert_false(amount_is_same("19.9", "19.899999999999999"));
}

static void random_amounts_come_out_as_they_went_in(void **state)
{
    const char *seed_text = getenv("TILLPOST_SEED");
    uint64_t first = seed_text == NULL ? 20261101 : strtoull(seed_text, NULL, 10);
    uint64_t seed = first;
    int n = getenv("TILLPOST_SOAK") == NULL ? AMOUNTS_IN_CI : AMOUNTS_IN_SOAK;
    for (int i = 0; i < n; i++) {
        char amount[AMOUNT_BYTES];
        amount_make(&seed, amount);
        const char *out = written(parse(amount));
        if (!amount_is_same(amount, out)) {
            fail_msg("%s comes out as %s (TILLPOST_SEED=%llu, number %d)", amount, out,
                     (unsigned long long)first, i);
        }
        arena_reset(&arena);
    }
}

/* Most are written without printf(3): in the same digits. */
static void a_number_is_written_as_printf_writes_15_digits(void **state)
{
    static const double powers[] = {1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e9, 1e12};
    uint64_t seed = 11;
    for (int i = 0; i < 20000; i++) {
        uint64_t digits = amount_chance(&seed) >> (amount_chance(&seed) % 60);
        double d = (double)digits / powers[(size_t)i % (sizeof powers / sizeof powers[0])];
        char expected[32];
        struct buf out;
        buf_init(&out, sizeof expected);
        if (i % 3 == 0) d = nextafter(d, i % 2 ? 0 : HUGE_VAL);
        if (i % 2 == 0) d = -d;
        snprintf(expected, sizeof expected, "%.15g", d == 0 ? 0 : d);
        json_write_number(&out, d);
        assert_string_equal(out.p, expected);
        buf_free(&out);
    }
}

/* A till that adds up cents in binary: the noise is gone when the sum goes out. */
static void the_noise_of_sums_in_binary_does_not_go_out(void **state)
{
    uint64_t seed = 7;
    for (int i = 0; i < 10000; i++) {
        double sum = 0;
        int64_t cents = 0;
        for (int item = 0; item < 20; item++) {
            int64_t price = (int64_t)(amount_chance(&seed) % 100000);
            cents += price;
            sum += (double)price / 100;
        }
        char noisy[32], clean[32];
        snprintf(noisy, sizeof noisy, "%.17g", sum);
        snprintf(clean, sizeof clean, "%lld.%02d", (long long)cents / 100, (int)(cents % 100));
        const char *out = written(parse(noisy));
        if (!amount_is_same(out, clean)) fail_msg("%s comes out as %s, not %s", noisy, out, clean);
        arena_reset(&arena);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)
    static const struct CMUnitTest tests[] = {
        TEST(a_text_is_taken_exactly_when_it_is_json),
        TEST(a_text_cut_anywhere_is_read_within_its_bounds),
        TEST(a_fault_names_line_column_and_rule),
        TEST(limits_hold_to_the_very_value),
        TEST(a_thousand_levels_are_taken_and_no_more),
        TEST(a_repeated_key_is_found_among_any_number),
        TEST(an_escape_and_its_character_are_one_key),
        TEST(keys_of_open_objects_do_not_mix),
        TEST(keys_with_one_hash_are_still_two_keys),
        TEST(of_several_repeated_keys_the_first_is_named),
        TEST(half_a_megabyte_of_keys_costs_no_more_than_its_length),
        TEST(without_memory_for_its_keys_a_text_is_not_checked),
        TEST(a_raw_member_is_the_text_of_its_value),
        TEST(raw_items_are_stepped_through_in_order),
        TEST(walking_any_text_stays_inside_it),
        TEST(a_configuration_key_is_found_on_its_line),
        TEST(comments_are_blanks_and_strings_keep_theirs),
        TEST(a_tree_is_walked_as_it_was_written),
        TEST(keys_are_looked_up_to_the_letter),
        TEST(asking_a_value_for_what_it_is_not_gives_nothing),
        TEST(a_tree_is_built_and_written),
        TEST(setting_a_key_again_replaces_it_in_place),
        TEST(keys_are_replaced_one_after_another),
        TEST(a_replacement_may_hold_what_it_replaces),
        TEST(an_appended_key_is_borrowed_and_a_key_like_any_other),
        TEST(one_value_stands_in_two_trees),
        TEST(a_full_arena_is_an_error_and_never_a_crash),
        TEST(building_in_a_full_arena_gives_null_and_false),
        TEST(strings_are_escaped_as_little_as_json_allows),
        TEST(every_byte_of_a_string_is_seen_wherever_it_stands),
        TEST(what_is_written_is_read_again_as_the_same),
        TEST(numbers_go_out_with_15_digits_at_most),
        TEST(the_measure_of_amounts_itself_is_right),
        TEST(random_amounts_come_out_as_they_went_in),
        TEST(a_number_is_written_as_printf_writes_15_digits),
        TEST(the_noise_of_sums_in_binary_does_not_go_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
