/*
 * mapping.h: from a call to named fields: triggers (Destination FQL), directives, the presets.
 *
 * A definition is {"name","subscribe","mapping"} exactly as Segment's action destinations have
 * it. Compile once, use for every call. Pure: no clock, no disk, no socket, no log. The language of
 * triggers is in fql.h, that of values in directive.h, that of paths in path.h.
 *
 * Owner: a compiled mapping owns its memory; results live in the caller's arena and may borrow
 * from the call's tree and from the mapping.
 * Errors: CONFIG with path ("$.subscribe" or "$.mapping.contents.@arrayPath") and a message that
 * names the place (for triggers: the column).
 * Source: Segment action-destinations, packages/core mapping-kit and destination-subscriptions
 * (August 2026); tiktok-api.md section 9.
 */
#ifndef MAPPING_MAPPING_H
#define MAPPING_MAPPING_H

#include "base/json.h"

enum { MAPPINGS_MAX = 50 }; /* enabled presets included */

struct mapping;

int mapping_compile(const struct json *definition, struct mapping **out, struct fault *why);
void mapping_free(struct mapping *m);
const char *mapping_name(const struct mapping *m);
/* Does the trigger match this call? Never fails: what is absent does not match. */
bool mapping_matches(const struct mapping *m, const struct json *call);
/* The same of many mappings at once, and quicker: the indexes of those that match, in order, in
 * hits, which has room for n. Returns how many. */
size_t mapping_select(struct mapping *const *list, size_t n, const struct json *call,
                      size_t hits[]);
/* Resolve the mapping: *fields becomes an object of the fields that the mapping writes and the call
 * fills; null and blank ones are left out. What they hold is not checked. NO_MEMORY, or
 * TOO_LARGE or BAD_FIELD (a text that a directive makes) with the field's path. */
int mapping_apply(const struct mapping *m, const struct json *call, struct arena *a,
                  const struct json **fields, struct fault *why);

/* Is v what a mapping takes for absent: null, a text of white space, a list of nothing else? */
bool mapping_is_blank(const struct json *v);

/* The built-in presets as data, in the order of tiktok-api.md section 9. */
struct mapping_preset {
    const char *name;       /* "Complete Payment" */
    const char *event;      /* "Purchase" (current spelling) */
    const char *definition; /* JSON text of the whole definition */
    bool on_by_default;
};
enum { MAPPING_PRESETS = 15 };
extern const struct mapping_preset mapping_presets[MAPPING_PRESETS];

#endif
