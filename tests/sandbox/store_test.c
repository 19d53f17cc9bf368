/*
 * store_test.c: the memory of the stand-in.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sandbox/store.h"

#include <stdio.h>

enum { MANY = 5000, BODY_BYTES = 256, ARENA_BYTES = 64 * 1024 };

static struct store *store;

static int make(void **state)
{
    store = store_new();
    return store ? 0 : -1;
}

static int unmake(void **state)
{
    store_free(store);
    return 0;
}

/* One event; id < 0: without one. */
static void take(const char *name, int id, const char *more, int64_t now_s)
{
    char text[BODY_BYTES], member[64] = "";
    struct json_limits limits = {sizeof(text), 8, 64};
    struct arena a;
    const struct json *root;
    if (id >= 0) snprintf(member, sizeof(member), ",\"event_id\":\"sale-%d\"", id);
    int len =
        snprintf(text, sizeof(text), "{%s\"data\":[{\"event\":\"%s\"%s}]}", more, name, member);
    struct str body = {text, (size_t)len};
    arena_init(&a, ARENA_BYTES, ARENA_BYTES);
    assert_return_code(json_parse(&a, body, &limits, &root, NULL), 0);
    assert_true(store_take(store, body, root, 1, now_s));
    arena_free(&a);
}

static void is_counted(uint64_t counted, uint64_t copies)
{
    assert_int_equal(store_totals(store)->events, counted);
    assert_int_equal(store_totals(store)->duplicates, copies);
}

static void an_event_is_remembered_among_thousands(void **state)
{
    for (int i = 0; i < MANY; i++) take("Purchase", i, "", 0);
    is_counted(MANY, 0);
    for (int i = 0; i < MANY; i++) take("Purchase", i, "", 1);
    is_counted(MANY, MANY);
}

static void the_name_belongs_to_the_key(void **state)
{
    take("Purchase", 1, "", 0);
    take("Lead", 1, "", 0);
    is_counted(2, 0);
}

static void an_event_without_an_id_is_counted_every_time(void **state)
{
    take("Purchase", -1, "", 0);
    take("Purchase", -1, "", 0);
    is_counted(2, 0);
}

static void an_id_is_forgotten_48_hours_after_its_first_copy(void **state)
{
    take("Purchase", 1, "", 0);
    take("Purchase", 1, "", STORE_MEMORY_S - 1);
    is_counted(1, 1);
    take("Purchase", 1, "", STORE_MEMORY_S);
    is_counted(2, 1);
    take("Purchase", 1, "", STORE_MEMORY_S * 2 - 1);
    is_counted(2, 2);
}

static void test_events_are_not_counted_and_not_remembered(void **state)
{
    take("Purchase", 1, "\"test_event_code\":\"T\",", 0);
    take("Purchase", 1, "\"test_event_code\":\"T\",", 0);
    is_counted(0, 0);
    assert_int_equal(store_totals(store)->test_events, 2);
    take("Purchase", 1, "", 0);
    is_counted(1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_event_is_remembered_among_thousands, make, unmake),
        cmocka_unit_test_setup_teardown(the_name_belongs_to_the_key, make, unmake),
        cmocka_unit_test_setup_teardown(an_event_without_an_id_is_counted_every_time, make, unmake),
        cmocka_unit_test_setup_teardown(an_id_is_forgotten_48_hours_after_its_first_copy, make,
                                        unmake),
        cmocka_unit_test_setup_teardown(test_events_are_not_counted_and_not_remembered, make,
                                        unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
