/*
 * template.c: a text cut into literal parts and paths once, put together for every call.
 */
#include "mapping/template.h"

struct template
{
    struct str text;         /* before the path; or, in the last part, all of it */
    const struct path *path; /* NULL in the last part */
    const struct template *next;
};

struct braces {
    size_t bytes;    /* of all, from the first brace to the last; 0: none here */
    struct str path; /* what stands in them */
};

/* The braces that text begins with: three of them, else two. */
static struct braces braces_at(struct str text, size_t pos)
{
    struct str rest = {text.p + pos, text.len - pos};
    for (size_t n = 3; n >= 2; n--) {
        struct str inside = {rest.p + n, rest.len < n ? 0 : rest.len - n}, end;
        if (!str_starts(rest, n == 3 ? "{{{" : "{{")) continue;
        struct str path = str_split(inside, '}', &end);
        if (str_trim(path).len == 0 || path.len == inside.len) continue;
        if (!str_starts(end, n == 3 ? "}}" : "}")) continue;
        return (struct braces){.bytes = path.len + 2 * n, .path = str_trim(path)};
    }
    return (struct braces){0};
}

/* Where the next braces are; text.len when there are none. */
static size_t find_braces(struct str text, size_t from, struct braces *out)
{
    size_t pos = from;
    *out = (struct braces){0};
    while (pos < text.len && out->bytes == 0) {
        *out = braces_at(text, pos);
        if (out->bytes == 0) pos++;
    }
    return pos;
}

int template_parse(struct arena *a, struct str text, const struct template **out, struct fault *why)
{
    const struct template **link = out;
    const char *copy = arena_copy(a, text);
    struct braces b = {.bytes = 1};
    *out = NULL;
    for (size_t from = 0; b.bytes > 0;) {
        struct template *part = copy == NULL ? NULL : arena_alloc(a, sizeof *part);
        if (part == NULL) {
            return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "no memory for a template");
        }
        size_t at = find_braces(text, from, &b);
        part->text = (struct str){copy + from, at - from};
        int err = b.bytes == 0 ? 0 : path_parse(a, b.path, &part->path, why);
        if (err < 0) return err;
        *link = part;
        link = &part->next;
        from = at + b.bytes;
    }
    return TILLPOST_OK;
}

static void write_value(struct buf *out, const struct json *v)
{
    switch (json_type(v)) {
    case JSON_NULL: break;
    case JSON_STRING: buf_add_str(out, json_string(v)); break;
    case JSON_ARRAY:
        for (const struct json *item = json_first(v); item != NULL; item = json_next(item)) {
            if (item != json_first(v)) buf_add_char(out, ',');
            write_value(out, item);
        }
        break;
    default: json_write(out, v);
    }
}

int template_write_value(struct buf *out, const struct json *v)
{
    if (!json_keeps_digits(v)) return TILLPOST_E_BAD_FIELD;
    write_value(out, v);
    return TILLPOST_OK;
}

int template_write(const struct template *t, const struct path_roots *roots,
                   const struct json *data, struct arena *a, struct buf *out)
{
    for (; t != NULL; t = t->next) {
        bool failed = false;
        buf_add_str(out, t->text);
        if (t->path == NULL) continue;
        const struct json *v = path_resolve(t->path, roots, data, a, &failed);
        int err = failed ? TILLPOST_E_NO_MEMORY : template_write_value(out, v);
        if (err < 0) return err;
    }
    return TILLPOST_OK;
}
