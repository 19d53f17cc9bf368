/*
 * json_check.c: is a text JSON? RFC 8259 to the letter, before anything is built from it.
 *
 * A machine of a few states over the bytes; the nesting is an array, not recursion, so that a
 * hostile text costs no stack. What it refuses beyond the grammar: text that is not UTF-8, a byte
 * order mark, \u0000 (cJSON cuts the string there), half a surrogate pair, a key that its object
 * has already, and whatever is over the limits.
 *
 * What always holds: p <= end; depth <= limits.depth_max <= JSON_DEPTH_MAX; a fault names a line
 * and a column, never content.
 */
#include "base/json_text.h"

#include <limits.h>
#include <string.h>

enum {
    OBJECT_BIT = 1 << 30, /* in `opened`: this container is an object */
    END_OF_TEXT = -1,
};

struct checker {
    struct str text;
    const char *p, *end;
    struct json_limits limits;
    struct fault *why;
    int err;
    unsigned depth, values;
    struct json_keys keys;
    uint32_t opened[JSON_DEPTH_MAX]; /* keys.len when it was opened, and OBJECT_BIT */
};

enum state { WANT_VALUE, WANT_ITEM, WANT_KEY, WANT_MEMBER, WANT_COMMA, DONE, FAILED };

int json_fault_at(struct fault *why, struct str text, size_t offset, const char *message)
{
    unsigned line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (text.p[i] != '\n') continue;
        line++;
        line_start = i + 1;
    }
    return fault_set(why, TILLPOST_E_BAD_JSON, NULL, "line %u, column %zu: %s", line,
                     offset - line_start + 1, message);
}

static bool refuse_at(struct checker *c, const char *at, const char *message)
{
    c->err = json_fault_at(c->why, c->text, (size_t)(at - c->text.p), message);
    return false;
}

static bool refuse(struct checker *c, const char *message)
{
    return refuse_at(c, c->p, message);
}

static enum state fail(struct checker *c, const char *message)
{
    refuse(c, message);
    return FAILED;
}

static enum state too_large(struct checker *c, const char *is, unsigned limit, const char *what)
{
    c->err = fault_set(c->why, TILLPOST_E_TOO_LARGE, NULL, "the JSON %s %u %s", is, limit, what);
    return FAILED;
}

static int peek(const struct checker *c)
{
    return c->p < c->end ? (unsigned char)*c->p : END_OF_TEXT;
}

static bool is_digit(int ch)
{
    return ch >= '0' && ch <= '9';
}

static void skip_space(struct checker *c)
{
    const char *p = c->p;
    while (p < c->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) {
        p++;
    }
    c->p = p;
}

/* Strings ------------------------------------------------------------------------------------- */

/* RFC 8259 section 7; p is at the backslash, and behind the escape afterwards. */
static bool scan_unicode_escape(struct checker *c)
{
    static const char lone[] = "half a surrogate pair: write both \\u escapes or the character";
    int unit = json_hex4(c->p + 2, c->end);
    if (unit < 0) return refuse(c, "\\u needs four hex digits");
    if (unit == 0) return refuse(c, "\\u0000 is not allowed");
    if (unit >= 0xDC00 && unit <= 0xDFFF) return refuse(c, lone);
    if (unit < 0xD800 || unit > 0xDFFF) {
        c->p += 6;
        return true;
    }
    bool second = c->end - c->p >= 12 && c->p[6] == '\\' && c->p[7] == 'u';
    int low = second ? json_hex4(c->p + 8, c->end) : -1;
    if (low < 0xDC00 || low > 0xDFFF) return refuse(c, lone);
    c->p += 12;
    return true;
}

static bool scan_escape(struct checker *c)
{
    char ch = c->end - c->p < 2 ? '\0' : c->p[1];
    if (ch == 'u') return scan_unicode_escape(c);
    if (ch == '\0' || strchr("\"\\/bfnrt", ch) == NULL) {
        return refuse(c,
                      "unknown escape: only \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX are allowed");
    }
    c->p += 2;
    return true;
}

/* What is neither plain ASCII nor a quote nor a backslash. */
static bool scan_odd_char(struct checker *c)
{
    if ((unsigned char)*c->p < 0x20) {
        return refuse(c, "a control character in a string must be escaped");
    }
    size_t bytes = str_utf8_char((struct str){c->p, (size_t)(c->end - c->p)});
    if (bytes == 0) return refuse(c, "not valid UTF-8");
    c->p += bytes;
    return true;
}

/* p is at the opening quote, and behind the closing one afterwards. */
static bool scan_string(struct checker *c, bool *escaped)
{
    const char *start = c->p++;
    *escaped = false;
    for (;;) {
        c->p = json_plain_end(c->p, c->end);
        int ch = peek(c);
        if (ch == END_OF_TEXT) return refuse_at(c, start, "the string does not end");
        if (ch == '"') break;
        if (ch == '\\') *escaped = true;
        if (!(ch == '\\' ? scan_escape(c) : scan_odd_char(c))) return false;
    }
    c->p++;
    return true;
}

/* The grammar --------------------------------------------------------------------------------- */

static bool scan_digits(struct checker *c)
{
    const char *start = c->p;
    while (is_digit(peek(c))) {
        c->p++;
    }
    return c->p > start;
}

static enum state scan_number(struct checker *c)
{
    if (peek(c) == '-') c->p++;
    if (peek(c) == '0') {
        c->p++;
        if (is_digit(peek(c))) return fail(c, "a number must not start with 0");
    } else if (!scan_digits(c)) {
        return fail(c, "a digit is expected behind the minus sign");
    }
    if (peek(c) == '.') {
        c->p++;
        if (!scan_digits(c)) return fail(c, "a digit is expected behind the decimal point");
    }
    if (peek(c) == 'e' || peek(c) == 'E') {
        c->p++;
        if (peek(c) == '+' || peek(c) == '-') c->p++;
        if (!scan_digits(c)) return fail(c, "a digit is expected in the exponent");
    }
    return WANT_COMMA;
}

