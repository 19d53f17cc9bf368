/*
 * json.c: trees of values, by cJSON. The only file of tillpost that includes it.
 *
 * cJSON is quick and small but lax (it takes 01, \u0000, bytes that are not UTF-8, repeated keys,
 * trailing bytes, and finds keys whatever their case), so it only sees text that json_check_limits
 * has passed, and keys are looked up here.
 *
 * A struct json is a struct cJSON; nobody outside may know. All of them, and all their strings,
 * lie in the caller's arena: cJSON allocates through its hooks, which are process-wide, so every
 * parse sets them anew. Freeing does nothing: the arena forgets, and wipes, everything at once. One
 * thread of ours uses this file.
 */
#include "base/json_text.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct arena *hook_arena;
static bool hook_failed;

static void *hook_malloc(size_t bytes)
{
    void *p = arena_alloc(hook_arena, bytes);
    if (p == NULL) hook_failed = true;
    return p;
}

static void hook_free(void *p)
{
    (void)p;
}

static void use_arena(struct arena *a)
{
    hook_arena = a;
    hook_failed = false;
    cJSON_InitHooks(&(cJSON_Hooks){hook_malloc, hook_free});
}

static const struct cJSON *node(const struct json *v)
{
    return (const struct cJSON *)v;
}

static const struct json *value(const struct cJSON *item)
{
    return (const struct json *)item;
}

/* Parsing ------------------------------------------------------------------------------------- */

int json_parse(struct arena *a, struct str text, const struct json_limits *limits,
               const struct json **out, struct fault *why)
{
    *out = NULL;
    int err = json_check_limits(text, limits, why);
    if (err < 0) return err;
    use_arena(a);
    const struct cJSON *root = cJSON_ParseWithLengthOpts(text.p, text.len, NULL, 0);
    if (root == NULL && hook_failed) {
        return fault_set(why, TILLPOST_E_NO_MEMORY, NULL,
                         "no memory for the values of %zu bytes of JSON", text.len);
    }
    if (root == NULL) {
        return fault_set(why, TILLPOST_E_INTERNAL, NULL,
                         "cJSON %s cannot read this valid JSON; report it", cJSON_Version());
    }
    *out = value(root);
    return TILLPOST_OK;
}

/* cJSON_Minify is not used: it takes the line ends too, so that no message could name a line; it
 * takes a comment without an end for one with, and makes 12 of 1 and 2 with a comment between. */
int json_parse_commented(struct arena *a, struct str text, const struct json_limits *limits,
                         const struct json **out, struct fault *why)
{
    *out = NULL;
    if (text.len > limits->bytes_max) return json_check_limits(text, limits, why);
    char *copy = arena_copy(a, text);
    if (copy == NULL) {
        return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "no memory for %zu bytes of JSON",
                         text.len);
    }
    size_t open = json_blank_comments(copy, text.len);
    if (open < text.len) return json_fault_at(why, text, open, "the comment does not end");
    return json_parse(a, (struct str){copy, text.len}, limits, out, why);
}

/* Walking ------------------------------------------------------------------------------------- */

enum json_type json_type(const struct json *v)
{
    if (v == NULL) return JSON_NULL;
    switch (node(v)->type & 0xFF) {
    case cJSON_False: return JSON_FALSE;
    case cJSON_True: return JSON_TRUE;
    case cJSON_Number: return JSON_NUMBER;
    case cJSON_String: return JSON_STRING;
    case cJSON_Array: return JSON_ARRAY;
    case cJSON_Object: return JSON_OBJECT;
    default: return JSON_NULL;
    }
}

bool json_is(const struct json *v, enum json_type type)
{
    return v != NULL && json_type(v) == type;
}

struct str json_string(const struct json *v)
{
    return str_from(json_is(v, JSON_STRING) ? node(v)->valuestring : NULL);
}

double json_number(const struct json *v)
{
    return json_is(v, JSON_NUMBER) ? node(v)->valuedouble : 0;
}

const struct json *json_first(const struct json *v)
{
    return v == NULL ? NULL : value(node(v)->child);
}

const struct json *json_next(const struct json *item)
{
    return item == NULL ? NULL : value(node(item)->next);
}

