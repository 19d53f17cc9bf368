/*
 * lowercase.h: inside tiktok only: the tables that lowercase.py writes and unicode.c reads.
 */
#ifndef TIKTOK_LOWERCASE_H
#define TIKTOK_LOWERCASE_H

#include <stddef.h>
#include <stdint.h>

/* From the high bits down: 21 of the first code point, 10 of the span, 1 "every second one". */
enum { LOWERCASE_FIRST_SHIFT = 11, LOWERCASE_SPAN_MASK = 0x3FF };
#define LOWERCASE_RANGE(first, last, second) \
    ((uint32_t)(first) << LOWERCASE_FIRST_SHIFT | (uint32_t)((last) - (first)) << 1 | (second))

struct lowercase_set {
    const uint32_t *ranges; /* ascending */
    size_t count;
};

/* Characters above ASCII with a lower-case form: all but U+0130 (two characters come out) and
 * U+03A3 (two forms); with the range's index, lower-case code point minus this one. */
extern const struct lowercase_set lowercase_upper;
extern const int32_t lowercase_deltas[];
/* Unicode's Cased without Case_Ignorable, and Case_Ignorable. */
extern const struct lowercase_set lowercase_cased;
extern const struct lowercase_set lowercase_ignorable;

#endif
