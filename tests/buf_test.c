/* buf_test.c: text that grows up to a ceiling and leaves nothing behind. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

#include "no_memory.h"
#include <string.h>

static void everything_appended_stands_in_order(void **state)
{
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(buf_str(&b).len, 0);
    assert_non_null(buf_str(&b).p);
    buf_add(&b, "a\0b", 3);
    buf_add_str(&b, STR("cd"));
    buf_add_z(&b, "ef");
    buf_add_char(&b, 'g');
    buf_printf(&b, "%d-%s", 42, "h");
    buf_add(&b, NULL, 0);
    assert_true(str_equal(buf_str(&b), STR("a\0bcdefg42-h")));
    assert_int_equal(b.p[b.len], '\0');
    assert_false(b.failed);
    buf_free(&b);
    assert_null(b.p);
}

static void a_buffer_takes_exactly_its_ceiling(void **state)
{
    for (size_t max_bytes = 0; max_bytes < 1000; max_bytes += 37) {
        struct buf b;
        buf_init(&b, max_bytes);
        for (size_t i = 0; i < max_bytes; i++) buf_add_char(&b, 'x');
        assert_false(b.failed);
        assert_int_equal(b.len, max_bytes);
        assert_true(b.cap <= max_bytes + 1);
        buf_add_char(&b, 'y');
        assert_true(b.failed);
        assert_int_equal(b.len, max_bytes);
        buf_free(&b);
    }
}

typedef void (*append)(struct buf *b);
static void append_bytes(struct buf *b)
{
    buf_add(b, "12345", 5);
}
static void append_z(struct buf *b)
{
    buf_add_z(b, "12345");
}
static void append_str(struct buf *b)
{
    buf_add_str(b, STR("12345"));
}
static void append_format(struct buf *b)
{
    buf_printf(b, "%s", "12345");
}
static void append_huge(struct buf *b)
{
    buf_reserve(b, SIZE_MAX);
}

static void after_what_did_not_fit_nothing_is_appended(void **state)
{
    static const append appends[] = {append_bytes, append_z, append_str, append_format,
                                     append_huge};
    for (size_t i = 0; i < sizeof appends / sizeof appends[0]; i++) {
        struct buf b;
        buf_init(&b, 6);
        buf_add_z(&b, "ab");
        appends[i](&b);
        assert_true(b.failed);
        assert_string_equal(b.p, "ab");
        buf_add_char(&b, 'c');
        buf_printf(&b, "d");
        assert_string_equal(b.p, "ab");
        buf_clear(&b);
        assert_false(b.failed);
        buf_add_z(&b, "abcdef");
        assert_string_equal(b.p, "abcdef");
        buf_free(&b);
    }
}

static void a_cleared_buffer_keeps_its_memory_and_forgets_its_content(void **state)
{
    struct buf b;
    buf_init(&b, 100);
    buf_add_z(&b, "jane@example.com");
    char *p = b.p;
    buf_clear(&b);
    assert_ptr_equal(b.p, p);
    for (size_t i = 0; i < b.cap && i < 16; i++) assert_int_equal(b.p[i], 0);
    assert_int_equal(b.len, 0);
    buf_free(&b);
    buf_clear(&b);
    assert_null(b.p);
}

static void what_did_not_fit_leaves_nothing_behind(void **state)
{
    struct buf b;
    buf_init(&b, 20);
    buf_add_z(&b, "by ");
    buf_printf(&b, "%s", "jane.doe@example.com");
    assert_true(b.failed);
    assert_string_equal(b.p, "by ");
    for (size_t i = b.len; i < b.cap; i++) assert_int_not_equal(b.p[i], 'e');
    buf_free(&b);
}

static void reserved_room_is_there(void **state)
{
    struct buf b;
    buf_init(&b, 10000);
    assert_true(buf_reserve(&b, 5000));
    char *p = b.p;
    for (int i = 0; i < 5000; i++) buf_add_char(&b, 'x');
    assert_ptr_equal(b.p, p);
    assert_true(buf_reserve(&b, 5000));
    assert_int_equal(strlen(b.p), 5000);
    assert_false(buf_reserve(&b, 5001));
    buf_free(&b);
}

static void without_memory_a_buffer_fails_and_keeps_its_content(void **state)
{
    struct buf b;
    buf_init(&b, 2 * NO_MEMORY_BYTES);
    buf_add_z(&b, "abc");
    if (!no_memory_begin()) {
        buf_free(&b);
        skip();
    }
    bool reserved = buf_reserve(&b, NO_MEMORY_BYTES);
    no_memory_end();
    assert_false(reserved);
    assert_true(b.failed);
    assert_string_equal(b.p, "abc");
    buf_free(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_appended_stands_in_order),
        cmocka_unit_test(a_buffer_takes_exactly_its_ceiling),
        cmocka_unit_test(after_what_did_not_fit_nothing_is_appended),
        cmocka_unit_test(a_cleared_buffer_keeps_its_memory_and_forgets_its_content),
        cmocka_unit_test(what_did_not_fit_leaves_nothing_behind),
        cmocka_unit_test(reserved_room_is_there),
        cmocka_unit_test(without_memory_a_buffer_fails_and_keeps_its_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
