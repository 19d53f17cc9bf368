/* recent_test.c: see src/queue/recent.h. Every operation beside a plain list that does the same. */
#include "testing.h"

#include "queue/recent.h"

enum { MAX = 64, IDS = 40, NAMES = 3, STEPS = 20000 };

static uint64_t seed = 1;

static unsigned roll(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % n;
}

/* Keys that fall into few homes, the last ones among them, so that runs form and wrap around. */
static struct recent_key key_of(unsigned id, unsigned name)
{
    struct recent_key k = {{0}};
    k.bytes[0] = (unsigned char)(id % 5 < 2 ? 255 : 2 * id);
    k.bytes[5] = (unsigned char)id;
    k.bytes[RECENT_ID_BYTES] = (unsigned char)name;
    return k;
}

static void check_all(const struct recent *r, int64_t seqs[IDS][NAMES])
{
    for (unsigned id = 0; id < IDS; id++) {
        size_t at = 0, expected = 0, found = 0;
        struct recent_key of_id = key_of(id, 0);
        for (unsigned name = 0; name < NAMES; name++) {
            struct recent_key k = key_of(id, name);
            assert_int_equal(recent_find(r, &k), seqs[id][name]);
            expected += seqs[id][name] != 0;
        }
        while (recent_of_id(r, &of_id, &at) != NULL) found++;
        assert_int_equal(found, expected);
    }
}

/* Each is in the part of its key, and found once. */
static void check_parts(const struct recent *r)
{
    size_t found = 0;
    for (unsigned part = 0; part < RECENT_PARTS; part++) {
        const struct recent_entry *e;
        int64_t seqs[MAX];
        size_t at = 0, n = 0;
        while ((e = recent_in_part(r, part, &at)) != NULL) {
            assert_int_equal(e->key.bytes[0] * RECENT_PARTS / 256, part);
            for (size_t i = 0; i < n; i++) assert_int_not_equal(seqs[i], e->seq);
            seqs[n++] = e->seq;
        }
        found += n;
    }
    assert_int_equal(found, r->count);
}

static void do_what_a_list_does(size_t max)
{
    static int64_t seqs[IDS][NAMES];
    struct recent r;
    int64_t next = 1;
    size_t count = 0;
    assert_int_equal(recent_open(&r, max), 0);
    for (int step = 0; step < STEPS; step++) {
        unsigned id = roll(IDS), name = roll(NAMES);
        struct recent_key k = key_of(id, name);
        if (roll(100) == 0) {
            int64_t upto = next - roll(30);
            recent_remove_upto(&r, upto);
            for (unsigned i = 0; i < IDS * NAMES; i++) {
                int64_t *s = &seqs[i / NAMES][i % NAMES];
                if (*s == 0 || *s > upto) continue;
                *s = 0;
                count--;
            }
        } else if (seqs[id][name] != 0) {
            recent_remove(&r, &k);
            seqs[id][name] = 0;
            count--;
        } else if (!recent_full(&r)) {
            seqs[id][name] = next++;
            recent_add(&r, &k, seqs[id][name]);
            count++;
        }
        assert_int_equal(r.count, count);
        assert_int_equal(recent_full(&r), count == max);
        check_all(&r, seqs);
        check_parts(&r);
    }
    recent_clear(&r);
    memset(seqs, 0, sizeof seqs);
    check_all(&r, seqs);
    recent_close(&r);
}

static void it_does_what_a_list_does(void **state)
{
    do_what_a_list_does(MAX);
    do_what_a_list_does(RECENT_PARTS / 8); /* more parts than slots */
}

static void removing_what_is_not_there_changes_nothing(void **state)
{
    struct recent r;
    struct recent_key here = key_of(1, 0), same_home = key_of(6, 0);
    assert_int_equal(recent_open(&r, MAX), 0);
    recent_add(&r, &here, 5);
    recent_remove(&r, &same_home);
    assert_int_equal(r.count, 1);
    assert_int_equal(recent_find(&r, &here), 5);
    recent_close(&r);
}

static void all_can_be_gone_through(void **state)
{
    struct recent r;
    const struct recent_entry *e;
    int64_t sum = 0;
    assert_int_equal(recent_open(&r, MAX), 0);
    for (unsigned id = 0; id < IDS; id++) {
        struct recent_key k = key_of(id, 1);
        recent_add(&r, &k, id + 1);
    }
    for (unsigned part = 0; part < RECENT_PARTS; part++) {
        size_t at = 0;
        while ((e = recent_in_part(&r, part, &at)) != NULL) sum += e->seq;
    }
    assert_int_equal(sum, IDS * (IDS + 1) / 2);
    recent_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_does_what_a_list_does),
        cmocka_unit_test(removing_what_is_not_there_changes_nothing),
        cmocka_unit_test(all_can_be_gone_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
