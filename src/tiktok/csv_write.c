/*
 * csv_write.c: see csv_write.h.
 *
 * What always holds: (1) a column that the event has nothing for is empty; (2) what a row cannot
 * say loudly (limited_data_use, a control character) makes it no row at all; (3) a row holds no
 * line end, so that lines and events are the same count.
 */
#include "tiktok/csv_write.h"

#include "base/json.h"
#include "base/times.h"
#include "tiktok/csv.h"

#include <stdio.h>
#include <string.h>

enum { REST_DEPTH_MAX = 8, REST_VALUES_MAX = 8192, CELL_MAX_BYTES = CSV_RECORD_MAX_BYTES };

struct row {
    const char *type; /* as the upload page calls the event */
    int64_t time_ms;
    const struct json *user, *properties, *contents;
    struct buf cell; /* scratch */
};

/* Columns ------------------------------------------------------------------------------------- */

/* Each appends the text of its column to row->cell. */
typedef void (*column_write)(struct row *row, const char *key);

static void write_event_type(struct row *row, const char *key)
{
    (void)key;
    buf_add_z(&row->cell, row->type);
}

static void write_person(struct row *row, const char *key)
{
    buf_add_str(&row->cell, json_string(json_first(json_get(row->user, key))));
}

/* The milliseconds are there when they say something: files of a store mostly have none. */
static void write_time(struct row *row, const char *key)
{
    char text[TIMES_TEXT_BYTES];
    (void)key;
    times_format(row->time_ms, text);
    int ms = (int)(((row->time_ms % 1000) + 1000) % 1000);
    if (ms == 0) buf_add_z(&row->cell, text);
    else buf_printf(&row->cell, "%.*s.%03dZ", (int)strlen(text) - 1, text, ms);
}

static void write_number(struct row *row, const char *key)
{
    const struct json *v = json_get(row->properties, key);
    if (json_is(v, JSON_NUMBER)) json_write_number(&row->cell, json_number(v));
}

static void write_text(struct row *row, const char *key)
{
    buf_add_str(&row->cell, json_string(json_get(row->properties, key)));
}

static void write_literal(struct row *row, const char *text)
{
    buf_add_z(&row->cell, text);
}

static void write_quantity(struct row *row, const char *key)
{
    double sum = 0;
    bool any = false;
    for (const struct json *c = json_first(row->contents); c; c = json_next(c)) {
        const struct json *v = json_get(c, key);
        any = any || json_is(v, JSON_NUMBER);
        sum += json_number(v);
    }
    if (any) json_write_number(&row->cell, sum);
}

static void write_product(struct row *row, const char *key)
{
    if (json_count(row->contents) != 1) return;
    buf_add_str(&row->cell, json_string(json_get(json_first(row->contents), key)));
}

/* clang-format off */
static const struct column {
    column_write write;
    const char *key; /* in the event */
    bool number;
} columns[TIKTOK_CSV_COLUMNS] = {
    /* column                            how it is written  from                number */
    [TIKTOK_CSV_EVENT_TYPE]           = {write_event_type,  "",                 false},
    [TIKTOK_CSV_EMAIL]                = {write_person,      "email",            false},
    [TIKTOK_CSV_PHONE]                = {write_person,      "phone",            false},
    [TIKTOK_CSV_TIMESTAMP]            = {write_time,        "",                 false},
    [TIKTOK_CSV_PRICE]                = {write_number,      "value",            true},
    [TIKTOK_CSV_CURRENCY]             = {write_text,        "currency",         false},
    [TIKTOK_CSV_TRANSACTION_CATEGORY] = {write_literal,     "in-store",         false},
    [TIKTOK_CSV_ORDER_ID]             = {write_text,        "order_id",         false},
    [TIKTOK_CSV_QUANTITY]             = {write_quantity,    "quantity",         true},
    [TIKTOK_CSV_PRODUCT_ID]           = {write_product,     "content_id",       false},
    [TIKTOK_CSV_PRODUCT_CATEGORY]     = {write_product,     "content_category", false},
    [TIKTOK_CSV_STORE_ID]             = {write_text,        "shop_id",          false},
};
/* clang-format on */

/* Rows ---------------------------------------------------------------------------------------- */

void tiktok_csv_write_header(struct buf *out)
{
    for (int i = 0; i < TIKTOK_CSV_COLUMNS; i++) {
        if (i) buf_add_char(out, ',');
        buf_add_z(out, tiktok_csv_column_name((enum tiktok_csv_column)i));
    }
}

static bool is_plain(const struct column *c, struct str cell)
{
    for (size_t i = 0; i < cell.len; i++) {
        unsigned char letter = (unsigned char)cell.p[i];
        if (letter < ' ' || letter == 0x7f || (c->number && letter == 'e')) return false;
    }
    return true;
}

static bool write_columns(struct row *row, struct buf *out)
{
    for (size_t i = 0; i < TIKTOK_CSV_COLUMNS; i++) {
        buf_clear(&row->cell);
        columns[i].write(row, columns[i].key);
        if (row->cell.failed || !is_plain(&columns[i], buf_str(&row->cell))) return false;
        if (i) buf_add_char(out, ',');
        csv_write_field(out, buf_str(&row->cell));
    }
    return true;
}

static bool has_form(const struct row *row, const struct json *event)
{
    if (!row->type) return false;
    if (json_is(json_get(event, "limited_data_use"), JSON_TRUE)) return false;
    return json_first(json_get(row->user, "email")) || json_first(json_get(row->user, "phone"));
}

int tiktok_csv_write(struct buf *out, struct arena *scratch, struct str event, int64_t time_ms,
                     struct str rest)
{
    static const struct json_limits limits = {TIKTOK_REST_MAX_BYTES, REST_DEPTH_MAX,
                                              REST_VALUES_MAX};
    const struct json *root = NULL;
    struct row row = {.type = tiktok_csv_type(event), .time_ms = time_ms};
    buf_clear(out);
    arena_reset(scratch);
    int rc = json_parse(scratch, rest, &limits, &root, NULL);
    if (rc < 0) return rc == TILLPOST_E_NO_MEMORY ? rc : 0;
    row.user = json_get(root, "user");
    row.properties = json_get(root, "properties");
    row.contents = json_get(row.properties, "contents");
    if (!has_form(&row, root)) return 0;
    buf_init(&row.cell, CELL_MAX_BYTES);
    bool good = write_columns(&row, out);
    buf_free(&row.cell);
    return good && !out->failed && out->len <= CSV_RECORD_MAX_BYTES;
}
