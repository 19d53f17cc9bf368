/*
 * path.h: inside mapping only: where in a call a value stands.
 *
 * As Segment writes it: "$.properties.products[0].name", the "$." may be missing; names in quotes
 * hold anything: "a['b.c']", "a.'b c'". A name made of digits is a key of an object and an index
 * of an array. "" and "$" are the whole. Names directly under `integrations` are compared without
 * regard to ASCII case, as the destination's own name is spelt in more than one way.
 *
 * Owner: a path and its names live in the arena it was made in.
 * Source: Segment action-destinations, packages/core get.ts (actions-core 3.170.0).
 */
#ifndef MAPPING_PATH_H
#define MAPPING_PATH_H

#include "base/json.h"

enum { PATH_STEPS_MAX = 32 }; /* a call is at most 16 values deep */

struct path_step {
    struct str name;
    int32_t index; /* the name as a number, -1 when it is none */
    bool any_case;
};

struct path {
    size_t count;
    size_t root; /* which of the names that calls have at their top the first step is */
    struct path_step step[];
};

/* The top of a call, looked through once for all the paths that are followed in it. */
enum { PATH_ROOTS = 14 };
struct path_roots {
    const struct json *call;
    const struct json *value[PATH_ROOTS];
};

/* A path in the making. */
struct path_draft {
    size_t count;
    struct path_step step[PATH_STEPS_MAX];
};

/* Errors: CONFIG (message only), NO_MEMORY. */
int path_parse(struct arena *a, struct str text, const struct path **out, struct fault *why);
/* One name more, copied. Errors: CONFIG, NO_MEMORY. */
int path_add(struct path_draft *d, struct arena *a, struct str name, struct fault *why);
int path_finish(const struct path_draft *d, struct arena *a, const struct path **out,
                struct fault *why);

void path_read_roots(struct path_roots *out, const struct json *call);

/* The value there, or NULL. A name asked of an array leads nowhere. */
const struct json *path_find(const struct path *p, const struct path_roots *roots);
/* The same in any data, but a name asked of an array is asked of each of its items: a new array of
 * what was found, NULL when nothing was. *failed becomes true when the arena is full. */
const struct json *path_resolve(const struct path *p, const struct path_roots *roots,
                                const struct json *data, struct arena *a, bool *failed);

#endif
