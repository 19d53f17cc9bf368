/*
 * fql_node.h: inside mapping only: a trigger in memory, as fql.c makes and fql_match.c reads it.
 */
#ifndef MAPPING_FQL_NODE_H
#define MAPPING_FQL_NODE_H

#include "mapping/fql.h"
#include "mapping/fql_lex.h"

enum fql_kind { FQL_AND, FQL_OR, FQL_NOT, FQL_COMPARE, FQL_CONTAINS, FQL_MATCH };

enum fql_call { FQL_LENGTH, FQL_LOWERCASE, FQL_TYPEOF };

struct fql {
    enum fql_kind kind;
    const struct fql *first; /* AND, OR, NOT: the parts */
    const struct fql *next;  /* the next part */

    /* COMPARE, CONTAINS, MATCH: the value on the left */
    const struct path *path;
    bool textual; /* a field that holds text: a number is compared with its digits too */
    size_t calls; /* functions around it, the inmost first */
    enum fql_call call[FQL_CALLS_MAX];

    /* … and what it is tested against */
    enum fql_op op;
    bool negated;           /* CONTAINS, MATCH: `!` stands before it */
    enum json_type literal; /* JSON_NULL, _FALSE, _TRUE, _NUMBER, _STRING */
    struct str text;        /* of a text, or the digits of a number */
    double number;
};

#endif
