/*
 * vectors_test.c: every row of data/vectors, with the times moved into the window and the product's
 * own rules where they differ on purpose: an external id keeps its case, events have their current
 * names, a search says search_string too, partner_name comes from the configuration alone.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "building.h"
#include "mapping/mapping.h"
#include "platform/platform.h"
#include "tiktok/batch.h"
#include "tiktok/csv.h"
#include "tiktok/pii.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct json_limits limits = {1024 * 1024, 20, 50000};

struct file {
    struct arena arena;
    const struct json *vectors;
};

static const struct json *open_file(struct file *f, const char *name, const struct json **meta)
{
    char path[512], *text = NULL;
    size_t len = 0;
    const struct json *root = NULL;
    snprintf(path, sizeof path, "%s/vectors/%s", TEST_DATA_DIR, name);
    assert_int_equal(platform_read_file(path, 1024 * 1024, false, &text, &len), 0);
    arena_init(&f->arena, 64 * 1024, 16 * 1024 * 1024);
    assert_int_equal(json_parse(&f->arena, (struct str){text, len}, &limits, &root, NULL), 0);
    free(text);
    if (meta != NULL) *meta = json_get(root, "_meta");
    f->vectors = json_get(root, "vectors");
    assert_true(json_count(f->vectors) > 0);
    return json_first(f->vectors);
}

static struct str text_of(const struct json *object, const char *key)
{
    return json_string(json_get(object, key));
}

/* Hashes --------------------------------------------------------------------------------------- */

static enum pii_result hash_as(struct str kind, struct str input, char out[PII_HASH_BYTES])
{
    if (str_is(kind, "email")) return pii_email(input, out);
    if (str_is(kind, "phone")) return pii_phone(input, NULL, out);
    assert_true(str_is(kind, "external_id"));
    return pii_external_id(input, out);
}

static void every_hash_is_the_one_of_the_vectors(void **state)
{
    struct file f;
    size_t rows = 0;
    for (const struct json *v = open_file(&f, "hashes.json", NULL); v; v = json_next(v), rows++) {
        char hash[PII_HASH_BYTES] = "", own[PII_HASH_BYTES];
        struct str input = text_of(v, "input"), expected = text_of(v, "sha256");
        enum pii_result result = hash_as(text_of(v, "kind"), input, hash);
        if (str_is(text_of(v, "confidence"), "peer-rule")) {
            /* The peer lower-cases external ids; ours is the hash of the id as it is. */
            unsigned char digest[32];
            pii_sha256(input.p, input.len, digest);
            hex_encode(digest, sizeof digest, own);
            expected = str_from(own);
            assert_false(str_equal(expected, text_of(v, "sha256")));
        }
        if (expected.len == 0) {
            assert_int_equal(result, PII_INVALID);
            continue;
        }
        assert_int_equal(result, PII_OK);
        assert_string_equal(hash, expected.p);
    }
    assert_int_equal(rows, 21);
    arena_free(&f.arena);
}

static void a_hash_that_must_never_be_sent_is_dropped(void **state)
{
    struct file f;
    const struct json *meta = NULL;
    open_file(&f, "hashes.json", &meta);
    const struct json *never = json_get(meta, "never_send");
    assert_int_equal(json_count(never), 5);
    for (const struct json *v = json_first(never); v; v = json_next(v)) {
        char out[PII_HASH_BYTES];
        static const char *const kinds[] = {"email", "phone", "external_id"};
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(hash_as(str_from(kinds[i]), text_of(v, "value"), out), PII_INVALID);
        }
    }
    arena_free(&f.arena);
}

/* Replies -------------------------------------------------------------------------------------- */

static const struct {
    const char *expected;
    enum tiktok_class class;
    bool limited;
} classes[] = {
    {"success", TIKTOK_DONE, false},
    {"partial_success", TIKTOK_DONE, false},
    {"rate_limited", TIKTOK_RETRY, true},
    {"retry_later", TIKTOK_RETRY, false},
    {"permanent_event", TIKTOK_SPLIT, false},
    {"permanent_config", TIKTOK_PAUSE_CONFIGURATION, false},
    {"permanent_credentials", TIKTOK_PAUSE_CREDENTIALS, false},
    {"split_batch", TIKTOK_SPLIT, false},
};

static void assert_class(const struct tiktok_outcome *out, struct str expected)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (!str_is(expected, classes[i].expected)) continue;
        /* "Later" without TikTok's own word is doubt here: the same, with the hour noted. */
        bool in_doubt = classes[i].class == TIKTOK_RETRY && out->code < 0 && !classes[i].limited;
        assert_int_equal(out->class, in_doubt ? TIKTOK_DOUBT : classes[i].class);
        assert_int_equal(out->limited, classes[i].limited);
        return;
    }
    fail_msg("an unknown class: %s", expected.p);
}

