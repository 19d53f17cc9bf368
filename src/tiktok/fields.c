/*
 * fields.c: the fields of a mapping: where each stands in TikTok's event, how its value is read,
 * what may not stand in it.
 *
 * Text is written as it is read, object by object:
 *   {"user":{…},"properties":{…,"contents":[{…}]},"page":{…},"limited_data_use":false}
 * What always holds:
 * 1. A member that would be empty is not there: closing an object or array that holds nothing takes
 *    it back, with its key. Null and blank values are absent.
 * 2. People appear as hashes only.
 * 3. Every text that is stored in clear has passed the checks of its row. Those are stricter than
 *    product.md, which names ten fields: no e-mail address and no card number goes in anywhere. But
 *    a product's id is a barcode, and may look like a card number.
 */
#include "tiktok/fields.h"

#include "base/unicode.h"
#include "tiktok/names.h"
#include "tiktok/pii.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_DIGITS_MAX = 15, /* what every double keeps */
    NUMBER_TEXT_BYTES = 32,
    CURRENCY_LETTERS = 3,
    NO_INDEX = -1,
};

/* Where a value stands: $.name, $.name[index], $.contents.name, $.contents[item].name */
struct place {
    const char *name;
    bool in_contents;
    long item, index; /* NO_INDEX: there is none */
};

struct field;
typedef int (*field_write)(struct build *b, const struct field *f, const struct place *at,
                           const struct json *v);
enum group { IN_USER, IN_PROPERTIES, IN_PAGE, IN_EVENT, IN_CONTENT };
struct field {
    enum group group;
    struct str name; /* in the mapping */
    struct str key;  /* in TikTok's event: "\"email\":" */
    field_write write;
    unsigned checks;
};

/* Faults and warnings -------------------------------------------------------------------------- */

static void path_of(const struct place *at, char out[FAULT_PATH_MAX_BYTES])
{
    char item[NUMBER_TEXT_BYTES] = "", index[NUMBER_TEXT_BYTES] = "";
    if (at->item != NO_INDEX) snprintf(item, sizeof item, "[%ld]", at->item);
    if (at->index != NO_INDEX) snprintf(index, sizeof index, "[%ld]", at->index);
    snprintf(out, FAULT_PATH_MAX_BYTES, "$.%s%s%s%s%s", at->in_contents ? "contents" : "", item,
             at->in_contents ? "." : "", at->name, index);
}

/* rule: "must be …; do …", said of the field's name. */
static int refuse(struct build *b, const struct place *at, int err, const char *rule)
{
    char path[FAULT_PATH_MAX_BYTES];
    path_of(at, path);
    return fault_set(b->why, err, path, "%s %s", at->name, rule);
}

/* A call that matches several mappings meets the same value in each: it is warned of once. */
static bool is_warned(const struct tiktok_warnings *w, const char *path, const char *code)
{
    for (size_t i = 0; i < w->count && i < TIKTOK_WARNINGS_MAX; i++) {
        if (strcmp(w->list[i].path, path) == 0 && strcmp(w->list[i].code, code) == 0) return true;
    }
    return false;
}

void fields_warn(struct build *b, const char *path, const char *code, const char *message)
{
    struct tiktok_warnings *w = b->warnings;
    if (is_warned(w, path, code)) return;
    if (w->count < TIKTOK_WARNINGS_MAX) {
        w->list[w->count] = (struct tiktok_warning){path, code, message};
    }
    w->count++;
}

static void warn(struct build *b, const struct place *at, const char *code, const char *message)
{
    char text[FAULT_PATH_MAX_BYTES];
    path_of(at, text);
    char *path =
        b->warnings->count < TIKTOK_WARNINGS_MAX ? arena_copy(b->arena, str_from(text)) : NULL;
    fields_warn(b, path == NULL ? "$" : path, code, message);
}

/* Objects -------------------------------------------------------------------------------------- */

/* clang-format off */
#define KEY(literal) {"\"" literal "\":", sizeof(literal) + 2}
/* clang-format on */
static const struct str no_key = {"", 0};

static char last_written(const struct build *b)
{
    return b->rest.p[b->rest.len - 1];
}

/* key: with quotes and colon; no_key for an item of an array. */
static void write_key(struct build *b, struct str key)
{
    if (last_written(b) != '{' && last_written(b) != '[') buf_add_char(&b->rest, ',');
    buf_add_str(&b->rest, key);
}

