/*
 * fql.c: from a trigger's text to a tree; the grammar is in fql.h.
 *
 * Recursive descent, a function for each line of the grammar.
 * 1. Every function leaves the lexer on the token behind what it has read.
 * 2. After a failure the lexer gives END for ever, so that everybody returns; fql_parse looks at
 *    lexer.err once.
 * 3. Recursion is bounded by FQL_DEPTH_MAX, memory by FQL_TEXT_MAX_BYTES.
 */
#include "mapping/fql_node.h"

#include "base/nearest.h"

struct fql_parser {
    struct fql_lexer lexer;
    unsigned depth;
};

static const char value_words[] = "\"text\", a number, true, false or null";
static const char op_words[] = "one of = != > >= < <=";
static const char test_words[] = "a field, a function, not or (";

static const struct {
    const char *name;
    bool members; /* has names below it; the others hold a text */
} roots[] = {
    {"type", false},        {"event", false},     {"name", false},    {"userId", false},
    {"anonymousId", false}, {"messageId", false}, {"groupId", false}, {"previousId", false},
    {"properties", true},   {"traits", true},     {"context", true},  {"integrations", true},
};

static const struct {
    const char *name;
    bool test; /* a condition of its own: kind; else a function around a value: call */
    enum fql_kind kind;
    enum fql_call call;
} functions[] = {
    {"contains", true, FQL_CONTAINS, FQL_LENGTH}, {"match", true, FQL_MATCH, FQL_LENGTH},
    {"length", false, FQL_COMPARE, FQL_LENGTH},   {"lowercase", false, FQL_COMPARE, FQL_LOWERCASE},
    {"typeof", false, FQL_COMPARE, FQL_TYPEOF},
};

enum {
    ROOTS = sizeof roots / sizeof roots[0],
    FUNCTIONS = sizeof functions / sizeof functions[0],
};

static struct fql *parse_or(struct fql_parser *p);
static void parse_value(struct fql_parser *p, struct fql *test);

static struct fql *new_node(struct fql_parser *p, enum fql_kind kind)
{
    struct fql *f = arena_alloc(p->lexer.a, sizeof *f);
    if (f == NULL) {
        fql_lex_no_memory(&p->lexer);
    } else {
        f->kind = kind;
    }
    return f;
}

static void take_sign(struct fql_parser *p, char sign, const char *what)
{
    if (fql_lex_is_sign(&p->lexer, sign)) {
        fql_lex_next(&p->lexer);
    } else {
        fql_lex_expected(&p->lexer, what);
    }
}

/* Fields and functions ------------------------------------------------------------------------ */

static void refuse_name(struct fql_parser *p, const char *what, const char *near, const char *all)
{
    const struct fql_token *t = &p->lexer.token;
    fql_lex_refuse(&p->lexer, t->start, "there is no %s %.*s; %s %s%s", what,
                   (int)str_cut(t->text, 40).len, t->text.p, near ? "did you mean" : "there are",
                   near ? near : all, near ? "?" : "");
}

static size_t find_function(struct str name)
{
    size_t i = 0;
    while (i < FUNCTIONS && !str_is(name, functions[i].name)) {
        i++;
    }
    return i;
}

static void refuse_root(struct fql_parser *p)
{
    const char *names[ROOTS];
    if (find_function(p->lexer.token.text) < FUNCTIONS) {
        fql_lex_next(&p->lexer);
        fql_lex_expected(&p->lexer, "(");
        return;
    }
    for (size_t i = 0; i < ROOTS; i++) {
        names[i] = roots[i].name;
    }
    refuse_name(p, "field", nearest_name(p->lexer.token.text, names, ROOTS),
                "type, event, name, userId, anonymousId, messageId, groupId, previousId, "
                "properties, traits, context and integrations");
}

static void refuse_function(struct fql_parser *p)
{
    const char *names[FUNCTIONS];
    for (size_t i = 0; i < FUNCTIONS; i++) {
        names[i] = functions[i].name;
    }
    refuse_name(p, "function", nearest_name(p->lexer.token.text, names, FUNCTIONS),
                "contains, match, length, lowercase and typeof");
}

static void add_step(struct fql_parser *p, struct path_draft *d)
{
    struct fql_lexer *l = &p->lexer;
    struct fault why = {0};
    int err = path_add(d, l->a, l->token.text, &why);
    if (err == TILLPOST_E_NO_MEMORY) fql_lex_no_memory(l);
    if (err < 0) fql_lex_refuse(l, l->token.start, "%s", why.message);
}

static void parse_dot(struct fql_parser *p, struct path_draft *d)
{
    struct fql_lexer *l = &p->lexer;
    fql_lex_name(l);
    if (l->token.kind != FQL_TOKEN_NAME && l->token.kind != FQL_TOKEN_TEXT) {
        fql_lex_expected(l, "a name behind the dot");
        return;
    }
    add_step(p, d);
    fql_lex_next(l);
}