static void every_reply_has_the_class_of_the_vectors(void **state)
{
    struct file f;
    size_t replies = 0, transports = 0;
    for (const struct json *v = open_file(&f, "responses.json", NULL); v; v = json_next(v)) {
        const struct json *http = json_get(v, "http_status"), *body = json_get(v, "response_body");
        struct buf text;
        struct tiktok_outcome out;
        if (!json_is(http, JSON_NUMBER)) { /* no reply at all: the uplink's */
            transports++;
            continue;
        }
        buf_init(&text, 64 * 1024);
        if (json_is(body, JSON_STRING)) {
            buf_add_str(&text, json_string(body));
        } else {
            json_write(&text, body);
        }
        tiktok_outcome_read((int)json_number(http), buf_str(&text), &out);
        assert_class(&out, text_of(v, "expected_class"));
        const struct json *index = json_get(v, "index");
        assert_int_equal(out.index, index == NULL ? -1 : (long)json_number(index));
        buf_free(&text);
        replies++;
    }
    assert_int_equal(replies, 36);
    assert_int_equal(transports, 2);
    arena_free(&f.arena);
}

/* Bodies --------------------------------------------------------------------------------------- */

static bool is_empty(const struct json *v)
{
    bool is_container = json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT);
    return json_type(v) == JSON_NULL || (is_container && json_count(v) == 0);
}

static bool is_same(const struct json *a, const struct json *b);

/* Every member of `a` that is not empty is in `b`; but for partner_name, which is the peer's. */
static bool is_within(const struct json *a, const struct json *b)
{
    for (const struct json *m = json_first(a); m != NULL; m = json_next(m)) {
        if (str_is(json_key(m), "partner_name")) continue;
        if (!is_same(m, json_get_str(b, json_key(m)))) return false;
    }
    return true;
}

/* By the vectors' own rule: empty arrays and objects are as good as absent. */
static bool is_same(const struct json *a, const struct json *b)
{
    if (is_empty(a) && is_empty(b)) return true;
    if (json_type(a) != json_type(b)) return false;
    if (json_is(a, JSON_STRING)) return str_equal(json_string(a), json_string(b));
    if (json_is(a, JSON_NUMBER)) {
        double x = json_number(a), y = json_number(b);
        return !(x < y) && !(x > y);
    }
    if (json_is(a, JSON_OBJECT)) return is_within(a, b) && is_within(b, a);
    if (!json_is(a, JSON_ARRAY)) return true;
    if (json_count(a) != json_count(b)) return false;
    for (size_t i = 0; i < json_count(a); i++) {
        if (!is_same(json_at(a, i), json_at(b, i))) return false;
    }
    return true;
}

static void assert_same(const char *name, const struct json *got, const struct json *expected)
{
    struct buf text;
    if (is_same(got, expected)) return;
    buf_init(&text, 1024 * 1024);
    json_write(&text, got);
    buf_add_char(&text, '\n');
    json_write(&text, expected);
    print_message("%s:\n%s\n", name, text.p);
    buf_free(&text);
    fail();
}

/* The body that would go out for the event that `b` holds. */
static const struct json *body_of(struct building *b, struct str event_set, const char *test_code)
{
    struct buf body;
    const struct json *parsed = NULL;
    const struct tiktok_event *e = &b->event;
    buf_init(&body, 1024 * 1024);
    tiktok_batch_begin(&body, event_set.p, NULL, str_from(test_code));
    tiktok_batch_add(&body, str_from(e->name), e->time_ms / 1000, e->event_id, e->rest);
    tiktok_batch_end(&body);
    char *text = arena_copy(&b->arena, buf_str(&body));
    assert_int_equal(json_parse(&b->arena, str_from(text), &limits, &parsed, NULL), 0);
    buf_free(&body);
    return parsed;
}

/* The preset whose trigger the call meets: one and no other. */
static const struct mapping_preset *preset_of(const struct json *call, struct arena *a,
                                              struct mapping **out)
{
    const struct mapping_preset *found = NULL;
    for (size_t i = 0; i < MAPPING_PRESETS; i++) {
        const struct json *definition = NULL;
        struct mapping *m = NULL;
        struct str text = str_from(mapping_presets[i].definition);
        assert_int_equal(json_parse(a, text, &limits, &definition, NULL), 0);
        assert_int_equal(mapping_compile(definition, &m, NULL), 0);
        if (!mapping_matches(m, call)) {
            mapping_free(m);
            continue;
        }
        assert_null(found);
        found = &mapping_presets[i];
        *out = m;
    }
    assert_non_null(found);
    return found;
}

