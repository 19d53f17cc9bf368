/*
 * path.c: paths, read once and followed for every call.
 *
 * What Segment's get() takes is taken: steps that are empty ("a..b") count for nothing, and a
 * bracket that no digit and no quote follows is part of a name. What it silently misreads is
 * refused: a bracket or a quote without its end. Beyond Segment, a dot in a quoted name is part of
 * the name, and a name asked of an array is asked of its items.
 *
 * 1. Following a path needs no memory, unless an array is mapped over.
 * 2. The depth of recursion is that of the call: every level goes one value down.
 */
#include "mapping/path.h"

#include <string.h>

enum { TEXT_MAX_BYTES = 1024, INDEX_DIGITS_MAX = 9 }; /* fits an int32_t */

struct path_reader {
    struct arena *a;
    struct str text;
    size_t pos;
    struct path_draft draft;
    struct fault *why;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

static int32_t index_of(struct str name)
{
    int32_t n = 0;
    if (name.len == 0 || name.len > INDEX_DIGITS_MAX) return -1;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_digit(name.p[i])) return -1;
        n = n * 10 + (name.p[i] - '0');
    }
    return n;
}

int path_add(struct path_draft *d, struct arena *a, struct str name, struct fault *why)
{
    if (d->count == PATH_STEPS_MAX) {
        return fault_set(why, TILLPOST_E_CONFIG, NULL, "a path has at most %d names",
                         PATH_STEPS_MAX);
    }
    const char *copy = arena_copy(a, name);
    if (copy == NULL) return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "no memory for a path");
    d->step[d->count] = (struct path_step){
        .name = {copy, name.len},
        .index = index_of(name),
        .any_case = d->count == 1 && str_is(d->step[0].name, "integrations"),
    };
    d->count++;
    return TILLPOST_OK;
}

/* Those that a call of Segment's tracking API has, and that triggers and presets ask for; any
 * other is looked for when it is asked for. */
static const char *const root_names[PATH_ROOTS] = {
    "type",         "event",     "properties",        "context",     "traits",
    "integrations", "userId",    "messageId",         "anonymousId", "name",
    "groupId",      "timestamp", "originalTimestamp", "previousId",
};

/* PATH_ROOTS when it is none of them. */
static size_t root_of(struct str name)
{
    size_t i = 0;
    while (i < PATH_ROOTS && (root_names[i][0] != name.p[0] || !str_is(name, root_names[i]))) {
        i++;
    }
    return i;
}

void path_read_roots(struct path_roots *out, const struct json *call)
{
    out->call = call;
    for (size_t i = 0; i < PATH_ROOTS; i++) {
        out->value[i] = NULL;
    }
    const struct json *m = json_is(call, JSON_OBJECT) ? json_first(call) : NULL;
    for (; m != NULL; m = json_next(m)) {
        size_t i = root_of(json_key(m));
        if (i < PATH_ROOTS) out->value[i] = m;
    }
}

int path_finish(const struct path_draft *d, struct arena *a, const struct path **out,
                struct fault *why)
{
    size_t bytes = d->count * sizeof d->step[0];
    struct path *p = arena_alloc(a, sizeof *p + bytes);
    if (p == NULL) return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "no memory for a path");
    p->count = d->count;
    p->root = d->count == 0 ? PATH_ROOTS : root_of(d->step[0].name);
    memcpy(p->step, d->step, bytes);
    *out = p;
    return TILLPOST_OK;
}

/* Reading ------------------------------------------------------------------------------------- */

static char at(const struct path_reader *r, size_t pos)
{
    return pos < r->text.len ? r->text.p[pos] : '\0';
}

static int refuse_open(const struct path_reader *r, size_t start, const char *end)
{
    return fault_set(r->why, TILLPOST_E_CONFIG, NULL,
                     "the path \"%.*s\" opens a name at column %zu and never closes it with %s",
                     (int)str_cut(r->text, 80).len, r->text.p, start + 1, end);
}

/* A quoted name; pos stands on its quote and then behind the closing one. */
static int read_quoted(struct path_reader *r)
{
    size_t start = r->pos, len = 0;
    char quote = at(r, r->pos++);
    char *name = arena_alloc(r->a, r->text.len + 1);
    if (name == NULL) return fault_set(r->why, TILLPOST_E_NO_MEMORY, NULL, "no memory for a path");
    while (r->pos < r->text.len && at(r, r->pos) != quote) {
        char next = at(r, r->pos + 1);
        if (at(r, r->pos) == '\\' && (next == quote || next == '\\')) r->pos++;
        name[len++] = at(r, r->pos++);
    }
    if (r->pos++ >= r->text.len) return refuse_open(r, start, quote == '"' ? "\"" : "'");
    return path_add(&r->draft, r->a, (struct str){name, len}, r->why);
}

