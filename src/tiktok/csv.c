/*
 * csv.c: TikTok's upload file: columns, categories of faults, and a row as fields of an event.
 *
 * A row becomes the same tree of fields that a mapping makes of a call, and event.c does the rest.
 * What always holds:
 * 1. A cell's white space at both ends is no part of it; a blank cell is absent.
 * 2. People are hashed here already, so that the id, which is made of hashes, and the event agree.
 * 3. The id depends on the row alone: not on defaults, not on the file, not on the place in it.
 * 4. What a person is told names the column of the file, not the field of the event.
 */
#include "tiktok/csv.h"

#include "base/unicode.h"
#include "tiktok/fields.h"
#include "tiktok/names.h"
#include "tiktok/pii.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ID_PREFIX_BYTES = 4, ID_DIGEST_BYTES = 16, DIGEST_BYTES = 32, NUMBER_MAX_BYTES = 64 };

static const struct {
    const char *name;
    const char *field; /* of an event; NULL: not sent */
    bool in_contents;
} columns[TIKTOK_CSV_COLUMNS] = {
    [TIKTOK_CSV_EVENT_TYPE] = {"event_type", "event", false},
    [TIKTOK_CSV_EMAIL] = {"email", "email_addresses", false},
    [TIKTOK_CSV_PHONE] = {"phone", "phone_numbers", false},
    [TIKTOK_CSV_TIMESTAMP] = {"timestamp", "timestamp", false},
    [TIKTOK_CSV_PRICE] = {"price", "value", false},
    [TIKTOK_CSV_CURRENCY] = {"currency", "currency", false},
    [TIKTOK_CSV_TRANSACTION_CATEGORY] = {"transaction_category", NULL, false},
    [TIKTOK_CSV_ORDER_ID] = {"order_id", "order_id", false},
    [TIKTOK_CSV_QUANTITY] = {"quantity", "quantity", true},
    [TIKTOK_CSV_PRODUCT_ID] = {"product_id", "content_id", true},
    [TIKTOK_CSV_PRODUCT_CATEGORY] = {"product_category", "content_category", true},
    [TIKTOK_CSV_STORE_ID] = {"store_id", "shop_id", false},
};

const char *tiktok_csv_column_name(enum tiktok_csv_column column)
{
    return column == TIKTOK_CSV_NONE ? "" : columns[column].name;
}

enum tiktok_csv_column tiktok_csv_column_of(struct str name)
{
    for (int i = 0; i < TIKTOK_CSV_COLUMNS; i++) {
        if (names_alike(unicode_trim(name), str_from(columns[i].name)))
            return (enum tiktok_csv_column)i;
    }
    return TIKTOK_CSV_NONE;
}

const char *tiktok_csv_type(struct str event)
{
    const struct tiktok_name *name = tiktok_name_find(event);
    return name != NULL && name->upload ? name->display : NULL;
}

/* Refusals ------------------------------------------------------------------------------------- */

const char *tiktok_csv_category_name(enum tiktok_csv_category category)
{
    static const char *const names[] = {
        [TIKTOK_CSV_WRONG_EXTENSION] = "wrong file extension",
        [TIKTOK_CSV_FILE_TOO_LARGE] = "file too large",
        [TIKTOK_CSV_ILLEGAL_CHARACTERS] = "illegal characters",
        [TIKTOK_CSV_MISSING_FIELDS] = "missing required fields",
        [TIKTOK_CSV_INACCURATE_TIMESTAMPS] = "inaccurate timestamps",
        [TIKTOK_CSV_DATA_FORMATTING] = "data formatting",
    };
    return names[category];
}

/* Fills *out but for the words; its fault is why's to fill with fault_set. */
static struct fault *refusal(struct tiktok_csv_refusal *out, enum tiktok_csv_category category,
                             enum tiktok_csv_column column)
{
    out->category = category;
    out->column = column;
    return &out->why;
}

