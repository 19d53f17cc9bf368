/* unicode_test.c: trimming and lower-casing, as JavaScript does both. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tiktok/lowercase.h"
#include "tiktok/unicode.h"

#include <string.h>

static void assert_text(struct str got, const char *expected)
{
    assert_int_equal(got.len, strlen(expected));
    assert_memory_equal(got.p, expected, got.len);
}

static void trimming_takes_what_javascript_calls_white_space(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", ""},
        {" \t\n\v\f\r", ""},
        {"  a b  ", "a b"},
        {"\u00A0 a\u00A0", "a"},                    /* no-break space */
        {"\uFEFFa\uFEFF", "a"},                     /* byte order mark */
        {"\u1680a\u2000", "a"},                     /* ogham space, en quad */
        {"\u200Aa\u2028\u2029", "a"},               /* hair space, line, paragraph */
        {"\u202Fa\u205F\u3000", "a"},               /* narrow, mathematical, ideographic */
        {"\u200Ba\u200B", "\u200Ba\u200B"},         /* zero-width space is none */
        {"\xC2\x85.\xC2\x85", "\xC2\x85.\xC2\x85"}, /* next line is none */
        {" \x80 ", "\x80"},                         /* no UTF-8, no white space */
        {" \xE2\x80", "\xE2\x80"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str text = str_from(rows[i].text);
        assert_text(unicode_trim(text), rows[i].expected);
        assert_int_equal(unicode_is_blank(text), rows[i].expected[0] == '\0');
    }
}

static void lower_case_is_that_of_javascript(void **state)
{
    /* Each right side is what Node's toLowerCase made of the left. */
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", ""},
        {"Jane.DOE+x@Example.COM[]", "jane.doe+x@example.com[]"},
        {"J\u00DCRGEN@EX\u00C4MPLE.DE", "j\u00FCrgen@ex\u00E4mple.de"},
        {"STRA\u00DFE \u1E9E", "stra\u00DFe \u00DF"},
        {"\u0130STANBUL", "i\u0307stanbul"}, /* dotted capital I */
        {"KIN \u212A", "kin k"},             /* Kelvin sign: three bytes to one */
        {"\u023A", "\u2C65"},                /* two bytes to three */
        {"\U00010400", "\U00010428"},        /* Deseret, four bytes */
        {"\u0418\u0412\u0410\u041D", "\u0438\u0432\u0430\u043D"},
        {"\u01C5 \u01C4", "\u01C6 \u01C6"},           /* title case and capital */
        {"\u0100\u0101\u0102", "\u0101\u0101\u0103"}, /* every second one */
        {"\u0378", "\u0378"},                         /* not assigned */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[64];
        long len = unicode_lower(str_from(rows[i].text), out, sizeof out);
        assert_true(len >= 0);
        assert_text((struct str){out, (size_t)len}, rows[i].expected);
    }
}

#define CAPITAL "\u03A3"
#define SMALL   "\u03C3"
#define FINAL   "\u03C2"

static void a_sigma_that_ends_a_word_is_a_final_one(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"\u039F\u0394\u039F" CAPITAL, "\u03BF\u03B4\u03BF" FINAL},
        {CAPITAL, SMALL}, /* nothing before it */
        {"A" CAPITAL "A", "a" SMALL "a"},
        {"A" CAPITAL ".A", "a" SMALL ".a"}, /* a full stop is ignorable */
        {"A" CAPITAL " A", "a" FINAL " a"},
        {"A." CAPITAL, "a." FINAL},
        {"1" CAPITAL, "1" SMALL},
        {"A" CAPITAL "\u0301", "a" FINAL "\u0301"}, /* a combining accent is ignorable */
        {"A" CAPITAL "@B.GR", "a" FINAL "@b.gr"},
        {"A" CAPITAL CAPITAL, "a" SMALL FINAL},
        {"\u02B0" CAPITAL, "\u02B0" SMALL}, /* with case, but ignorable */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[32];
        long len = unicode_lower(str_from(rows[i].text), out, sizeof out);
        assert_true(len >= 0);
        assert_text((struct str){out, (size_t)len}, rows[i].expected);
    }
}

static void what_does_not_fit_or_is_no_utf8_is_refused(void **state)
{
    static const struct {
        const char *text;
        size_t room;
        long expected;
    } rows[] = {
        {"ABC", 3, 3},           {"ABC", 2, -1},
        {"\u023A", 3, 3},        {"\u023A", 2, -1},
        {"\u0130", 3, 3},        {"\u0130", 2, -1},
        {"A\xFF", 8, -1},        {"\xC3", 8, -1},
        {"\xED\xA0\x80", 8, -1}, /* a surrogate */
        {"\xC0\x80", 8, -1},     {"\xF5\x80\x80\x80", 8, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[8];
        assert_int_equal(unicode_lower(str_from(rows[i].text), out, rows[i].room),
                         rows[i].expected);
    }
}

/* Unicode 15.1. Python 3.13 says, over all code points but surrogates:
 *   n += chr(c).lower() != chr(c); h = (31 * h + ord(chr(c).lower()[0])) modulo 2**32 */
static const uint32_t mapped_expected = 1433, digest_expected = 1555517072U;

static size_t put_utf8(uint32_t code, char out[4])
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i-- > 1; code >>= 6) {
        out[i] = (char)(0x80 | (code & 0x3F));
    }
    out[0] = (char)(lead[n] | code);
    return n;
}

static void every_code_point_has_its_lower_case(void **state)
{
    uint32_t mapped = 0, digest = 0;
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code >= 0xD800 && code < 0xE000) continue;
        char in[4], out[8];
        uint32_t lower = 0;
        struct str text = {in, put_utf8(code, in)};
        long len = unicode_lower(text, out, sizeof out);
        assert_true(len > 0);
        (void)unicode_next((struct str){out, (size_t)len}, &lower);
        mapped += lower != code;
        digest = digest * 31 + lower;
    }
    assert_int_equal(mapped, mapped_expected);
    assert_int_equal(digest, digest_expected);
}

static void ranges_ascend_and_never_overlap(void **state)
{
    const struct lowercase_set *sets[] = {&lowercase_upper, &lowercase_cased, &lowercase_ignorable};
    for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++) {
        uint32_t next = 0;
        for (size_t i = 0; i < sets[s]->count; i++) {
            uint32_t first = sets[s]->ranges[i] >> LOWERCASE_FIRST_SHIFT;
            assert_true(first >= next);
            next = first + (sets[s]->ranges[i] >> 1 & LOWERCASE_SPAN_MASK) + 1;
        }
        assert_true(next > 0x1E000 && next <= 0x110000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trimming_takes_what_javascript_calls_white_space),
        cmocka_unit_test(lower_case_is_that_of_javascript),
        cmocka_unit_test(a_sigma_that_ends_a_word_is_a_final_one),
        cmocka_unit_test(what_does_not_fit_or_is_no_utf8_is_refused),
        cmocka_unit_test(every_code_point_has_its_lower_case),
        cmocka_unit_test(ranges_ascend_and_never_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
