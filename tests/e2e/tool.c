/*
 * tool.c: what shell scripts cannot do with JSON by themselves.
 *
 *   tool get PATH            of the JSON on standard input, the value at PATH ("events.0.data");
 *                            a string without its quotes. Exit 1 when there is none.
 *   tool count PATH          the number of items or members there ("" is the root)
 *   tool column PATH KEY     of each item there, the value at KEY, one a line
 *   tool same FILE FILE      are they equal? Says where they first differ. Exit 1 when they do.
 *   tool vectors FILE DIR HASH
 *                            for each vector of segment-presets.json: DIR/N.call, the call with its
 *                            time moved to now, and DIR/N.event, what TikTok must receive for it.
 *                            HASH is the SHA-256 of the vectors' user id as it stands.
 *
 * Equal means: numbers by value, objects without regard to order, and empty arrays and objects, and
 * a limited_data_use of false, the same as absent (the vectors' _meta.compare).
 */
#include "base/json.h"
#include "e2e/find.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    FILE_MAX_BYTES = 256 * 1024 * 1024,
    ARENA_BLOCK_BYTES = 1024 * 1024,
    ARENA_MAX_BYTES = 1024 * 1024 * 1024,
    DEPTH_MAX = 64,
    VALUES_MAX = 10 * 1000 * 1000,
    PATH_BYTES = 512,
    VECTOR_AGE_S = 2 * 3600, /* any time inside the window will do */
    EXIT_NO = 1,
    EXIT_WRONG_USE = 64,
    EXIT_BAD_DATA = 65
};

static struct arena memory;

static const struct json *read_json(const char *path)
{
    struct json_limits limits = {FILE_MAX_BYTES, DEPTH_MAX, VALUES_MAX};
    struct fault why = {0};
    struct buf text;
    const struct json *root = NULL;
    char block[65536];
    size_t n;
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (!f) {
        perror(path);
        exit(EXIT_BAD_DATA);
    }
    buf_init(&text, FILE_MAX_BYTES);
    while ((n = fread(block, 1, sizeof(block), f)) > 0) buf_add(&text, block, n);
    fclose(f);
    if (json_parse(&memory, buf_str(&text), &limits, &root, &why) < 0) {
        fprintf(stderr, "tool: %s: %s\n", path, why.message);
        exit(EXIT_BAD_DATA);
    }
    buf_free(&text);
    return root;
}

static void print(const struct json *v)
{
    struct buf out;
    buf_init(&out, FILE_MAX_BYTES);
    if (json_is(v, JSON_STRING)) buf_add_str(&out, json_string(v));
    else json_write(&out, v);
    fwrite(out.p, 1, out.len, stdout);
    putchar('\n');
    buf_free(&out);
}

static int run_get(char **args)
{
    const struct json *v = find(read_json("-"), args[0]);
    if (!v) return EXIT_NO;
    print(v);
    return 0;
}

static int run_count(char **args)
{
    const struct json *v = find(read_json("-"), args[0]);
    if (!v) return EXIT_NO;
    printf("%zu\n", json_count(v));
    return 0;
}

static int run_column(char **args)
{
    const struct json *list = find(read_json("-"), args[0]);
    if (!list) return EXIT_NO;
    for (const struct json *i = json_first(list); i; i = json_next(i)) {
        const struct json *v = find(i, args[1]);
        if (v) print(v);
    }
    return 0;
}

static bool is_nothing(const char *key, const struct json *v)
{
    if (!v) return true;
    if (json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT)) return json_count(v) == 0;
    return strcmp(key, "limited_data_use") == 0 && json_is(v, JSON_FALSE);
}

static bool same(const struct json *a, const struct json *b, char *path);

static bool same_member(const char *key, const struct json *a, const struct json *b, char *path)
{
    size_t len = strlen(path);
    snprintf(path + len, PATH_BYTES - len, ".%s", key);
    if (is_nothing(key, a) && is_nothing(key, b)) {
        path[len] = '\0';
        return true;
    }
    if (!a || !b || !same(a, b, path)) return false;
    path[len] = '\0';
    return true;
}

/* Every member of a is in b, and the other way round with `a` and `b` changed. */
static bool same_members(const struct json *a, const struct json *b, char *path)
{
    for (const struct json *m = json_first(a); m; m = json_next(m)) {
        if (!same_member(json_key(m).p, m, json_get_str(b, json_key(m)), path)) return false;
    }
    return true;
}