int tiktok_csv_fault(const struct tiktok_csv_header *header, enum csv_fault fault, size_t field,
                     struct tiktok_csv_refusal *out)
{
    static const struct {
        enum tiktok_csv_category category;
        int err;
        const char *message;
    } faults[CSV_FAULTS] = {
        [CSV_BAD_CHARACTER] = {TIKTOK_CSV_ILLEGAL_CHARACTERS, TILLPOST_E_BAD_FIELD,
                               "holds control characters, or bytes that are not UTF-8: save the "
                               "file as CSV in UTF-8"},
        [CSV_BAD_QUOTE] = {TIKTOK_CSV_DATA_FORMATTING, TILLPOST_E_BAD_FIELD,
                           "has a quote where none may stand: put the whole value in quotes and "
                           "double those inside it"},
        [CSV_OPEN_QUOTE] = {TIKTOK_CSV_DATA_FORMATTING, TILLPOST_E_BAD_FIELD,
                            "opens a quote that is not closed: close it; this line alone was "
                            "passed over"},
        [CSV_TOO_LONG] = {TIKTOK_CSV_FILE_TOO_LARGE, TILLPOST_E_TOO_LARGE,
                          "is longer than 32 KiB, more than an event can hold"},
        [CSV_TOO_MANY_FIELDS] = {TIKTOK_CSV_DATA_FORMATTING, TILLPOST_E_BAD_FIELD,
                                 "has more than 64 fields: put values with commas in quotes"},
    };
    bool is_known = header != NULL && field < header->count;
    enum tiktok_csv_column column = is_known ? header->columns[field] : TIKTOK_CSV_NONE;
    const char *name = column != TIKTOK_CSV_NONE ? columns[column].name
                       : header == NULL          ? "the header"
                                                 : "the row";
    return fault_set(refusal(out, faults[fault].category, column), faults[fault].err,
                     tiktok_csv_column_name(column), "%s %s", name, faults[fault].message);
}

/* The header ----------------------------------------------------------------------------------- */

struct heading {
    const struct tiktok_csv_map *maps;
    size_t map_count;
    struct tiktok_csv_header *out;
    struct tiktok_csv_refusal *why;
};

static bool is_mapped(const struct heading *h, enum tiktok_csv_column column)
{
    for (size_t i = 0; i < h->map_count; i++) {
        if (h->maps[i].to == column) return true;
    }
    return false;
}

static enum tiktok_csv_column column_of_heading(const struct heading *h, struct str name)
{
    for (size_t i = 0; i < h->map_count; i++) {
        if (names_alike(name, h->maps[i].from)) return h->maps[i].to;
    }
    enum tiktok_csv_column column = tiktok_csv_column_of(name);
    return is_mapped(h, column) ? TIKTOK_CSV_NONE : column;
}

static bool has_column(const struct tiktok_csv_header *header, enum tiktok_csv_column column)
{
    for (size_t i = 0; i < header->count; i++) {
        if (header->columns[i] == column) return true;
    }
    return false;
}

static int check_maps(const struct heading *h)
{
    for (size_t i = 0; i < h->map_count; i++) {
        if (has_column(h->out, h->maps[i].to)) continue;
        struct str from = str_cut(h->maps[i].from, NUMBER_MAX_BYTES);
        return fault_set(refusal(h->why, TIKTOK_CSV_MISSING_FIELDS, h->maps[i].to),
                         TILLPOST_E_BAD_FIELD, columns[h->maps[i].to].name,
                         "the header has no column \"%.*s\", which --map names", (int)from.len,
                         from.p);
    }
    return TILLPOST_OK;
}

static int refuse_missing(const struct heading *h, enum tiktok_csv_column column, int err,
                          struct str first)
{
    const char *name = columns[column].name;
    bool other_separator = h->out->count == 1 && (memchr(first.p, ';', first.len) != NULL ||
                                                  memchr(first.p, '\t', first.len) != NULL);
    struct fault *why = refusal(h->why, TIKTOK_CSV_MISSING_FIELDS, column);
    if (other_separator) {
        h->why->category = TIKTOK_CSV_DATA_FORMATTING;
        return fault_set(why, err, name,
                         "the header has no commas: save the file with commas between the columns, "
                         "not semicolons or tabs");
    }
    return fault_set(why, err, name,
                     "the header has no column %s%s: the first line must name the columns; a name "
                     "of your own is told with --map \"Your Name=%s\"",
                     name, column == TIKTOK_CSV_EMAIL ? " or phone" : "", name);
}

