/*
 * resolve.c: directives at work: a function for each, from nodes and data to a value.
 *
 * 1. NULL is "absent" everywhere. Memory that runs out and texts that grow too long set run.err,
 *    after which everything is absent and the caller drops what was made.
 * 2. Data are never changed: what goes into a new object is a reference (json_ref), even of values
 *    that were just made, as one value cannot stand in two places.
 * 3. Texts are made in a buffer that is wiped before it is freed; they may hold personal data.
 */
#include "mapping/node.h"

#include "base/unicode.h"
#include <string.h>

enum { DECODED_DEPTH_MAX = 16, DECODED_VALUES_MAX = 2000 };

static void stop(struct run *r, int err)
{
    if (r->err == 0) r->err = err;
}

static void out_of_memory(struct run *r)
{
    stop(r, TILLPOST_E_NO_MEMORY);
}

static struct json *made(struct run *r, struct json *v)
{
    if (v == NULL) out_of_memory(r);
    return v;
}

static struct json *text_made(struct run *r, struct buf *b)
{
    struct json *v = NULL;
    if (b->failed) stop(r, TILLPOST_E_TOO_LARGE);
    if (r->err == 0) v = made(r, json_new_string(r->a, buf_str(b)));
    buf_free(b);
    return v;
}

void directive_append(struct run *r, struct json *object, struct str key, const struct json *v)
{
    if (!json_append(object, key, json_ref(r->a, v))) out_of_memory(r);
}

static void set(struct run *r, struct json *object, struct str key, const struct json *v)
{
    if (!json_set(r->a, object, key, json_ref(r->a, v))) out_of_memory(r);
}

static void add(struct run *r, struct json *array, const struct json *v)
{
    if (!json_add(array, json_ref(r->a, v))) out_of_memory(r);
}

const struct json *directive_resolve(struct run *r, const struct node *n, const struct json *data)
{
    if (n == NULL) return NULL;
    const struct json *v = n->resolve(r, n, data);
    return r->err < 0 ? NULL : v;
}

static bool all_blank(const struct json *list)
{
    const struct json *item = json_first(list);
    while (item != NULL && directive_is_blank(item)) {
        item = json_next(item);
    }
    return item == NULL;
}

bool directive_is_blank(const struct json *v)
{
    switch (json_type(v)) {
    case JSON_NULL: return true;
    case JSON_STRING: return unicode_is_blank(json_string(v));
    case JSON_ARRAY: return all_blank(v);
    default: return false;
    }
}

/* What a mapping writes itself ---------------------------------------------------------------- */

const struct json *resolve_literal(struct run *r, const struct node *n, const struct json *data)
{
    (void)r;
    (void)data;
    return n->literal;
}

const struct json *resolve_same(struct run *r, const struct node *n, const struct json *data)
{
    return directive_resolve(r, n->first, data);
}

const struct json *resolve_object(struct run *r, const struct node *n, const struct json *data)
{
    struct json *out = made(r, json_new_object(r->a));
    for (const struct node *m = n->first; m != NULL && r->err == 0; m = m->next) {
        const struct json *v = directive_resolve(r, m, data);
        if (!directive_is_blank(v)) directive_append(r, out, m->key, v);
    }
    return out;
}

const struct json *resolve_list(struct run *r, const struct node *n, const struct json *data)
{
    struct json *out = made(r, json_new_array(r->a));
    for (const struct node *item = n->first; item != NULL && r->err == 0; item = item->next) {
        const struct json *v = directive_resolve(r, item, data);
        if (!directive_is_blank(v)) add(r, out, v);
    }
    return out;
}

/* @path, @template ---------------------------------------------------------------------------- */

static const struct json *follow(struct run *r, const struct path *p, const struct json *data)
{
    bool failed = false;
    const struct json *v = path_resolve(p, &r->roots, data, r->a, &failed);
    if (failed) out_of_memory(r);
    return v;
}

const struct json *resolve_path(struct run *r, const struct node *n, const struct json *data)
{
    return follow(r, n->path, data);
}