static bool same_items(const struct json *a, const struct json *b, char *path)
{
    size_t len = strlen(path), n = 0;
    const struct json *y = json_first(b);
    if (json_count(a) != json_count(b)) return false;
    for (const struct json *x = json_first(a); x; x = json_next(x), y = json_next(y), n++) {
        snprintf(path + len, PATH_BYTES - len, ".%zu", n);
        if (!same(x, y, path)) return false;
    }
    path[len] = '\0';
    return true;
}

/* On false, path names the first difference. */
static bool same(const struct json *a, const struct json *b, char *path)
{
    if (json_type(a) != json_type(b)) return false;
    switch (json_type(a)) {
    case JSON_NUMBER: return json_number(a) == json_number(b);
    case JSON_STRING: return str_equal(json_string(a), json_string(b));
    case JSON_ARRAY: return same_items(a, b, path);
    case JSON_OBJECT: return same_members(a, b, path) && same_members(b, a, path);
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE: break;
    }
    return true;
}

static int run_same(char **args)
{
    char path[PATH_BYTES] = "$";
    const struct json *a = read_json(args[0]), *b = read_json(args[1]);
    if (same(a, b, path)) return 0;
    printf("%s and %s differ at %s\n", args[0], args[1], path);
    print(a);
    print(b);
    return EXIT_NO;
}

static void write_json(const char *dir, size_t n, const char *kind, const struct json *v)
{
    char path[4096];
    struct buf out;
    snprintf(path, sizeof(path), "%s/%zu.%s", dir, n, kind);
    FILE *f = fopen(path, "we");
    if (!f) {
        perror(path);
        exit(EXIT_BAD_DATA);
    }
    buf_init(&out, FILE_MAX_BYTES);
    json_write(&out, v);
    fwrite(out.p, 1, out.len, f);
    buf_free(&out);
    if (fclose(f) != 0) exit(EXIT_BAD_DATA);
}

static struct json *edit(const struct json *object, const char *key, struct json *value)
{
    struct json *copy = json_new_object(&memory);
    for (const struct json *m = json_first(object); m; m = json_next(m))
        json_set(&memory, copy, json_key(m), json_ref(&memory, m));
    json_set(&memory, copy, str_from(key), value);
    return copy;
}

static struct json *text(const char *z)
{
    return json_new_string(&memory, str_from(z));
}

/* product.md section 4 where it differs from Segment: current names, external ids trimmed only, a
 * Search's query as search_string too. */
static struct json *event_of(const struct json *vector, time_t at, const char *id_hash)
{
    const struct json *event = find(vector, "expected_body.data.0");
    const struct json *naming = json_get(json_get(vector, "event_naming"), "current_event_name");
    struct json *hashes = json_new_array(&memory);
    json_add(hashes, text(id_hash));
    struct json *user = edit(json_get(event, "user"), "external_id", hashes);
    struct json *out = edit(event, "event_time", json_new_number(&memory, (double)at));
    out = edit(out, "user", user);
    if (json_is(naming, JSON_STRING)) out = edit(out, "event", text(json_string(naming).p));
    if (!str_is(json_string(json_get(event, "event")), "Search")) return out;
    const struct json *query = find(event, "properties.query");
    return edit(out, "properties",
                edit(json_get(event, "properties"), "search_string", json_ref(&memory, query)));
}

static int run_vectors(char **args)
{
    const struct json *list = json_get(read_json(args[0]), "vectors");
    size_t n = 0;
    for (const struct json *v = json_first(list); v; v = json_next(v), n++) {
        char stamp[64];
        time_t at = time(NULL) - VECTOR_AGE_S - (time_t)n;
        struct tm tm;
        gmtime_r(&at, &tm);
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S.212Z", &tm);
        write_json(args[1], n, "call", edit(json_get(v, "input"), "timestamp", text(stamp)));
        write_json(args[1], n, "event", event_of(v, at, args[2]));
    }
    printf("%zu\n", n);
    return n ? 0 : EXIT_BAD_DATA;
}

static const struct {
    const char *name;
    int args;
    int (*run)(char **args);
} verbs[] = {
    {"get", 1, run_get},   {"count", 1, run_count},     {"column", 2, run_column},
    {"same", 2, run_same}, {"vectors", 3, run_vectors},
};

int main(int argc, char **argv)
{
    arena_init(&memory, ARENA_BLOCK_BYTES, ARENA_MAX_BYTES);
    for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(argv[1], verbs[i].name) != 0 || argc != 2 + verbs[i].args) continue;
        int status = verbs[i].run(argv + 2);
        arena_free(&memory);
        return status;
    }
    fputs("tool get PATH | count PATH | column PATH KEY | same FILE FILE | vectors FILE DIR HASH\n",
          stderr);
    return EXIT_WRONG_USE;
}
