/*
 * directive.c: from the JSON of a mapping to nodes, and everything that can be wrong with it.
 *
 * A directive is a row of a table: its name, how its value is read, its arguments with their
 * kinds, and the function of resolve.c that runs it.
 * 1. compiler.path always is the place of the value at hand; who goes down a level pushes, and
 *    pops on the way up, good or bad.
 * 2. After a failure compiler.err is set, why is filled once, and NULL or false goes up.
 */
#include "mapping/node.h"

#include "base/nearest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct compiler {
    struct arena *a;
    struct fault *why;
    int err;
    unsigned depth;
    char path[FAULT_PATH_MAX_BYTES];
};

enum argument_kind {
    ARG_VALUE,         /* anything */
    ARG_TEXT_VALUE,    /* a text, or a directive that makes one */
    ARG_OBJECT,        /* an object, or a directive that makes one */
    ARG_OBJECTS,       /* a list of such */
    ARG_TEXT,          /* a text of this mapping, not empty, at most DIRECTIVE_REPLACE_MAX_BYTES */
    ARG_TEXT_OR_EMPTY, /* the same, or empty */
    ARG_FLAG,          /* true or false */
    ARG_CHOICE,        /* one of two words */
};

enum need { NEED_NOT, NEEDED, NEED_ONE, NEED_ANOTHER }; /* at least one of each of the last two */

struct argument {
    const char *name;
    enum argument_kind kind;
    enum need need;
    const char *choice[2];
};

struct directive;
typedef bool (*reader)(struct compiler *c, const struct directive *d, const struct json *v,
                       struct node *out);

struct directive {
    const char *name;
    reader read;
    resolver resolve;
    resolver resolve_of; /* when the path or the template comes out of a directive */
    const struct argument *argument;
    size_t arguments;
};

static struct node *compile(struct compiler *c, const struct json *v);
static bool read_value(struct compiler *, const struct directive *, const struct json *,
                       struct node *);
static bool read_path(struct compiler *, const struct directive *, const struct json *,
                      struct node *);
static bool read_template(struct compiler *, const struct directive *, const struct json *,
                          struct node *);
static bool read_array_path(struct compiler *, const struct directive *, const struct json *,
                            struct node *);
static bool read_arguments(struct compiler *, const struct directive *, const struct json *,
                           struct node *);
static bool read_if(struct compiler *, const struct directive *, const struct json *,
                    struct node *);

/* clang-format off */
static const struct argument if_arguments[] = {
    {"exists", ARG_VALUE, NEED_ONE,     {0}},
    {"blank",  ARG_VALUE, NEED_ONE,     {0}},
    {"then",   ARG_VALUE, NEED_ANOTHER, {0}},
    {"else",   ARG_VALUE, NEED_ANOTHER, {0}},
};
static const struct argument case_arguments[] = {
    {"operator", ARG_CHOICE,     NEEDED, {"lower", "upper"}},
    {"value",    ARG_TEXT_VALUE, NEEDED, {0}},
};
static const struct argument replace_arguments[] = {
    {"value",        ARG_TEXT_VALUE,    NEEDED,   {0}},
    {"pattern",      ARG_TEXT,          NEEDED,   {0}},
    {"replacement",  ARG_TEXT_OR_EMPTY, NEED_NOT, {0}},
    {"pattern2",     ARG_TEXT_OR_EMPTY, NEED_NOT, {0}},
    {"replacement2", ARG_TEXT_OR_EMPTY, NEED_NOT, {0}},
    {"ignorecase",   ARG_FLAG,          NEED_NOT, {0}},
    {"global",       ARG_FLAG,          NEED_NOT, {0}},
};
static const struct argument merge_arguments[] = {
    {"objects",   ARG_OBJECTS, NEEDED, {0}},
    {"direction", ARG_CHOICE,  NEEDED, {"left", "right"}},
};
static const struct argument flatten_arguments[] = {
    {"value",      ARG_VALUE, NEEDED,   {0}},
    {"separator",  ARG_TEXT,  NEEDED,   {0}},
    {"omitArrays", ARG_FLAG,  NEED_NOT, {0}},
};
static const struct argument json_arguments[] = {
    {"value", ARG_VALUE,  NEEDED, {0}},
    {"mode",  ARG_CHOICE, NEEDED, {"encode", "decode"}},
};
static const struct argument transform_arguments[] = {
    {"apply",   ARG_OBJECT, NEEDED, {0}},
    {"mapping", ARG_OBJECT, NEEDED, {0}},
};

