/*
 * page.h: pages of an SQLite database, as far as we read them without SQLite. Pure.
 *
 * For what secure_delete leaves behind, and for a file that SQLite refuses to read. Whatever comes
 * out of a damaged page may be nonsense, but lies within the page; the caller proves it.
 *
 * Source: https://www.sqlite.org/fileformat2.html (November 2026), sections 1.6 and 2.
 */
#ifndef QUEUE_PAGE_H
#define QUEUE_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PAGE_BYTES = 4096,
    PAGE_FILE_HEADER_BYTES = 100, /* at the start of page 1, before its own header */
    PAGE_TABLE_LEAF = 13,         /* first byte of a page that holds rows */
    PAGE_OVERFLOW_NEXT_BYTES = 4, /* number of the next page, at the start of an overflow page */
    PAGE_CELLS_MAX = PAGE_BYTES / 4
};

/* Overwrites what stands between the cell pointers and the cells of a page of rows; other pages are
 * left alone. first: it is page 1. */
void page_clear_gap(unsigned char *page, bool first);

/* Could it hold rows? The first byte alone is not believed where it says nothing known. */
bool page_may_hold_rows(const unsigned char *page, bool first);
unsigned page_cell_count(const unsigned char *page, bool first);
struct page_cell {
    int64_t rowid;
    uint64_t payload_bytes;       /* of the whole record */
    const unsigned char *payload; /* as much of it as stands in this page */
    size_t local_bytes;
    uint32_t overflow; /* page that goes on with it, 0: none */
};
bool page_cell(const unsigned char *page, bool first, unsigned i, struct page_cell *out);

enum page_kind { PAGE_NULL, PAGE_NUMBER, PAGE_REAL, PAGE_BLOB, PAGE_TEXT };
struct page_value {
    enum page_kind kind;
    int64_t number;
    const unsigned char *p;
    size_t len;
};
/* Splits a record into its values: how many, or -1 where it is none, or has more than max. */
int page_record(const unsigned char *record, size_t len, struct page_value *out, int max);

/* How many columns its header names, from as much of it as there is; -1: it is none. */
int page_columns(const unsigned char *record, size_t len);

uint32_t page_u32(const unsigned char *p);

#endif
