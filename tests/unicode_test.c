/* unicode_test.c: trimming and changing the case, as JavaScript does both. */
#include "testing.h"

#include "base/unicode.h"
#include "base/unicode_table.h"

static void assert_text(struct str got, const char *expected)
{
    if (!str_is(got, expected)) {
        fail_msg("\"%.*s\", not \"%s\"", (int)got.len, got.p, expected);
    }
}

static void assert_written(void (*change)(struct buf *, struct str), const char *text,
                           const char *expected)
{
    struct buf out;
    buf_init(&out, 1000);
    change(&out, str_from(text));
    assert_false(out.failed);
    assert_text(buf_str(&out), expected);
    buf_free(&out);
}

/* Both ways to lower case. */
static void assert_lower(const char *text, const char *expected)
{
    char out[64];
    long len = unicode_lower(str_from(text), out, sizeof out);
    assert_true(len >= 0);
    assert_text((struct str){out, (size_t)len}, expected);
    assert_written(unicode_write_lower, text, expected);
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

static const struct {
    const char *text;
    bool blank;
} blanks[] = {
    {"", true},
    {" ", true},
    {" \t\r\n\v\f", true},
    {"\xC2\xA0", true},                  /* no-break space */
    {" \xE2\x80\x89\xE3\x80\x80", true}, /* thin, ideographic */
    {"\xEF\xBB\xBF", true},              /* byte order mark */
    {"\xE2\x80\x8B", false},             /* a zero-width space is none for JavaScript */
    {"a", false},
    {"0", false},
    {"  a", false},
    {"é", false},
    {"\x7F", false},
};

static void only_white_space_is_blank(void **state)
{
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++) {
        if (unicode_is_blank(str_from(blanks[i].text)) != blanks[i].blank) {
            fail_msg("row %zu \"%s\"", i, blanks[i].text);
        }
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
        assert_lower(rows[i].text, rows[i].expected);
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
        assert_lower(rows[i].text, rows[i].expected);
    }
}

/* What node 20 makes of them. */
static const struct {
    const char *text, *lower, *upper;
} cases[] = {
    {"", "", ""},
    {"ABC xyz 09 @[`{", "abc xyz 09 @[`{", "ABC XYZ 09 @[`{"},
    {"JÜRGEN@EXÄMPLE.DE", "jürgen@exämple.de", "JÜRGEN@EXÄMPLE.DE"},
    {"straße", "straße", "STRASSE"},
    {"STRAẞE", "straße", "STRAẞE"},
    {"ŒUVRE ÿ Ÿ", "œuvre ÿ ÿ", "ŒUVRE Ÿ Ÿ"},
    {"ПРИВЕТ ёж", "привет ёж", "ПРИВЕТ ЁЖ"},
    {"ΑΘΗΝΑ ώρα", "αθηνα ώρα", "ΑΘΗΝΑ ΏΡΑ"},
    {"ΟΔΟΣ", "οδος", "ΟΔΟΣ"},
    {"ΟΔΟΣ ΣΑΣ, Σ", "οδος σας, σ", "ΟΔΟΣ ΣΑΣ, Σ"},
    {"οδος", "οδος", "ΟΔΟΣ"},
    {"İstanbul ıIi", "i\xCC\x87stanbul ıii", "İSTANBUL III"},
    {"K Å", "k å", "K Å"}, /* Kelvin and Angstrom */
    {"µ ſ", "µ ſ", "Μ S"},
    {"ﬁn ﬃ", "ﬁn ﬃ", "FIN FFI"},
    {"ǆ ǅ Ǆ", "ǆ ǆ ǆ", "Ǆ Ǆ Ǆ"},
    {"ĀāĂă ŹźŻż", "āāăă źźżż", "ĀĀĂĂ ŹŹŻŻ"},
    {"\xCE\xB0 ᾳ", "\xCE\xB0 ᾳ", "\xCE\xA5\xCC\x88\xCC\x81 ΑΙ"},
    {"ა Ა", "ა ა", "Ა Ა"},
    {"𐐀𐐨 😀", "𐐨𐐨 😀", "𐐀𐐀 😀"},
    {"日本 עברית", "日本 עברית", "日本 עברית"},
};

static void letters_change_as_in_javascript(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_lower(cases[i].text, cases[i].lower);
        assert_written(unicode_write_upper, cases[i].text, cases[i].upper);
    }
}

