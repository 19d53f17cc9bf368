/*
 * fql_fuzz.c: any bytes as a trigger and, behind the first line end, a call. What must hold: a
 * refusal names a column of the text; brackets around a trigger change nothing; `not` around it
 * is its opposite; asking twice gives the same.
 */
#include "fuzz/fuzz.h"

#include "mapping/fql.h"
#include <string.h>

enum { ARENA_BLOCK_BYTES = 1 << 16, ARENA_MAX_BYTES = 1 << 24, OUT_MAX_BYTES = 1 << 16 };

static const char any_call[] =
    "{\"type\":\"track\",\"event\":\"Order Completed\",\"userId\":\"42\","
    "\"properties\":{\"a\":\"b\","
    "\"n\":5,\"t\":true,\"z\":null,\"l\":[1,{\"a\":2}]},\"traits\":{\"x\":\"É\"},\"context\":{},"
    "\"integrations\":{\"TikTok\":{\"a\":1}}}";

static const struct json *read_call(struct arena *a, struct str text)
{
    static const struct json_limits limits = {1 << 16, 64, 10000};
    const struct json *call = NULL;
    if (json_parse(a, text, &limits, &call, NULL) < 0) {
        MUST(json_parse(a, str_from(any_call), &limits, &call, NULL) == TILLPOST_OK);
    }
    return call;
}

static void refusal_names_its_column(struct str text, const struct fault *why)
{
    size_t column = 0;
    MUST(strcmp(why->path, "$.subscribe") == 0);
    if (text.len > FQL_TEXT_MAX_BYTES) return;
    const char *digits = strstr(why->message, "column ");
    MUST(digits == why->message);
    for (digits += strlen("column "); *digits >= '0' && *digits <= '9'; digits++) {
        column = column * 10 + (size_t)(*digits - '0');
    }
    MUST(column >= 1 && column <= text.len + 1 && strncmp(digits, ": ", 2) == 0);
}

/* The trigger between two texts: -1 when it is too long or deep for that, else whether it fires. */
static int fires_within(struct arena *a, const char *before, struct str text, const char *after,
                        const struct path_roots *roots)
{
    struct buf b;
    const struct fql *f = NULL;
    struct fault why = {0};
    buf_init(&b, OUT_MAX_BYTES);
    buf_add_z(&b, before);
    buf_add_str(&b, text);
    buf_add_z(&b, after);
    int err = fql_parse(a, buf_str(&b), &f, &why);
    buf_free(&b);
    MUST(err == TILLPOST_OK || strstr(why.message, "deep") || strstr(why.message, "4096"));
    return err < 0 ? -1 : fql_matches(f, roots);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest, text = str_split((struct str){(const char *)data, size}, '\n', &rest);
    struct arena a;
    struct path_roots roots;
    struct fault why = {0};
    const struct fql *f = NULL;
    arena_init(&a, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    path_read_roots(&roots, read_call(&a, rest));
    int err = fql_parse(&a, text, &f, &why);
    MUST((f != NULL) == (err == TILLPOST_OK) && why.err == err);
    if (err < 0) {
        MUST(err == TILLPOST_E_CONFIG);
        refusal_names_its_column(text, &why);
    } else {
        bool fires = fql_matches(f, &roots);
        MUST(fql_matches(f, &roots) == fires);
        int bracketed = fires_within(&a, "(", text, ")", &roots);
        int opposite = fires_within(&a, "not (", text, ")", &roots);
        MUST(bracketed < 0 || bracketed == fires);
        MUST(opposite < 0 || opposite != fires);
    }
    arena_free(&a);
    return 0;
}
