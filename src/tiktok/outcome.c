/*
 * outcome.c: what a reply means, by two tables.
 *
 * TikTok answers nearly everything with HTTP 200 and {"code":…,"message":…}: the code decides. The
 * HTTP status is asked only where there is no code of TikTok's form (0, or five digits): then
 * somebody else has spoken, a proxy, a portal, a gateway.
 *
 * What always holds:
 * 1. Only the three codes of a clear yes give TIKTOK_DONE.
 * 2. What is neither in the tables nor TikTok's own is TIKTOK_DOUBT: it may have been counted. A
 *    bare HTTP 400 too: the one who sent it may stand behind TikTok as well as before it.
 * 3. `message` holds TikTok's words, field paths and indexes, and nothing that looks like a value:
 *    messages may echo what was sent. Index and field names are looked for in what is left then, so
 *    that an echoed "data.5." blames nobody.
 *
 * Source: tiktok-api.md section 4 (TikTok's return codes as of August 2026).
 */
#include "tiktok/batch.h"

#include "base/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPLY_MAX_BYTES = 64 * 1024,
    REPLY_DEPTH_MAX = 32,
    REPLY_VALUES_MAX = 5000,
    REPLY_ARENA_BLOCK_BYTES = 4096,
    REPLY_ARENA_MAX_BYTES = 1024 * 1024,
    NO_CODE = -1,
    CODE_RATE_LIMIT = 40100,
    CODE_PARAMETER = 40002,
    CODE_MIN = 10000, /* but for 0, TikTok's have five digits */
    CODE_MAX = 99999,
};

struct outcome_row {
    int from, to; /* the first row that holds a code or a status decides */
    enum tiktok_class class;
    bool limited;
};

/* clang-format off */
static const struct outcome_row codes[] = {
    /* from  to     class                       limited */
    {0,     0,     TIKTOK_DONE,                false},
    {20001, 20001, TIKTOK_DONE,                false}, /* partially successful; no more is said */
    {40050, 40050, TIKTOK_DONE,                false}, /* a duplicate */
    {40016, 40016, TIKTOK_RETRY,               true},
    {40100, 40100, TIKTOK_RETRY,               true},
    {40132, 40133, TIKTOK_RETRY,               true},
    {51021, 51021, TIKTOK_RETRY,               true},
    {40202, 40202, TIKTOK_RETRY,               false}, /* write conflict */
    {50000, 59999, TIKTOK_RETRY,               false},
    {60001, 60001, TIKTOK_RETRY,               false}, /* maintenance */
    {40001, 40001, TIKTOK_PAUSE_CONFIGURATION, false}, /* no permission on the event set */
    {40006, 40010, TIKTOK_PAUSE_CONFIGURATION, false},
    {40013, 40014, TIKTOK_PAUSE_CONFIGURATION, false},
    {40051, 40051, TIKTOK_PAUSE_CONFIGURATION, false}, /* API version */
    {40117, 40118, TIKTOK_PAUSE_CONFIGURATION, false},
    {40300, 40301, TIKTOK_PAUSE_CONFIGURATION, false}, /* no such advertiser */
    {41000, 41001, TIKTOK_PAUSE_CONFIGURATION, false}, /* country; interface is offline */
    {40101, 40102, TIKTOK_PAUSE_CREDENTIALS,   false},
    {40104, 40106, TIKTOK_PAUSE_CREDENTIALS,   false},
    {40113, 40113, TIKTOK_PAUSE_CREDENTIALS,   false},
    {40115, 40116, TIKTOK_PAUSE_CREDENTIALS,   false},
    {40119, 40119, TIKTOK_PAUSE_CREDENTIALS,   false},
    {40124, 40125, TIKTOK_PAUSE_CREDENTIALS,   false},
    {40000, 49999, TIKTOK_SPLIT,               false}, /* 40000 40002 40700, and unknown ones */
    {10000, 99999, TIKTOK_DOUBT,               false},
};

