/* glob_test.c: patterns of match(). */
#include "testing.h"

#include "mapping/glob.h"

static const struct {
    const char *pattern, *text;
    bool fits;
} rows[] = {
    /* the table of Segment's documentation; lists in brackets are literal here (glob.h) */
    {"a*d", "abcd", true},
    {"*", "", true},
    {"ab", "abc", false},
    {"a??d", "abcd", true},
    {"*d", "abcd", true},
    {"ab\\*d", "ab*d", true},
    {"ab\\*d", "abcd", false},
    {"ab[cC]d", "abcd", false},
    {"ab[cC]d", "ab[cC]d", true},
    {"Order [EU]*", "Order [EU] 17", true},
    /* ends */
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"?", "", false},
    {"*?", "", false},
    {"*?", "a", true},
    {"a*", "a", true},
    {"*a", "a", true},
    {"a*a", "a", false},
    {"a*a", "aa", true},
    {"**", "abc", true},
    {"a**c", "abc", true},
    {"abc*d", "abc", false},
    {"abc", "ab", false},
    /* case counts */
    {"Order*", "order completed", false},
    {"Order*", "Order Completed", true},
    /* a star goes back as often as it must */
    {"*ab", "aab", true},
    {"*aab", "aaaab", true},
    {"*a*b*c", "xaybzc", true},
    {"*a*b*c", "xaybzcd", false},
    {"*issip*", "mississippi", true},
    {"m*s*p?", "mississippi", true},
    {"*sip*ss*", "mississippi", false},
    /* escapes */
    {"a\\?", "a?", true},
    {"a\\?", "ab", false},
    {"a\\\\", "a\\", true},
    {"a\\b", "ab", true},
    {"a\\", "a\\", true},
    {"*\\*", "10*", true},
    {"*\\*", "10", false},
    /* a character is one of UTF-8, also when a star steps over it */
    {"?", "é", true},
    {"??", "é", false},
    {"*??", "é", false},
    {"*?", "é", true},
    {"*??b*", "€bc", false},
    {"K?se", "Käse", true},
    {"*€", "10 €", true},
    {"?", "😀", true},
    {"*???", "a😀é", true},
    {"*????", "a😀é", false},
};

static void a_pattern_fits_the_whole_text_or_not_at_all(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool fits = glob_matches(str_from(rows[i].pattern), str_from(rows[i].text));
        if (fits != rows[i].fits) {
            fail_msg("%s on \"%s\": %s", rows[i].pattern, rows[i].text, fits ? "fits" : "does not");
        }
    }
}

static void many_stars_take_no_more_than_the_square(void **state)
{
    enum { TEXT_BYTES = 8192, STARS = 200 };
    static char text[TEXT_BYTES], pattern[2 * STARS + 1];
    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < 2 * STARS; i++) {
        pattern[i] = i % 2 ? 'a' : '*';
    }
    pattern[2 * STARS] = 'b';
    assert_false(
        glob_matches((struct str){pattern, sizeof pattern}, (struct str){text, sizeof text}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_fits_the_whole_text_or_not_at_all),
        cmocka_unit_test(many_stars_take_no_more_than_the_square),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
