/*
 * fql_match.c: does a trigger match a call? What the tests say of values of other kinds is in
 * fql.h.
 *
 * 1. Nothing is allocated, unless lowercase() is used: its text stands in a buffer of its own for
 *    the time of one test. Without memory for it the value counts as absent.
 */
#include "mapping/fql_node.h"

#include "base/unicode.h"
#include "mapping/glob.h"

#include <string.h>

enum { LOWERCASE_MAX_BYTES = 65536 };

/* What stands on the left of a test; text and number count for their types only. */
struct fql_value {
    enum json_type type;
    struct str text;
    double number;
};

static const char *type_name(enum json_type type)
{
    switch (type) {
    case JSON_FALSE:
    case JSON_TRUE: return "bool";
    case JSON_NUMBER: return "number";
    case JSON_STRING: return "string";
    case JSON_ARRAY: return "list";
    case JSON_OBJECT: return "object";
    default: return "null";
    }
}

/* typeof() and length() as the inmost function look at the value itself. */
static void make_length(struct fql_value *v, const struct json *list)
{
    bool counts = v->type == JSON_STRING || v->type == JSON_ARRAY || v->type == JSON_NULL;
    v->number = (double)(v->type == JSON_STRING ? v->text.len : json_count(list));
    v->type = counts ? JSON_NUMBER : JSON_NULL;
}

static void make_lowercase(struct fql_value *v, struct buf *room)
{
    struct buf out;
    if (v->type != JSON_STRING) {
        v->type = JSON_NULL;
        return;
    }
    buf_init(&out, LOWERCASE_MAX_BYTES);
    unicode_write_lower(&out, v->text);
    buf_free(room);
    *room = out;
    v->text = buf_str(room);
    if (out.failed) v->type = JSON_NULL;
}

static void make_typeof(struct fql_value *v)
{
    v->text = str_from(type_name(v->type));
    v->type = JSON_STRING;
}

static void call_functions(const struct fql *f, const struct json *json, struct fql_value *v,
                           struct buf *room)
{
    for (size_t i = 0; i < f->calls; i++) {
        switch (f->call[i]) {
        case FQL_LENGTH: make_length(v, i == 0 ? json : NULL); break;
        case FQL_LOWERCASE: make_lowercase(v, room); break;
        case FQL_TYPEOF: make_typeof(v); break;
        }
    }
}

static bool equal(const struct fql *f, const struct fql_value *v)
{
    if (f->textual && f->literal == JSON_NUMBER && v->type == JSON_STRING) {
        return str_equal(v->text, f->text);
    }
    if (v->type != f->literal) return false;
    if (v->type == JSON_STRING) return str_equal(v->text, f->text);
    return v->type != JSON_NUMBER || v->number == f->number;
}

static bool compare(const struct fql *f, const struct fql_value *v)
{
    bool number = v->type == JSON_NUMBER;
    switch (f->op) {
    case FQL_EQUAL: return equal(f, v);
    case FQL_DIFFERENT:
        if (f->literal == JSON_NUMBER && !f->textual && !number) return false;
        return !equal(f, v);
    case FQL_OVER: return number && v->number > f->number;
    case FQL_OVER_EQUAL: return number && v->number >= f->number;
    case FQL_UNDER: return number && v->number < f->number;
    case FQL_UNDER_EQUAL: return number && v->number <= f->number;
    }
    return false;
}

static bool contains(struct str text, struct str part)
{
    if (part.len == 0) return true;
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (memcmp(text.p + i, part.p, part.len) == 0) return true;
    }
    return false;
}

static bool test(const struct fql *f, const struct fql_value *v)
{
    if (f->kind == FQL_COMPARE) return compare(f, v);
    if (v->type != JSON_STRING) return false;
    bool found =
        f->kind == FQL_CONTAINS ? contains(v->text, f->text) : glob_matches(f->text, v->text);
    return found != f->negated;
}

static bool run_test(const struct fql *f, const struct path_roots *call)
{
    const struct json *json = path_find(f->path, call);
    struct fql_value v;
    v.type = json_type(json);
    if (v.type == JSON_STRING) v.text = json_string(json);
    if (v.type == JSON_NUMBER) v.number = json_number(json);
    if (f->calls == 0) return test(f, &v);
    struct buf room;
    buf_init(&room, 0);
    call_functions(f, json, &v, &room);
    bool result = test(f, &v);
    buf_free(&room);
    return result;
}

bool fql_matches(const struct fql *f, const struct path_roots *call)
{
    if (f->kind == FQL_NOT) return !fql_matches(f->first, call);
    if (f->kind != FQL_AND && f->kind != FQL_OR) return run_test(f, call);
    bool any = f->kind == FQL_OR;
    for (const struct fql *part = f->first; part != NULL; part = part->next) {
        if (fql_matches(part, call) == any) return any;
    }
    return !any;
}
