#!/usr/bin/env python3
"""Writes lowercase.c: Unicode's full lower-case mapping, and what its Final_Sigma rule needs.

    python3 src/tiktok/lowercase.py > src/tiktok/lowercase.c

Run it with the Python that carries the newest Unicode data at hand (3.13 has 15.1). Nothing in the
build runs it. Python's str.lower() is asked character by character, since it implements the same
rules (section 3.13 of the standard, SpecialCasing.txt) as JavaScript's toLowerCase; the properties Cased and
Case_Ignorable, which Python does not show, are read off what it makes of a capital sigma.
"""

import sys
import unicodedata

SIGMA, SMALL, FINAL = "\u03a3", "\u03c3", "\u03c2"
SPECIAL = {0x0130, 0x03A3}  # unicode.c: two characters of output, and the sigma
SPAN_MAX = 1023             # ten bits of a range

STORY = """\
/*
 * lowercase.c: Unicode %s in ranges: lower-case mappings, characters with case, characters
 * that the Final_Sigma rule skips. Written by lowercase.py: change that, not this.
 *
 * A range is one number: its first code point, its span, and whether every character of it counts
 * or every second one (lowercase.h). Ranges ascend and never overlap.
 */
#include "tiktok/lowercase.h"

/* clang-format off */
#define ALL(first, last)  LOWERCASE_RANGE(first, last, 0)
#define ODDS(first, last) LOWERCASE_RANGE(first, last, 1)
"""


def characters():
    return (c for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000)


def mappings():
    """[code point, delta] of every character above ASCII that has a lower-case form."""
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


def mapping_ranges(found):
    """(name of the macro, first, last, delta), the longest range from each start."""
    i = 0
    while i < len(found):
        every, second = run_length(found, i, 1), run_length(found, i, 2)
        last, name = (second, "ODDS") if second > every else (every, "ALL")
        yield name, found[i][0], found[last][0], found[i][1]
        i = last + 1


def ranges(codes):
    out = []
    for c in codes:
        if out and out[-1][1] == c - 1 and c - out[-1][0] <= SPAN_MAX:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def sigma_before(text):
    return ("A" + SIGMA + text).lower()[1]


def is_ignorable(c):
    return sigma_before(chr(c) + "A") == SMALL and sigma_before(chr(c)) == FINAL


def is_cased(c):
    """Cased and not Case_Ignorable: a character that is both is skipped, in JavaScript too."""
    return sigma_before(chr(c)) == SMALL


def table(head, items):
    print("\n%s = {" % head)
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            print(line)
            line = "   "
        line += " %s," % item
    print(line + "\n};")


def main():
    with_ascii = list(range(0x80)) + list(characters())
    lower = list(mapping_ranges(mappings()))
    upper = ["%s(0x%X, 0x%X)" % r[:3] for r in lower]
    deltas = ["%d" % r[3] for r in lower]
    cased = ["ALL(0x%X, 0x%X)" % tuple(r) for r in ranges(filter(is_cased, with_ascii))]
    ignorable = ["ALL(0x%X, 0x%X)" % tuple(r) for r in ranges(filter(is_ignorable, with_ascii))]
    print(STORY % unicodedata.unidata_version, end="")
    for name, rows in (("upper", upper), ("cased", cased), ("ignorable", ignorable)):
        table("static const uint32_t %s[]" % name, rows)
    table("const int32_t lowercase_deltas[]", deltas)
    print()
    for name in ("upper", "cased", "ignorable"):
        print("const struct lowercase_set lowercase_%s = {\n    %s, sizeof %s / sizeof %s[0]};"
              % (name, name, name, name))
    print("/* clang-format on */")
    size = 4 * (2 * len(lower) + len(cased) + len(ignorable))
    print("%d bytes of tables" % size, file=sys.stderr)


if __name__ == "__main__":
    main()
