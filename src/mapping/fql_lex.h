/*
 * fql_lex.h: inside mapping only: the words of a trigger.
 *
 * Owner: the texts of tokens live in the arena; NUL-terminated.
 */
#ifndef MAPPING_FQL_LEX_H
#define MAPPING_FQL_LEX_H

#include "base/fault.h"
#include "base/text.h"

enum fql_op { FQL_EQUAL, FQL_DIFFERENT, FQL_OVER, FQL_OVER_EQUAL, FQL_UNDER, FQL_UNDER_EQUAL };

enum fql_token_kind {
    FQL_TOKEN_END,
    FQL_TOKEN_NAME,
    FQL_TOKEN_TEXT,
    FQL_TOKEN_NUMBER,
    FQL_TOKEN_OP,
    FQL_TOKEN_SIGN, /* one of ( ) [ ] , . ! */
};

struct fql_token {
    enum fql_token_kind kind;
    size_t start, end; /* in the text */
    struct str text;   /* of a name or text without its escapes; of a number its digits */
    double number;
    enum fql_op op;
    char sign;
};

struct fql_lexer {
    struct arena *a;
    struct str text;
    size_t pos; /* behind the token */
    struct fql_token token;
    int err; /* the first failure; then every token is END */
    struct fault *why;
};

/* Steps to the next token. */
void fql_lex_next(struct fql_lexer *l);
/* As fql_lex_next, for the name of a member behind a dot: it may begin with a digit. */
void fql_lex_name(struct fql_lexer *l);
bool fql_lex_is_sign(const struct fql_lexer *l, char sign);
bool fql_lex_is_word(const struct fql_lexer *l, const char *word);
/* Fails, once, with "column N: <message>". */
void fql_lex_refuse(struct fql_lexer *l, size_t start, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Fails with "column N: expected <what>, found <the token>". */
void fql_lex_expected(struct fql_lexer *l, const char *what);
void fql_lex_no_memory(struct fql_lexer *l);

#endif