/* Returns where the member begins, for close_member. */
static size_t open_member(struct build *b, struct str key, char bracket)
{
    size_t start = b->rest.len;
    write_key(b, key);
    buf_add_char(&b->rest, bracket);
    return start;
}

static void close_member(struct build *b, size_t start, char bracket)
{
    if (last_written(b) != '{' && last_written(b) != '[') {
        buf_add_char(&b->rest, bracket);
    } else if (!b->rest.failed) {
        b->rest.len = start;
        b->rest.p[start] = '\0';
    }
}

static void write_text_member(struct build *b, struct str key, struct str text)
{
    write_key(b, key);
    json_write_string(&b->rest, text);
}

/* Text ----------------------------------------------------------------------------------------- */

static bool is_blank(const struct json *v)
{
    return json_type(v) == JSON_NULL ||
           (json_is(v, JSON_STRING) && unicode_is_blank(json_string(v)));
}

/* A number's digits as they came in, if there were at most 15 and no exponent is needed. */
static bool number_text(double d, char out[NUMBER_TEXT_BYTES])
{
    if (!isfinite(d)) return false;
    snprintf(out, NUMBER_TEXT_BYTES, "%.*g", NUMBER_DIGITS_MAX, d);
    return strtod(out, NULL) == d && strchr(out, 'e') == NULL;
}

static int read_text(struct build *b, const struct place *at, const struct json *v, struct str *out)
{
    char digits[NUMBER_TEXT_BYTES];
    *out = STR("");
    if (is_blank(v)) return TILLPOST_OK;
    if (json_type(v) == JSON_STRING) {
        *out = json_string(v);
        return TILLPOST_OK;
    }
    if (json_type(v) != JSON_NUMBER) {
        return refuse(b, at, TILLPOST_E_BAD_FIELD, "must be a string");
    }
    if (!number_text(json_number(v), digits)) {
        return refuse(b, at, TILLPOST_E_BAD_FIELD,
                      "is a number of more than 15 digits, which would change on the way; send it "
                      "as a string");
    }
    *out = str_from(arena_copy(b->arena, str_from(digits)));
    wipe(digits, sizeof digits); /* may be a phone number */
    return out->len > 0 ? TILLPOST_OK : TILLPOST_E_NO_MEMORY;
}

static bool may_look_like_card(const struct build *b, const char *name)
{
    for (size_t i = 0; i < b->rules->card_like_count; i++) {
        if (strcmp(b->rules->card_like_fields[i], name) == 0) return true;
    }
    return false;
}

static int read_checked(struct build *b, const struct place *at, unsigned checks,
                        const struct json *v, struct str *out)
{
    int err = read_text(b, at, v, out);
    if (err < 0 || out->len == 0) return err;
    if ((checks & CHECK_CARD) != 0 && pii_has_card_number(*out) &&
        !may_look_like_card(b, at->name)) {
        return refuse(b, at, TILLPOST_E_CARD_NUMBER,
                      "holds what looks like a payment card number; nothing was stored: take it "
                      "out, or list the field in privacy.allow_card_like if it is none");
    }
    if ((checks & (CHECK_NO_EMAIL | CHECK_DROP_EMAIL)) == 0 || !pii_has_email(*out)) {
        return TILLPOST_OK;
    }
    if ((checks & CHECK_NO_EMAIL) != 0) {
        return refuse(b, at, TILLPOST_E_BAD_FIELD,
                      "must not hold an e-mail address, since it is stored and sent in clear");
    }
    warn(b, at, "email_in_clear",
         "holds an e-mail address, which would be stored in clear: left out");
    *out = STR("");
    return TILLPOST_OK;
}

int fields_text(struct build *b, const char *name, unsigned checks, const struct json *v,
                struct str *out)
{
    struct place at = {name, false, NO_INDEX, NO_INDEX};
    return read_checked(b, &at, checks, v, out);
}

static int write_text(struct build *b, const struct field *f, const struct place *at,
                      const struct json *v)
{
    struct str text;
    int err = read_checked(b, at, f->checks, v, &text);
    if (err >= 0 && text.len > 0) write_text_member(b, f->key, text);
    return err;
}

static int write_order_id(struct build *b, const struct field *f, const struct place *at,
                          const struct json *v)
{
    int err = read_checked(b, at, f->checks, v, &b->out->order_id);
    if (err >= 0 && b->out->order_id.len > 0) write_text_member(b, f->key, b->out->order_id);
    return err;
}

