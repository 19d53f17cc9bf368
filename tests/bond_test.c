/* bond_test.c: see src/queue/bond.c. The bytes are written down here: a machine with another order of bytes must make
 * the same ones, as a queue may move from one to the other. */
#include "testing.h"

#include "queue/bond.h"

#define LE8(low) low "\0\0\0\0\0\0\0"

static void what_a_row_is_bound_to_is_the_same_on_every_machine(void **state)
{
    const struct queue_bond bond = {
        .event_id = STR("sale-1"),
        .event = STR("Purchase"),
        .key_event = STR(""),
        .test_code = STR("T1"),
        .boot_id = STR("0123456789abcdef"),
        .occurred_ms = 0x0102030405060708,
        .recorded_s = 5,
        .flags = 1,
        .boot_ms = -2,
    };
    const struct {
        int version;
        struct str bytes;
    } rows[] = {
        {SEAL_VERSION_NAMES, STR("sale-1\0Purchase")},
        {SEAL_VERSION,
         STR("\6\0\0\0sale-1"
             "\10\0\0\0Purchase"
             "\0\0\0\0"
             "\2\0\0\0T1"
             "\20\0\0\0"
             "0123456789abcdef"
             "\10\7\6\5\4\3\2\1" LE8("\5") LE8("\1") "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF")},
    };
    static struct queue q;
    buf_init(&q.bound, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str got = queue_bound(&q, &bond, rows[i].version);
        assert_int_equal(got.len, rows[i].bytes.len);
        assert_memory_equal(got.p, rows[i].bytes.p, got.len);
    }
    buf_free(&q.bound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_row_is_bound_to_is_the_same_on_every_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