static void parse_bracket(struct fql_parser *p, struct path_draft *d)
{
    struct fql_lexer *l = &p->lexer;
    uint64_t index = 0;
    fql_lex_next(l);
    bool digits = l->token.kind == FQL_TOKEN_NUMBER && str_to_u64(l->token.text, &index) == 0;
    if (!digits && l->token.kind != FQL_TOKEN_TEXT) {
        fql_lex_expected(l, "a number or a name in quotes");
        return;
    }
    add_step(p, d);
    fql_lex_next(l);
    take_sign(p, ']', "]");
}

static size_t find_root(struct str name)
{
    size_t i = 0;
    while (i < ROOTS && !str_is(name, roots[i].name)) {
        i++;
    }
    return i;
}

static void parse_field(struct fql_parser *p, struct fql *test)
{
    struct fql_lexer *l = &p->lexer;
    struct path_draft d = {0};
    size_t root = find_root(l->token.text);
    if (root == ROOTS) {
        refuse_root(p);
        return;
    }
    test->textual = !roots[root].members;
    add_step(p, &d);
    fql_lex_next(l);
    while (fql_lex_is_sign(l, '.') || fql_lex_is_sign(l, '[')) {
        if (test->textual) {
            fql_lex_refuse(l, l->token.start, "%s has no fields below it", roots[root].name);
        } else if (fql_lex_is_sign(l, '.')) {
            parse_dot(p, &d);
        } else {
            parse_bracket(p, &d);
        }
    }
    if (l->err == 0 && path_finish(&d, l->a, &test->path, NULL) < 0) fql_lex_no_memory(l);
}

/* length(…), lowercase(…), typeof(…): the token is the bracket behind the name. */
static void parse_call(struct fql_parser *p, struct fql *test, enum fql_call call, size_t start)
{
    fql_lex_next(&p->lexer);
    parse_value(p, test);
    take_sign(p, ')', ")");
    if (test->calls == FQL_CALLS_MAX) {
        fql_lex_refuse(&p->lexer, start, "more than %d functions in one another", FQL_CALLS_MAX);
        return;
    }
    test->call[test->calls++] = call;
    test->textual = false;
}

/* Is the name token followed by an opening bracket? */
static bool is_call(const struct fql_lexer *l)
{
    size_t pos = l->pos;
    while (pos < l->text.len && (l->text.p[pos] == ' ' || l->text.p[pos] == '\t')) {
        pos++;
    }
    return pos < l->text.len && l->text.p[pos] == '(';
}

static void parse_value(struct fql_parser *p, struct fql *test)
{
    struct fql_lexer *l = &p->lexer;
    struct fql_token name = l->token;
    if (name.kind != FQL_TOKEN_NAME) {
        fql_lex_expected(l, "a field");
        return;
    }
    if (!is_call(l)) {
        parse_field(p, test);
        return;
    }
    size_t i = find_function(name.text);
    if (i == FUNCTIONS) {
        refuse_function(p);
    } else if (functions[i].test) {
        fql_lex_refuse(l, name.start, "%s() is a condition of its own and has no value to compare",
                       functions[i].name);
    } else if (++p->depth > FQL_DEPTH_MAX) {
        fql_lex_refuse(l, name.start, "nested more than %d deep", FQL_DEPTH_MAX);
    } else {
        fql_lex_next(l);
        parse_call(p, test, functions[i].call, name.start);
        p->depth--;
    }
}

/* Tests --------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    enum json_type type;
} words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};

static void parse_literal(struct fql_parser *p, struct fql *test)
{
    struct fql_lexer *l = &p->lexer;
    size_t i = 0;
    while (i < sizeof words / sizeof words[0] && !fql_lex_is_word(l, words[i].word)) {
        i++;
    }
    if (i < sizeof words / sizeof words[0]) {
        test->literal = words[i].type;
    } else if (l->token.kind == FQL_TOKEN_TEXT) {
        test->literal = JSON_STRING;
    } else if (l->token.kind == FQL_TOKEN_NUMBER) {
        test->literal = JSON_NUMBER;
    } else {
        fql_lex_expected(l, value_words);
        return;
    }
    test->text = l->token.text;
    test->number = l->token.number;
    fql_lex_next(l);
}

/* A number, which may stand in quotes. */
static void parse_number(struct fql_parser *p, struct fql *test)
{
    struct fql_lexer *l = &p->lexer;
    struct fql_lexer quoted = {.a = l->a, .text = l->token.text};
    test->number = l->token.number;
    if (l->token.kind == FQL_TOKEN_TEXT) {
        fql_lex_next(&quoted);
        test->number = quoted.token.number;
    }
    bool one = quoted.token.kind == FQL_TOKEN_NUMBER && quoted.pos == quoted.text.len;
    if (l->token.kind != FQL_TOKEN_NUMBER && !one) {
        fql_lex_expected(l, "a number");
        return;
    }
    test->literal = JSON_NUMBER;
    fql_lex_next(l);
}

