#include "client/utf8.h"
#include "testing.h"

#include <stdbool.h>

struct row {
    const char *bytes;
    size_t len, want; /* 0: no character */
};

static const struct row rows[] = {
    {"a", 1, 1},
    {"\x7F", 1, 1},
    {"\x80", 1, 0},
    {"\xBF", 1, 0},
    {"\xC1\x81", 2, 0}, /* overlong */
    {"\xC2\x80", 2, 2},
    {"\xDF\xBF", 2, 2},
    {"\xC3", 1, 0}, /* cut */
    {"\xC3\x28", 2, 0},
    {"\xC3\xC0", 2, 0},
    {"\xE0\x9F\xBF", 3, 0}, /* overlong */
    {"\xE0\xA0\x80", 3, 3},
    {"\xE2\x82\xAC", 3, 3},
    {"\xE2\x82", 2, 0},
    {"\xE2\x82\x20", 3, 0},
    {"\xE2\x82\xC0", 3, 0},
    {"\xED\x9F\xBF", 3, 3},
    {"\xED\xA0\x80", 3, 0}, /* a surrogate */
    {"\xEF\xBF\xBF", 3, 3},
    {"\xF0\x8F\xBF\xBF", 4, 0}, /* overlong */
    {"\xF0\x90\x80\x80", 4, 4},
    {"\xF3\xBF\xBF\xBF", 4, 4},
    {"\xF4\x8F\xBF\xBF", 4, 4},
    {"\xF4\x90\x80\x80", 4, 0}, /* over U+10FFFF */
    {"\xF5\x80\x80\x80", 4, 0},
    {"\xFF", 1, 0},
    {"", 0, 0},
};

static void only_well_formed_bytes_are_characters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        /* Behind the bytes stands one that would complete some of them. */
        char bytes[8] = {0};
        memcpy(bytes, rows[i].bytes, rows[i].len);
        bytes[rows[i].len] = (char)0x80;
        if (utf8_length(bytes, rows[i].len) != rows[i].want) fail_msg("row %zu", i);
    }
}

static void what_is_written_is_read_as_one_character(void **state)
{
    (void)state;
    for (unsigned code = 0; code <= 0xFFFF; code++) {
        char out[4];
        size_t len = utf8_write(code, out);
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;
        size_t want = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
        if (len != want || utf8_length(out, len) != (surrogate ? 0 : want))
            fail_msg("U+%04X", code);
    }
    char euro[4];
    assert_int_equal(utf8_write(0x20AC, euro), 3);
    assert_memory_equal(euro, "\xE2\x82\xAC", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_well_formed_bytes_are_characters),
        cmocka_unit_test(what_is_written_is_read_as_one_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