static int write_shop_id(struct build *b, const struct field *f, const struct place *at,
                         const struct json *v)
{
    struct str *shop_id = &b->out->shop_id;
    int err = read_checked(b, at, f->checks, v, shop_id);
    if (err >= 0 && shop_id->len == 0) *shop_id = str_from(b->rules->shop_id);
    if (err >= 0 && shop_id->len > 0) write_text_member(b, f->key, *shop_id);
    return err;
}

/* TikTok's page of November 2026 calls it search_string, older pages query. */
static int write_query(struct build *b, const struct field *f, const struct place *at,
                       const struct json *v)
{
    struct str text;
    int err = read_checked(b, at, f->checks, v, &text);
    if (err < 0 || text.len == 0) return err;
    write_text_member(b, f->key, text);
    static const struct str search_string = KEY("search_string");
    if (strcmp(b->out->name, "Search") == 0) write_text_member(b, search_string, text);
    return TILLPOST_OK;
}

/* People --------------------------------------------------------------------------------------- */

enum { HASH_ITEM_BYTES = PII_HASH_BYTES - 1 + 3 }; /* with two quotes and a comma or bracket */

struct person {
    bool is_id;
    enum pii_result (*hash)(const struct build *b, struct str plain, char out[PII_HASH_BYTES]);
    const char *invalid_code, *invalid_message;
};

static enum pii_result hash_email(const struct build *b, struct str plain, char out[PII_HASH_BYTES])
{
    (void)b;
    return pii_email(plain, out);
}

static enum pii_result hash_phone(const struct build *b, struct str plain, char out[PII_HASH_BYTES])
{
    return pii_phone(plain, b->rules->calling_code, out);
}

static enum pii_result hash_external_id(const struct build *b, struct str plain,
                                        char out[PII_HASH_BYTES])
{
    (void)b;
    return pii_external_id(plain, out);
}

static const struct person email_person = {
    false, hash_email, "invalid_email",
    "not an e-mail address (one @, at most 254 bytes): left out"};
static const struct person phone_person = {
    false, hash_phone, "invalid_phone",
    "not a phone number (7 to 15 digits with the country code): left out"};
static const struct person external_id_person = {
    true, hash_external_id, "invalid_external_id",
    "no text, or one that stands for nobody (\"null\", \"N/A\", the hash of one of those): left out"};

/* true or {} is no e-mail address, as "abc" is none. Only an id in a number that a double cannot
 * hold is worth a refusal: read_text tells the sender how to mend it. */
static bool may_be_person(const struct person *person, const struct json *v)
{
    char digits[NUMBER_TEXT_BYTES];
    if (!json_is(v, JSON_NUMBER)) return json_is(v, JSON_NULL) || json_is(v, JSON_STRING);
    bool kept = person->is_id || number_text(json_number(v), digits);
    wipe(digits, sizeof digits);
    return kept;
}

/* Is the hash among those written since `start`, which follow a bracket? */
static bool is_written(const struct build *b, size_t start, const char hash[PII_HASH_BYTES])
{
    for (size_t at = start; at + HASH_ITEM_BYTES <= b->rest.len + 1; at += HASH_ITEM_BYTES) {
        if (memcmp(b->rest.p + at + 1, hash, PII_HASH_BYTES - 1) == 0) return true;
    }
    return false;
}

static int write_person(struct build *b, const struct person *person, const struct place *at,
                        const struct json *v, size_t start)
{
    struct str plain = STR("");
    char hash[PII_HASH_BYTES];
    bool may_be = may_be_person(person, v);
    int err = may_be ? read_text(b, at, v, &plain) : TILLPOST_OK;
    if (err < 0) return err;
    switch (may_be ? person->hash(b, plain, hash) : PII_INVALID) {
    case PII_OK: break;
    case PII_BLANK: warn(b, at, "blank", "a blank value: left out"); return 0;
    case PII_INVALID: warn(b, at, person->invalid_code, person->invalid_message); return 0;
    }
    if (is_written(b, start, hash)) {
        warn(b, at, "repeated", "repeats another value: left out");
        return 0;
    }
    write_text_member(b, no_key, (struct str){hash, PII_HASH_BYTES - 1});
    return 1;
}

/* Returns how many were written. A scalar counts as an array of one. */
static int write_people(struct build *b, const struct field *f, struct place at,
                        const struct json *v, const struct person *person)
{
    if (json_type(v) == JSON_NULL) return 0;
    size_t member = open_member(b, f->key, '[');
    size_t start = b->rest.len;
    bool is_array = json_is(v, JSON_ARRAY);
    int count = 0, err = 0;
    for (const struct json *item = is_array ? json_first(v) : v; item != NULL && err >= 0;) {
        if (is_array) at.index++;
        err = write_person(b, person, &at, item, start);
        count += err;
        item = is_array ? json_next(item) : NULL;
    }
    close_member(b, member, ']');
    return err < 0 ? err : count;
}

