/* arena_test.c: zeroed, aligned, bounded, wiped. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"

#include <string.h>

static bool is_zero(const char *p, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (p[i] != 0) return false;
    }
    return true;
}

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    struct arena a;
    arena_init(&a, 100, 1 << 20);
    for (int round = 0; round < 3; round++) {
        char *last = NULL;
        size_t last_bytes = 0;
        for (size_t bytes = 0; bytes < 300; bytes += 7) {
            char *p = arena_alloc(&a, bytes);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % 16, 0);
            assert_true(is_zero(p, bytes));
            memset(p, 0xAA, bytes);
            if (last != NULL) assert_true(p >= last + last_bytes || p + bytes <= last);
            last = p;
            last_bytes = bytes;
        }
        arena_reset(&a);
    }
    arena_free(&a);
}

static void the_ceiling_is_exact(void **state)
{
    struct arena a;
    arena_init(&a, 64, 160);
    assert_non_null(arena_alloc(&a, 33)); /* rounded to 48 */
    assert_int_equal(a.used_bytes, 48);
    assert_non_null(arena_alloc(&a, 112));
    assert_int_equal(a.used_bytes, 160);
    assert_null(arena_alloc(&a, 1));
    assert_non_null(arena_alloc(&a, 0));
    arena_reset(&a);
    assert_int_equal(a.used_bytes, 0);
    assert_null(arena_alloc(&a, 161));
    assert_non_null(arena_alloc(&a, 160));
    arena_free(&a);
}

static void the_ceiling_counts_what_is_used_and_not_what_is_asked(void **state)
{
    struct arena a;
    arena_init(&a, 64, 40);
    assert_null(arena_alloc(&a, 33)); /* 48 when rounded */
    assert_non_null(arena_alloc(&a, 32));
    arena_free(&a);
}

static void an_absurd_size_is_refused_and_not_wrapped(void **state)
{
    struct arena a;
    arena_init(&a, 64, SIZE_MAX);
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 16));
    assert_null(arena_alloc(&a, SIZE_MAX - 40));
    assert_null(arena_copy(&a, (struct str){"", SIZE_MAX}));
    assert_non_null(arena_alloc(&a, 16));
    arena_free(&a);
}

static void a_reset_wipes_and_keeps_the_first_block(void **state)
{
    struct arena a;
    arena_init(&a, 256, 1 << 20);
    char *first = arena_copy(&a, STR("jane@example.com"));
    arena_alloc(&a, 1000);
    arena_alloc(&a, 1000);
    arena_reset(&a);
    assert_true(is_zero(first, 16));
    assert_ptr_equal(arena_alloc(&a, 16), first);
    arena_free(&a);
    assert_null(a.first);
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 16));
    arena_free(&a);
    arena_free(&a);
}

static void a_copy_ends_with_nul(void **state)
{
    struct arena a;
    arena_init(&a, 64, 96);
    assert_string_equal(arena_copy(&a, (struct str){"abcdef", 3}), "abc");
    assert_string_equal(arena_copy(&a, (struct str){NULL, 0}), "");
    char exact[64];
    memset(exact, 'x', sizeof exact);
    assert_null(arena_copy(&a, (struct str){exact, 64})); /* 64 left, the NUL does not fit */
    assert_non_null(arena_copy(&a, (struct str){exact, 63}));
    arena_free(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(the_ceiling_is_exact),
        cmocka_unit_test(the_ceiling_counts_what_is_used_and_not_what_is_asked),
        cmocka_unit_test(an_absurd_size_is_refused_and_not_wrapped),
        cmocka_unit_test(a_reset_wipes_and_keeps_the_first_block),
        cmocka_unit_test(a_copy_ends_with_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