/* What the product's rules make of the peer's body: in place, in the arena of the vectors. */
static struct json *by_our_rules(struct arena *a, const struct json *expected, const char *name,
                                 struct str user_id)
{
    struct buf text;
    const struct json *copy = NULL;
    buf_init(&text, 1024 * 1024);
    json_write(&text, expected);
    char *z = arena_copy(a, buf_str(&text));
    assert_int_equal(json_parse(a, str_from(z), &limits, &copy, NULL), 0);
    buf_free(&text);
    struct json *event = (struct json *)json_first(json_get(copy, "data"));
    struct json *user = (struct json *)json_get(event, "user");
    struct json *properties = (struct json *)json_get(event, "properties");
    assert_true(json_set(a, event, STR("event"), json_new_string(a, str_from(name))));
    char hash[PII_HASH_BYTES];
    struct json *ids = json_new_array(a);
    assert_int_equal(pii_external_id(user_id, hash), PII_OK);
    assert_true(json_add(ids, json_new_string(a, str_from(hash))));
    assert_true(json_set(a, user, STR("external_id"), ids));
    if (strcmp(name, "Search") == 0) {
        struct json *query = json_new_string(a, text_of(properties, "query"));
        assert_true(json_set(a, properties, STR("search_string"), query));
    }
    return (struct json *)copy;
}

static void check_preset(struct building *b, struct arena *a, const struct json *v, bool legacy)
{
    const struct json *call = json_get(v, "input"), *fields = NULL;
    const struct json *expected = json_get(v, "expected_body");
    const struct json *naming = json_get(v, "event_naming");
    struct mapping *m = NULL;
    const struct mapping_preset *preset = preset_of(call, a, &m);
    arena_reset(&b->arena);
    b->warnings.count = 0;
    b->rules.legacy_names = legacy;
    assert_int_equal(mapping_apply(m, call, &b->arena, &fields, &b->why), 0);
    assert_int_equal(
        tiktok_event_build(&b->arena, fields, &b->rules, &b->now, &b->event, &b->warnings, &b->why),
        0);
    assert_int_equal(b->warnings.count, 0);
    struct str name = text_of(json_first(json_get(expected, "data")), "event");
    if (!legacy && text_of(naming, "current_event_name").len > 0) {
        name = text_of(naming, "current_event_name");
    }
    assert_string_equal(b->event.name, name.p);
    assert_string_equal(b->event.key_name, preset->event);
    const struct json *got = body_of(b, text_of(expected, "event_source_id"), NULL);
    assert_same(text_of(v, "name").p, got,
                by_our_rules(a, expected, name.p, text_of(call, "userId")));
    mapping_free(m);
}

static void every_preset_makes_the_body_of_the_vectors(void **state)
{
    struct file f;
    struct building b;
    size_t rows = 0;
    building_setup(&b);
    /* The calls are of January 2024: so is this test. */
    b.now.wall_ms = times_from_civil(2024, 1, 8, 14, 0, 0) * 1000;
    for (const struct json *v = open_file(&f, "segment-presets.json", NULL); v; v = json_next(v)) {
        check_preset(&b, &f.arena, v, false);
        check_preset(&b, &f.arena, v, true);
        rows++;
    }
    assert_int_equal(rows, MAPPING_PRESETS);
    building_teardown(&b);
    arena_free(&f.arena);
}

/* TikTok's own --------------------------------------------------------------------------------- */

/* The fields that make the documented event: TikTok's names to the mapping's. */
static const struct json *fields_of(struct arena *a, const struct json *event)
{
    static const struct {
        const char *group, *key, *field;
    } rows[] = {
        {"user", "email", "email_addresses"},   {"user", "phone", "phone_numbers"},
        {"properties", "order_id", "order_id"}, {"properties", "shop_id", "shop_id"},
        {"properties", "contents", "contents"}, {"properties", "content_type", "content_type"},
        {"properties", "currency", "currency"}, {"properties", "value", "value"},
    };
    struct json *fields = json_new_object(a);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct json *v = json_get(json_get(event, rows[i].group), rows[i].key);
        assert_true(json_set(a, fields, str_from(rows[i].field), json_ref(a, v)));
    }
    assert_true(json_set(a, fields, STR("event"), json_ref(a, json_get(event, "event"))));
    assert_true(json_set(a, fields, STR("timestamp"), json_ref(a, json_get(event, "event_time"))));
    return fields;
}

