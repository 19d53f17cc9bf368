/*
 * check.c: the request of /event/track/ as tables.
 *
 * A shape is the list of keys that an object may have; each has a kind. One walk goes over them
 * all. What always holds:
 *   1. The first field at fault is named, in the words TikTok was seen to use: an envelope field as
 *      "Invalid value for event_source_id: not a valid string.", a field of an event with its place
 *      in the batch, "Batch.3.properties.contents.0.content_id: Not a valid string".
 *   2. Keys that no shape has are refused; so are web, app and CRM parts (app, ad, lead). Segment's
 *      destination sends user.lead_id and the web fields of user and page in production, so these
 *      are known here.
 *   3. One bad event refuses the whole batch.
 */
#include "sandbox/check.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 16, VALUES_MAX = 1000 * 1000, PATH_MAX_BYTES = 160, HASH_DIGITS = 64 };

enum kind { TEXT, NUMBER, WHOLE, BOOLEAN, TEXTS, HASHES, NAME, TIME, CURRENCY, TYPE, PART, PARTS };
struct shape;
struct field {
    const char *key;
    enum kind kind;
    bool required;
    const struct shape *part; /* of PART and PARTS */
};
struct shape {
    const struct field *fields;
    size_t count;
};
#define SHAPE(fields)                                  \
    {                                                  \
        (fields), sizeof(fields) / sizeof((fields)[0]) \
    }

/* clang-format off */
static const struct field content_fields[] = {
    /* key                kind      required part */
    {"price",             NUMBER,   false,   NULL},
    {"quantity",          NUMBER,   false,   NULL},
    {"content_id",        TEXT,     false,   NULL},
    {"content_category",  TEXT,     false,   NULL},
    {"content_name",      TEXT,     false,   NULL},
    {"brand",             TEXT,     false,   NULL},
};
static const struct shape content = SHAPE(content_fields);

static const struct field property_fields[] = {
    {"contents",          PARTS,    false,   &content},
    {"content_ids",       TEXTS,    false,   NULL},
    {"content_type",      TYPE,     false,   NULL},
    {"currency",          CURRENCY, false,   NULL},
    {"value",             NUMBER,   false,   NULL},
    {"num_items",         WHOLE,    false,   NULL},
    {"search_string",     TEXT,     false,   NULL},
    {"query",             TEXT,     false,   NULL},
    {"description",       TEXT,     false,   NULL},
    {"order_id",          TEXT,     false,   NULL},
    {"shop_id",           TEXT,     false,   NULL},
};
static const struct shape properties = SHAPE(property_fields);

static const struct field user_fields[] = {
    {"email",             HASHES,   false,   NULL},
    {"phone",             HASHES,   false,   NULL},
    {"external_id",       HASHES,   false,   NULL},
    {"ttclid",            TEXT,     false,   NULL},
    {"ttp",               TEXT,     false,   NULL},
    {"ip",                TEXT,     false,   NULL},
    {"user_agent",        TEXT,     false,   NULL},
    {"locale",            TEXT,     false,   NULL},
    {"lead_id",           TEXT,     false,   NULL},
};
static const struct shape user = SHAPE(user_fields);

static const struct field page_fields[] = {
    {"url",               TEXT,     false,   NULL},
    {"referrer",          TEXT,     false,   NULL},
};
static const struct shape page = SHAPE(page_fields);

static const struct field event_fields[] = {
    {"event",             NAME,     true,    NULL},
    {"event_time",        TIME,     true,    NULL},
    {"event_id",          TEXT,     false,   NULL},
    {"user",              PART,     false,   &user},
    {"properties",        PART,     false,   &properties},
    {"page",              PART,     false,   &page},
    {"limited_data_use",  BOOLEAN,  false,   NULL},
};
static const struct shape event = SHAPE(event_fields);

/* Eighteen standard events and the four older names TikTok still converts. */
static const char *const event_names[] = {
    "AddPaymentInfo", "AddToCart", "AddToWishlist", "ApplicationApproval", "CompleteRegistration",
    "Contact", "CustomizeProduct", "Download", "FindLocation", "InitiateCheckout", "Lead",
    "Purchase", "Schedule", "Search", "StartTrial", "SubmitApplication", "Subscribe", "ViewContent",
    "ClickButton", "CompletePayment", "PlaceAnOrder", "SubmitForm",
};
static const char *const content_types[] = {"product", "product_group"};

/* SHA-256 of "", "+", "null", "undefined" and "N/A": hashes of nobody. TikTok answers 0 to them,
 * which is why the stand-in does not. */
static const char *const hashes_of_nobody[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "a318c24216defe206feeb73ef5be00033fa9c4a74d0b967f6532a26ca5906d3b",
    "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b",
    "eb045d78d273107348b0300c01d29b7552d622abbc6faf81b3ec55359aa9950c",
    "e2f79e5b60330bba4c289962231b6ba2957d0b14e7deb3110417003c79dea635",
};
/* clang-format on */
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

