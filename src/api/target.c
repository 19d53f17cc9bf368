/*
 * target.c: paths and queries.
 *
 * What always holds: what comes out of percent-decoding has no NUL, so that it may be used as a C
 * string. A path is compared undecoded: "/v1/%74rack" is no route of ours.
 */
#include "api/target.h"

#include "api/api.h"
#include <string.h>

bool target_split(struct str text, struct target *out)
{
    static const char scheme[] = "http://";
    const size_t scheme_len = sizeof scheme - 1;
    *out = (struct target){0};
    if (text.len > scheme_len && str_is_nocase((struct str){text.p, scheme_len}, scheme)) {
        struct str rest = {text.p + scheme_len, text.len - scheme_len};
        size_t n = 0;
        while (n < rest.len && rest.p[n] != '/' && rest.p[n] != '?') n++;
        out->authority = (struct str){rest.p, n};
        text = (struct str){rest.p + n, rest.len - n};
        if (n == 0) return false;
    }
    out->path = str_split(text, '?', &out->query);
    if (out->path.len == 0 && out->authority.len > 0) out->path = STR("/");
    return str_starts(out->path, "/") || str_is(text, "*");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool percent_decode(char *text, size_t *len, bool plus_is_space)
{
    size_t to = 0;
    for (size_t i = 0; i < *len; i++) {
        char c = text[i];
        if (c == '+' && plus_is_space) c = ' ';
        if (c == '%') {
            int high = *len - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0 || high + low == 0) return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        text[to++] = c;
    }
    *len = to;
    return true;
}

bool api_query(const struct api_request *r, const char *name, char *out, size_t out_bytes)
{
    struct str rest = r->query;
    while (rest.len > 0) {
        struct str value;
        struct str key = str_split(str_split(rest, '&', &rest), '=', &value);
        if (!str_is(key, name)) continue;
        size_t len = value.len;
        if (len >= out_bytes) return false;
        if (len > 0) memcpy(out, value.p, len);
        if (!percent_decode(out, &len, true)) return false;
        out[len] = '\0';
        return true;
    }
    return false;
}
