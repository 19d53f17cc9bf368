/*
 * nearest.c: Levenshtein distance of two short names, kept in one row.
 */
#include "base/nearest.h"

#include <string.h>

enum { NAME_MAX_BYTES = 40, SLIPS_MAX = 3 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(struct str a, struct str b)
{
    size_t row[NAME_MAX_BYTES + 1];
    if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES) return NAME_MAX_BYTES;
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0]++;
        for (size_t j = 0; j < b.len; j++) {
            size_t change = diagonal + (lower(a.p[i]) != lower(b.p[j]));
            diagonal = row[j + 1];
            row[j + 1] = least(change, least(row[j], diagonal) + 1);
        }
    }
    return row[b.len];
}

const char *nearest_name(struct str name, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t fewest = SLIPS_MAX + 1;
    for (size_t i = 0; i < n; i++) {
        size_t slips = distance(name, str_from(names[i]));
        if (slips >= fewest || slips * 2 > strlen(names[i])) continue;
        fewest = slips;
        best = names[i];
    }
    return best;
}