/* A path that the call itself gives, and which may be none. */
const struct json *resolve_path_of(struct run *r, const struct node *n, const struct json *data)
{
    const struct path *p = NULL;
    const struct json *text = directive_resolve(r, n->first, data);
    if (!json_is(text, JSON_STRING)) return NULL;
    int err = path_parse(r->a, json_string(text), &p, NULL);
    if (err == TILLPOST_E_NO_MEMORY) out_of_memory(r);
    return err < 0 ? NULL : follow(r, p, data);
}

static const struct json *fill(struct run *r, const struct template *t, const struct json *data)
{
    struct buf b;
    buf_init(&b, DIRECTIVE_TEXT_MAX_BYTES);
    int err = template_write(t, &r->roots, data, r->a, &b);
    if (err < 0) stop(r, err);
    return text_made(r, &b);
}

const struct json *resolve_template(struct run *r, const struct node *n, const struct json *data)
{
    return fill(r, n->template, data);
}

const struct json *resolve_template_of(struct run *r, const struct node *n, const struct json *data)
{
    const struct template *t = NULL;
    const struct json *text = directive_resolve(r, n->first, data);
    if (!json_is(text, JSON_STRING)) return NULL;
    int err = template_parse(r->a, json_string(text), &t, NULL);
    if (err == TILLPOST_E_NO_MEMORY) out_of_memory(r);
    return err < 0 ? NULL : fill(r, t, data);
}

/* @if, @arrayPath ----------------------------------------------------------------------------- */

const struct json *resolve_if(struct run *r, const struct node *n, const struct json *data)
{
    const struct node *asked = n->arg[IF_EXISTS] != NULL ? n->arg[IF_EXISTS] : n->arg[IF_BLANK];
    const struct json *v = directive_resolve(r, asked, data);
    bool there = !directive_is_blank(v);
    if (there && n->arg[IF_THEN] == asked) return v;
    return directive_resolve(r, n->arg[there ? IF_THEN : IF_ELSE], data);
}

static void add_item(struct run *r, struct json *out, const struct json *v)
{
    bool empty = json_is(v, JSON_OBJECT) && json_first(v) == NULL;
    if (!empty && !directive_is_blank(v)) add(r, out, v);
}

const struct json *resolve_array_path(struct run *r, const struct node *n, const struct json *data)
{
    const struct json *root = directive_resolve(r, n->arg[ARRAY_PATH_PATH], data);
    const struct node *shape = n->arg[ARRAY_PATH_SHAPE];
    bool list = json_is(root, JSON_ARRAY);
    if (shape == NULL || (!list && !json_is(root, JSON_OBJECT))) return root;
    struct json *out = made(r, json_new_array(r->a));
    if (!list) add_item(r, out, directive_resolve(r, shape, root));
    for (const struct json *item = list ? json_first(root) : NULL; item != NULL && r->err == 0;
         item = json_next(item)) {
        add_item(r, out, directive_resolve(r, shape, item));
    }
    return out;
}

/* @case, @replace ----------------------------------------------------------------------------- */

static struct str constant(const struct node *n)
{
    return n == NULL ? (struct str){"", 0} : json_string(n->literal);
}

static bool flag(const struct node *n, bool otherwise)
{
    return n == NULL ? otherwise : json_is(n->literal, JSON_TRUE);
}

const struct json *resolve_case(struct run *r, const struct node *n, const struct json *data)
{
    const struct json *v = directive_resolve(r, n->arg[CASE_VALUE], data);
    if (!json_is(v, JSON_STRING)) return v;
    struct buf b;
    buf_init(&b, DIRECTIVE_TEXT_MAX_BYTES);
    if (str_is(constant(n->arg[CASE_OPERATOR]), "lower")) {
        unicode_write_lower(&b, json_string(v));
    } else {
        unicode_write_upper(&b, json_string(v));
    }
    return text_made(r, &b);
}

struct change {
    struct str pattern, replacement;
    bool ignore_case, all;
};

