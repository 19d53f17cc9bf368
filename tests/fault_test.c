/* fault_test.c: why something failed, in words that fit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fault.h"

#include "base/text.h"
#include <string.h>

static void a_fault_carries_code_path_and_words(void **state)
{
    struct fault why;
    assert_int_equal(fault_set(&why, TILLPOST_E_BAD_FIELD, "$.a", "%s is %d", "it", 7),
                     TILLPOST_E_BAD_FIELD);
    assert_int_equal(why.err, TILLPOST_E_BAD_FIELD);
    assert_string_equal(why.path, "$.a");
    assert_string_equal(why.message, "it is 7");
    fault_set(&why, TILLPOST_E_IO, NULL, "x");
    assert_string_equal(why.path, "");
}

static void nobody_has_to_ask_why(void **state)
{
    assert_int_equal(fault_set(NULL, TILLPOST_E_IO, "$.a", "x"), TILLPOST_E_IO);
    fault_prefix(NULL, "x");
}

static void a_prefix_names_the_place(void **state)
{
    struct fault why;
    fault_set(&why, TILLPOST_E_CONFIG, "$.a", "wrong");
    fault_prefix(&why, "line %d: ", 3);
    assert_string_equal(why.message, "line 3: wrong");
    assert_string_equal(why.path, "$.a");
    assert_int_equal(why.err, TILLPOST_E_CONFIG);
}

static void a_fault_may_be_made_of_itself(void **state)
{
    struct fault why;
    fault_set(&why, TILLPOST_E_IO, "$.a", "inner");
    fault_set(&why, TILLPOST_E_STORAGE, why.path, "outer: %s", why.message);
    assert_string_equal(why.path, "$.a");
    assert_string_equal(why.message, "outer: inner");
    fault_prefix(&why, "%s, ", why.message);
    assert_string_equal(why.message, "outer: inner, outer: inner");
}

static bool is_utf8(const char *text)
{
    struct str rest = str_from(text);
    while (rest.len > 0) {
        size_t bytes = str_utf8_char(rest);
        if (bytes == 0) return false;
        rest = (struct str){rest.p + bytes, rest.len - bytes};
    }
    return true;
}

/* Euro signs have three bytes: with 0, 1 or 2 bytes in front every way of cutting one comes. */
static void what_is_too_long_is_cut_between_characters(void **state)
{
    for (size_t front = 0; front < 3; front++) {
        char text[1000] = "";
        struct fault why;
        memset(text, 'x', front);
        for (size_t i = front; i + 3 < sizeof text; i += 3) memcpy(text + i, "\xE2\x82\xAC", 4);
        fault_set(&why, TILLPOST_E_IO, text, "%s", text);
        assert_true(strlen(why.message) >= FAULT_MESSAGE_MAX_BYTES - 3);
        assert_true(strlen(why.message) < FAULT_MESSAGE_MAX_BYTES);
        assert_true(strlen(why.path) >= FAULT_PATH_MAX_BYTES - 3);
        assert_true(is_utf8(why.message) && is_utf8(why.path));
        fault_prefix(&why, "yy");
        assert_memory_equal(why.message, "yy", 2);
        assert_true(strlen(why.message) >= FAULT_MESSAGE_MAX_BYTES - 3);
        assert_true(is_utf8(why.message));
        fault_prefix(&why, "%s", text);
        assert_true(is_utf8(why.message));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_carries_code_path_and_words),
        cmocka_unit_test(nobody_has_to_ask_why),
        cmocka_unit_test(a_prefix_names_the_place),
        cmocka_unit_test(a_fault_may_be_made_of_itself),
        cmocka_unit_test(what_is_too_long_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