/* "[0]" or "['name']"; pos stands on the bracket. */
static int read_bracket(struct path_reader *r)
{
    size_t start = r->pos++;
    if (is_quote(at(r, r->pos))) {
        int err = read_quoted(r);
        if (err < 0) return err;
    } else {
        size_t from = r->pos;
        while (is_digit(at(r, r->pos))) {
            r->pos++;
        }
        struct str digits = {r->text.p + from, r->pos - from};
        int err = path_add(&r->draft, r->a, digits, r->why);
        if (err < 0) return err;
    }
    if (at(r, r->pos) != ']') return refuse_open(r, start, "]");
    r->pos++;
    return TILLPOST_OK;
}

static bool opens_bracket(const struct path_reader *r)
{
    char next = at(r, r->pos + 1);
    return at(r, r->pos) == '[' && (is_digit(next) || is_quote(next));
}

static int read_name(struct path_reader *r)
{
    size_t from = r->pos;
    while (r->pos < r->text.len && at(r, r->pos) != '.' && !opens_bracket(r)) {
        r->pos++;
    }
    struct str name = {r->text.p + from, r->pos - from};
    return path_add(&r->draft, r->a, name, r->why);
}

static int read_step(struct path_reader *r)
{
    if (opens_bracket(r)) return read_bracket(r);
    if (is_quote(at(r, r->pos))) return read_quoted(r);
    return read_name(r);
}

int path_parse(struct arena *a, struct str text, const struct path **out, struct fault *why)
{
    struct path_reader r = {.a = a, .text = text, .why = why};
    *out = NULL;
    if (text.len > TEXT_MAX_BYTES) {
        return fault_set(why, TILLPOST_E_CONFIG, NULL, "a path has at most %d bytes, this one %zu",
                         TEXT_MAX_BYTES, text.len);
    }
    if (str_is(text, "$")) r.pos = 1;
    if (str_starts(text, "$.") || str_starts(text, "$[")) r.pos = 1;
    while (r.pos < text.len) {
        int err = TILLPOST_OK;
        if (at(&r, r.pos) == '.') {
            r.pos++;
        } else {
            err = read_step(&r);
        }
        if (err < 0) return err;
    }
    return path_finish(&r.draft, a, out, why);
}

/* Following ----------------------------------------------------------------------------------- */

struct path_walk {
    const struct path *p;
    struct arena *a; /* NULL: arrays are not mapped over */
    bool failed;
};

static const struct json *walk(struct path_walk *w, size_t i, const struct json *v);

/* The first member of that name, in any case, under which the rest of the path leads somewhere. */
static const struct json *walk_any_case(struct path_walk *w, size_t i, const struct json *object)
{
    if (!json_is(object, JSON_OBJECT)) return NULL;
    for (const struct json *m = json_first(object); m != NULL; m = json_next(m)) {
        if (!str_is_nocase(json_key(m), w->p->step[i].name.p)) continue;
        const struct json *found = walk(w, i + 1, m);
        if (found != NULL) return found;
    }
    return NULL;
}

static const struct json *walk_items(struct path_walk *w, size_t i, const struct json *array)
{
    struct json *out = NULL;
    for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
        const struct json *found = walk(w, i, item);
        if (w->failed) return NULL;
        if (found == NULL) continue;
        if (out == NULL) out = json_new_array(w->a);
        w->failed = !json_add(out, json_ref(w->a, found));
    }
    return out;
}

static const struct json *walk(struct path_walk *w, size_t i, const struct json *v)
{
    for (; i < w->p->count && v != NULL; i++) {
        const struct path_step *step = &w->p->step[i];
        if (step->any_case) return walk_any_case(w, i, v);
        bool array = json_is(v, JSON_ARRAY);
        if (array && step->index < 0) return w->a == NULL ? NULL : walk_items(w, i, v);
        v = array ? json_at(v, (size_t)step->index) : json_get_str(v, step->name);
    }
    return v;
}

static const struct json *start(struct path_walk *w, const struct path_roots *roots)
{
    size_t root = w->p->root;
    return root < PATH_ROOTS ? walk(w, 1, roots->value[root]) : walk(w, 0, roots->call);
}

const struct json *path_find(const struct path *p, const struct path_roots *roots)
{
    struct path_walk w = {.p = p};
    return start(&w, roots);
}

const struct json *path_resolve(const struct path *p, const struct path_roots *roots,
                                const struct json *data, struct arena *a, bool *failed)
{
    struct path_walk w = {.p = p, .a = a};
    const struct json *found = data == roots->call ? start(&w, roots) : walk(&w, 0, data);
    *failed = *failed || w.failed;
    return w.failed ? NULL : found;
}
