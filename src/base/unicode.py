#!/usr/bin/env python3
"""Writes unicode_table.c: Unicode's full case mappings, and what its Final_Sigma rule needs.

    python3 src/base/unicode.py > src/base/unicode_table.c

Run it with the Python that carries the newest Unicode data at hand (3.13 has 15.1). Nothing in the
build runs it. Python's str.lower() and str.upper() are asked character by character, since they
implement the same rules (section 3.13 of the standard, SpecialCasing.txt) as JavaScript's
toLowerCase and toUpperCase; the properties Cased and Case_Ignorable, which Python does not show,
are read off what it makes of a capital sigma.
"""

import sys
import unicodedata

SIGMA, SMALL, FINAL = "\u03a3", "\u03c3", "\u03c2"
DOTTED_I = 0x0130  # unicode.c: two characters of output
SPAN_MAX = 1023    # ten bits of a range

STORY = """\
/*
 * unicode_table.c: Unicode %s in ranges: lower-case mappings, characters with case, characters
 * that the Final_Sigma rule skips; and the upper cases that are not those mappings turned round.
 * Written by unicode.py: change that, not this.
 *
 * A range is one number: its first code point, its span, and whether every character of it counts
 * or every second one (unicode_table.h). Ranges ascend and never overlap.
 */
#include "base/unicode_table.h"

/* clang-format off */
#define ALL(first, last)  UNICODE_RANGE(first, last, 0)
#define ODDS(first, last) UNICODE_RANGE(first, last, 1)
"""


def characters():
    return (c for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000)


def mappings():
    """[code point, delta] of every character above ASCII that has a lower-case form."""
    found = []
    for c in characters():
        lower = chr(c).lower()
        if c == DOTTED_I or lower == chr(c):
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


def inverse(rows, c):
    """What unicode.c makes of the ranges: the first capital whose small letter is c."""
    for name, first, last, delta in rows:
        capital = c - delta
        if first <= capital <= last and (name == "ALL" or (capital - first) % 2 == 0):
            return chr(capital)
    return chr(c)


def uppers(rows):
    """(code point, the characters of its upper case) where the ranges say something else."""
    found = []
    for c in characters():
        upper = chr(c).upper()
        if upper != inverse(rows, c):
            assert len(upper) <= 3 and max(c, *map(ord, upper + "\0")) <= 0xFFFF, hex(c)
            found.append((c, [ord(u) for u in upper]))
    return found


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
    special = uppers(lower)
    capitals = ["%s(0x%X, 0x%X)" % r[:3] for r in lower]
    cased = ["ALL(0x%X, 0x%X)" % tuple(r) for r in ranges(filter(is_cased, with_ascii))]
    ignorable = ["ALL(0x%X, 0x%X)" % tuple(r) for r in ranges(filter(is_ignorable, with_ascii))]
    print(STORY % unicodedata.unidata_version, end="")
    for name, rows in (("capitals", capitals), ("cased", cased), ("ignorable", ignorable)):
        table("static const uint32_t %s[]" % name, rows)
    table("const int32_t unicode_deltas[]", ["%d" % r[3] for r in lower])
    table("const struct unicode_upper unicode_uppers[]",
          ["{0x%X, {%s}}" % (c, ", ".join("0x%X" % u for u in up)) for c, up in special])
    print()
    for name in ("capitals", "cased", "ignorable"):
        print("const struct unicode_set unicode_%s = {\n    %s, sizeof %s / sizeof %s[0]};"
              % (name, name, name, name))
    print("const size_t unicode_uppers_count = sizeof unicode_uppers / sizeof unicode_uppers[0];")
    print("/* clang-format on */")
    size = 4 * (2 * len(lower) + len(cased) + len(ignorable)) + 8 * len(special)
    print("%d bytes of tables" % size, file=sys.stderr)


if __name__ == "__main__":
    main()