static struct fql *parse_compare(struct fql_parser *p)
{
    struct fql_lexer *l = &p->lexer;
    struct fql *test = new_node(p, FQL_COMPARE);
    if (test == NULL) return NULL;
    parse_value(p, test);
    if (l->token.kind != FQL_TOKEN_OP) {
        fql_lex_expected(l, op_words);
        return test;
    }
    test->op = l->token.op;
    fql_lex_next(l);
    if (test->op == FQL_EQUAL || test->op == FQL_DIFFERENT) {
        parse_literal(p, test);
    } else {
        parse_number(p, test);
    }
    return test;
}

/* contains(value, "text") and match(value, "pattern"); the token is the function's name. */
static struct fql *parse_text_test(struct fql_parser *p, enum fql_kind kind)
{
    struct fql_lexer *l = &p->lexer;
    struct fql *test = new_node(p, kind);
    if (test == NULL) return NULL;
    fql_lex_next(l);
    fql_lex_next(l);
    parse_value(p, test);
    take_sign(p, ',', ",");
    if (l->token.kind != FQL_TOKEN_TEXT) fql_lex_expected(l, "a text in quotes");
    test->text = l->token.text;
    fql_lex_next(l);
    take_sign(p, ')', ")");
    return test;
}

static struct fql *parse_test(struct fql_parser *p)
{
    struct fql_lexer *l = &p->lexer;
    bool word = fql_lex_is_word(l, "and") || fql_lex_is_word(l, "or");
    if (word || l->token.kind != FQL_TOKEN_NAME) {
        fql_lex_expected(l, test_words);
        return NULL;
    }
    size_t i = find_function(l->token.text);
    if (i < FUNCTIONS && functions[i].test && is_call(l)) {
        return parse_text_test(p, functions[i].kind);
    }
    return parse_compare(p);
}

/* Conditions ---------------------------------------------------------------------------------- */

static bool is_not(const struct fql_lexer *l)
{
    return fql_lex_is_sign(l, '!') || fql_lex_is_word(l, "not");
}

static struct fql *parse_part(struct fql_parser *p);

static struct fql *parse_not(struct fql_parser *p)
{
    fql_lex_next(&p->lexer);
    bool in_brackets = fql_lex_is_sign(&p->lexer, '(');
    struct fql *part = parse_part(p);
    if (part == NULL) return NULL;
    if (!in_brackets && (part->kind == FQL_CONTAINS || part->kind == FQL_MATCH)) {
        part->negated = !part->negated;
        return part;
    }
    struct fql *f = new_node(p, FQL_NOT);
    if (f != NULL) f->first = part;
    return f;
}

static struct fql *parse_part(struct fql_parser *p)
{
    struct fql_lexer *l = &p->lexer;
    struct fql *part = NULL;
    if (++p->depth > FQL_DEPTH_MAX) {
        fql_lex_refuse(l, l->token.start, "nested more than %d deep", FQL_DEPTH_MAX);
        return NULL;
    }
    if (is_not(l)) {
        part = parse_not(p);
    } else if (fql_lex_is_sign(l, '(')) {
        fql_lex_next(l);
        part = parse_or(p);
        take_sign(p, ')', "and, or or )");
    } else {
        part = parse_test(p);
    }
    p->depth--;
    return part;
}

/* Parts with the same word between them. */
static struct fql *parse_chain(struct fql_parser *p, enum fql_kind kind, const char *word,
                               struct fql *(*parse)(struct fql_parser *))
{
    struct fql *first = parse(p);
    if (first == NULL || !fql_lex_is_word(&p->lexer, word)) return first;
    struct fql *f = new_node(p, kind), *last = first;
    if (f == NULL) return NULL;
    f->first = first;
    while (last != NULL && fql_lex_is_word(&p->lexer, word)) {
        fql_lex_next(&p->lexer);
        struct fql *part = parse(p);
        last->next = part;
        last = part;
    }
    return f;
}

static struct fql *parse_and(struct fql_parser *p)
{
    return parse_chain(p, FQL_AND, "and", parse_part);
}

static struct fql *parse_or(struct fql_parser *p)
{
    return parse_chain(p, FQL_OR, "or", parse_and);
}

int fql_parse(struct arena *a, struct str text, const struct fql **out, struct fault *why)
{
    struct fql_parser p = {.lexer = {.a = a, .text = text, .why = why}};
    *out = NULL;
    if (text.len > FQL_TEXT_MAX_BYTES) {
        return fault_set(why, TILLPOST_E_CONFIG, "$.subscribe",
                         "a trigger has at most %d bytes, this one has %zu", FQL_TEXT_MAX_BYTES,
                         text.len);
    }
    fql_lex_next(&p.lexer);
    const struct fql *f = parse_or(&p);
    if (p.lexer.token.kind != FQL_TOKEN_END) fql_lex_expected(&p.lexer, "and, or or the end");
    if (p.lexer.err < 0) return p.lexer.err;
    *out = f;
    return TILLPOST_OK;
}