static int check_needed(const struct heading *h, struct str first)
{
    static const struct {
        enum tiktok_csv_column column, or ;
        int err;
    } needed[] = {
        {TIKTOK_CSV_EVENT_TYPE, TIKTOK_CSV_EVENT_TYPE, TILLPOST_E_MISSING_EVENT},
        {TIKTOK_CSV_EMAIL, TIKTOK_CSV_PHONE, TILLPOST_E_MISSING_PII},
        {TIKTOK_CSV_TIMESTAMP, TIKTOK_CSV_TIMESTAMP, TILLPOST_E_BAD_TIMESTAMP},
    };
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (has_column(h->out, needed[i].column) || has_column(h->out, needed[i].or)) continue;
        return refuse_missing(h, needed[i].column, needed[i].err, first);
    }
    return TILLPOST_OK;
}

int tiktok_csv_read_header(const struct str *fields, size_t count,
                           const struct tiktok_csv_map *maps, size_t map_count,
                           struct tiktok_csv_header *out, struct tiktok_csv_refusal *why)
{
    struct heading h = {maps, map_count, out, why};
    out->count = 0;
    if (count > CSV_FIELDS_MAX) return tiktok_csv_fault(NULL, CSV_TOO_MANY_FIELDS, 0, why);
    for (size_t i = 0; i < count; i++) {
        enum tiktok_csv_column column = column_of_heading(&h, unicode_trim(fields[i]));
        if (column != TIKTOK_CSV_NONE && has_column(out, column)) {
            return fault_set(refusal(why, TIKTOK_CSV_DATA_FORMATTING, column), TILLPOST_E_BAD_FIELD,
                             columns[column].name,
                             "the header has the column %s twice: take one out",
                             columns[column].name);
        }
        out->columns[out->count++] = column;
    }
    int err = check_maps(&h);
    return err < 0 ? err : check_needed(&h, count > 0 ? fields[0] : STR(""));
}

/* A row ---------------------------------------------------------------------------------------- */

struct row {
    struct arena *arena;
    const struct tiktok_rules *rules;
    const struct tiktok_moment *now;
    const struct tiktok_name *name;
    struct str cells[TIKTOK_CSV_COLUMNS]; /* "" when absent */
    char email[PII_HASH_BYTES], phone[PII_HASH_BYTES];
    struct tiktok_event *out;
    struct tiktok_warnings *warnings;
    struct tiktok_csv_refusal *why;
};

static int refuse(struct row *r, enum tiktok_csv_category category, enum tiktok_csv_column column,
                  int err, const char *message)
{
    return fault_set(refusal(r->why, category, column), err, columns[column].name, "%s %s",
                     columns[column].name, message);
}

static int read_cells(struct row *r, const struct tiktok_csv_header *header,
                      const struct str *fields, size_t count)
{
    if (count != header->count) {
        return fault_set(refusal(r->why, TIKTOK_CSV_DATA_FORMATTING, TIKTOK_CSV_NONE),
                         TILLPOST_E_BAD_FIELD, "",
                         "the row has %zu fields where the header has %zu: put values with commas "
                         "in quotes",
                         count, header->count);
    }
    for (int i = 0; i < TIKTOK_CSV_COLUMNS; i++) r->cells[i] = STR("");
    for (size_t i = 0; i < header->count; i++) {
        if (header->columns[i] == TIKTOK_CSV_NONE) continue;
        r->cells[header->columns[i]] = unicode_trim(fields[i]);
    }
    return TILLPOST_OK;
}

static int check_cells(struct row *r)
{
    const struct str *cells = r->cells;
    int64_t ms = 0;
    if (cells[TIKTOK_CSV_EVENT_TYPE].len == 0)
        return refuse(r, TIKTOK_CSV_MISSING_FIELDS, TIKTOK_CSV_EVENT_TYPE, TILLPOST_E_MISSING_EVENT,
                      "is empty: it must name the event, as Purchase");
    r->name = tiktok_name_of_type(cells[TIKTOK_CSV_EVENT_TYPE]);
    if (r->name == NULL || !r->name->offline)
        return refuse(r, TIKTOK_CSV_DATA_FORMATTING, TIKTOK_CSV_EVENT_TYPE,
                      TILLPOST_E_BAD_EVENT_NAME,
                      "must be an event that TikTok lists, such as Purchase, Complete Payment or "
                      "Add to Cart");
    if (cells[TIKTOK_CSV_EMAIL].len == 0 && cells[TIKTOK_CSV_PHONE].len == 0)
        return refuse(r, TIKTOK_CSV_MISSING_FIELDS, TIKTOK_CSV_EMAIL, TILLPOST_E_MISSING_PII,
                      "and phone are empty: TikTok could match the event to nobody");
    if (cells[TIKTOK_CSV_TIMESTAMP].len == 0)
        return refuse(r, TIKTOK_CSV_MISSING_FIELDS, TIKTOK_CSV_TIMESTAMP, TILLPOST_E_BAD_TIMESTAMP,
                      "is empty: it must say when the event happened");
    if (times_parse(cells[TIKTOK_CSV_TIMESTAMP], r->rules->zone, &ms) < 0)
        return refuse(r, TIKTOK_CSV_INACCURATE_TIMESTAMPS, TIKTOK_CSV_TIMESTAMP,
                      TILLPOST_E_BAD_TIMESTAMP,
                      "must be a date and time as in ISO 8601, such as 2026-11-01T10:00:00Z");
    return TILLPOST_OK;
}