#define ARGUMENTS(list) list, sizeof list / sizeof list[0]
static const struct directive directives[] = {
    /* name              how it is read   how it is run              … if it is made of another */
    {"@path",            read_path,       resolve_path,              resolve_path_of,     NULL, 0},
    {"@template",        read_template,   resolve_template,          resolve_template_of, NULL, 0},
    {"@literal",         read_value,      resolve_same,              NULL,                NULL, 0},
    {"@arrayPath",       read_array_path, resolve_array_path,        NULL,                NULL, 0},
    {"@excludeWhenNull", read_value,      resolve_exclude_when_null, NULL,                NULL, 0},
    {"@if",              read_if,         resolve_if,        NULL, ARGUMENTS(if_arguments)},
    {"@case",            read_arguments,  resolve_case,      NULL, ARGUMENTS(case_arguments)},
    {"@replace",         read_arguments,  resolve_replace,   NULL, ARGUMENTS(replace_arguments)},
    {"@merge",           read_arguments,  resolve_merge,     NULL, ARGUMENTS(merge_arguments)},
    {"@flatten",         read_arguments,  resolve_flatten,   NULL, ARGUMENTS(flatten_arguments)},
    {"@json",            read_arguments,  resolve_json,      NULL, ARGUMENTS(json_arguments)},
    {"@transform",       read_arguments,  resolve_transform, NULL, ARGUMENTS(transform_arguments)},
};
/* clang-format on */
enum { DIRECTIVES = sizeof directives / sizeof directives[0], ARGUMENTS_MAX = 7 };

/* Places and faults --------------------------------------------------------------------------- */

