/*
 * fql_lex.c: a trigger's text, word by word, and where in it something is wrong.
 *
 * Differs from Segment's lexer where that loses what was meant: its texts know no escapes (here a
 * backslash before a quote or a backslash is one), and texts in single quotes keep their quotes.
 */
#include "mapping/fql_lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX_BYTES = 32, FOUND_MAX_BYTES = 24, MESSAGE_MAX_BYTES = 240 };

static char at(const struct fql_lexer *l, size_t pos)
{
    return pos < l->text.len ? l->text.p[pos] : '\0';
}

/* A backslash at pos that escapes, inside a text. */
static bool is_escape(const struct fql_lexer *l, size_t pos)
{
    char next = at(l, pos + 1);
    return at(l, pos) == '\\' && (next == '"' || next == '\'' || next == '\\');
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
           c == '-' || c == '\\' || (unsigned char)c >= 0x80;
}

/* What is wrong ------------------------------------------------------------------------------- */

/* In characters, from 1. */
static size_t column(const struct fql_lexer *l, size_t pos)
{
    size_t n = 1;
    for (size_t i = 0; i < pos && i < l->text.len; i++) {
        n += ((unsigned char)l->text.p[i] & 0xC0) != 0x80;
    }
    return n;
}

void fql_lex_refuse(struct fql_lexer *l, size_t start, const char *format, ...)
{
    char message[MESSAGE_MAX_BYTES];
    if (l->err < 0) return;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(message, sizeof message, format, list);
    va_end(list);
    l->err = fault_set(l->why, TILLPOST_E_CONFIG, "$.subscribe", "column %zu: %s", column(l, start),
                       message);
    l->token = (struct fql_token){.kind = FQL_TOKEN_END};
}

void fql_lex_expected(struct fql_lexer *l, const char *what)
{
    struct str found = {l->text.p + l->token.start, l->token.end - l->token.start};
    struct str part = str_cut(found, FOUND_MAX_BYTES);
    if (l->token.kind == FQL_TOKEN_END) {
        fql_lex_refuse(l, l->text.len, "expected %s, found the end", what);
    } else {
        fql_lex_refuse(l, l->token.start, "expected %s, found %.*s%s", what, (int)part.len, part.p,
                       part.len < found.len ? "..." : "");
    }
}

void fql_lex_no_memory(struct fql_lexer *l)
{
    if (l->err < 0) return;
    l->err = fault_set(l->why, TILLPOST_E_NO_MEMORY, "$.subscribe", "no memory for a trigger");
    l->token = (struct fql_token){.kind = FQL_TOKEN_END};
}

/* Words --------------------------------------------------------------------------------------- */

static void finish(struct fql_lexer *l, enum fql_token_kind kind)
{
    if (l->err < 0) return;
    l->token.kind = kind;
    l->token.end = l->pos;
}

/* The bytes from start to pos, without the backslashes that escape; every one does in a name, in a
 * text those before a quote or a backslash. */
static void take_text(struct fql_lexer *l, size_t start, bool name)
{
    char *text = arena_alloc(l->a, l->pos - start + 1);
    size_t len = 0;
    if (text == NULL) {
        fql_lex_no_memory(l);
        return;
    }
    for (size_t i = start; i < l->pos; i++) {
        if (name ? at(l, i) == '\\' : is_escape(l, i)) i++;
        text[len++] = at(l, i);
    }
    l->token.text = (struct str){text, len};
}

static void lex_text(struct fql_lexer *l)
{
    size_t start = l->pos;
    char quote = at(l, l->pos++);
    while (l->pos < l->text.len && at(l, l->pos) != quote) {
        l->pos += is_escape(l, l->pos) ? 2 : 1;
    }
    if (l->pos >= l->text.len) {
        fql_lex_refuse(l, start, "the text that begins here has no closing %c", quote);
        return;
    }
    take_text(l, start + 1, false);
    l->pos++;
    finish(l, FQL_TOKEN_TEXT);
}