static void folding_makes_small_what_it_looks_at(void **state)
{
    static const struct {
        const char *text;
        uint32_t folded;
        size_t bytes;
    } rows[] = {
        {"Ab", 'a', 1},  {"Ün", 0xFC, 2}, {"€", 0x20AC, 3}, {"😀", 0x1F600, 4},  {"Σ", 0x3C3, 2},
        {"ς", 0x3C2, 2}, {"İ", 0x130, 2}, {"ß", 0xDF, 2},   {"\u212A", 'k', 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t code = 0;
        assert_int_equal(unicode_next(str_from(rows[i].text), &code), rows[i].bytes);
        assert_int_equal(unicode_fold(code), rows[i].folded);
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

static void writing_ends_where_no_utf8_is(void **state)
{
    assert_written(unicode_write_lower,
                   "AB\xC3"
                   "C",
                   "ab");
    assert_written(unicode_write_upper,
                   "ab\xC3"
                   "c",
                   "AB");
    assert_written(unicode_write_lower, "\x80", "");
    assert_written(unicode_write_upper, "\x80", "");
}

static void what_is_written_over_the_ceiling_fails(void **state)
{
    struct buf out;
    buf_init(&out, 4);
    unicode_write_lower(&out, STR("ABCD"));
    assert_false(out.failed);
    unicode_write_lower(&out, STR("E"));
    assert_true(out.failed);
    buf_clear(&out);
    unicode_write_upper(&out, STR("\u0390")); /* two bytes to six */
    assert_true(out.failed);
    buf_free(&out);
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

/* Of upper case: n += chr(c).upper() != chr(c); h over each character of chr(c).upper(). */
static const uint32_t uppers_expected = 1525, upper_digest_expected = 694190035;

static void every_code_point_has_its_upper_case(void **state)
{
    uint32_t mapped = 0, digest = 0;
    struct buf out;
    buf_init(&out, 16);
    for (uint32_t code = 0; code < 0x110000; code++) {
        if (code >= 0xD800 && code < 0xE000) continue;
        char in[4];
        uint32_t upper = 0;
        struct str text = {in, put_utf8(code, in)};
        buf_clear(&out);
        unicode_write_upper(&out, text);
        struct str rest = buf_str(&out);
        mapped += !str_equal(rest, text);
        for (size_t n = unicode_next(rest, &upper); n > 0; n = unicode_next(rest, &upper)) {
            digest = digest * 31 + upper;
            rest = (struct str){rest.p + n, rest.len - n};
        }
    }
    buf_free(&out);
    assert_int_equal(mapped, uppers_expected);
    assert_int_equal(digest, upper_digest_expected);
}

static void ranges_ascend_and_never_overlap(void **state)
{
    const struct unicode_set *sets[] = {&unicode_capitals, &unicode_cased, &unicode_ignorable};
    for (size_t s = 0; s < sizeof sets / sizeof sets[0]; s++) {
        uint32_t next = 0;
        for (size_t i = 0; i < sets[s]->count; i++) {
            uint32_t first = sets[s]->ranges[i] >> UNICODE_FIRST_SHIFT;
            assert_true(first >= next);
            next = first + (sets[s]->ranges[i] >> 1 & UNICODE_SPAN_MASK) + 1;
        }
        assert_true(next > 0x1E000 && next <= 0x110000);
    }
    for (size_t i = 1; i < unicode_uppers_count; i++) {
        assert_true(unicode_uppers[i - 1].code < unicode_uppers[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trimming_takes_what_javascript_calls_white_space),
        cmocka_unit_test(only_white_space_is_blank),
        cmocka_unit_test(lower_case_is_that_of_javascript),
        cmocka_unit_test(a_sigma_that_ends_a_word_is_a_final_one),
        cmocka_unit_test(letters_change_as_in_javascript),
        cmocka_unit_test(folding_makes_small_what_it_looks_at),
        cmocka_unit_test(what_does_not_fit_or_is_no_utf8_is_refused),
        cmocka_unit_test(writing_ends_where_no_utf8_is),
        cmocka_unit_test(what_is_written_over_the_ceiling_fails),
        cmocka_unit_test(every_code_point_has_its_lower_case),
        cmocka_unit_test(every_code_point_has_its_upper_case),
        cmocka_unit_test(ranges_ascend_and_never_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
