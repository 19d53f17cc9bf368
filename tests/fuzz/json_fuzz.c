/*
 * json_fuzz.c: any bytes as JSON. What must hold: the check and the parse agree; what is written is
 * read again as the same; comments change nothing where there are none; the walk over the raw text
 * finds what the tree has.
 */
#include "fuzz/fuzz.h"

#include "base/json.h"
#include <string.h>

enum { ARENA_BLOCK_BYTES = 1 << 16, ARENA_MAX_BYTES = 1 << 24, OUT_MAX_BYTES = 1 << 20 };

static const struct json_limits wide = {1 << 20, 1000, 1 << 20};
static const struct json_limits narrow = {256, 4, 16};

static void write_fresh(struct buf *out, const struct json *v)
{
    buf_clear(out);
    json_write(out, v);
    MUST(!out->failed);
}

static void written_is_read_again(struct arena *a, const struct json *v, struct buf *once)
{
    struct buf twice;
    const struct json *again;
    buf_init(&twice, OUT_MAX_BYTES);
    write_fresh(once, v);
    MUST(json_parse(a, buf_str(once), &wide, &again, NULL) == TILLPOST_OK);
    write_fresh(&twice, again);
    MUST(str_equal(buf_str(once), buf_str(&twice)));
    buf_free(&twice);
}

/* The raw text of a value means what the tree has there. */
static void raw_is(struct arena *a, struct str raw, const struct json *v)
{
    struct buf left, right;
    const struct json *parsed;
    MUST(json_parse(a, raw, &wide, &parsed, NULL) == TILLPOST_OK);
    buf_init(&left, OUT_MAX_BYTES);
    buf_init(&right, OUT_MAX_BYTES);
    write_fresh(&left, v);
    write_fresh(&right, parsed);
    MUST(str_equal(buf_str(&left), buf_str(&right)));
    buf_free(&left);
    buf_free(&right);
}

static void raw_walk_finds_the_tree(struct arena *a, struct str text, const struct json *v)
{
    struct str item;
    size_t pos = 0;
    const struct json *child = json_first(v);
    if (json_is(v, JSON_OBJECT)) {
        for (; child != NULL; child = json_next(child)) {
            raw_is(a, json_raw_member(text, json_key(child).p), child);
            MUST(json_get(v, json_key(child).p) == child);
        }
        return;
    }
    for (; json_is(v, JSON_ARRAY) && child != NULL; child = json_next(child)) {
        MUST(json_raw_next(text, &pos, &item));
        raw_is(a, item, child);
    }
    MUST(!json_raw_next(text, &pos, &item));
}

static void walking_stays_inside(struct str text)
{
    static const char *const path[] = {"a", "0", "b"};
    struct str item = json_raw_member(text, "a");
    MUST(item.len <= text.len);
    size_t pos = 0, last = 0;
    while (json_raw_next(text, &pos, &item)) {
        MUST(pos > last && pos <= text.len);
        last = pos;
    }
    for (size_t n = 0; n <= 3; n++) {
        MUST(json_line_of(text, path, n) <= text.len + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct arena a;
    struct buf out;
    struct fault why = {0};
    const struct json *v, *commented;
    arena_init(&a, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    buf_init(&out, OUT_MAX_BYTES);
    int checked = json_check(text, &why);
    MUST(why.err == checked && (checked == TILLPOST_OK || why.message[0] != '\0'));
    MUST(json_parse(&a, text, &wide, &v, NULL) == checked);
    MUST((v != NULL) == (checked == TILLPOST_OK));
    int strict = json_parse_commented(&a, text, &wide, &commented, NULL);
    walking_stays_inside(text);
    if (checked == TILLPOST_OK) {
        MUST(strict == TILLPOST_OK);
        written_is_read_again(&a, v, &out);
        raw_is(&a, buf_str(&out), commented);
        raw_walk_finds_the_tree(&a, text, v);
    } else if (strict == TILLPOST_OK) {
        written_is_read_again(&a, commented, &out);
    }
    int limited = json_parse(&a, text, &narrow, &v, NULL);
    MUST(limited == TILLPOST_E_TOO_LARGE || limited == checked);
    buf_free(&out);
    arena_free(&a);
    return 0;
}