static void lex_name(struct fql_lexer *l)
{
    size_t start = l->pos;
    while (is_name(at(l, l->pos))) {
        l->pos += at(l, l->pos) == '\\' ? 2 : 1;
    }
    if (l->pos > l->text.len) {
        fql_lex_refuse(l, l->text.len - 1, "a backslash stands before the character it escapes");
        return;
    }
    take_text(l, start, true);
    finish(l, FQL_TOKEN_NAME);
}

static size_t skip_digits(struct fql_lexer *l)
{
    size_t from = l->pos;
    while (is_digit(at(l, l->pos))) {
        l->pos++;
    }
    return l->pos - from;
}

/* [+-] digits [. digits], as Segment has it; strtod(3) sees nothing else. */
static void lex_number(struct fql_lexer *l)
{
    char digits[NUMBER_MAX_BYTES + 1] = "";
    size_t start = l->pos;
    if (at(l, l->pos) == '+' || at(l, l->pos) == '-') l->pos++;
    bool good = skip_digits(l) > 0;
    if (at(l, l->pos) == '.') {
        l->pos++;
        good = skip_digits(l) > 0 && good;
    }
    size_t len = l->pos - start;
    if (!good || is_name(at(l, l->pos)) || at(l, l->pos) == '.' || len > NUMBER_MAX_BYTES) {
        fql_lex_refuse(l, start, "a number is written like 5, -5 or 19.90, without an exponent");
        return;
    }
    memcpy(digits, l->text.p + start, len);
    l->token.number = strtod(digits, NULL);
    take_text(l, start, false);
    finish(l, FQL_TOKEN_NUMBER);
}

/* Longest first: ">=" before ">". */
static const struct {
    const char *text;
    enum fql_op op;
} ops[] = {
    {"!=", FQL_DIFFERENT}, {">=", FQL_OVER_EQUAL}, {"<=", FQL_UNDER_EQUAL},
    {"=", FQL_EQUAL},      {">", FQL_OVER},        {"<", FQL_UNDER},
};

static bool lex_op(struct fql_lexer *l)
{
    struct str rest = {l->text.p + l->pos, l->text.len - l->pos};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (!str_starts(rest, ops[i].text)) continue;
        l->pos += strlen(ops[i].text);
        l->token.op = ops[i].op;
        finish(l, FQL_TOKEN_OP);
        return true;
    }
    return false;
}

static void lex_sign(struct fql_lexer *l)
{
    char c = at(l, l->pos++);
    l->token.sign = c;
    finish(l, FQL_TOKEN_SIGN);
    if (strchr("()[],.!", c) == NULL || c == '\0') {
        fql_lex_refuse(l, l->token.start, "no trigger has a %c here; texts stand in quotes",
                       c >= ' ' && c < 0x7F ? c : '?');
    }
}

/* Over white space to where the next token starts; false at the end. */
static bool start(struct fql_lexer *l)
{
    while (is_space(at(l, l->pos))) {
        l->pos++;
    }
    l->token = (struct fql_token){.kind = FQL_TOKEN_END, .start = l->pos, .end = l->pos};
    return l->err == 0 && l->pos < l->text.len;
}

void fql_lex_next(struct fql_lexer *l)
{
    if (!start(l)) return;
    char c = at(l, l->pos);
    if (c == '"' || c == '\'') {
        lex_text(l);
    } else if (is_digit(c) || c == '-' || c == '+') {
        lex_number(l);
    } else if (is_name(c)) {
        lex_name(l);
    } else if (!lex_op(l)) {
        lex_sign(l);
    }
}

void fql_lex_name(struct fql_lexer *l)
{
    if (!start(l)) return;
    if (is_name(at(l, l->pos))) {
        lex_name(l);
    } else {
        fql_lex_next(l);
    }
}

bool fql_lex_is_sign(const struct fql_lexer *l, char sign)
{
    return l->token.kind == FQL_TOKEN_SIGN && l->token.sign == sign;
}

bool fql_lex_is_word(const struct fql_lexer *l, const char *word)
{
    return l->token.kind == FQL_TOKEN_NAME && str_is(l->token.text, word);
}
