#!/usr/bin/env python3
"""Writes letters_table.c: Unicode's letter cases, by what Python's str.lower() and str.upper() do.

    python3 src/mapping/letters.py > src/mapping/letters_table.c

Nothing in the build runs it. Both follow section 3.13 of the standard and SpecialCasing.txt, as
JavaScript's toLowerCase and toUpperCase do.
"""

import unicodedata

SPECIAL = {0x0130, 0x03A3}  # letters.c: two characters of output, and the sigma
SPAN_MAX = 1023             # bits of letters_range.span

STORY = """\
/*
 * letters_table.c: the letter cases of Unicode %s; letters.py writes it: change that, not this.
 */
#include "mapping/letters_table.h"

/* clang-format off */
#define ALL(first, last)  first, (last) - (first), 0
#define ODDS(first, last) first, (last) - (first), 1
"""


def characters():
    return (c for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000)


def capitals():
    found = []
    for c in characters():
        lower = chr(c).lower()
        if c in SPECIAL or lower == chr(c):
            continue
        assert len(lower) == 1, hex(c)
        found.append((c, ord(lower) - c))
    return found


def run_length(found, i, step):
    j = i
    while (j + 1 < len(found) and found[j + 1] == (found[j][0] + step, found[i][1])
           and found[j + 1][0] - found[i][0] <= SPAN_MAX):
        j += 1
    return j


def ranges(found):
    rows, i = [], 0
    while i < len(found):
        one, two = run_length(found, i, 1), run_length(found, i, 2)
        end = max(one, two)
        name = "ODDS" if two > one else "ALL"
        rows.append((name, found[i][0], found[end][0], found[i][1]))
        i = end + 1
    return rows


def inverse(rows, c):
    """What letters.c makes of the ranges: the first capital whose small letter is c."""
    for name, first, last, delta in rows:
        capital = c - delta
        if first <= capital <= last and (name == "ALL" or (capital - first) % 2 == 0):
            return chr(capital)
    return chr(c)


def uppers(rows):
    found = []
    for c in characters():
        upper = chr(c).upper()
        if upper != inverse(rows, c):
            assert len(upper) <= 3 and all(ord(u) <= 0xFFFF for u in upper) and c <= 0xFFFF, hex(c)
            found.append((c, [ord(u) for u in upper]))
    return found


def table(declaration, items):
    print("const struct %s[] = {" % declaration)
    line = ""
    for item in items:
        if len(line) + len(item) + 6 > 100:
            print("    " + line.rstrip())
            line = ""
        line += item + ", "
    print("    " + line.rstrip())
    print("};")
    name = declaration.split()[1]
    print("const size_t %s_count = sizeof %s / sizeof %s[0];" % (name, name, name))


def main():
    rows = ranges(capitals())
    print(STORY % unicodedata.unidata_version)
    table("letters_range letters_ranges",
          ["{%s(0x%X, 0x%X), %d}" % row for row in rows])
    print()
    table("letters_upper letters_uppers",
          ["{0x%X, {%s}}" % (c, ", ".join("0x%X" % u for u in up)) for c, up in uppers(rows)])


main()
