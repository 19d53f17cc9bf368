/*
 * members.c: one walk over a JSON text that knows strings and depth, and no more.
 *
 * What always holds: no byte at or behind the end is read; what is found lies within the text.
 */
#include "client/members.h"

#include "client/utf8.h"

#include <string.h>

struct cursor {
    const char *p, *end;
};

static void skip_blank(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static bool take(struct cursor *c, char wanted)
{
    skip_blank(c);
    if (c->p == c->end || *c->p != wanted) return false;
    c->p++;
    return true;
}

/* A string, from its first quote to behind its last. */
static bool skip_string(struct cursor *c)
{
    if (!take(c, '"')) return false;
    while (c->p < c->end && *c->p != '"') c->p += *c->p == '\\' && c->end - c->p > 1 ? 2 : 1;
    return take(c, '"');
}

/* An object or array, whatever brackets it closes with: the agent will look. */
static bool skip_nested(struct cursor *c)
{
    size_t depth = 0;
    do {
        skip_blank(c);
        if (c->p == c->end) return false;
        if (*c->p == '"') {
            if (!skip_string(c)) return false;
            continue;
        }
        if (*c->p == '{' || *c->p == '[') depth++;
        if (*c->p == '}' || *c->p == ']') depth--;
        c->p++;
    } while (depth > 0);
    return true;
}

static struct members_value value_at(struct cursor *c)
{
    skip_blank(c);
    const char *from = c->p;
    bool good = true;
    if (c->p < c->end && *c->p == '"') good = skip_string(c);
    else if (c->p < c->end && (*c->p == '{' || *c->p == '[')) good = skip_nested(c);
    else
        while (c->p < c->end && !memchr(",]} \t\r\n", *c->p, 7)) c->p++;
    return good && c->p > from ? (struct members_value){from, (size_t)(c->p - from)}
                               : (struct members_value){NULL, 0};
}

struct members_value members_find(const char *json, size_t len, const char *name)
{
    struct cursor c = {json, json + len};
    size_t name_len = strlen(name);
    if (!take(&c, '{')) return (struct members_value){NULL, 0};
    do {
        struct members_value key = value_at(&c);
        if (!key.p || key.p[0] != '"' || !take(&c, ':')) break;
        struct members_value value = value_at(&c);
        if (!value.p) break;
        if (key.len == name_len + 2 && memcmp(key.p + 1, name, name_len) == 0) return value;
    } while (take(&c, ','));
    return (struct members_value){NULL, 0};
}

struct members_value members_first(struct members_value array)
{
    struct cursor c = {array.p, array.p + array.len};
    if (!array.p || !take(&c, '[')) return (struct members_value){NULL, 0};
    return value_at(&c);
}

bool members_is_text(struct members_value v)
{
    return v.p && v.len > 2 && v.p[0] == '"';
}

static unsigned hex4(const char *p)
{
    unsigned n = 0;
    for (int i = 0; i < 4; i++) {
        unsigned digit = (unsigned char)p[i];
        n = n * 16 + (digit >= 'a'   ? digit - 'a' + 10
                      : digit >= 'A' ? digit - 'A' + 10
                                     : digit - '0');
    }
    return n;
}

/* One character of a string at p (before end) as UTF-8; returns the bytes of text it took. */
static size_t one_character(const char *p, const char *end, char out[4], size_t *out_len)
{
    static const char names[] = "bfnrt", means[] = "\b\f\n\r\t";
    *out_len = 1;
    if (*p != '\\' || end - p < 2) {
        *out_len = utf8_length(p, (size_t)(end - p));
        if (*out_len == 0) *out_len = 1;
        memcpy(out, p, *out_len);
        return *out_len;
    }
    if (p[1] == 'u' && end - p >= 6) {
        unsigned code = hex4(p + 2);
        *out_len = utf8_write(code >= 0xD800 && code <= 0xDFFF ? '?' : code, out);
        return 6;
    }
    const char *named = strchr(names, p[1]);
    out[0] = p[1] && named ? means[named - names] : p[1];
    return 2;
}

void members_text(struct members_value v, char *out, size_t bytes)
{
    size_t n = 0;
    if (members_is_text(v)) {
        const char *p = v.p + 1, *end = v.p + v.len - 1;
        while (p < end) {
            char one[4];
            size_t len;
            p += one_character(p, end, one, &len);
            if (n + len + 1 > bytes) break;
            memcpy(out + n, one, len);
            n += len;
        }
    }
    out[n] = 0;
}
