/*
 * node.h: inside mapping only: a compiled value, as directive.c makes it and resolve.c reads it.
 */
#ifndef MAPPING_NODE_H
#define MAPPING_NODE_H

#include "mapping/directive.h"
#include "mapping/template.h"

typedef const struct json *(*resolver)(struct run *r, const struct node *n,
                                       const struct json *data);

struct node {
    resolver resolve;
    const struct node *next; /* the next member or item */
    struct str key;          /* as a member of an object */
    union {
        const struct json *literal;
        const struct path *path;
        const struct template *template;
        const struct node *first; /* members, items, or the only value */
        const struct node **arg;  /* by the directive's argument; NULL: not given */
    };
};

/* Arguments by their place in the tables of directive.c. */
enum { IF_EXISTS, IF_BLANK, IF_THEN, IF_ELSE };
enum { CASE_OPERATOR, CASE_VALUE };
enum {
    REPLACE_VALUE,
    REPLACE_PATTERN,
    REPLACE_REPLACEMENT,
    REPLACE_PATTERN2,
    REPLACE_REPLACEMENT2,
    REPLACE_IGNORECASE,
    REPLACE_GLOBAL
};
enum { MERGE_OBJECTS, MERGE_DIRECTION };
enum { FLATTEN_VALUE, FLATTEN_SEPARATOR, FLATTEN_OMIT_ARRAYS };
enum { JSON_ARG_VALUE, JSON_ARG_MODE };
enum { TRANSFORM_APPLY, TRANSFORM_MAPPING };
enum { ARRAY_PATH_PATH, ARRAY_PATH_SHAPE };

/* resolve.c */
const struct json *resolve_literal(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_object(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_list(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_same(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_path(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_path_of(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_template(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_template_of(struct run *r, const struct node *n,
                                       const struct json *data);
const struct json *resolve_if(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_array_path(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_case(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_replace(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_merge(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_flatten(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_json(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_transform(struct run *r, const struct node *n, const struct json *data);
const struct json *resolve_exclude_when_null(struct run *r, const struct node *n,
                                             const struct json *data);

#endif