static enum state scan_literal(struct checker *c)
{
    static const struct str literals[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    struct str left = {c->p, (size_t)(c->end - c->p)};
    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        if (!str_starts(left, literals[i].p)) continue;
        c->p += literals[i].len;
        return WANT_COMMA;
    }
    if (left.len == 0) return fail(c, "the text ends where a value is expected");
    return fail(c, "a value is expected: an object, an array, a string in double quotes, a number, "
                   "true, false or null");
}

static enum state open_container(struct checker *c, bool object)
{
    if (c->depth >= c->limits.depth_max) {
        return too_large(c, "is nested deeper than", c->limits.depth_max, "levels; flatten it");
    }
    c->p++;
    c->opened[c->depth++] = (uint32_t)c->keys.len | (object ? OBJECT_BIT : 0);
    return object ? WANT_MEMBER : WANT_ITEM;
}

static enum state close_container(struct checker *c)
{
    uint32_t opened = c->opened[--c->depth];
    size_t first = opened & ~(uint32_t)OBJECT_BIT;
    size_t repeated = json_keys_close(&c->keys, first);
    if (repeated != JSON_KEYS_DIFFER) {
        refuse_at(c, c->text.p + repeated - 1, "this key is in its object already");
        return FAILED;
    }
    c->p++;
    return WANT_COMMA;
}

static enum state want_value(struct checker *c)
{
    bool escaped;
    if (c->values >= c->limits.values_max) {
        return too_large(c, "has more than", c->limits.values_max, "values; send less at once");
    }
    c->values++;
    int ch = peek(c);
    if (ch == '"') return scan_string(c, &escaped) ? WANT_COMMA : FAILED;
    if (ch == '{' || ch == '[') return open_container(c, ch == '{');
    if (ch == '-' || is_digit(ch)) return scan_number(c);
    return scan_literal(c);
}

static enum state want_item(struct checker *c)
{
    return peek(c) == ']' ? close_container(c) : want_value(c);
}

static enum state want_key(struct checker *c)
{
    bool escaped;
    if (peek(c) != '"') return fail(c, "a key in double quotes is expected");
    size_t offset = (size_t)(c->p - c->text.p) + 1;
    if (!scan_string(c, &escaped)) return FAILED;
    if (!json_keys_push(&c->keys, offset, escaped)) {
        c->err = fault_set(c->why, TILLPOST_E_NO_MEMORY, NULL,
                           "no memory to check the keys of "
                           "%zu bytes of JSON",
                           c->text.len);
        return FAILED;
    }
    skip_space(c);
    if (peek(c) != ':') return fail(c, "a colon is expected behind the key");
    c->p++;
    return WANT_VALUE;
}

static enum state want_member(struct checker *c)
{
    return peek(c) == '}' ? close_container(c) : want_key(c);
}

static enum state want_comma(struct checker *c)
{
    int ch = peek(c);
    if (c->depth == 0) {
        return ch == END_OF_TEXT ? DONE : fail(c, "nothing may follow the value");
    }
    bool object = (c->opened[c->depth - 1] & OBJECT_BIT) != 0;
    if (ch == (object ? '}' : ']')) return close_container(c);
    if (ch != ',') return fail(c, object ? "a comma or } is expected" : "a comma or ] is expected");
    c->p++;
    return object ? WANT_KEY : WANT_VALUE;
}

static enum state start(struct checker *c)
{
    if (c->text.len > c->limits.bytes_max) {
        c->err = fault_set(c->why, TILLPOST_E_TOO_LARGE, NULL,
                           "the JSON has %zu bytes; at most %zu are allowed", c->text.len,
                           c->limits.bytes_max);
        return FAILED;
    }
    if (str_starts(c->text, "\xEF\xBB\xBF")) {
        return fail(c, "a byte order mark is not allowed; save as UTF-8 without it");
    }
    return WANT_VALUE;
}

static void init(struct checker *c, struct str text, const struct json_limits *limits,
                 struct fault *why)
{
    c->text = text.len == 0 ? STR("") : text; /* its p may be NULL */
    c->p = c->text.p;
    c->end = c->p + text.len;
    c->limits = *limits;
    if (c->limits.bytes_max > JSON_TEXT_MAX_BYTES) c->limits.bytes_max = JSON_TEXT_MAX_BYTES;
    if (c->limits.depth_max > JSON_DEPTH_MAX) c->limits.depth_max = JSON_DEPTH_MAX;
    c->why = why;
    c->err = TILLPOST_OK;
    c->depth = c->values = 0;
    json_keys_init(&c->keys, c->text);
}

int json_check_limits(struct str text, const struct json_limits *limits, struct fault *why)
{
    static enum state (*const steps[])(struct checker *) = {
        [WANT_VALUE] = want_value,   [WANT_ITEM] = want_item,   [WANT_KEY] = want_key,
        [WANT_MEMBER] = want_member, [WANT_COMMA] = want_comma,
    };
    struct checker c; /* 5 KiB, most of it written before it is read */
    init(&c, text, limits, why);
    enum state state = start(&c);
    while (state < DONE) {
        skip_space(&c);
        state = steps[state](&c);
    }
    json_keys_free(&c.keys);
    return c.err;
}

int json_check(struct str text, struct fault *why)
{
    static const struct json_limits any = {SIZE_MAX, UINT_MAX, UINT_MAX};
    return json_check_limits(text, &any, why);
}