struct walk {
    int64_t now_s;
    const char *also;
    struct check_result *result;
    char path[PATH_MAX_BYTES];
};

static int refuse(struct check_result *result, int code, const char *message)
{
    result->code = code;
    snprintf(result->message, sizeof(result->message), "%s", message);
    return code;
}

/* Refuses the field that the walk's path stands at. */
static int refuse_field(const struct walk *w, const char *rule)
{
    w->result->code = CHECK_PARAMETER;
    snprintf(w->result->message, sizeof(w->result->message), "%s: %s", w->path, rule);
    return CHECK_PARAMETER;
}

static size_t path_add_key(struct walk *w, const char *key)
{
    size_t len = strlen(w->path);
    snprintf(w->path + len, sizeof(w->path) - len, ".%.64s", key);
    return len;
}

static size_t path_add_index(struct walk *w, size_t index)
{
    size_t len = strlen(w->path);
    snprintf(w->path + len, sizeof(w->path) - len, ".%zu", index);
    return len;
}

static bool is_one_of(struct str s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_is(s, list[i])) return true;
    }
    return false;
}

static bool is_all_of(struct str s, const char *allowed)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '\0' || !strchr(allowed, s.p[i])) return false;
    }
    return true;
}

static int check_hash(const struct walk *w, const struct json *v)
{
    struct str s = json_string(v);
    if (!json_is(v, JSON_STRING)) return refuse_field(w, "Not a valid string");
    if (s.len != HASH_DIGITS || !is_all_of(s, "0123456789abcdef"))
        return refuse_field(w, "Not a SHA-256 hash in lower-case hex");
    if (is_one_of(s, hashes_of_nobody, COUNT(hashes_of_nobody)))
        return refuse_field(w, "The hash of an empty value");
    return 0;
}

static int check_text(const struct walk *w, const struct json *v)
{
    if (!json_is(v, JSON_STRING)) return refuse_field(w, "Not a valid string");
    if (json_string(v).len == 0) return refuse_field(w, "Must not be empty");
    return 0;
}

/* A list of `one`, or, with `or_single`, a value of it alone. */
static int check_list(struct walk *w, const struct json *v, bool or_single,
                      int (*one)(const struct walk *, const struct json *))
{
    if (!json_is(v, JSON_ARRAY)) return or_single ? one(w, v) : refuse_field(w, "Not a valid list");
    size_t index = 0;
    for (const struct json *i = json_first(v); i; i = json_next(i), index++) {
        size_t len = path_add_index(w, index);
        int code = one(w, i);
        if (code) return code;
        w->path[len] = '\0';
    }
    return 0;
}

static int check_whole(const struct walk *w, const struct json *v)
{
    double d = json_number(v);
    if (!json_is(v, JSON_NUMBER)) return refuse_field(w, "Not a valid integer");
    if (!(d >= 0 && d < 1e15) || (double)(int64_t)d != d)
        return refuse_field(w, "Not a valid integer");
    return 0;
}

static int check_time(const struct walk *w, const struct json *v)
{
    int code = check_whole(w, v);
    if (code) return code;
    double age_s = (double)w->now_s - json_number(v);
    if (age_s > CHECK_AGE_MAX_S) return refuse_field(w, "Older than 28 days");
    if (age_s < -CHECK_AHEAD_MAX_S) return refuse_field(w, "In the future");
    return 0;
}

static int check_object(struct walk *w, const struct json *v, const struct shape *shape);

static int check_parts(struct walk *w, const struct json *v, const struct shape *part)
{
    if (!json_is(v, JSON_ARRAY)) return refuse_field(w, "Not a valid list");
    size_t index = 0;
    for (const struct json *i = json_first(v); i; i = json_next(i), index++) {
        size_t len = path_add_index(w, index);
        int code = check_object(w, i, part);
        if (code) return code;
        w->path[len] = '\0';
    }
    return 0;
}

static bool is_event_name(const struct walk *w, struct str s)
{
    return is_one_of(s, event_names, COUNT(event_names)) || (w->also && str_is(s, w->also));
}

