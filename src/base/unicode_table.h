/*
 * unicode_table.h: inside base only: the tables that unicode.py writes and unicode.c reads.
 */
#ifndef BASE_UNICODE_TABLE_H
#define BASE_UNICODE_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* From the high bits down: 21 of the first code point, 10 of the span, 1 "every second one". */
enum { UNICODE_FIRST_SHIFT = 11, UNICODE_SPAN_MASK = 0x3FF };
#define UNICODE_RANGE(first, last, second) \
    ((uint32_t)(first) << UNICODE_FIRST_SHIFT | (uint32_t)((last) - (first)) << 1 | (second))

struct unicode_set {
    const uint32_t *ranges; /* ascending */
    size_t count;
};

/* Characters above ASCII with a lower-case form, but U+0130, of which two characters come; with the
 * range's index, lower-case code point minus this one. */
extern const struct unicode_set unicode_capitals;
extern const int32_t unicode_deltas[];
/* Unicode's Cased without Case_Ignorable, and Case_Ignorable. */
extern const struct unicode_set unicode_cased;
extern const struct unicode_set unicode_ignorable;

/* Characters whose upper case is not the first capital with that lower case; ascending. */
struct unicode_upper {
    uint16_t code;
    uint16_t upper[3]; /* characters; 0 where there are fewer */
};
extern const struct unicode_upper unicode_uppers[];
extern const size_t unicode_uppers_count;

#endif