/* Bytes at the start of text that are the pattern; 0 when it begins otherwise. */
static size_t fitting(const struct change *c, struct str text)
{
    size_t start_len = text.len;
    struct str p = c->pattern;
    if (!c->ignore_case) {
        return text.len >= p.len && memcmp(text.p, p.p, p.len) == 0 ? p.len : 0;
    }
    while (p.len > 0) {
        uint32_t wanted = 0, found = 0;
        size_t p_bytes = unicode_next(p, &wanted), bytes = unicode_next(text, &found);
        if (bytes == 0 || unicode_fold(found) != unicode_fold(wanted)) return 0;
        p = (struct str){p.p + p_bytes, p.len - p_bytes};
        text = (struct str){text.p + bytes, text.len - bytes};
    }
    return start_len - text.len;
}

static void write_changed(struct buf *out, const struct change *c, struct str text)
{
    bool done = false;
    for (size_t pos = 0; pos < text.len;) {
        struct str rest = {text.p + pos, text.len - pos};
        size_t bytes = done ? 0 : fitting(c, rest);
        if (bytes > 0) {
            buf_add_str(out, c->replacement);
            done = !c->all;
        } else {
            bytes = str_utf8_char(rest) > 0 ? str_utf8_char(rest) : 1;
            buf_add(out, rest.p, bytes);
        }
        pos += bytes;
    }
}

const struct json *resolve_replace(struct run *r, const struct node *n, const struct json *data)
{
    const struct json *v = directive_resolve(r, n->arg[REPLACE_VALUE], data);
    struct change first = {.pattern = constant(n->arg[REPLACE_PATTERN]),
                           .replacement = constant(n->arg[REPLACE_REPLACEMENT]),
                           .ignore_case = flag(n->arg[REPLACE_IGNORECASE], false),
                           .all = flag(n->arg[REPLACE_GLOBAL], true)};
    struct change second = first;
    second.pattern = constant(n->arg[REPLACE_PATTERN2]);
    second.replacement = constant(n->arg[REPLACE_REPLACEMENT2]);
    if (v == NULL || json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT)) return NULL;
    struct buf text, once, twice;
    buf_init(&text, DIRECTIVE_TEXT_MAX_BYTES);
    buf_init(&once, DIRECTIVE_TEXT_MAX_BYTES);
    buf_init(&twice, DIRECTIVE_TEXT_MAX_BYTES);
    int err = template_write_value(&text, v);
    if (err < 0) stop(r, err);
    write_changed(&once, &first, buf_str(&text));
    bool again = second.pattern.len > 0;
    if (again) write_changed(&twice, &second, buf_str(&once));
    twice.failed = twice.failed || once.failed;
    buf_free(&text);
    const struct json *out = text_made(r, again ? &twice : &once);
    buf_free(again ? &once : &twice);
    return out;
}

/* @merge, @flatten ---------------------------------------------------------------------------- */

/* With "left" the first object that has a member gives it, else the last. What is blank is not
 * there and hides nothing. */
const struct json *resolve_merge(struct run *r, const struct node *n, const struct json *data)
{
    bool first_wins = str_is(constant(n->arg[MERGE_DIRECTION]), "left");
    const struct json *list = directive_resolve(r, n->arg[MERGE_OBJECTS], data);
    struct json *out = made(r, json_new_object(r->a));
    for (const struct json *o = json_first(list); o != NULL; o = json_next(o)) {
        const struct json *m = json_is(o, JSON_OBJECT) ? json_first(o) : NULL;
        for (; m != NULL && r->err == 0; m = json_next(m)) {
            bool kept = first_wins && json_get_str(out, json_key(m)) != NULL;
            if (!kept && !directive_is_blank(m)) set(r, out, json_key(m), m);
        }
    }
    return out;
}

struct flattening {
    struct run *r;
    struct json *out;
    struct str separator;
    bool omit_arrays;
};