static const struct outcome_row statuses[] = {
    /* from to  class                      limited */
    {300, 399, TIKTOK_PAUSE_CONFIGURATION, false}, /* not followed: the token would go along */
    {401, 401, TIKTOK_PAUSE_CREDENTIALS,   false},
    {403, 403, TIKTOK_PAUSE_CREDENTIALS,   false},
    {404, 405, TIKTOK_PAUSE_CONFIGURATION, false}, /* often a missing slash at the endpoint's end */
    {413, 413, TIKTOK_SPLIT,               false},
    {429, 429, TIKTOK_RETRY,               true},
    {503, 503, TIKTOK_RETRY,               false},
};
/* clang-format on */

static const struct outcome_row *find_row(const struct outcome_row *rows, size_t count, int n)
{
    for (size_t i = 0; i < count; i++) {
        if (n >= rows[i].from && n <= rows[i].to) return &rows[i];
    }
    static const struct outcome_row unknown = {0, 0, TIKTOK_DOUBT, false};
    return &unknown;
}

/* Redaction ------------------------------------------------------------------------------------ */

enum {
    DIGITS_SHOWN_MAX = 4, /* indexes have at most three, HTTP statuses too */
    HEX_SHOWN_MAX = 15,
    TOKEN_SHOWN_MAX = 19, /* of letters and digits mixed: ids, keys */
    IP_DOTS = 3,
    IPV6_COLONS = 2,
};
static const char hidden[] = "\u2026"; /* an ellipsis */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What words, field paths, numbers, addresses and ids are made of. */
static bool is_word_char(char c)
{
    return is_digit(c) || is_letter(c) || (unsigned char)c >= 0x80 ||
           (c != '\0' && strchr("_.@:/+%-~#&?=", c) != NULL);
}

static size_t longest_run(struct str s, bool (*is_in)(char))
{
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < s.len; i++) {
        run = is_in(s.p[i]) ? run + 1 : 0;
        if (run > longest) longest = run;
    }
    return longest;
}

static size_t count_of(struct str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        n += s.p[i] == c;
    }
    return n;
}

static bool is_address(struct str word)
{
    bool is_numeric = true;
    for (size_t i = 0; i < word.len; i++) {
        is_numeric = is_numeric && (is_hex(word.p[i]) || word.p[i] == '.' || word.p[i] == ':');
    }
    return is_numeric && (count_of(word, '.') >= IP_DOTS || count_of(word, ':') >= IPV6_COLONS);
}

/* A part between dots that is long and mixes letters with digits: an id or a key. */
static bool has_token(struct str word)
{
    while (word.len > 0) {
        struct str part = str_split(word, '.', &word);
        if (part.len > TOKEN_SHOWN_MAX && longest_run(part, is_letter) > 0 &&
            longest_run(part, is_digit) > 0) {
            return true;
        }
    }
    return false;
}

/* Does a word look like a value that was sent, rather than like TikTok's own? */
static bool is_value(struct str word, int code)
{
    char own[16];
    snprintf(own, sizeof own, "%d", code);
    if (str_is(word, own)) return false;
    return longest_run(word, is_digit) > DIGITS_SHOWN_MAX ||
           longest_run(word, is_hex) > HEX_SHOWN_MAX || is_address(word) || has_token(word) ||
           count_of(word, '@') > 0 || count_of(word, '%') > 0 || count_of(word, '/') > 1;
}

/* Bytes of a quotation at s.p[i], to the end where it does not close; 0 where there is none. An
 * apostrophe in a word is none. */
static size_t quotation_at(struct str s, size_t i)
{
    char quote = s.p[i];
    if (quote != '"' && quote != '\'' && quote != '`') return 0;
    if (i > 0 && (is_word_char(s.p[i - 1]) || s.p[i - 1] == ')')) return 0;
    const char *end = memchr(s.p + i + 1, quote, s.len - i - 1);
    return end == NULL ? s.len - i : (size_t)(end - (s.p + i)) + 1;
}

