/*
 * unicode.c: trimming and lower-casing of UTF-8 text.
 *
 * Most of what passes here is ASCII and takes the first branch. What is not goes through the ranges
 * of lowercase.c. Two characters are special (SpecialCasing.txt, the rules without a language):
 * U+0130, the dotted capital I, becomes two characters, and a capital sigma becomes a final one at
 * the end of a word: a character with case before it and none behind, skipping what is ignorable.
 */
#include "tiktok/unicode.h"

#include "tiktok/lowercase.h"

enum {
    DOTTED_CAPITAL_I = 0x0130,
    COMBINING_DOT_ABOVE = 0x0307,
    CAPITAL_SIGMA = 0x03A3,
    FINAL_SIGMA = 0x03C2,
    SMALL_SIGMA = 0x03C3,
};

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
    for (size_t bytes = 1; bytes <= 4 && bytes <= s.len; bytes++) {
        if (unicode_next(after(s, s.len - bytes), code) == bytes) return bytes;
    }
    return 0;
}

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

/* The index of the range of `set` that holds `code`, or set->count. */
static size_t find_range(const struct lowercase_set *set, uint32_t code)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t first = set->ranges[middle] >> LOWERCASE_FIRST_SHIFT;
        uint32_t span = set->ranges[middle] >> 1 & LOWERCASE_SPAN_MASK;
        uint32_t every_second = set->ranges[middle] & 1;
        if (code < first) {
            high = middle;
        } else if (code - first > span) {
            low = middle + 1;
        } else {
            return ((code - first) & every_second) == 0 ? middle : set->count;
        }
    }
    return set->count;
}

static bool is_in(const struct lowercase_set *set, uint32_t code)
{
    return find_range(set, code) < set->count;
}

/* Is the nearest character that is not ignorable one with case? */
static bool is_case_near(struct str s, bool at_front)
{
    for (;;) {
        uint32_t code = 0;
        size_t n = at_front ? unicode_next(s, &code) : last_char(s, &code);
        if (n == 0) return false;
        if (!is_in(&lowercase_ignorable, code)) return is_in(&lowercase_cased, code);
        s = at_front ? after(s, n) : (struct str){s.p, s.len - n};
    }
}

static uint32_t lower_code(uint32_t code)
{
    size_t i = find_range(&lowercase_upper, code);
    return i == lowercase_upper.count ? code : (uint32_t)((int32_t)code + lowercase_deltas[i]);
}

static size_t encode(uint32_t code, char out[4])
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

/* The lower case of the character of `bytes` bytes at s.p[at], at most 4 bytes. */
static size_t lower_char(struct str s, size_t at, size_t bytes, uint32_t code, char out[4])
{
    if (code == DOTTED_CAPITAL_I) {
        size_t n = encode('i', out);
        return n + encode(COMBINING_DOT_ABOVE, out + n);
    }
    if (code != CAPITAL_SIGMA) return encode(lower_code(code), out);
    bool is_final =
        is_case_near((struct str){s.p, at}, false) && !is_case_near(after(s, at + bytes), true);
    return encode(is_final ? FINAL_SIGMA : SMALL_SIGMA, out);
}

long unicode_lower(struct str s, char *out, size_t out_bytes)
{
    size_t written = 0;
    for (size_t at = 0; at < s.len;) {
        char lower[4] = {s.p[at]};
        size_t bytes = 1, lower_bytes = 1;
        uint32_t code = (unsigned char)s.p[at];
        if (code < 0x80) {
            lower[0] = code >= 'A' && code <= 'Z' ? (char)(code + ('a' - 'A')) : s.p[at];
        } else {
            bytes = unicode_next(after(s, at), &code);
            if (bytes == 0) return -1;
            lower_bytes = lower_char(s, at, bytes, code, lower);
        }
        if (lower_bytes > out_bytes - written) return -1;
        for (size_t i = 0; i < lower_bytes; i++) {
            out[written++] = lower[i];
        }
        at += bytes;
    }
    return (long)written;
}