/* "<prefix><separator><key>"; of an item, its number is the key. */
static struct str joined(struct flattening *f, struct str prefix, struct str key, size_t number,
                         bool item)
{
    struct buf b;
    buf_init(&b, DIRECTIVE_TEXT_MAX_BYTES);
    buf_add_str(&b, prefix);
    if (prefix.len > 0) buf_add_str(&b, f->separator);
    if (item) {
        json_write_number(&b, (double)number);
    } else {
        buf_add_str(&b, key);
    }
    const char *copy = arena_copy(f->r->a, buf_str(&b));
    struct str name = {copy, buf_str(&b).len};
    if (b.failed) f->r->err = TILLPOST_E_TOO_LARGE;
    if (copy == NULL) out_of_memory(f->r);
    buf_free(&b);
    return name;
}

static bool is_flattened(const struct flattening *f, const struct json *v)
{
    return json_is(v, JSON_OBJECT) || (json_is(v, JSON_ARRAY) && !f->omit_arrays);
}

static void flatten(struct flattening *f, struct str prefix, const struct json *v)
{
    size_t i = 0;
    if (!is_flattened(f, v)) {
        set(f->r, f->out, prefix, v);
        return;
    }
    for (const struct json *m = json_first(v); m != NULL; m = json_next(m), i++) {
        struct str name = joined(f, prefix, json_key(m), i, json_is(v, JSON_ARRAY));
        if (f->r->err < 0) return;
        flatten(f, name, m);
    }
}

const struct json *resolve_flatten(struct run *r, const struct node *n, const struct json *data)
{
    const struct json *v = directive_resolve(r, n->arg[FLATTEN_VALUE], data);
    struct flattening f = {.r = r,
                           .separator = constant(n->arg[FLATTEN_SEPARATOR]),
                           .omit_arrays = flag(n->arg[FLATTEN_OMIT_ARRAYS], false)};
    if (!is_flattened(&f, v)) return v;
    f.out = made(r, json_new_object(r->a));
    if (f.out != NULL) flatten(&f, (struct str){"", 0}, v);
    return f.out;
}

/* @json, @transform, @excludeWhenNull --------------------------------------------------------- */

/* A text that is no JSON stays the text it is. */
static const struct json *decoded(struct run *r, const struct json *v)
{
    static const struct json_limits limits = {DIRECTIVE_DECODED_MAX_BYTES, DECODED_DEPTH_MAX,
                                              DECODED_VALUES_MAX};
    const struct json *out = NULL;
    if (!json_is(v, JSON_STRING)) return v;
    int err = json_parse(r->a, json_string(v), &limits, &out, NULL);
    if (err == TILLPOST_E_NO_MEMORY) out_of_memory(r);
    return err < 0 ? v : out;
}

const struct json *resolve_json(struct run *r, const struct node *n, const struct json *data)
{
    const struct json *v = directive_resolve(r, n->arg[JSON_ARG_VALUE], data);
    if (v == NULL) return NULL;
    if (str_is(constant(n->arg[JSON_ARG_MODE]), "decode")) return decoded(r, v);
    struct buf b;
    if (!json_keeps_digits(v)) stop(r, TILLPOST_E_BAD_FIELD);
    buf_init(&b, DIRECTIVE_TEXT_MAX_BYTES);
    json_write(&b, v);
    return text_made(r, &b);
}

const struct json *resolve_transform(struct run *r, const struct node *n, const struct json *data)
{
    const struct json *applied = directive_resolve(r, n->arg[TRANSFORM_APPLY], data);
    return directive_resolve(r, n->arg[TRANSFORM_MAPPING], applied);
}

/* Without the members that are null, in objects within objects too. */
static const struct json *without_nulls(struct run *r, const struct json *v)
{
    if (!json_is(v, JSON_OBJECT)) return v;
    struct json *out = made(r, json_new_object(r->a));
    for (const struct json *m = json_first(v); m != NULL && r->err == 0; m = json_next(m)) {
        if (json_is(m, JSON_NULL)) continue;
        const struct json *clean = without_nulls(r, m);
        if (clean != NULL) directive_append(r, out, json_key(m), clean);
    }
    return out;
}

const struct json *resolve_exclude_when_null(struct run *r, const struct node *n,
                                             const struct json *data)
{
    const struct json *v = directive_resolve(r, n->first, data);
    return json_is(v, JSON_NULL) ? NULL : without_nulls(r, v);
}