static size_t word_at(struct str s, size_t i)
{
    size_t start = i;
    while (i < s.len && is_word_char(s.p[i])) {
        i++;
    }
    while (i > start && strchr(".:?", s.p[i - 1]) != NULL) {
        i--; /* the sentence's, not the word's */
    }
    return i - start;
}

static void redact(struct str text, int code, struct buf *out)
{
    for (size_t i = 0; i < text.len;) {
        size_t quoted = quotation_at(text, i);
        size_t len = quoted > 0 ? quoted : word_at(text, i);
        struct str word = {text.p + i, len};
        if (quoted > 0 || (len > 0 && is_value(word, code))) {
            buf_add_z(out, hidden);
        } else if (len > 0) {
            buf_add_str(out, word);
        } else {
            char c = text.p[i];
            buf_add_char(out, (unsigned char)c < ' ' || c == 0x7F ? ' ' : c);
        }
        i += len > 0 ? len : 1;
    }
}

static void copy_cut(char *out, size_t bytes, struct str from)
{
    struct str cut = str_cut(from, bytes - 1);
    if (cut.len > 0) memcpy(out, cut.p, cut.len);
    out[cut.len] = '\0';
}

static void copy_message(struct str text, struct tiktok_outcome *out)
{
    struct buf redacted;
    buf_init(&redacted, REPLY_MAX_BYTES);
    redact(text, out->code, &redacted);
    copy_cut(out->message, sizeof out->message, buf_str(&redacted));
    buf_free(&redacted);
}

static void copy_request_id(struct str id, struct tiktok_outcome *out)
{
    size_t len = 0;
    for (size_t i = 0; i < id.len && len < sizeof out->request_id - 1; i++) {
        if (is_digit(id.p[i]) || is_letter(id.p[i]) || id.p[i] == '-' || id.p[i] == '_') {
            out->request_id[len++] = id.p[i];
        }
    }
    out->request_id[len] = '\0';
}

/* What the message names ----------------------------------------------------------------------- */

static bool is_name_char(char c)
{
    return is_digit(c) || is_letter(c) || c == '_';
}

/* The digits at z as an index, which nothing like a name follows; -1 when they are none. */
static long index_digits(const char *z)
{
    size_t digits = 0;
    while (is_digit(z[digits])) {
        digits++;
    }
    if (digits == 0 || digits > DIGITS_SHOWN_MAX || is_name_char(z[digits])) return -1;
    long index = strtol(z, NULL, 10);
    return index < TIKTOK_BATCH_EVENTS_MAX ? index : -1;
}

/* An index behind `word` at z: "data.3", "data[3]", "index 3", "index: 3". */
static long index_behind(const char *z, const char *word)
{
    size_t len = strlen(word);
    if (strlen(z) <= len || !str_is_nocase((struct str){z, len}, word)) return -1;
    z += len;
    if (is_name_char(z[0])) return -1;
    bool is_spoken = strcmp(word, "index") == 0;
    size_t most = is_spoken ? 2 : 1; /* ": " */
    for (size_t i = 0; i < most && z[0] != '\0'; i++) {
        if (strchr(is_spoken ? " :=[#" : ".[", z[0]) != NULL) z++;
    }
    return index_digits(z);
}

static long find_index(const char *message)
{
    static const char *const words[] = {"batch", "data", "index"};
    for (const char *z = message; z[0] != '\0'; z++) {
        if (z > message && is_name_char(z[-1])) continue;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            long index = index_behind(z, words[i]);
            if (index >= 0) return index;
        }
    }
    return -1;
}

/* Is event_source or event_source_id named, and not as part of a longer path or name? */
static bool names_event_source(const char *message)
{
    static const char name[] = "event_source";
    for (const char *z = strstr(message, name); z != NULL; z = strstr(z + 1, name)) {
        const char *end = z + sizeof name - 1;
        if (strncmp(end, "_id", 3) == 0) end += 3;
        bool is_inner = z > message && (is_name_char(z[-1]) || z[-1] == '.');
        if (!is_inner && !is_name_char(end[0])) return true;
    }
    return false;
}