static struct str value_of(struct row *r, enum tiktok_csv_column column)
{
    switch (column) {
    case TIKTOK_CSV_EVENT_TYPE: return str_from(r->name->name);
    case TIKTOK_CSV_EMAIL: return r->email[0] ? str_from(r->email) : r->cells[column];
    case TIKTOK_CSV_PHONE: return r->phone[0] ? str_from(r->phone) : r->cells[column];
    default: return r->cells[column];
    }
}

static bool add_field(struct row *r, struct json *to, enum tiktok_csv_column column)
{
    struct str value = value_of(r, column);
    if (value.len == 0) return true;
    return json_append(to, str_from(columns[column].field), json_new_string(r->arena, value));
}

/* NULL when memory ran out. */
static const struct json *fields_of(struct row *r)
{
    struct json *fields = json_new_object(r->arena), *content = json_new_object(r->arena);
    bool good = fields != NULL && content != NULL;
    for (int i = 0; i < TIKTOK_CSV_COLUMNS && good; i++) {
        if (columns[i].field == NULL) continue;
        struct json *to = columns[i].in_contents ? content : fields;
        good = add_field(r, to, (enum tiktok_csv_column)i);
    }
    good = good && json_append(fields, STR("contents"), content);
    return good ? fields : NULL;
}

static void hash_people(struct row *r)
{
    if (pii_email(r->cells[TIKTOK_CSV_EMAIL], r->email) != PII_OK) r->email[0] = '\0';
    if (pii_phone(r->cells[TIKTOK_CSV_PHONE], r->rules->calling_code, r->phone) != PII_OK)
        r->phone[0] = '\0';
}

/* The column behind "$.value" or "$.contents.quantity". */
static enum tiktok_csv_column column_of_path(const char *path)
{
    const char *dot = strrchr(path, '.');
    size_t len = dot == NULL ? 0 : strcspn(dot + 1, "[");
    for (int i = 0; i < TIKTOK_CSV_COLUMNS && len > 0; i++) {
        if (columns[i].field != NULL &&
            str_equal((struct str){dot + 1, len}, str_from(columns[i].field)))
            return (enum tiktok_csv_column)i;
    }
    return TIKTOK_CSV_NONE;
}

static enum tiktok_csv_category category_of(int err)
{
    switch (err) {
    case TILLPOST_E_BAD_TIMESTAMP:
    case TILLPOST_E_TOO_OLD:
    case TILLPOST_E_IN_FUTURE: return TIKTOK_CSV_INACCURATE_TIMESTAMPS;
    case TILLPOST_E_TOO_LARGE: return TIKTOK_CSV_FILE_TOO_LARGE;
    default: return TIKTOK_CSV_DATA_FORMATTING;
    }
}

/* What event.c said of a field, said of a column. */
static int translate(struct row *r, const struct fault *said)
{
    enum tiktok_csv_column column = column_of_path(said->path);
    const char *message = said->message;
    if (column == TIKTOK_CSV_NONE) {
        return fault_set(refusal(r->why, category_of(said->err), column), said->err, "", "%s",
                         message);
    }
    if (said->err == TILLPOST_E_MISSING_PII) {
        if (r->cells[column].len == 0) column = TIKTOK_CSV_PHONE;
        return refuse(
            r, TIKTOK_CSV_DATA_FORMATTING, column, said->err,
            "is not valid, and there is no other: TikTok could match the event to nobody");
    }
    size_t field_len = strlen(columns[column].field);
    if (strncmp(message, columns[column].field, field_len) == 0 && message[field_len] == ' ')
        return refuse(r, category_of(said->err), column, said->err, message + field_len + 1);
    return fault_set(refusal(r->why, category_of(said->err), column), said->err,
                     columns[column].name, "%s", message);
}

