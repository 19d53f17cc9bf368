/*
 * mapping.c: one definition as a whole: its name, its trigger and its fields.
 *
 * What a field means is TikTok's business; here is only which names there are, so that a misspelt
 * one is found when the configuration is read and not missed in every event.
 */
#include "mapping/mapping.h"

#include "mapping/fql.h"
#include "base/nearest.h"
#include "mapping/node.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    NAME_MAX_BYTES = 100,
    MEMORY_BLOCK_BYTES = 4096,
    MEMORY_MAX_BYTES = 1048576, /* of one compiled mapping; a preset takes 10 KB */
};

struct mapping {
    struct arena arena; /* holds everything below */
    const char *name;
    const struct fql *trigger;
    const struct node *fields; /* an object */
};

/* Source: the fields of Segment's action "Track Offline Conversion". */
static const char *const field_names[] = {
    "event",    "event_id", "timestamp",   "phone_numbers", "email_addresses",  "external_ids",
    "order_id", "shop_id",  "ttclid",      "ttp",           "lead_id",          "locale",
    "url",      "referrer", "ip",          "user_agent",    "contents",         "content_type",
    "currency", "value",    "description", "query",         "limited_data_use", "test_event_code",
};
enum { FIELDS = sizeof field_names / sizeof field_names[0] };

/* "partnerAction" and "type" stand in the presets of Segment's code; they say nothing to us. */
static const char *const key_names[] = {"name", "subscribe", "mapping", "partnerAction", "type"};
enum { KEYS = sizeof key_names / sizeof key_names[0] };

static bool is_one_of(struct str name, const char *const *names, size_t n)
{
    size_t i = 0;
    while (i < n && !str_is(name, names[i])) {
        i++;
    }
    return i < n;
}

static int check_keys(const struct json *object, const char *path, const char *what,
                      const char *const *names, size_t n, struct fault *why)
{
    for (const struct json *m = json_first(object); m != NULL; m = json_next(m)) {
        struct str key = json_key(m);
        if (is_one_of(key, names, n)) continue;
        const char *near = nearest_name(key, names, n);
        return fault_set(why, TILLPOST_E_CONFIG, path, "there is no %s \"%.*s\"%s%s%s", what,
                         (int)str_cut(key, NAME_MAX_BYTES).len, key.p,
                         near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    return TILLPOST_OK;
}

static int check_fields(const struct json *mapping, struct fault *why)
{
    if (!json_is(mapping, JSON_OBJECT)) {
        return fault_set(why, TILLPOST_E_CONFIG, "$.mapping",
                         "mapping must be an object of fields");
    }
    if (directive_is_blank(json_get(mapping, "event"))) {
        return fault_set(why, TILLPOST_E_CONFIG, "$.mapping.event",
                         "the field event is required, such as \"event\": \"Purchase\"");
    }
    return check_keys(mapping, "$.mapping", "field", field_names, FIELDS, why);
}

static int check_definition(const struct json *d, struct fault *why)
{
    struct str name = json_string(json_get(d, "name"));
    if (!json_is(d, JSON_OBJECT)) {
        return fault_set(why, TILLPOST_E_CONFIG, "$",
                         "a mapping is an object with name, subscribe and mapping");
    }
    int err = check_keys(d, "$", "key", key_names, KEYS, why);
    if (err < 0) return err;
    if (name.len == 0 || str_trim(name).len == 0 || name.len > NAME_MAX_BYTES) {
        return fault_set(why, TILLPOST_E_CONFIG, "$.name",
                         "name must be a text of 1 to %d bytes, not blank", NAME_MAX_BYTES);
    }
    if (!json_is(json_get(d, "subscribe"), JSON_STRING)) {
        return fault_set(why, TILLPOST_E_CONFIG, "$.subscribe",
                         "subscribe must be a trigger, such as event = \"Order Completed\"");
    }
    return check_fields(json_get(d, "mapping"), why);
}

static int compile(struct mapping *m, const struct json *d, struct fault *why)
{
    m->name = arena_copy(&m->arena, json_string(json_get(d, "name")));
    if (m->name == NULL) {
        return fault_set(why, TILLPOST_E_NO_MEMORY, "$.name", "no memory for a mapping");
    }
    int err = fql_parse(&m->arena, json_string(json_get(d, "subscribe")), &m->trigger, why);
    if (err < 0) return err;
    return directive_compile(&m->arena, json_get(d, "mapping"), "$.mapping", &m->fields, why);
}

int mapping_compile(const struct json *definition, struct mapping **out, struct fault *why)
{
    *out = NULL;
    int err = check_definition(definition, why);
    if (err < 0) return err;
    struct mapping *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return fault_set(why, TILLPOST_E_NO_MEMORY, "$", "no memory for a mapping");
    }
    arena_init(&m->arena, MEMORY_BLOCK_BYTES, MEMORY_MAX_BYTES);
    err = compile(m, definition, why);
    if (err < 0) {
        mapping_free(m);
        return err;
    }
    *out = m;
    return TILLPOST_OK;
}

void mapping_free(struct mapping *m)
{
    if (m == NULL) return;
    arena_free(&m->arena);
    free(m);
}

bool mapping_is_blank(const struct json *v)
{
    return directive_is_blank(v);
}

const char *mapping_name(const struct mapping *m)
{
    return m->name;
}

size_t mapping_select(struct mapping *const *list, size_t n, const struct json *call, size_t hits[])
{
    struct path_roots roots;
    size_t found = 0;
    path_read_roots(&roots, call);
    for (size_t i = 0; i < n; i++) {
        if (fql_matches(list[i]->trigger, &roots)) hits[found++] = i;
    }
    return found;
}

bool mapping_matches(const struct mapping *m, const struct json *call)
{
    struct path_roots roots;
    path_read_roots(&roots, call);
    return fql_matches(m->trigger, &roots);
}

static int refuse(const struct run *r, const struct node *field, struct fault *why)
{
    char path[FAULT_PATH_MAX_BYTES];
    (void)snprintf(path, sizeof path, "$%s%s", field ? "." : "", field ? field->key.p : "");
    if (r->err == TILLPOST_E_TOO_LARGE) {
        return fault_set(why, r->err, path,
                         "a text that the mapping makes is over %d bytes; make it shorter",
                         DIRECTIVE_TEXT_MAX_BYTES);
    }
    if (r->err == TILLPOST_E_BAD_FIELD) {
        return fault_set(why, r->err, path,
                         "the mapping makes a text of a number of more than 15 digits, which would "
                         "change on the way; send it as a string");
    }
    return fault_set(why, r->err, path,
                     "the mapping makes more of this call than there is memory for");
}

int mapping_apply(const struct mapping *m, const struct json *call, struct arena *a,
                  const struct json **fields, struct fault *why)
{
    struct run r = {.a = a};
    struct json *object = json_new_object(a);
    path_read_roots(&r.roots, call);
    *fields = NULL;
    if (object == NULL) r.err = TILLPOST_E_NO_MEMORY;
    if (r.err < 0) return refuse(&r, NULL, why);
    for (const struct node *field = m->fields->first; field != NULL; field = field->next) {
        const struct json *v = directive_resolve(&r, field, call);
        if (!directive_is_blank(v)) directive_append(&r, object, field->key, v);
        if (r.err < 0) return refuse(&r, field, why);
    }
    *fields = object;
    return TILLPOST_OK;
}