static bool mentions(const char *message, const char *const *words)
{
    for (; words[0] != NULL; words++) {
        size_t len = strlen(words[0]);
        for (const char *z = message; strlen(z) >= len; z++) {
            if (str_is_nocase((struct str){z, len}, words[0])) return true;
        }
    }
    return false;
}

/* 40100 is TikTok's rate limit; others have seen it for a bad token. The words tell. */
static bool is_about_token(const char *message)
{
    static const char *const token[] = {"token", NULL};
    static const char *const limit[] = {"limit", "frequen", "too many", "qps", NULL};
    return mentions(message, token) && !mentions(message, limit);
}

/* The reply ------------------------------------------------------------------------------------ */

/* A number without fraction or a string of digits; else NO_CODE. */
static int read_code(const struct json *v)
{
    uint64_t digits = 0;
    double d = json_number(v);
    if (json_is(v, JSON_STRING) && str_to_u64(json_string(v), &digits) >= 0) {
        return digits <= CODE_MAX ? (int)digits : NO_CODE;
    }
    if (!json_is(v, JSON_NUMBER) || !(d >= 0 && d <= CODE_MAX)) return NO_CODE;
    return (double)(int)d == d ? (int)d : NO_CODE;
}

static void read_body(struct str body, struct tiktok_outcome *out)
{
    static const struct json_limits limits = {REPLY_MAX_BYTES, REPLY_DEPTH_MAX, REPLY_VALUES_MAX};
    struct arena arena;
    const struct json *reply = NULL;
    arena_init(&arena, REPLY_ARENA_BLOCK_BYTES, REPLY_ARENA_MAX_BYTES);
    if (json_parse(&arena, body, &limits, &reply, NULL) >= 0 && json_is(reply, JSON_OBJECT)) {
        out->is_json = true;
        out->code = read_code(json_get(reply, "code"));
        copy_message(json_string(json_get(reply, "message")), out);
        copy_request_id(json_string(json_get(reply, "request_id")), out);
    }
    arena_free(&arena);
}

static void classify(struct tiktok_outcome *out)
{
    bool is_tiktok = out->code == 0 || (out->code >= CODE_MIN && out->code <= CODE_MAX);
    const struct outcome_row *row =
        is_tiktok ? find_row(codes, sizeof codes / sizeof codes[0], out->code)
                  : find_row(statuses, sizeof statuses / sizeof statuses[0], out->http);
    out->class = row->class;
    out->limited = row->limited;
    if (out->code == CODE_RATE_LIMIT && is_about_token(out->message)) {
        out->class = TIKTOK_PAUSE_CREDENTIALS;
        out->limited = false;
    }
    if (out->code == CODE_PARAMETER && out->index < 0 && names_event_source(out->message)) {
        out->class = TIKTOK_PAUSE_CONFIGURATION;
    }
}

void tiktok_outcome_read(int http_status, struct str body, struct tiktok_outcome *out)
{
    *out = (struct tiktok_outcome){.code = NO_CODE, .http = http_status, .index = -1};
    read_body(body, out);
    out->index = find_index(out->message);
    classify(out);
    if (out->message[0] == '\0') {
        snprintf(out->message, sizeof out->message, "HTTP %d without a message of TikTok's",
                 http_status);
    }
}

void tiktok_probe_read(int http_status, struct str body, struct tiktok_outcome *out)
{
    tiktok_outcome_read(http_status, body, out);
    if (out->code == CODE_PARAMETER && out->class == TIKTOK_SPLIT) out->class = TIKTOK_DONE;
}

const char *tiktok_class_name(enum tiktok_class class)
{
    static const char *const class_names[] = {
        [TIKTOK_DONE] = "done",
        [TIKTOK_RETRY] = "retry",
        [TIKTOK_DOUBT] = "doubt",
        [TIKTOK_SPLIT] = "split",
        [TIKTOK_PAUSE_CREDENTIALS] = "pause",
        [TIKTOK_PAUSE_CONFIGURATION] = "pause",
    };
    return class_names[class];
}
