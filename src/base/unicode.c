/*
 * unicode.c: trimming and changing the case of UTF-8 text.
 *
 * Most of what passes here is ASCII and takes the first branch. What is not goes through the ranges
 * of unicode_table.c, which say what is small; upper case is the same turned round, but for the
 * characters that have a table of their own. Two are special in lower case (SpecialCasing.txt, the
 * rules without a language): U+0130, the dotted capital I, becomes two characters, and a capital
 * sigma becomes a final one at the end of a word: a character with case before it and none behind,
 * skipping what is ignorable.
 */
#include "base/unicode.h"

#include "base/unicode_table.h"
#include <string.h>

enum {
    CHAR_MAX_BYTES = 4,
    DOTTED_CAPITAL_I = 0x0130,
    COMBINING_DOT_ABOVE = 0x0307,
    CAPITAL_SIGMA = 0x03A3,
    FINAL_SIGMA = 0x03C2,
};

/* Characters ---------------------------------------------------------------------------------- */

static struct str after(struct str s, size_t bytes)
{
    return (struct str){s.p + bytes, s.len - bytes};
}

size_t unicode_next(struct str s, uint32_t *code)
{
    static const unsigned char lead_bits[5] = {0, 0, 0x1F, 0x0F, 0x07};
    if (s.len == 0) return 0;
    *code = (unsigned char)s.p[0];
    if (*code < 0x80) return 1;
    size_t bytes = str_utf8_char(s);
    *code &= lead_bits[bytes];
    for (size_t i = 1; i < bytes; i++) {
        *code = *code << 6 | ((unsigned char)s.p[i] & 0x3F);
    }
    return bytes;
}

/* The last character and its bytes; 0 as for unicode_next. */
static size_t last_char(struct str s, uint32_t *code)
{
    for (size_t bytes = 1; bytes <= CHAR_MAX_BYTES && bytes <= s.len; bytes++) {
        if (unicode_next(after(s, s.len - bytes), code) == bytes) return bytes;
    }
    return 0;
}

static size_t encode(uint32_t code, char *out)
{
    static const unsigned char lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = bytes - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)(lead[bytes] | code);
    return bytes;
}

/* White space --------------------------------------------------------------------------------- */

bool unicode_is_space(uint32_t code)
{
    if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
    return code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 ||
           code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000 || code == 0xFEFF;
}

struct str unicode_trim(struct str s)
{
    uint32_t code = 0;
    for (size_t n = unicode_next(s, &code); n > 0 && unicode_is_space(code);) {
        s = after(s, n);
        n = unicode_next(s, &code);
    }
    for (size_t n = last_char(s, &code); n > 0 && unicode_is_space(code);) {
        s.len -= n;
        n = last_char(s, &code);
    }
    return s;
}

bool unicode_is_blank(struct str s)
{
    uint32_t code = 0;
    while (s.len > 0) {
        size_t n = unicode_next(s, &code);
        if (n == 0 || !unicode_is_space(code)) return false;
        s = after(s, n);
    }
    return true;
}

/* Lower case ---------------------------------------------------------------------------------- */

static uint32_t range_first(uint32_t range)
{
    return range >> UNICODE_FIRST_SHIFT;
}

static uint32_t range_span(uint32_t range)
{
    return range >> 1 & UNICODE_SPAN_MASK;
}

static bool is_in_range(uint32_t range, uint32_t code)
{
    uint32_t place = code - range_first(range), every_second = range & 1;
    return place <= range_span(range) && (place & every_second) == 0;
}

/* The index of the range of `set` that holds `code`, or set->count. */
static size_t find_range(const struct unicode_set *set, uint32_t code)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t range = set->ranges[middle];
        if (code < range_first(range)) {
            high = middle;
        } else if (code - range_first(range) > range_span(range)) {
            low = middle + 1;
        } else {
            return is_in_range(range, code) ? middle : set->count;
        }
    }
    return set->count;
}

static bool is_in(const struct unicode_set *set, uint32_t code)
{
    return find_range(set, code) < set->count;
}

uint32_t unicode_fold(uint32_t code)
{
    if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
    size_t i = find_range(&unicode_capitals, code);
    return i == unicode_capitals.count ? code : (uint32_t)((int32_t)code + unicode_deltas[i]);
}

/* Is the nearest character that is not ignorable one with case? */
static bool is_case_near(struct str s, bool at_front)
{
    for (;;) {
        uint32_t code = 0;
        size_t n = at_front ? unicode_next(s, &code) : last_char(s, &code);
        if (n == 0) return false;
        if (!is_in(&unicode_ignorable, code)) return is_in(&unicode_cased, code);
        s = at_front ? after(s, n) : (struct str){s.p, s.len - n};
    }
}

/* The lower case of the character of *bytes bytes at s.p[at]; 0 where no UTF-8 is. */
static size_t lower_char(struct str s, size_t at, size_t *bytes, char out[CHAR_MAX_BYTES])
{
    uint32_t code = 0;
    *bytes = unicode_next(after(s, at), &code);
    if (*bytes == 0) return 0;
    if (code == DOTTED_CAPITAL_I) {
        size_t n = encode('i', out);
        return n + encode(COMBINING_DOT_ABOVE, out + n);
    }
    bool is_final = code == CAPITAL_SIGMA && is_case_near((struct str){s.p, at}, false) &&
                    !is_case_near(after(s, at + *bytes), true);
    return encode(is_final ? FINAL_SIGMA : unicode_fold(code), out);
}

long unicode_lower(struct str s, char *out, size_t out_bytes)
{
    size_t written = 0;
    for (size_t at = 0, bytes = 0; at < s.len; at += bytes) {
        char lower[CHAR_MAX_BYTES];
        size_t n = lower_char(s, at, &bytes, lower);
        if (n == 0 || n > out_bytes - written) return -1;
        memcpy(out + written, lower, n);
        written += n;
    }
    return (long)written;
}

void unicode_write_lower(struct buf *out, struct str s)
{
    for (size_t at = 0, bytes = 0; at < s.len; at += bytes) {
        char lower[CHAR_MAX_BYTES];
        size_t n = lower_char(s, at, &bytes, lower);
        if (n == 0) return;
        buf_add(out, lower, n);
    }
}

/* Upper case ---------------------------------------------------------------------------------- */

static uint32_t capital(uint32_t code)
{
    for (size_t i = 0; i < unicode_capitals.count; i++) {
        uint32_t candidate = (uint32_t)((int32_t)code - unicode_deltas[i]);
        if (is_in_range(unicode_capitals.ranges[i], candidate)) return candidate;
    }
    return code;
}

static void add(struct buf *out, uint32_t code)
{
    char utf8[CHAR_MAX_BYTES];
    buf_add(out, utf8, encode(code, utf8));
}

static void add_upper(struct buf *out, uint32_t code)
{
    if (code < 0x80) {
        buf_add_char(out, (char)(code >= 'a' && code <= 'z' ? code - ('a' - 'A') : code));
        return;
    }
    for (size_t i = 0; i < unicode_uppers_count && unicode_uppers[i].code <= code; i++) {
        const uint16_t *upper = unicode_uppers[i].upper;
        if (unicode_uppers[i].code != code) continue;
        for (size_t j = 0; j < 3 && upper[j] != 0; j++) {
            add(out, upper[j]);
        }
        return;
    }
    add(out, capital(code));
}

void unicode_write_upper(struct buf *out, struct str s)
{
    uint32_t code = 0;
    for (size_t n = unicode_next(s, &code); n > 0; n = unicode_next(s, &code)) {
        add_upper(out, code);
        s = after(s, n);
    }
}