static void translate_warnings(struct tiktok_warnings *w, size_t first)
{
    for (size_t i = first; i < w->count && i < TIKTOK_WARNINGS_MAX; i++) {
        w->list[i].path = tiktok_csv_column_name(column_of_path(w->list[i].path));
    }
}

/* The id --------------------------------------------------------------------------------------- */

/* "8:Purchase,": no two rows make the same text. */
static void add_part(struct buf *out, struct str part)
{
    buf_printf(out, "%zu:", part.len);
    buf_add_str(out, part);
    buf_add_char(out, ',');
}

static void add_number(struct buf *out, struct str cell)
{
    struct buf text;
    double d = 0;
    buf_init(&text, NUMBER_MAX_BYTES);
    if (cell.len > 0 && fields_decimal(cell, &d)) json_write_number(&text, d);
    add_part(out, buf_str(&text));
    buf_free(&text);
}

static void add_upper(struct buf *out, struct str cell)
{
    struct buf text;
    buf_init(&text, NUMBER_MAX_BYTES);
    unicode_write_upper(&text, cell);
    add_part(out, buf_str(&text));
    buf_free(&text);
}

static void add_column(struct row *r, struct buf *out, enum tiktok_csv_column column)
{
    char time[NUMBER_MAX_BYTES];
    switch (column) {
    case TIKTOK_CSV_EVENT_TYPE: add_part(out, str_from(r->out->key_name)); break;
    case TIKTOK_CSV_EMAIL: add_part(out, str_from(r->email)); break;
    case TIKTOK_CSV_PHONE: add_part(out, str_from(r->phone)); break;
    case TIKTOK_CSV_TIMESTAMP:
        (void)snprintf(time, sizeof time, "%" PRId64, r->out->time_ms);
        add_part(out, str_from(time));
        break;
    case TIKTOK_CSV_PRICE:
    case TIKTOK_CSV_QUANTITY: add_number(out, r->cells[column]); break;
    case TIKTOK_CSV_CURRENCY: add_upper(out, r->cells[column]); break;
    default: add_part(out, r->cells[column]); break;
    }
}

static int give_id(struct row *r)
{
    struct buf text;
    unsigned char digest[DIGEST_BYTES];
    char *id = arena_alloc(r->arena, TIKTOK_ID_BYTES);
    buf_init(&text, (size_t)2 * CSV_RECORD_MAX_BYTES);
    for (int i = 0; i < TIKTOK_CSV_COLUMNS; i++) add_column(r, &text, (enum tiktok_csv_column)i);
    bool good = id != NULL && !text.failed;
    if (good) {
        pii_sha256(text.p, text.len, digest);
        memcpy(id, "csv-", ID_PREFIX_BYTES);
        hex_encode(digest, ID_DIGEST_BYTES, id + ID_PREFIX_BYTES);
        r->out->event_id = str_from(id);
    }
    buf_free(&text);
    return good ? TILLPOST_OK : TILLPOST_E_NO_MEMORY;
}

static int build_row(struct row *r)
{
    struct fault said = {0};
    const struct json *fields = fields_of(r);
    size_t first = r->warnings->count;
    if (fields == NULL) return TILLPOST_E_NO_MEMORY;
    int err = tiktok_event_build(r->arena, fields, r->rules, r->now, r->out, r->warnings, &said);
    if (err == TILLPOST_E_NO_MEMORY) return err;
    translate_warnings(r->warnings, first);
    return err < 0 ? translate(r, &said) : give_id(r);
}

int tiktok_csv_read_row(struct arena *a, const struct tiktok_csv_header *header,
                        const struct csv_record *record, const struct tiktok_rules *rules,
                        const struct tiktok_moment *now, struct tiktok_event *out,
                        struct tiktok_warnings *warnings, struct tiktok_csv_refusal *why)
{
    struct row r = {
        .arena = a, .rules = rules, .now = now, .out = out, .warnings = warnings, .why = why};
    int err = read_cells(&r, header, record->fields, record->count);
    if (err >= 0) err = check_cells(&r);
    if (err < 0) return err;
    hash_people(&r);
    err = build_row(&r);
    if (err != TILLPOST_E_NO_MEMORY) return err;
    return fault_set(refusal(why, TIKTOK_CSV_FILE_TOO_LARGE, TIKTOK_CSV_NONE), err, "",
                     "no memory to build the event; try again");
}
