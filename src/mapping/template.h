/*
 * template.h: inside mapping only: "{{path}}" in a text.
 *
 * "{{path}}" and "{{{path}}}" both stand for the value as it is (nothing is escaped, as Segment
 * stopped doing): a text; a number or true or false as JSON writes it; of a list its items with
 * commas between; of an object its JSON; nothing for null and what is absent. Braces that hold
 * nothing or never close are text. A number of more than 15 digits has no text: what came in is not
 * known any more, and two ids would become one.
 *
 * Owner: a template lives in the arena it was made in.
 * Source: Segment action-destinations, mapping-kit placeholders.ts (actions-core 3.170.0).
 */
#ifndef MAPPING_TEMPLATE_H
#define MAPPING_TEMPLATE_H

#include "mapping/path.h"

struct template;

/* Errors: CONFIG (message only), NO_MEMORY. */
int template_parse(struct arena *a, struct str text, const struct template **out,
                   struct fault *why);
/* Paths as in path_resolve. Whether the text fits, out knows. Errors: NO_MEMORY, BAD_FIELD. */
int template_write(const struct template *t, const struct path_roots *roots,
                   const struct json *data, struct arena *a, struct buf *out);
/* One value, as a template writes it. Errors: BAD_FIELD. */
int template_write_value(struct buf *out, const struct json *v);

#endif