/* Our event always says limited_data_use; TikTok's example does not. */
static void check_example(struct building *b, struct arena *a, const struct json *v)
{
    const struct json *body = json_get(v, "body");
    struct json *event = (struct json *)json_first(json_get(body, "data"));
    if (!str_is(text_of(body, "event_source"), "offline")) {
        assert_true(str_is(text_of(body, "event_source"), "crm")); /* not ours */
        return;
    }
    arena_reset(&b->arena);
    b->now.wall_ms = (int64_t)json_number(json_get(event, "event_time")) * 1000;
    assert_int_equal(tiktok_event_build(&b->arena, fields_of(a, event), &b->rules, &b->now,
                                        &b->event, &b->warnings, &b->why),
                     0);
    assert_true(json_set(a, event, STR("limited_data_use"), json_new_bool(a, false)));
    struct str code = text_of(body, "test_event_code");
    assert_same(text_of(v, "name").p,
                body_of(b, text_of(body, "event_source_id"), code.len == 0 ? NULL : code.p), body);
}

static void check_name(const struct json *v)
{
    const struct tiktok_name *name = tiktok_name_find(text_of(v, "event"));
    bool valid = str_starts(text_of(v, "expect"), "valid");
    assert_int_equal(name != NULL && name->offline, valid);
    struct str current = text_of(v, "current_name");
    if (current.len > 0) assert_string_equal(name->current, current.p);
}

static void tiktoks_own_examples_come_out_as_they_are(void **state)
{
    struct file f;
    struct building b;
    size_t rows[3] = {0};
    building_setup(&b);
    for (const struct json *v = open_file(&f, "tiktok-official.json", NULL); v; v = json_next(v)) {
        struct str kind = text_of(v, "kind");
        if (str_is(kind, "valid_body")) {
            check_example(&b, &f.arena, v);
            rows[0]++;
        } else if (str_is(kind, "event_name")) {
            check_name(v);
            rows[1]++;
        } else {
            bool accepted = str_is(text_of(v, "expect"), "accepted");
            double events = json_number(json_get(v, "events"));
            assert_true(str_is(kind, "batch_size"));
            assert_int_equal(events >= 1 && events <= TIKTOK_BATCH_EVENTS_MAX, accepted);
            rows[2]++;
        }
    }
    assert_int_equal(rows[0], 3);
    assert_int_equal(rows[1], 28);
    assert_int_equal(rows[2], 5);
    building_teardown(&b);
    arena_free(&f.arena);
}

/* The columns of TikTok's CSV ------------------------------------------------------------------- */

static int read_row(struct building *b, const struct json *row)
{
    struct str names[TIKTOK_CSV_COLUMNS];
    struct csv_record record = {.fault = CSV_GOOD};
    struct tiktok_csv_header header;
    struct tiktok_csv_refusal why;
    size_t n = 0;
    for (const struct json *v = json_first(row); v; v = json_next(v), n++) {
        assert_true(n < TIKTOK_CSV_COLUMNS);
        names[n] = json_key(v);
        record.fields[record.count++] = json_string(v);
    }
    int rc = tiktok_csv_read_header(names, n, NULL, 0, &header, &why);
    return rc < 0 ? rc
                  : tiktok_csv_read_row(&b->arena, &header, &record, &b->rules, &b->now, &b->event,
                                        &b->warnings, &why);
}

static void every_csv_row_is_taken_or_refused_as_the_vectors_say(void **state)
{
    struct file f;
    struct building b;
    size_t rows = 0;
    building_setup(&b);
    b.now.wall_ms = INT64_C(1666466000000); /* an hour after the rows' time */
    for (const struct json *v = open_file(&f, "csv-upload.json", NULL); v; v = json_next(v)) {
        const struct json *row = json_get(v, "row");
        if (row == NULL) continue; /* of a file's size: the import's own test */
        bool taken = read_row(&b, row) >= 0;
        if (taken != str_starts(text_of(v, "expect"), "accept"))
            fail_msg("%s", text_of(v, "name").p);
        rows++;
    }
    assert_int_equal(rows, 10);
    building_teardown(&b);
    arena_free(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hash_is_the_one_of_the_vectors),
        cmocka_unit_test(a_hash_that_must_never_be_sent_is_dropped),
        cmocka_unit_test(every_reply_has_the_class_of_the_vectors),
        cmocka_unit_test(every_preset_makes_the_body_of_the_vectors),
        cmocka_unit_test(tiktoks_own_examples_come_out_as_they_are),
        cmocka_unit_test(every_csv_row_is_taken_or_refused_as_the_vectors_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