static int write_contacts(struct build *b, const struct field *f, const struct place *at,
                          const struct json *v, const struct person *person)
{
    int count = write_people(b, f, *at, v, person);
    if (count > 0) b->contacts += (size_t)count;
    return count;
}

static int write_emails(struct build *b, const struct field *f, const struct place *at,
                        const struct json *v)
{
    return write_contacts(b, f, at, v, &email_person);
}

static int write_phones(struct build *b, const struct field *f, const struct place *at,
                        const struct json *v)
{
    return write_contacts(b, f, at, v, &phone_person);
}

static int write_external_ids(struct build *b, const struct field *f, const struct place *at,
                              const struct json *v)
{
    int count = write_people(b, f, *at, v, &external_id_person);
    if (count > 0) b->ids += (size_t)count;
    return count;
}

/* The click id --------------------------------------------------------------------------------- */

/* Percent signs decoded. Click ids are printable ASCII without spaces: anything else is none. */
static struct str decode_query(struct arena *a, struct str value)
{
    char *out = arena_alloc(a, value.len + 1);
    size_t len = 0;
    if (out == NULL) return STR("");
    for (size_t i = 0; i < value.len; i++, len++) {
        out[len] = value.p[i];
        if (out[len] == '%' && value.len - i > 2 &&
            hex_decode((struct str){value.p + i + 1, 2}, out + len, 1)) {
            i += 2;
        }
        if (out[len] <= ' ' || out[len] > '~') return STR("");
    }
    return (struct str){out, len};
}

static struct str query_parameter(struct arena *a, struct str url, const char *name)
{
    struct str fragment, query, value;
    str_split(str_split(url, '#', &fragment), '?', &query);
    while (query.len > 0) {
        struct str pair = str_split(query, '&', &query);
        if (str_is(str_split(pair, '=', &value), name) && value.len > 0) {
            return decode_query(a, value);
        }
    }
    return STR("");
}

static int write_ttclid(struct build *b, const struct field *f, const struct place *at,
                        const struct json *v)
{
    struct str text;
    int err = read_checked(b, at, f->checks, v, &text);
    if (err < 0) return err;
    if (text.len == 0) {
        text = query_parameter(b->arena, json_string(json_get(b->fields, "url")), "ttclid");
        if (pii_has_email(text)) text = STR(""); /* the url is warned of, and so goes */
    }
    if (text.len > 0) write_text_member(b, f->key, text);
    return TILLPOST_OK;
}

/* Numbers and choices -------------------------------------------------------------------------- */

bool fields_decimal(struct str text, double *out)
{
    char z[NUMBER_TEXT_BYTES];
    size_t digits = 0, points = 0, signs = 0;
    if (text.len >= sizeof z) return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        bool is_sign = i == 0 && (c == '-' || c == '+');
        if (c >= '0' && c <= '9') digits++;
        if (c == '.') points++;
        if (is_sign) signs++;
        if (c != '.' && !is_sign && (c < '0' || c > '9')) return false;
        z[i] = c;
    }
    z[text.len] = '\0';
    *out = strtod(z, NULL);
    size_t digits_max = NUMBER_DIGITS_MAX + (size_t)str_starts(str_from(z + signs), "0.");
    return digits > 0 && digits <= digits_max && points <= 1;
}

static int write_number(struct build *b, const struct field *f, const struct place *at,
                        const struct json *v)
{
    double d = json_number(v);
    struct str text = unicode_trim(json_string(v));
    enum json_type type = json_type(v);
    if (type == JSON_NULL || (type == JSON_STRING && text.len == 0)) return TILLPOST_OK;
    if (type == JSON_STRING && !fields_decimal(text, &d)) {
        return refuse(b, at, TILLPOST_E_BAD_NUMBER,
                      "must be a plain decimal number of at most 15 digits, such as 19.90, without "
                      "exponent, currency sign or thousands separator");
    }
    if (type != JSON_STRING && type != JSON_NUMBER) {
        return refuse(b, at, TILLPOST_E_BAD_NUMBER, "must be a number");
    }
    if (!isfinite(d)) return refuse(b, at, TILLPOST_E_BAD_NUMBER, "is too large for a number");
    write_key(b, f->key);
    json_write_number(&b->rest, d);
    return TILLPOST_OK;
}