static size_t push(struct compiler *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static size_t push(struct compiler *c, const char *format, ...)
{
    size_t mark = strlen(c->path);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(c->path + mark, sizeof c->path - mark, format, list);
    va_end(list);
    return mark;
}

static size_t push_key(struct compiler *c, struct str key)
{
    struct str part = str_cut(key, FAULT_PATH_MAX_BYTES);
    return push(c, ".%.*s", (int)part.len, part.p);
}

static void pop(struct compiler *c, size_t mark)
{
    c->path[mark] = '\0';
}

static bool refuse(struct compiler *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct compiler *c, const char *format, ...)
{
    char message[FAULT_MESSAGE_MAX_BYTES];
    if (c->err < 0) return false;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(message, sizeof message, format, list);
    va_end(list);
    c->err = fault_set(c->why, TILLPOST_E_CONFIG, c->path, "%s", message);
    return false;
}

static void *claim(struct compiler *c, void *p)
{
    if (p == NULL && c->err == 0) {
        c->err = fault_set(c->why, TILLPOST_E_NO_MEMORY, c->path,
                           "the mapping is too large; make it smaller");
    }
    return p;
}

/* Passes on what path_parse or template_parse found, with the place. */
static bool accept(struct compiler *c, int err, const struct fault *found)
{
    if (err == TILLPOST_E_NO_MEMORY) claim(c, NULL);
    return err >= 0 || refuse(c, "%s", found->message);
}

static const char *type_words(const struct json *v)
{
    switch (json_type(v)) {
    case JSON_FALSE:
    case JSON_TRUE: return "true or false";
    case JSON_NUMBER: return "a number";
    case JSON_STRING: return "a text";
    case JSON_ARRAY: return "a list";
    case JSON_OBJECT: return "an object";
    default: return "null";
    }
}

static bool is_directive(const struct json *v)
{
    const struct json *m = json_is(v, JSON_OBJECT) ? json_first(v) : NULL;
    while (m != NULL && !str_starts(json_key(m), "@")) {
        m = json_next(m);
    }
    return m != NULL;
}

/* Arguments ----------------------------------------------------------------------------------- */

static bool is_choice(const struct argument *arg, const struct json *v)
{
    struct str word = json_string(v);
    return json_is(v, JSON_STRING) &&
           (str_is(word, arg->choice[0]) || str_is(word, arg->choice[1]));
}

static bool is_text(const struct json *v, size_t bytes_min)
{
    struct str text = json_string(v);
    return json_is(v, JSON_STRING) && text.len >= bytes_min &&
           text.len <= DIRECTIVE_REPLACE_MAX_BYTES;
}

static bool are_objects(const struct json *v)
{
    const struct json *item = json_first(v);
    while (item != NULL && json_is(item, JSON_OBJECT)) {
        item = json_next(item);
    }
    return json_is(v, JSON_ARRAY) && item == NULL;
}

static bool fits(const struct argument *arg, const struct json *v)
{
    switch (arg->kind) {
    case ARG_VALUE: return true;
    case ARG_TEXT_VALUE: return json_is(v, JSON_STRING) || is_directive(v);
    case ARG_OBJECT: return json_is(v, JSON_OBJECT);
    case ARG_OBJECTS: return are_objects(v);
    case ARG_TEXT: return is_text(v, 1);
    case ARG_TEXT_OR_EMPTY: return is_text(v, 0);
    case ARG_FLAG: return json_is(v, JSON_TRUE) || json_is(v, JSON_FALSE);
    case ARG_CHOICE: return is_choice(arg, v);
    }
    return false;
}

static bool refuse_argument(struct compiler *c, const struct argument *arg, const struct json *v)
{
    static const char *const wanted[] = {
        [ARG_VALUE] = "a value",
        [ARG_TEXT_VALUE] = "a text or a directive",
        [ARG_OBJECT] = "an object or a directive",
        [ARG_OBJECTS] = "a list of objects or directives",
        [ARG_TEXT] = "a text of 1 to",
        [ARG_TEXT_OR_EMPTY] = "a text of at most",
        [ARG_FLAG] = "true or false",
    };
    if (arg->kind == ARG_CHOICE) {
        return refuse(c, "must be \"%s\" or \"%s\"", arg->choice[0], arg->choice[1]);
    }
    if (arg->kind == ARG_TEXT || arg->kind == ARG_TEXT_OR_EMPTY) {
        return refuse(c, "must be %s %d bytes", wanted[arg->kind], DIRECTIVE_REPLACE_MAX_BYTES);
    }
    return refuse(c, "must be %s, not %s", wanted[arg->kind], type_words(v));
}

static const struct node *read_argument(struct compiler *c, const struct argument *arg,
                                        const struct json *v)
{
    size_t mark = push_key(c, str_from(arg->name));
    const struct node *n = NULL;
    if (!fits(arg, v)) {
        refuse_argument(c, arg, v);
    } else {
        n = compile(c, v);
    }
    pop(c, mark);
    return n;
}

static bool check_names(struct compiler *c, const struct directive *d, const struct json *v)
{
    const char *names[ARGUMENTS_MAX];
    for (size_t i = 0; i < d->arguments; i++) {
        names[i] = d->argument[i].name;
    }
    for (const struct json *m = json_first(v); m != NULL; m = json_next(m)) {
        struct str key = json_key(m);
        size_t i = 0;
        while (i < d->arguments && !str_is(key, names[i])) {
            i++;
        }
        if (i < d->arguments || str_is(key, "_metadata")) continue;
        const char *near = nearest_name(key, names, d->arguments);
        return refuse(c, "%s has no argument \"%.*s\"%s%s%s", d->name, (int)str_cut(key, 40).len,
                      key.p, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    return true;
}

/* Arguments that are missing, of those that are needed. */
static bool check_needs(struct compiler *c, const struct directive *d,
                        const struct node *const *arg)
{
    for (size_t i = 0; i < d->arguments; i++) {
        enum need need = d->argument[i].need;
        size_t given = 0, other = i;
        for (size_t j = 0; j < d->arguments; j++) {
            if (d->argument[j].need != need) continue;
            given += arg[j] != NULL;
            if (j != i) other = j;
        }
        if (need == NEEDED && arg[i] == NULL) {
            return refuse(c, "%s needs \"%s\"", d->name, d->argument[i].name);
        }
        if (need > NEEDED && given == 0) {
            return refuse(c, "%s needs \"%s\" or \"%s\"", d->name, d->argument[i].name,
                          d->argument[other].name);
        }
    }
    return true;
}

static bool read_arguments(struct compiler *c, const struct directive *d, const struct json *v,
                           struct node *out)
{
    if (!json_is(v, JSON_OBJECT)) {
        return refuse(c, "%s takes an object of arguments, not %s", d->name, type_words(v));
    }
    const struct node **arg = claim(c, arena_alloc(c->a, d->arguments * sizeof *arg));
    if (arg == NULL || !check_names(c, d, v)) return false;
    out->arg = arg;
    for (size_t i = 0; i < d->arguments; i++) {
        const struct argument *a = &d->argument[i];
        const struct json *given = json_get(v, a->name);
        if (given == NULL) continue;
        if (json_is(given, JSON_NULL) && a->kind != ARG_VALUE) continue;
        arg[i] = read_argument(c, a, given);
        if (arg[i] == NULL) return false;
    }
    return check_needs(c, d, arg);
}

/* "exists" and "then" mostly are the same path: it is followed once (resolve_if). */
static bool read_if(struct compiler *c, const struct directive *d, const struct json *v,
                    struct node *out)
{
    if (!read_arguments(c, d, v, out)) return false;
    const struct json *exists = json_get(json_get(v, "exists"), "@path");
    const struct json *then = json_get(json_get(v, "then"), "@path");
    if (json_is(exists, JSON_STRING) && json_is(then, JSON_STRING) &&
        str_equal(json_string(exists), json_string(then))) {
        out->arg[IF_THEN] = out->arg[IF_EXISTS];
    }
    return true;
}

/* The other forms ----------------------------------------------------------------------------- */

static bool read_value(struct compiler *c, const struct directive *d, const struct json *v,
                       struct node *out)
{
    (void)d;
    out->first = compile(c, v);
    return out->first != NULL;
}

/* A path or a template that is itself the outcome of a directive. */
static bool read_made(struct compiler *c, const struct directive *d, const struct json *v,
                      struct node *out)
{
    if (!is_directive(v)) {
        return refuse(c, "must be a text or a directive, not %s", type_words(v));
    }
    out->resolve = d->resolve_of;
    return read_value(c, d, v, out);
}

static bool read_path(struct compiler *c, const struct directive *d, const struct json *v,
                      struct node *out)
{
    struct fault found = {0};
    if (!json_is(v, JSON_STRING)) return read_made(c, d, v, out);
    return accept(c, path_parse(c->a, json_string(v), &out->path, &found), &found);
}

static bool read_template(struct compiler *c, const struct directive *d, const struct json *v,
                          struct node *out)
{
    struct fault found = {0};
    if (!json_is(v, JSON_STRING)) return read_made(c, d, v, out);
    return accept(c, template_parse(c->a, json_string(v), &out->template, &found), &found);
}

static const struct node *read_pair_path(struct compiler *c, const struct directive *d,
                                         const struct json *v)
{
    struct node *n = claim(c, arena_alloc(c->a, sizeof *n));
    size_t mark = push(c, "[0]");
    bool good = n != NULL;
    if (good) n->resolve = resolve_path;
    if (good && is_directive(v)) {
        n->resolve = resolve_same;
        good = read_value(c, d, v, n);
    } else if (good) {
        good = read_path(c, d, v, n);
    }
    pop(c, mark);
    return good ? n : NULL;
}

static const struct node *read_pair_shape(struct compiler *c, const struct json *v)
{
    size_t mark = push(c, "[1]");
    const struct node *n = NULL;
    if (json_is(v, JSON_OBJECT)) {
        n = compile(c, v);
    } else {
        refuse(c, "must be an object or a directive, not %s", type_words(v));
    }
    pop(c, mark);
    return n;
}

/* ["path", shape]; a shape that is missing, null or {} leaves the list as it is. */
static bool read_array_path(struct compiler *c, const struct directive *d, const struct json *v,
                            struct node *out)
{
    size_t n = json_is(v, JSON_ARRAY) ? json_count(v) : 0;
    if (n < 1 || n > 2) {
        return refuse(c, "@arrayPath takes a list of a path and the shape of an item");
    }
    const struct node **arg = claim(c, arena_alloc(c->a, 2 * sizeof *arg));
    if (arg == NULL) return false;
    out->arg = arg;
    arg[ARRAY_PATH_PATH] = read_pair_path(c, d, json_first(v));
    if (arg[ARRAY_PATH_PATH] == NULL) return false;
    const struct json *shape = json_at(v, 1);
    if (json_type(shape) == JSON_NULL) return true;
    if (json_is(shape, JSON_OBJECT) && json_first(shape) == NULL) return true;
    arg[ARRAY_PATH_SHAPE] = read_pair_shape(c, shape);
    return arg[ARRAY_PATH_SHAPE] != NULL;
}

/* Values -------------------------------------------------------------------------------------- */

static const struct directive *find_directive(struct compiler *c, struct str name)
{
    const char *names[DIRECTIVES];
    for (size_t i = 0; i < DIRECTIVES; i++) {
        if (str_is(name, directives[i].name)) return &directives[i];
        names[i] = directives[i].name;
    }
    const char *near = nearest_name(name, names, DIRECTIVES);
    refuse(c, "there is no directive %.*s; %s %s%s", (int)str_cut(name, 40).len, name.p,
           near ? "did you mean" : "there are",
           near ? near
                : "@path @template @literal @arrayPath @excludeWhenNull @if @case @replace @merge "
                  "@flatten @json @transform",
           near ? "?" : "");
    return NULL;
}

/* The member that is the directive, when everything else is in order. */
static const struct json *only_directive(struct compiler *c, const struct json *object)
{
    const struct json *found = NULL, *stray = NULL;
    for (const struct json *m = json_first(object); m != NULL; m = json_next(m)) {
        if (!str_starts(json_key(m), "@")) {
            if (!str_is(json_key(m), "_metadata")) stray = m;
        } else if (found == NULL) {
            found = m;
        } else {
            refuse(c, "an object holds one directive; here are %s and %s", json_key(found).p,
                   json_key(m).p);
            return NULL;
        }
    }
    if (stray == NULL) return found;
    refuse(c, "a directive is the only key of its object; \"%.*s\" stands beside %s",
           (int)str_cut(json_key(stray), 40).len, json_key(stray).p, json_key(found).p);
    return NULL;
}

static bool compile_directive(struct compiler *c, const struct json *object, struct node *out)
{
    const struct json *m = only_directive(c, object);
    const struct directive *d = m == NULL ? NULL : find_directive(c, json_key(m));
    if (d == NULL) return false;
    size_t mark = push_key(c, json_key(m));
    out->resolve = d->resolve;
    bool good = d->read(c, d, m, out);
    pop(c, mark);
    return good;
}

/* Members of an object or items of a list, in their order. */
static bool compile_children(struct compiler *c, const struct json *parent, struct node *out)
{
    const struct node **link = &out->first;
    size_t i = 0;
    for (const struct json *v = json_first(parent); v != NULL; v = json_next(v), i++) {
        bool member = json_is(parent, JSON_OBJECT);
        size_t mark = member ? push_key(c, json_key(v)) : push(c, "[%zu]", i);
        struct node *n = compile(c, v);
        const char *key = n == NULL ? NULL : claim(c, arena_copy(c->a, json_key(v)));
        pop(c, mark);
        if (key == NULL) return false;
        n->key = (struct str){key, json_key(v).len};
        *link = n;
        link = &n->next;
    }
    return true;
}

static bool compile_literal(struct compiler *c, const struct json *v, struct node *out)
{
    switch (json_type(v)) {
    case JSON_STRING: out->literal = json_new_string(c->a, json_string(v)); break;
    case JSON_NUMBER: out->literal = json_new_number(c->a, json_number(v)); break;
    case JSON_TRUE:
    case JSON_FALSE: out->literal = json_new_bool(c->a, json_is(v, JSON_TRUE)); break;
    default: out->literal = json_new_null(c->a);
    }
    if (out->literal == NULL) claim(c, NULL);
    return out->literal != NULL;
}

static bool compile_into(struct compiler *c, const struct json *v, struct node *out)
{
    if (is_directive(v)) return compile_directive(c, v, out);
    switch (json_type(v)) {
    case JSON_OBJECT: out->resolve = resolve_object; return compile_children(c, v, out);
    case JSON_ARRAY: out->resolve = resolve_list; return compile_children(c, v, out);
    default: out->resolve = resolve_literal; return compile_literal(c, v, out);
    }
}

static struct node *compile(struct compiler *c, const struct json *v)
{
    struct node *n = claim(c, arena_alloc(c->a, sizeof *n));
    if (n == NULL) return NULL;
    if (++c->depth > DIRECTIVE_DEPTH_MAX) {
        refuse(c, "nested more than %d deep", DIRECTIVE_DEPTH_MAX);
        return NULL;
    }
    bool good = compile_into(c, v, n);
    c->depth--;
    return good ? n : NULL;
}

int directive_compile(struct arena *a, const struct json *value, const char *path,
                      const struct node **out, struct fault *why)
{
    struct compiler c = {.a = a, .why = why};
    (void)snprintf(c.path, sizeof c.path, "%s", path);
    *out = compile(&c, value);
    return c.err;
}
