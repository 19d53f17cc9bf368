/*
 * page.h: pages of an SQLite database, as far as we read them without SQLite. Pure.
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
    PAGE_TABLE_LEAF = 13          /* first byte of a page that holds rows */
};

/* Overwrites what stands between the cell pointers and the cells of a page of rows; other pages are
 * left alone. first: it is page 1. */
void page_clear_gap(unsigned char *page, bool first);

#endif