static bool to_upper_letter(char *c)
{
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - ('a' - 'A'));
    return *c >= 'A' && *c <= 'Z';
}

static int write_currency(struct build *b, const struct field *f, const struct place *at,
                          const struct json *v)
{
    struct str text = unicode_trim(json_string(v));
    if (json_type(v) != JSON_NULL && json_type(v) != JSON_STRING) {
        return refuse(b, at, TILLPOST_E_BAD_CURRENCY, "must be a string of three letters");
    }
    if (text.len == 0) text = str_from(b->rules->currency);
    if (text.len == 0) return TILLPOST_OK;
    char code[CURRENCY_LETTERS + 1] = "";
    bool is_code = text.len == CURRENCY_LETTERS;
    for (size_t i = 0; i < CURRENCY_LETTERS && is_code; i++) {
        code[i] = text.p[i];
        is_code = to_upper_letter(&code[i]);
    }
    if (!is_code) {
        return refuse(b, at, TILLPOST_E_BAD_CURRENCY,
                      "must be a code of three letters of ISO 4217, such as EUR");
    }
    if (!tiktok_currency_is_listed(code)) {
        warn(b, at, "unknown_currency", "not in TikTok's list of currencies: sent all the same");
    }
    write_text_member(b, f->key, str_from(code));
    return TILLPOST_OK;
}

static int write_content_type(struct build *b, const struct field *f, const struct place *at,
                              const struct json *v)
{
    struct str text = json_string(v);
    if (is_blank(v)) return TILLPOST_OK;
    if (!str_is(text, "product") && !str_is(text, "product_group")) {
        return refuse(b, at, TILLPOST_E_BAD_CONTENT_TYPE, "must be product or product_group");
    }
    write_text_member(b, f->key, text);
    return TILLPOST_OK;
}

static int read_flag(const struct json *v, bool *out)
{
    struct str text = json_string(v);
    bool is_number = json_type(v) == JSON_NUMBER;
    double d = json_number(v);
    *out = json_type(v) == JSON_TRUE || str_is(text, "true") || (is_number && d == 1);
    bool is_false = json_type(v) == JSON_FALSE || str_is(text, "false") || (is_number && d == 0);
    return *out || is_false || is_blank(v) ? TILLPOST_OK : TILLPOST_E_BAD_FIELD;
}

/* Sent even when it is false, as Segment does: the bodies are to be the same. */
static int write_flag(struct build *b, const struct field *f, const struct place *at,
                      const struct json *v)
{
    bool flag = false;
    if (read_flag(v, &flag) < 0) {
        return refuse(b, at, TILLPOST_E_BAD_FIELD, "must be true or false");
    }
    write_key(b, f->key);
    buf_add_z(&b->rest, flag ? "true" : "false");
    return TILLPOST_OK;
}

/* Contents ------------------------------------------------------------------------------------- */

static int write_contents(struct build *b, const struct field *f, const struct place *at,
                          const struct json *v);

/* clang-format off */
#define FIELD(group, name, key, how, checks) \
    {group, {name, sizeof(name) - 1}, KEY(key), how, checks}

