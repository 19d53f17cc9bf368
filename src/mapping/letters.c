/*
 * letters.c: letters change case, one character at a time.
 *
 * Two letters are not in the tables: U+0130, a capital I with a dot, whose small form is "i" and a
 * combining dot; and the capital sigma, which at the end of a word becomes the final one: behind a
 * letter and not before one. The standard also looks past marks that stand between; we do not.
 */
#include "mapping/letters.h"

#include "mapping/letters_table.h"

enum {
    DOTTED_I = 0x130,
    DOT_ABOVE = 0x307,
    SIGMA = 0x3A3,
    SMALL_SIGMA = 0x3C3,
    FINAL_SIGMA = 0x3C2,
};

static bool in_range(const struct letters_range *r, uint32_t c)
{
    return c >= r->first && c - r->first <= r->span && (!r->odds || (c - r->first) % 2 == 0);
}

static uint32_t small(uint32_t c)
{
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c == SIGMA) return SMALL_SIGMA;
    for (size_t i = 0; i < letters_ranges_count && letters_ranges[i].first <= c; i++) {
        const struct letters_range *r = &letters_ranges[i];
        if (in_range(r, c)) return (uint32_t)((int32_t)c + r->delta);
    }
    return c;
}

static uint32_t capital(uint32_t c)
{
    if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
    if (c == SMALL_SIGMA) return SIGMA;
    for (size_t i = 0; i < letters_ranges_count; i++) {
        const struct letters_range *r = &letters_ranges[i];
        uint32_t candidate = (uint32_t)((int32_t)c - r->delta);
        if (in_range(r, candidate)) return candidate;
    }
    return c;
}

static bool is_letter(uint32_t c)
{
    return small(c) != c || capital(c) != c;
}

/* UTF-8 --------------------------------------------------------------------------------------- */

static uint32_t decode(struct str text, size_t *bytes)
{
    static const unsigned char first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    size_t n = str_utf8_char(text);
    uint32_t c = (unsigned char)text.p[0];
    *bytes = n > 0 ? n : 1;
    if (n > 1) c &= first_bits[n];
    for (size_t i = 1; i < n; i++) {
        c = c << 6 | ((unsigned char)text.p[i] & 0x3F);
    }
    return c;
}

static void add(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add_char(out, (char)c);
    } else if (c < 0x800) {
        buf_add(out, (const char[]){(char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))}, 2);
    } else if (c < 0x10000) {
        buf_add(out,
                (const char[]){(char)(0xE0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3F)),
                               (char)(0x80 | (c & 0x3F))},
                3);
    } else {
        buf_add(out,
                (const char[]){(char)(0xF0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3F)),
                               (char)(0x80 | (c >> 6 & 0x3F)), (char)(0x80 | (c & 0x3F))},
                4);
    }
}

static struct str after(struct str text, size_t pos)
{
    return (struct str){text.p + pos, text.len - pos};
}

/* The texts ----------------------------------------------------------------------------------- */

static void add_small(struct buf *out, uint32_t c, bool behind_letter, struct str rest)
{
    size_t bytes = 0;
    if (c == DOTTED_I) {
        add(out, 'i');
        add(out, DOT_ABOVE);
    } else if (c == SIGMA && behind_letter && (rest.len == 0 || !is_letter(decode(rest, &bytes)))) {
        add(out, FINAL_SIGMA);
    } else {
        add(out, small(c));
    }
}

void letters_lower(struct buf *out, struct str text)
{
    uint32_t before = 0;
    for (size_t pos = 0, bytes = 0; pos < text.len; pos += bytes) {
        uint32_t c = decode(after(text, pos), &bytes);
        add_small(out, c, is_letter(before), after(text, pos + bytes));
        before = c;
    }
}

static void add_capital(struct buf *out, uint32_t c)
{
    for (size_t i = 0; i < letters_uppers_count && letters_uppers[i].letter <= c; i++) {
        const uint16_t *upper = letters_uppers[i].upper;
        if (letters_uppers[i].letter != c) continue;
        for (size_t j = 0; j < 3 && upper[j] != 0; j++) {
            add(out, upper[j]);
        }
        return;
    }
    add(out, capital(c));
}

void letters_upper(struct buf *out, struct str text)
{
    for (size_t pos = 0, bytes = 0; pos < text.len; pos += bytes) {
        add_capital(out, decode(after(text, pos), &bytes));
    }
}

uint32_t letters_fold(struct str text, size_t *bytes)
{
    return small(decode(text, bytes));
}

/* Source: ECMAScript's WhiteSpace and LineTerminator, which trim() takes away. */
static bool is_white(uint32_t c)
{
    static const uint32_t others[] = {0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF};
    if (c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x2000 && c <= 0x200A)) return true;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (c == others[i]) return true;
    }
    return false;
}

bool letters_blank(struct str text)
{
    unsigned char first = text.len > 0 ? (unsigned char)text.p[0] : ' ';
    if (first > ' ' && first < 0x80) return false; /* most texts */
    for (size_t pos = 0, bytes = 0; pos < text.len; pos += bytes) {
        if (!is_white(decode(after(text, pos), &bytes))) return false;
    }
    return true;
}
