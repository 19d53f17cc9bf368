/*
 * letters_table.h: inside mapping only: the tables that letters.py writes and letters.c reads.
 */
#ifndef MAPPING_LETTERS_TABLE_H
#define MAPPING_LETTERS_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* Capitals above ASCII, ascending: each, or every second one, from first to last has its small
 * letter `delta` further on. */
struct letters_range {
    uint32_t first : 21;
    uint32_t span : 10;
    uint32_t odds : 1; /* every second one */
    int32_t delta;
};
extern const struct letters_range letters_ranges[];
extern const size_t letters_ranges_count;

/* Letters whose upper case is not the capital that letters_ranges has for them; ascending. */
struct letters_upper {
    uint16_t letter;
    uint16_t upper[3]; /* characters; 0 where there are fewer */
};
extern const struct letters_upper letters_uppers[];
extern const size_t letters_uppers_count;

#endif
