/*
 * directive_fuzz.c: any bytes as a value of a mapping and, behind the first line end, a call. What
 * must hold: a refusal names a place and a rule; what a value comes to is JSON, is the same the
 * second time and leaves the call as it was; a small arena is at worst no memory.
 */
#include "fuzz/fuzz.h"

#include "mapping/directive.h"
#include <string.h>

enum {
    ARENA_BLOCK_BYTES = 1 << 16,
    ARENA_MAX_BYTES = 1 << 22,
    SMALL_MAX_BYTES = 1 << 10,
    OUT_MAX_BYTES = 1 << 24
};

static const struct json_limits limits = {1 << 16, 64, 10000};

static const char any_call[] =
    "{\"type\":\"track\",\"properties\":{\"a\":\"b {{type}} 'x' É\",\"n\":5.25,\"t\":true,"
    "\"z\":null,"
    "\"e\":\" \",\"j\":\"{\\\"k\\\":[1]}\",\"p\":\"$.type\","
    "\"l\":[{\"id\":1,\"q\":[1,2]},{\"id\":null},7,null]},\"traits\":{\"x\":{\"y\":{\"z\":null}}},"
    "\"integrations\":{\"TikTok\":{\"a\":1}}}";

static void write_fresh(struct buf *out, const struct json *v)
{
    buf_clear(out);
    json_write(out, v);
    MUST(!out->failed);
}

static void resolve(const struct node *n, const struct json *call, struct buf *out)
{
    struct arena a;
    const struct json *again = NULL;
    struct run r = {.a = &a};
    arena_init(&a, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    path_read_roots(&r.roots, call);
    const struct json *v = directive_resolve(&r, n, call);
    bool may_fail = r.err == TILLPOST_E_NO_MEMORY || r.err == TILLPOST_E_TOO_LARGE ||
                    r.err == TILLPOST_E_BAD_FIELD;
    MUST(r.err == 0 || (v == NULL && may_fail));
    write_fresh(out, v);
    (void)directive_is_blank(v);
    static const struct json_limits wide = {OUT_MAX_BYTES, 1000, 1 << 22};
    struct arena b;
    arena_init(&b, ARENA_BLOCK_BYTES, (size_t)1 << 30);
    MUST(json_parse(&b, buf_str(out), &wide, &again, NULL) == TILLPOST_OK);
    arena_free(&b);
    arena_free(&a);
}

static void resolve_in_little(const struct node *n, const struct json *call)
{
    struct arena a;
    struct run r = {.a = &a};
    arena_init(&a, ARENA_BLOCK_BYTES, SMALL_MAX_BYTES);
    path_read_roots(&r.roots, call);
    const struct json *v = directive_resolve(&r, n, call);
    MUST(r.err == 0 || v == NULL);
    arena_free(&a);
}

static void try_value(const struct node *n, const struct json *call)
{
    struct buf before, after, once, twice;
    buf_init(&before, OUT_MAX_BYTES);
    buf_init(&after, OUT_MAX_BYTES);
    buf_init(&once, OUT_MAX_BYTES);
    buf_init(&twice, OUT_MAX_BYTES);
    write_fresh(&before, call);
    resolve(n, call, &once);
    resolve_in_little(n, call);
    resolve(n, call, &twice);
    write_fresh(&after, call);
    MUST(str_equal(buf_str(&once), buf_str(&twice)));
    MUST(str_equal(buf_str(&before), buf_str(&after)));
    buf_free(&before);
    buf_free(&after);
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest, text = str_split((struct str){(const char *)data, size}, '\n', &rest);
    struct arena a;
    struct fault why = {0};
    const struct json *value = NULL, *call = NULL;
    const struct node *n = NULL;
    arena_init(&a, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    if (json_parse(&a, rest, &limits, &call, NULL) < 0) {
        MUST(json_parse(&a, str_from(any_call), &limits, &call, NULL) == TILLPOST_OK);
    }
    if (json_parse(&a, text, &limits, &value, NULL) == TILLPOST_OK) {
        int err = directive_compile(&a, value, "$.f", &n, &why);
        MUST((n != NULL) == (err == TILLPOST_OK) && why.err == err);
        MUST(err == TILLPOST_OK || (strncmp(why.path, "$.f", 3) == 0 && why.message[0] != '\0'));
        if (err == TILLPOST_OK) try_value(n, call);
    }
    arena_free(&a);
    return 0;
}
