/*
 * json.h: strict JSON in, trees to walk, JSON text out. The only door to cJSON.
 *
 * Parsing follows RFC 8259 to the letter: valid UTF-8, no NUL (raw or \u0000), no lone
 * surrogates, no duplicate keys, exact number grammar, nothing behind the value. The text is
 * checked before memory is spent; the limits hold before the tree is built.
 * Keys are looked up case-sensitively.
 *
 * Units: lines and columns count from 1, columns in bytes.
 *
 * Owner: every tree lives in the arena it was made from; nothing is freed one by one, and
 * arena_reset wipes it. Trees may share parts of other trees of the same arena (json_ref).
 * Errors: BAD_JSON (message has line and column, never content), TOO_LARGE (message names the
 * limit), NO_MEMORY. INTERNAL when cJSON refuses what the check passed: never seen.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/fault.h"
#include "base/text.h"

struct json; /* one value */

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_limits {
    size_t bytes_max;
    unsigned depth_max;  /* of arrays and objects, a root counting as 1; at most 1000 */
    unsigned values_max; /* every value of every kind, the root included; keys are not values */
};

/* Grammar, UTF-8 and duplicate keys of a text of any depth up to 1000 and any count; allocates
 * only a key table. For bodies whose parts are parsed (and limited) one by one. */
int json_check(struct str text, struct fault *why);
/* Check and build. *out is NULL on failure. */
int json_parse(struct arena *a, struct str text, const struct json_limits *limits,
               const struct json **out, struct fault *why);
/* As json_parse, after removing // and block comments (configuration files); keeps line numbers. */
int json_parse_commented(struct arena *a, struct str text, const struct json_limits *limits,
                         const struct json **out, struct fault *why);
/* Of a text that json_check has passed and whose root is an object: the raw text of the member
 * `key`, borrowed from text; len 0 when absent. */
struct str json_raw_member(struct str object_text, const char *key);
/* Of a text that json_check has passed and whose root is an array: steps through the raw text of
 * its items. Start with *pos = 0; returns false at the end. */
bool json_raw_next(struct str array_text, size_t *pos, struct str *item);
/* Line (from 1) of the key at a path of object members, in a commented text; 0 if not found.
 * keys[n] from the root down; array items are named by their decimal index. For messages about
 * configuration. */
unsigned json_line_of(struct str text, const char *const *keys, size_t n);

enum json_type json_type(const struct json *v); /* NULL pointer counts as JSON_NULL */
bool json_is(const struct json *v, enum json_type type);
struct str json_string(const struct json *v); /* of a string, NUL-terminated; else empty */
double json_number(const struct json *v);     /* of a number (may be infinite for 1e400); else 0 */
size_t json_count(const struct json *v);      /* items of an array or members of an object */
const struct json *json_get(const struct json *object, const char *key); /* NULL when absent */
const struct json *json_get_str(const struct json *object, struct str key);
const struct json *json_at(const struct json *array, size_t index); /* O(index); NULL when absent */
const struct json *json_first(const struct json *v);   /* first item or member, or NULL */
const struct json *json_next(const struct json *item); /* next sibling, or NULL */
struct str json_key(const struct json *member);        /* its key, NUL-terminated */

/* Building. All return NULL when the arena is exhausted; a NULL child makes its parent's set/add
 * return false. A value stands in one tree only. json_ref makes a new value that shares the
 * content of v, so that one content can stand in two trees; neither is added to afterwards. */
struct json *json_new_null(struct arena *a);
struct json *json_new_bool(struct arena *a, bool b);
struct json *json_new_number(struct arena *a, double d);
struct json *json_new_string(struct arena *a, struct str s); /* copies; UTF-8 without NUL */
struct json *json_new_array(struct arena *a);
struct json *json_new_object(struct arena *a);
struct json *json_ref(struct arena *a, const struct json *v);
bool json_add(struct json *array, struct json *item);
/* Replaces, in its place, the member of that key. */
bool json_set(struct arena *a, struct json *object, struct str key, struct json *value);
/* Without looking for that key, which must be new, and without copying it: NUL-terminated text that
 * lives as long as the tree, such as a json_key. */
bool json_append(struct json *object, struct str key, struct json *value);

/* Writing text. Numbers go out with at most 15 significant digits ("%.15g"), which gives back the
 * digits that came in; -0 is written as 0, a non-finite number as null. Strings, which are UTF-8,
 * are escaped minimally. */
void json_write(struct buf *out, const struct json *v);
void json_write_string(struct buf *out, struct str s); /* with the quotes */
void json_write_number(struct buf *out, double d);
/* Are the numbers in v those that came in? A whole one of more than 15 digits may be its neighbour
 * by now, and two ids one. */
bool json_keeps_digits(const struct json *v);

#endif