static const struct field fields[] = {
    /*    where          mapping             TikTok              how it is read      may not hold */
    FIELD(IN_USER,       "email_addresses",  "email",            write_emails,       0),
    FIELD(IN_USER,       "phone_numbers",    "phone",            write_phones,       0),
    FIELD(IN_USER,       "external_ids",     "external_id",      write_external_ids, 0),
    FIELD(IN_USER,       "ttclid",           "ttclid",           write_ttclid,       CLEAR_TEXT),
    FIELD(IN_USER,       "ttp",              "ttp",              write_text,         CLEAR_TEXT),
    FIELD(IN_USER,       "lead_id",          "lead_id",          write_text,         CLEAR_TEXT),
    FIELD(IN_USER,       "locale",           "locale",           write_text,         CLEAR_TEXT),
    FIELD(IN_USER,       "ip",               "ip",               write_text,         CLEAR_TEXT),
    FIELD(IN_USER,       "user_agent",       "user_agent",       write_text,         CLEAR_TEXT),
    FIELD(IN_PROPERTIES, "contents",         "contents",         write_contents,     0),
    FIELD(IN_PROPERTIES, "content_type",     "content_type",     write_content_type, 0),
    FIELD(IN_PROPERTIES, "currency",         "currency",         write_currency,     0),
    FIELD(IN_PROPERTIES, "value",            "value",            write_number,       0),
    FIELD(IN_PROPERTIES, "description",      "description",      write_text,         CLEAR_TEXT),
    FIELD(IN_PROPERTIES, "query",            "query",            write_query,        CLEAR_TEXT),
    FIELD(IN_PROPERTIES, "order_id",         "order_id",         write_order_id,     CLEAR_ID),
    FIELD(IN_PROPERTIES, "shop_id",          "shop_id",          write_shop_id,      CLEAR_ID),
    FIELD(IN_PAGE,       "url",              "url",              write_text,         CLEAR_TEXT),
    FIELD(IN_PAGE,       "referrer",         "referrer",         write_text,         CLEAR_TEXT),
    FIELD(IN_EVENT,      "limited_data_use", "limited_data_use", write_flag,         0),
    FIELD(IN_CONTENT,    "price",            "price",            write_number,       0),
    FIELD(IN_CONTENT,    "quantity",         "quantity",         write_number,       0),
    FIELD(IN_CONTENT,    "content_id",       "content_id",       write_text,         CHECK_DROP_EMAIL),
    FIELD(IN_CONTENT,    "content_category", "content_category", write_text,         CLEAR_TEXT),
    FIELD(IN_CONTENT,    "content_name",     "content_name",     write_text,         CLEAR_TEXT),
    FIELD(IN_CONTENT,    "brand",            "brand",            write_text,         CLEAR_TEXT),
};
#undef FIELD
enum { FIELDS = sizeof fields / sizeof fields[0] };
/* clang-format on */

/* values[i] becomes the member of `from` that fields[i] names. */
static void find_values(const struct json *from, const struct json *values[FIELDS])
{
    for (const struct json *member = json_first(from); member != NULL; member = json_next(member)) {
        struct str key = json_key(member);
        for (size_t i = 0; i < FIELDS; i++) {
            /* Length and first letter first: this is the hottest line of the room. */
            if (fields[i].name.len != key.len || fields[i].name.p[0] != key.p[0]) continue;
            if (str_equal(fields[i].name, key)) values[i] = member;
        }
    }
}

static int write_group(struct build *b, enum group group, const struct json *const *values,
                       struct place at)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].group != group) continue;
        at.name = fields[i].name.p;
        int err = fields[i].write(b, &fields[i], &at, values[i]);
        if (err < 0) return err;
    }
    return TILLPOST_OK;
}

static int write_content(struct build *b, struct place at, const struct json *item)
{
    if (is_blank(item)) return TILLPOST_OK;
    if (!json_is(item, JSON_OBJECT)) {
        at.index = at.item;
        at.item = NO_INDEX;
        return refuse(b, &at, TILLPOST_E_BAD_FIELD, "must hold objects");
    }
    const struct json *values[FIELDS] = {NULL};
    find_values(item, values);
    at.in_contents = true;
    size_t start = open_member(b, no_key, '{');
    int err = write_group(b, IN_CONTENT, values, at);
    close_member(b, start, '}');
    return err;
}

/* An object counts as an array of one. */
static int write_contents(struct build *b, const struct field *f, const struct place *at,
                          const struct json *v)
{
    bool is_array = json_is(v, JSON_ARRAY);
    struct place place = *at;
    int err = TILLPOST_OK;
    if (is_blank(v)) return err;
    size_t start = open_member(b, f->key, '[');
    for (const struct json *item = is_array ? json_first(v) : v; item != NULL && err >= 0;) {
        if (is_array) place.item++;
        err = write_content(b, place, item);
        item = is_array ? json_next(item) : NULL;
    }
    close_member(b, start, ']');
    return err;
}

int fields_write(struct build *b)
{
    static const struct str keys[] = {
        [IN_USER] = KEY("user"), [IN_PROPERTIES] = KEY("properties"), [IN_PAGE] = KEY("page")};
    struct place top = {NULL, false, NO_INDEX, NO_INDEX};
    const struct json *values[FIELDS] = {NULL};
    find_values(b->fields, values);
    buf_add_char(&b->rest, '{');
    for (enum group group = IN_USER; group <= IN_PAGE; group++) {
        size_t start = open_member(b, keys[group], '{');
        int err = write_group(b, group, values, top);
        if (err < 0) return err;
        close_member(b, start, '}');
    }
    int err = write_group(b, IN_EVENT, values, top);
    buf_add_char(&b->rest, '}');
    return err;
}
