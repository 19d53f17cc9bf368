/* queue_page_test.c: SQLite's pages read without SQLite, true ones and nonsense. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue/page.h"

#include <string.h>

static unsigned char page[PAGE_BYTES];

static void put_u16(size_t at, unsigned n)
{
    page[at] = (unsigned char)(n >> 8);
    page[at + 1] = (unsigned char)n;
}

/* A leaf with one cell at `at`. */
static void make_leaf(size_t header, size_t at, const unsigned char *cell, size_t len)
{
    memset(page, 0x5a, sizeof page);
    memset(page + header, 0, 8);
    page[header] = PAGE_TABLE_LEAF;
    put_u16(header + 3, 1);
    put_u16(header + 5, (unsigned)at);
    put_u16(header + 8, (unsigned)at);
    if (len > 0) memcpy(page + at, cell, len);
}

static void the_gap_of_a_leaf_is_cleared_and_nothing_else(void **state)
{
    static const unsigned char cell[] = {3, 1, 2, 1, 7};
    for (int first = 0; first < 2; first++) {
        size_t header = first ? PAGE_FILE_HEADER_BYTES : 0;
        make_leaf(header, 4000, cell, sizeof cell);
        page_clear_gap(page, first != 0);
        assert_int_equal(page[header], PAGE_TABLE_LEAF);
        for (size_t i = header + 10; i < 4000; i++) assert_int_equal(page[i], 0);
        assert_memory_equal(page + 4000, cell, sizeof cell);
        assert_int_equal(page[4000 + sizeof cell], 0x5a);
    }
}

static void other_pages_and_wild_headers_keep_their_gap(void **state)
{
    /* type, cells, content */
    static const unsigned rows[][3] = {{5, 1, 4000},      {2, 1, 4000},     {10, 1, 4000},
                                       {0, 1, 4000},      {13, 3000, 4000}, {13, 1, 5},
                                       {13, 65535, 65535}};
    unsigned char before[PAGE_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_leaf(0, 4000, NULL, 0);
        page[0] = (unsigned char)rows[i][0];
        put_u16(3, rows[i][1]);
        put_u16(5, rows[i][2]);
        memcpy(before, page, sizeof before);
        page_clear_gap(page, false);
        assert_memory_equal(page, before, sizeof before);
    }
}

static void a_cell_gives_its_row_and_where_it_goes_on(void **state)
{
    static const unsigned char small[] = {3, 0x81, 0x00, 2, 1, 7};
    static const unsigned char large[] = {0xa7, 0x10, 5}; /* 5008 bytes */
    struct page_cell c;
    make_leaf(0, 4000, small, sizeof small);
    assert_true(page_cell(page, false, 0, &c));
    assert_int_equal(c.rowid, 128);
    assert_int_equal(c.payload_bytes, 3);
    assert_int_equal(c.local_bytes, 3);
    assert_int_equal(c.overflow, 0);
    assert_ptr_equal(c.payload, page + 4003);
    /* Section 1.6: 5008 - 489 leaves 427 beyond one overflow page of 4092: 916 bytes stay here. */
    make_leaf(0, 3000, large, sizeof large);
    memcpy(page + 3003 + 916, "\0\0\1\2", 4);
    assert_true(page_cell(page, false, 0, &c));
    assert_int_equal(c.payload_bytes, 5008);
    assert_int_equal(c.local_bytes, 916);
    assert_int_equal(c.overflow, 258);
}

static void a_cell_that_leaves_the_page_is_none(void **state)
{
    static const struct {
        size_t at;
        unsigned char cell[3];
        size_t len;
    } rows[] = {
        {4095, {0x80, 0, 0}, 1},    /* a number that does not end */
        {4095, {3, 0, 0}, 1},       /* no row id */
        {4090, {100, 1, 0}, 2},     /* a record over the end */
        {3500, {0xa7, 0x10, 5}, 3}, /* its overflow pointer too */
    };
    struct page_cell c;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_leaf(0, rows[i].at, rows[i].cell, rows[i].len);
        if (page_cell(page, false, 0, &c)) fail_msg("row %zu", i);
    }
    make_leaf(0, 4000, NULL, 0);
    put_u16(8, 5000);
    assert_false(page_cell(page, false, 0, &c));
    assert_false(page_cell(page, false, PAGE_CELLS_MAX * 2, &c));
}

static void a_record_is_split_into_its_values(void **state)
{
    static const unsigned char record[] = {8,    0, 1,    2,   9,   8,   17, /* two bytes of text */
                                           14,                               /* one of a blob */
                                           0xff, 1, 0x2c, 'o', 'k', 0xee};
    static const enum page_kind kinds[] = {PAGE_NULL,   PAGE_NUMBER, PAGE_NUMBER, PAGE_NUMBER,
                                           PAGE_NUMBER, PAGE_TEXT,   PAGE_BLOB};
    static const int64_t numbers[] = {0, -1, 300, 1, 0};
    struct page_value v[8];
    assert_int_equal(page_record(record, sizeof record, v, 8), 7);
    assert_int_equal(page_columns(record, sizeof record), 7);
    for (int i = 0; i < 7; i++) assert_int_equal(v[i].kind, kinds[i]);
    for (int i = 1; i < 5; i++) assert_int_equal(v[i].number, numbers[i]);
    assert_int_equal(v[5].len, 2);
    assert_memory_equal(v[5].p, "ok", 2);
    assert_int_equal(v[6].p[0], 0xee);
    assert_int_equal(page_record(record, sizeof record, v, 6),
                     -1); /* more than there is room for */
    assert_int_equal(page_record(record, sizeof record - 1, v, 8), -1);
    assert_int_equal(page_record(record, 4, v, 8), -1);
    assert_int_equal(page_record(record, 0, v, 8), -1);
}

/* Whatever stands in a page, what comes out lies within it. */
static void nonsense_stays_within_the_page(void **state)
{
    uint64_t seed = 1;
    struct page_cell c;
    struct page_value v[16];
    for (int round = 0; round < 3000; round++) {
        for (size_t i = 0; i < sizeof page; i += 8) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            memcpy(page + i, &seed, 8);
        }
        page[0] = PAGE_TABLE_LEAF;
        for (unsigned i = 0; i < 40; i++) {
            if (!page_cell(page, round % 2 == 0, i, &c)) continue;
            assert_true(c.payload >= page && c.payload + c.local_bytes <= page + sizeof page);
            int n = page_record(c.payload, c.local_bytes, v, 16);
            for (int k = 0; k < n; k++)
                assert_true(v[k].p >= page && v[k].p + v[k].len <= page + sizeof page);
        }
        page_clear_gap(page, round % 2 == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gap_of_a_leaf_is_cleared_and_nothing_else),
        cmocka_unit_test(other_pages_and_wild_headers_keep_their_gap),
        cmocka_unit_test(a_cell_gives_its_row_and_where_it_goes_on),
        cmocka_unit_test(a_cell_that_leaves_the_page_is_none),
        cmocka_unit_test(a_record_is_split_into_its_values),
        cmocka_unit_test(nonsense_stays_within_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
