/*
 * json_raw.c: finding things in the text of JSON without building a tree.
 *
 * A batch of 500 KiB is taken apart into the texts of its calls here, and a message about the
 * configuration learns its line. The text is one that json_check passed; all the same no function
 * reads behind its end, whatever the text is. Comments are white space here.
 */
#include "base/json_text.h"

#include <string.h>

struct cursor {
    const char *p, *end;
};

/* Behind the comment that starts at p; NULL when it does not end. A line comment ends before its
 * line end. */
static const char *comment_end(const char *p, const char *end)
{
    if (p[1] == '/') {
        const char *line_end = memchr(p, '\n', (size_t)(end - p));
        return line_end == NULL ? end : line_end;
    }
    for (p += 2; end - p >= 2; p++) {
        if (p[0] == '*' && p[1] == '/') return p + 2;
    }
    return NULL;
}

static bool at_comment(const char *p, const char *end)
{
    return end - p >= 2 && p[0] == '/' && (p[1] == '/' || p[1] == '*');
}

/* p is at the opening quote; behind the closing one, or at the end. */
static const char *string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++) {
        if (*p == '\\' && end - p >= 2) p++;
    }
    return p < end ? p + 1 : end;
}

size_t json_blank_comments(char *text, size_t len)
{
    const char *end = text + len;
    for (char *p = text; p < end;) {
        if (*p == '"') {
            p = text + (string_end(p, end) - text);
            continue;
        }
        if (!at_comment(p, end)) {
            p++;
            continue;
        }
        const char *behind = comment_end(p, end);
        if (behind == NULL) return (size_t)(p - text);
        for (; p < behind; p++) {
            if (*p != '\n') *p = ' ';
        }
    }
    return len;
}

/* Walking ------------------------------------------------------------------------------------- */

static void skip_blank(struct cursor *c)
{
    while (c->p < c->end) {
        if (memchr(" \t\r\n", *c->p, 4) != NULL) {
            c->p++;
        } else if (at_comment(c->p, c->end)) {
            const char *behind = comment_end(c->p, c->end);
            c->p = behind == NULL ? c->end : behind;
        } else {
            return;
        }
    }
}

static bool take(struct cursor *c, char ch)
{
    skip_blank(c);
    if (c->p >= c->end || *c->p != ch) return false;
    c->p++;
    return true;
}

static void skip_scalar(struct cursor *c)
{
    if (*c->p == '"') {
        c->p = string_end(c->p, c->end);
        return;
    }
    do {
        c->p++;
    } while (c->p < c->end && memchr(",:]} \t\r\n/\"", *c->p, 10) == NULL);
}

static void skip_value(struct cursor *c)
{
    size_t depth = 0;
    do {
        skip_blank(c);
        if (c->p >= c->end) return;
        char ch = *c->p;
        if (ch == '{' || ch == '[') {
            depth++;
            c->p++;
        } else if (ch == '}' || ch == ']') {
            if (depth > 0) depth--;
            c->p++;
        } else if (ch == ',' || ch == ':') {
            c->p++;
        } else {
            skip_scalar(c);
        }
    } while (depth > 0);
}

static bool key_is(struct cursor at_key, const char *key)
{
    struct json_unescape u = {.p = at_key.p + 1, .end = at_key.end};
    for (; *key != '\0'; key++) {
        if (json_unescape_next(&u) != (unsigned char)*key) return false;
    }
    return json_unescape_next(&u) < 0;
}

/* From before an object to the value of its member `key`; *at is where the key stands. */
static bool enter_member(struct cursor *c, const char *key, const char **at)
{
    if (!take(c, '{')) return false;
    do {
        skip_blank(c);
        if (c->p >= c->end || *c->p != '"') return false;
        struct cursor key_start = *c;
        skip_scalar(c);
        if (!take(c, ':')) return false;
        skip_blank(c);
        *at = key_start.p;
        if (key_is(key_start, key)) return true;
        skip_value(c);
    } while (take(c, ','));
    return false;
}

static bool enter_item(struct cursor *c, const char *index, const char **at)
{
    uint64_t n;
    if (str_to_u64(str_from(index), &n) < 0 || !take(c, '[')) return false;
    skip_blank(c);
    for (; n > 0 && c->p < c->end && *c->p != ']'; n--) {
        skip_value(c);
        if (!take(c, ',')) return false;
        skip_blank(c);
    }
    *at = c->p;
    return c->p < c->end && *c->p != ']';
}

struct str json_raw_member(struct str object_text, const char *key)
{
    struct cursor c = {object_text.p, object_text.p + object_text.len};
    const char *at;
    if (!enter_member(&c, key, &at)) return (struct str){"", 0};
    const char *start = c.p;
    skip_value(&c);
    return (struct str){start, (size_t)(c.p - start)};
}

bool json_raw_next(struct str array_text, size_t *pos, struct str *item)
{
    struct cursor c = {array_text.p + *pos, array_text.p + array_text.len};
    if (!take(&c, *pos == 0 ? '[' : ',')) return false;
    skip_blank(&c);
    if (c.p >= c.end || *c.p == ']') return false;
    const char *start = c.p;
    skip_value(&c);
    *item = (struct str){start, (size_t)(c.p - start)};
    *pos = (size_t)(c.p - array_text.p);
    return true;
}

unsigned json_line_of(struct str text, const char *const *keys, size_t n)
{
    struct cursor c = {text.p, text.p + text.len};
    const char *at = NULL;
    for (size_t i = 0; i < n; i++) {
        skip_blank(&c);
        bool array = c.p < c.end && *c.p == '[';
        if (!(array ? enter_item(&c, keys[i], &at) : enter_member(&c, keys[i], &at))) return 0;
    }
    if (at == NULL) return 0;
    unsigned line = 1;
    for (const char *p = text.p; p < at; p++) {
        line += *p == '\n';
    }
    return line;
}