size_t json_count(const struct json *v)
{
    size_t n = 0;
    for (const struct json *item = json_first(v); item != NULL; item = json_next(item)) {
        n++;
    }
    return n;
}

struct str json_key(const struct json *member)
{
    return str_from(member == NULL ? NULL : node(member)->string);
}

/* Most keys differ in the first byte: those are not measured. */
static bool has_key(const struct cJSON *member, struct str key)
{
    char first = key.len > 0 ? key.p[0] : '\0';
    return member->string[0] == first && str_equal(str_from(member->string), key);
}

const struct json *json_get_str(const struct json *object, struct str key)
{
    if (!json_is(object, JSON_OBJECT)) return NULL;
    const struct cJSON *member = node(object)->child;
    while (member != NULL && !has_key(member, key)) {
        member = member->next;
    }
    return value(member);
}

const struct json *json_get(const struct json *object, const char *key)
{
    return json_get_str(object, str_from(key));
}

const struct json *json_at(const struct json *array, size_t index)
{
    if (!json_is(array, JSON_ARRAY)) return NULL;
    const struct json *item = json_first(array);
    for (; item != NULL && index > 0; index--) {
        item = json_next(item);
    }
    return item;
}

/* Building ------------------------------------------------------------------------------------ */

static struct cJSON *new_node(struct arena *a, int type)
{
    struct cJSON *item = arena_alloc(a, sizeof *item);
    if (item != NULL) item->type = type;
    return item;
}

struct json *json_new_null(struct arena *a)
{
    return (struct json *)new_node(a, cJSON_NULL);
}

struct json *json_new_bool(struct arena *a, bool b)
{
    return (struct json *)new_node(a, b ? cJSON_True : cJSON_False);
}

struct json *json_new_number(struct arena *a, double d)
{
    struct cJSON *item = new_node(a, cJSON_Number);
    if (item != NULL) item->valuedouble = d;
    return (struct json *)item;
}

struct json *json_new_string(struct arena *a, struct str s)
{
    char *copy = arena_copy(a, s);
    struct cJSON *item = copy == NULL ? NULL : new_node(a, cJSON_String);
    if (item != NULL) item->valuestring = copy;
    return (struct json *)item;
}

struct json *json_new_array(struct arena *a)
{
    return (struct json *)new_node(a, cJSON_Array);
}

struct json *json_new_object(struct arena *a)
{
    return (struct json *)new_node(a, cJSON_Object);
}

struct json *json_ref(struct arena *a, const struct json *v)
{
    if (v == NULL) return NULL;
    struct cJSON *item = new_node(a, node(v)->type);
    if (item == NULL) return NULL;
    item->child = node(v)->child;
    item->valuestring = node(v)->valuestring;
    item->valuedouble = node(v)->valuedouble;
    return (struct json *)item;
}

bool json_add(struct json *array, struct json *item)
{
    return cJSON_AddItemToArray((struct cJSON *)array, (struct cJSON *)item) != 0;
}

/* By hand, because cJSON_ReplaceItemViaPointer deletes what it replaces, and json_ref may have lent
 * its content to others. cJSON's lists end with NULL, and the first's prev is the last. */
static void replace(struct cJSON *parent, struct cJSON *old, struct cJSON *item)
{
    item->next = old->next;
    item->prev = old->prev;
    if (item->next != NULL) item->next->prev = item;
    if (parent->child == old) {
        parent->child = item;
    } else {
        item->prev->next = item;
    }
    if (item->next == NULL) parent->child->prev = item;
}

bool json_set(struct arena *a, struct json *object, struct str key, struct json *v)
{
    struct cJSON *parent = (struct cJSON *)object, *item = (struct cJSON *)v;
    if (parent == NULL || item == NULL) return false;
    struct cJSON *old = parent->child;
    while (old != NULL && !has_key(old, key)) {
        old = old->next;
    }
    item->string = old != NULL ? old->string : arena_copy(a, key);
    if (item->string == NULL) return false;
    if (old == NULL) return cJSON_AddItemToArray(parent, item) != 0;
    replace(parent, old, item);
    return true;
}

bool json_append(struct json *object, struct str key, struct json *v)
{
    struct cJSON *item = (struct cJSON *)v;
    if (item == NULL) return false;
    item->string = (char *)key.p;
    return json_add(object, v);
}

