/* letters_test.c: letters in small and in capitals; what is white. */
#include "testing.h"

#include "mapping/letters.h"

/* What node 20 makes of them. */
static const struct {
    const char *text, *lower, *upper;
} rows[] = {
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

static void changed(void (*change)(struct buf *, struct str), const char *from, const char *to)
{
    struct buf b;
    buf_init(&b, 1000);
    change(&b, str_from(from));
    assert_false(b.failed);
    if (!str_is(buf_str(&b), to)) fail_msg("\"%s\": \"%s\", not \"%s\"", from, b.p ? b.p : "", to);
    buf_free(&b);
}

static void letters_change_as_in_javascript(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        changed(letters_lower, rows[i].text, rows[i].lower);
        changed(letters_upper, rows[i].text, rows[i].upper);
    }
}

static void folding_makes_small_what_it_looks_at(void **state)
{
    size_t bytes = 0;
    assert_int_equal(letters_fold(STR("Ab"), &bytes), 'a');
    assert_int_equal(bytes, 1);
    assert_int_equal(letters_fold(STR("Ün"), &bytes), 0xFC);
    assert_int_equal(bytes, 2);
    assert_int_equal(letters_fold(STR("€"), &bytes), 0x20AC);
    assert_int_equal(bytes, 3);
    assert_int_equal(letters_fold(STR("😀"), &bytes), 0x1F600);
    assert_int_equal(bytes, 4);
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
        if (letters_blank(str_from(blanks[i].text)) != blanks[i].blank) {
            fail_msg("row %zu \"%s\"", i, blanks[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_change_as_in_javascript),
        cmocka_unit_test(folding_makes_small_what_it_looks_at),
        cmocka_unit_test(only_white_space_is_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
