/*
 * directive.h: inside mapping only: the values of a mapping: directives, and what is no directive.
 *
 * Compiled once into a tree of nodes, resolved for every call. What Segment's mapping kit does is
 * done, but:
 * - blank (null, a text of white space, a list of nothing but blanks) is absent: for @if, and as a
 *   member of an object or a list that the mapping itself writes. What a directive copies out of
 *   the call is copied whole.
 * - `exists` and `blank` of @if ask the same: is there something? An `else` may be 0 or false.
 * - a name asked of a list is asked of its items (path.h).
 * - an item of @arrayPath that comes out as an empty object is left out.
 * - faults that depend on the call (a @path that resolves to a number) make the value absent and
 *   not the event: a sale is not lost for a field.
 *   But a number of more than 15 digits becomes no text: what came in is lost, and an id made of it
 *   could be another's (BAD_FIELD, as for an id that is such a number itself).
 * - what Segment finds wrong when the first event comes is found when the mapping is read, with
 *   the place; so are arguments that a directive does not have.
 *
 * Owner: nodes live in the arena they were made in; results in the run's arena, and may borrow
 * from the data and from the nodes.
 * Source: Segment action-destinations, packages/core mapping-kit (actions-core 3.170.0, run and
 * read, November 2026).
 */
#ifndef MAPPING_DIRECTIVE_H
#define MAPPING_DIRECTIVE_H

#include "mapping/path.h"

enum {
    DIRECTIVE_DEPTH_MAX = 32,           /* values within values in a mapping */
    DIRECTIVE_TEXT_MAX_BYTES = 65536,   /* a text that @template, @case, @replace or @json makes */
    DIRECTIVE_REPLACE_MAX_BYTES = 256,  /* pattern, replacement and separator; Segment allows 10 */
    DIRECTIVE_DECODED_MAX_BYTES = 32768 /* a text that @json decodes: a call has no more */
};

struct node;

/* path is that of the value, "$.mapping.contents". Errors: CONFIG, NO_MEMORY. */
int directive_compile(struct arena *a, const struct json *value, const char *path,
                      const struct node **out, struct fault *why);

struct run {
    struct arena *a;
    struct path_roots roots; /* of the call */
    int err; /* NO_MEMORY, TOO_LARGE or BAD_FIELD; from then on everything is absent */
};

/* The value, or NULL when it is absent. */
const struct json *directive_resolve(struct run *r, const struct node *n, const struct json *data);
bool directive_is_blank(const struct json *v);
/* A reference to v into an object that has no such key; the key is borrowed. */
void directive_append(struct run *r, struct json *object, struct str key, const struct json *v);

#endif