static int check_named(const struct walk *w, const struct json *v, enum kind kind)
{
    struct str s = json_string(v);
    if (!json_is(v, JSON_STRING)) return refuse_field(w, "Not a valid string");
    if (kind == NAME && !is_event_name(w, s)) return refuse_field(w, "Not a standard event");
    if (kind == TYPE && !is_one_of(s, content_types, COUNT(content_types)))
        return refuse_field(w, "Must be one of: product, product_group");
    if (kind == CURRENCY && (s.len != 3 || !is_all_of(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")))
        return refuse_field(w, "Not an ISO 4217 code");
    return 0;
}

static int check_field(struct walk *w, const struct json *v, const struct field *f)
{
    switch (f->kind) {
    case TEXT: return check_text(w, v);
    case NUMBER: return json_is(v, JSON_NUMBER) ? 0 : refuse_field(w, "Not a valid number");
    case WHOLE: return check_whole(w, v);
    case BOOLEAN:
        if (json_is(v, JSON_TRUE) || json_is(v, JSON_FALSE)) return 0;
        return refuse_field(w, "Not a valid boolean");
    case TEXTS: return check_list(w, v, false, check_text);
    case HASHES: return check_list(w, v, true, check_hash);
    case TIME: return check_time(w, v);
    case PART: return check_object(w, v, f->part);
    case PARTS: return check_parts(w, v, f->part);
    case NAME:
    case TYPE:
    case CURRENCY: break;
    }
    return check_named(w, v, f->kind);
}

static const struct field *find_field(const struct shape *shape, struct str key)
{
    for (size_t i = 0; i < shape->count; i++) {
        if (str_is(key, shape->fields[i].key)) return &shape->fields[i];
    }
    return NULL;
}

static int check_object(struct walk *w, const struct json *v, const struct shape *shape)
{
    if (!json_is(v, JSON_OBJECT)) return refuse_field(w, "Not a valid object");
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        if (!f->required || json_get(v, f->key)) continue;
        path_add_key(w, f->key);
        return refuse_field(w, "Missing data for required field");
    }
    for (const struct json *m = json_first(v); m; m = json_next(m)) {
        size_t len = path_add_key(w, json_key(m).p);
        const struct field *f = find_field(shape, json_key(m));
        int code = f ? check_field(w, m, f) : refuse_field(w, "Unknown field");
        if (code) return code;
        w->path[len] = '\0';
    }
    return 0;
}

static int check_events(const struct json *data, const struct check_rules *rules, int64_t now_s,
                        struct check_result *result)
{
    struct walk w = {.now_s = now_s, .also = rules->also, .result = result};
    size_t index = 0;
    for (const struct json *e = json_first(data); e; e = json_next(e), index++) {
        snprintf(w.path, sizeof(w.path), "Batch.%zu", index);
        int code = check_object(&w, e, &event);
        if (code) return code;
    }
    return 0;
}

static int check_envelope_key(struct str key, const struct json *v, struct check_result *result)
{
    if (str_is(key, "event_source") || str_is(key, "event_source_id") || str_is(key, "data"))
        return 0;
    if (!str_is(key, "partner_name") && !str_is(key, "test_event_code")) {
        snprintf(result->message, sizeof(result->message),
                 "Invalid value for %.64s: unknown field.", key.p);
        return result->code = CHECK_PARAMETER;
    }
    if (json_is(v, JSON_STRING) && json_string(v).len > 0) return 0;
    snprintf(result->message, sizeof(result->message),
             "Invalid value for %.64s: not a valid string.", key.p);
    return result->code = CHECK_PARAMETER;
}

static int check_envelope(const struct json *root, const struct check_rules *rules,
                          struct check_result *result)
{
    const struct json *source = json_get(root, "event_source");
    const struct json *set = json_get(root, "event_source_id");
    if (!json_is(source, JSON_STRING) || !str_is(json_string(source), "offline"))
        return refuse(result, CHECK_PARAMETER, "Invalid value for event_source: must be offline.");
    if (!json_is(set, JSON_STRING) || !str_is(json_string(set), rules->event_set))
        return refuse(result, CHECK_PARAMETER,
                      "Invalid value for event_source_id: not a valid string.");
    for (const struct json *m = json_first(root); m; m = json_next(m)) {
        int code = check_envelope_key(json_key(m), m, result);
        if (code) return code;
    }
    return 0;
}

int check_token(const char *header, const struct check_rules *rules, struct check_result *result)
{
    memset(result, 0, sizeof(*result));
    if (!header || !*header)
        return refuse(result, CHECK_TOKEN_EMPTY,
                      "Access token is empty. Please check the headers.");
    if (strcmp(header, rules->token) != 0)
        return refuse(result, CHECK_TOKEN_INVALID,
                      "Access token is incorrect or has been revoked.");
    return 0;
}

int check_body(struct arena *a, struct str body, const struct check_rules *rules, int64_t now_s,
               const struct json **root, struct check_result *result)
{
    struct json_limits limits = {CHECK_BODY_MAX_BYTES, DEPTH_MAX, VALUES_MAX};
    struct fault why;
    memset(result, 0, sizeof(*result));
    if (json_parse(a, body, &limits, root, &why) < 0 || !json_is(*root, JSON_OBJECT))
        return refuse(result, CHECK_PARAMETER, "Invalid request body: not a JSON object.");
    int code = check_envelope(*root, rules, result);
    if (code) return code;
    const struct json *data = json_get(*root, "data");
    result->count = json_count(data);
    result->probe = json_is(data, JSON_ARRAY) && result->count == 0;
    if (!json_is(data, JSON_ARRAY) || result->count == 0 || result->count > CHECK_EVENTS_MAX)
        return refuse(result, CHECK_PARAMETER,
                      "Invalid value for data: Length must be between 1 and 1000.");
    return check_events(data, rules, now_s, result);
}