/* Writing ------------------------------------------------------------------------------------- */

enum { DIGITS_MAX = 15 };             /* what a double keeps of any decimal: DBL_DIG */
static const double exact_max = 1e15; /* whole numbers below have at most 15 digits */

bool json_keeps_digits(const struct json *v)
{
    if (json_is(v, JSON_NUMBER)) return fabs(json_number(v)) < exact_max;
    const struct json *item = json_first(v);
    while (item != NULL && json_keeps_digits(item)) {
        item = json_next(item);
    }
    return item == NULL;
}

/* A decimal: units of 10^-places. */
struct decimal {
    uint64_t units; /* below exact_max */
    unsigned places;
};

/* d >= 0, when it is the double of a number with few decimal places: prices, quantities. Both
 * units and power are exact, so the quotient is the double nearest to the decimal; as that has at
 * most 15 digits, no other decimal of so many has the same one. */
static bool is_short_decimal(double d, struct decimal *out)
{
    static const double powers[] = {1, 10, 100, 1000, 10000};
    for (unsigned i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        double units = d * powers[i] + 0.5;
        if (units >= exact_max) return false;
        *out = (struct decimal){(uint64_t)units, i};
        if ((double)out->units / powers[i] == d) return true;
    }
    return false;
}

static void write_decimal(struct buf *out, bool negative, struct decimal n)
{
    char text[DIGITS_MAX + 3]; /* a sign, a point */
    char *p = text + sizeof text;
    for (unsigned i = 0; n.units > 0 || i <= n.places; i++) {
        if (i > 0 && i == n.places) *--p = '.';
        *--p = (char)('0' + n.units % 10);
        n.units /= 10;
    }
    if (negative) *--p = '-';
    buf_add(out, p, (size_t)(text + sizeof text - p));
}

void json_write_number(struct buf *out, double d)
{
    struct decimal n;
    if (!isfinite(d)) {
        buf_add_z(out, "null");
    } else if (is_short_decimal(fabs(d), &n)) {
        write_decimal(out, d < 0, n);
    } else {
        char text[32]; /* -1.23456789012345e-308 has 22 */
        snprintf(text, sizeof text, "%.*g", DIGITS_MAX, d);
        buf_add_z(out, text);
    }
}

/* What stands behind the backslash for a byte that must be escaped. */
static char escape_of(unsigned char ch)
{
    switch (ch) {
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return ch < ' ' ? 'u' : (char)ch;
    }
}

void json_write_string(struct buf *out, struct str s)
{
    const char *done = s.p, *end = s.p + s.len, *p = s.p;
    buf_add_char(out, '"');
    while ((p = json_plain_end(p, end)) < end) {
        unsigned char ch = (unsigned char)*p++;
        if (ch >= ' ' && ch != '"' && ch != '\\') continue;
        char escape = escape_of(ch);
        buf_add(out, done, (size_t)(p - 1 - done));
        done = p;
        if (escape == 'u') {
            buf_printf(out, "\\u%04x", (unsigned)ch);
        } else {
            buf_add(out, (const char[]){'\\', escape}, 2);
        }
    }
    buf_add(out, done, (size_t)(end - done));
    buf_add_char(out, '"');
}

static void write_children(struct buf *out, const struct json *v, bool object)
{
    buf_add_char(out, object ? '{' : '[');
    for (const struct json *item = json_first(v); item != NULL; item = json_next(item)) {
        if (item != json_first(v)) buf_add_char(out, ',');
        if (object) {
            json_write_string(out, json_key(item));
            buf_add_char(out, ':');
        }
        json_write(out, item);
    }
    buf_add_char(out, object ? '}' : ']');
}

void json_write(struct buf *out, const struct json *v)
{
    switch (json_type(v)) {
    case JSON_NULL: buf_add_z(out, "null"); break;
    case JSON_FALSE: buf_add_z(out, "false"); break;
    case JSON_TRUE: buf_add_z(out, "true"); break;
    case JSON_NUMBER: json_write_number(out, json_number(v)); break;
    case JSON_STRING: json_write_string(out, json_string(v)); break;
    case JSON_ARRAY: write_children(out, v, false); break;
    case JSON_OBJECT: write_children(out, v, true); break;
    }
}
