/*
 * glob.c: one pass over the text; on a mismatch back to the last star, which then takes one
 * character more. Characters are those of UTF-8.
 */
#include "mapping/glob.h"

static size_t char_bytes(struct str text, size_t pos)
{
    size_t bytes = str_utf8_char((struct str){text.p + pos, text.len - pos});
    return bytes > 0 ? bytes : 1;
}

/* Bytes of the text that the one-character pattern at *p takes, 0 when it does not fit; *p moves
 * behind it. */
static size_t take(struct str pattern, size_t *p, struct str text, size_t pos)
{
    if (*p >= pattern.len || pos >= text.len) return 0;
    char c = pattern.p[(*p)++];
    if (c == '?') return char_bytes(text, pos);
    if (c == '\\' && *p < pattern.len) c = pattern.p[(*p)++];
    return c == text.p[pos] ? 1 : 0;
}

static bool is_star(struct str pattern, size_t p)
{
    return p < pattern.len && pattern.p[p] == '*';
}

bool glob_matches(struct str pattern, struct str text)
{
    size_t p = 0, pos = 0, star = SIZE_MAX, star_pos = 0;
    while (pos < text.len || is_star(pattern, p)) {
        if (is_star(pattern, p)) {
            star = ++p;
            star_pos = pos;
            continue;
        }
        size_t bytes = take(pattern, &p, text, pos);
        if (bytes > 0) {
            pos += bytes;
        } else if (star != SIZE_MAX && star_pos < text.len) {
            star_pos += char_bytes(text, star_pos);
            p = star;
            pos = star_pos;
        } else {
            return false;
        }
    }
    return p == pattern.len;
}
