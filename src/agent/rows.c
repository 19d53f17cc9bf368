/*
 * rows.c: see rows.h.
 *
 * What always holds:
 * (1) a row is parsed, built and pushed before the next one is looked at, so that memory does not
 *     grow with their number;
 * (2) the plain text of a row lives in the arena (and the caller's body) and is wiped with it.
 */
#include "agent/rows.h"

#include "api/api.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 64,                             /* of a name that a message repeats */
    ROW_MAX_BYTES = 2 * CSV_RECORD_MAX_BYTES + 1024, /* quotes and line ends have an escape */
};

/* One row ------------------------------------------------------------------------------------- */

static int refuse_row(struct rows_taken *out, enum tiktok_csv_category category, int err,
                      const char *message)
{
    out->refusal.category = category;
    out->refusal.column = TIKTOK_CSV_NONE;
    return fault_set(&out->refusal.why, err, "", "%s", message);
}

static int build_row(struct ingest *g, const struct clock_now *now, const struct rows_file *file,
                     const struct csv_record *record, struct tiktok_event *event,
                     struct rows_taken *out)
{
    struct tiktok_rules rules = ingest_rules(g);
    struct tiktok_moment moment = ingest_moment(g, now, (struct str){"", 0});
    if (record->fault != CSV_GOOD)
        return tiktok_csv_fault(&file->header, record->fault, record->fault_field, &out->refusal);
    if (g->config->privacy.require_consent && !file->consented)
        return refuse_row(out, TIKTOK_CSV_MISSING_FIELDS, TILLPOST_E_FORBIDDEN,
                          "privacy.require_consent is set and a row cannot say that its customer "
                          "agreed: import with --consented if all of them did");
    return tiktok_csv_read_row(&g->arena, &file->header, record, &rules, &moment, event,
                               &out->warnings, &out->refusal);
}

int rows_take(struct ingest *g, const struct clock_now *now, const struct rows_file *file,
              const struct csv_record *record, struct rows_taken *out)
{
    struct tiktok_event event = {0};
    *out = (struct rows_taken){.result = INGEST_REFUSED};
    int rc = build_row(g, now, file, record, &event, out);
    if (rc >= 0) (void)snprintf(out->event_id, sizeof out->event_id, "%s", event.event_id.p);
    if (rc >= 0 && g->queue) rc = ingest_push(g, now, &event, &out->refusal.why);
    if (rc >= 0) out->result = rc == 0 ? INGEST_QUEUED : INGEST_DUPLICATE;
    if (g->queue) g->counts[out->result]++;
    arena_reset(&g->arena);
    return rc;
}

/* The answer ---------------------------------------------------------------------------------- */

static int write_refusal(struct buf *answer, const struct tiktok_csv_refusal *refusal)
{
    const struct tillpost_err_info *info = tillpost_err_info(refusal->why.err);
    if (info->http >= 500) {
        api_refusal(answer, &refusal->why);
        return info->http;
    }
    buf_printf(answer, "{\"success\":false,\"code\":\"%s\",\"path\":", info->wire);
    json_write_string(answer, str_from(refusal->why.path));
    buf_printf(answer,
               ",\"category\":\"%s\",\"message\":", tiktok_csv_category_name(refusal->category));
    json_write_string(answer, str_from(refusal->why.message));
    buf_add_char(answer, '}');
    return info->http;
}

static int write_taken(struct buf *answer, const struct ingest *g, const struct rows_taken *taken)
{
    const char *status = taken->result == INGEST_DUPLICATE ? "duplicate"
                         : g->queue                        ? "queued"
                                                           : "dry_run";
    if (taken->result == INGEST_REFUSED) return write_refusal(answer, &taken->refusal);
    buf_printf(answer, "{\"success\":true,\"status\":\"%s\",\"event_ids\":[\"%s\"]", status,
               taken->event_id);
    ingest_write_warnings(answer, &taken->warnings);
    buf_add_char(answer, '}');
    return 200;
}

static void write_columns(struct buf *answer, const struct tiktok_csv_header *header)
{
    buf_add_z(answer, "\"columns\":[");
    for (size_t i = 0; i < header->count; i++) {
        const char *name = tiktok_csv_column_name(header->columns[i]);
        buf_printf(answer, *name ? "%s\"%s\"" : "%snull", i ? "," : "", name);
    }
    buf_add_z(answer, "],");
}

/* A request ----------------------------------------------------------------------------------- */

struct request {
    struct ingest *g;
    const struct clock_now *now;
    struct rows_file file;
    struct str rows; /* raw JSON */
};

static int bad_request(struct tiktok_csv_refusal *why, const char *path, const char *message)
{
    why->category = TIKTOK_CSV_DATA_FORMATTING;
    return fault_set(&why->why, TILLPOST_E_BAD_REQUEST, path, "%s", message);
}

static bool read_cells(const struct json *row, struct csv_record *out)
{
    out->count = 0;
    for (const struct json *cell = json_first(row); cell; cell = json_next(cell)) {
        if (!json_is(cell, JSON_STRING)) return false;
        if (out->count == CSV_FIELDS_MAX) out->fault = CSV_TOO_MANY_FIELDS;
        else out->fields[out->count++] = json_string(cell);
    }
    return true;
}

/* Cells, or a reader's fault; false when it is neither. */
static bool read_record(const struct json *row, struct csv_record *out)
{
    *out = (struct csv_record){.fault = CSV_GOOD};
    if (json_is(row, JSON_ARRAY)) return read_cells(row, out);
    double field = json_number(json_get(row, "field"));
    out->fault = csv_fault_of(json_string(json_get(row, "fault")));
    out->fault_field = field > 0 && field < CSV_FIELDS_MAX ? (size_t)field : 0;
    return out->fault != CSV_GOOD && out->fault != CSV_FAULTS;
}

static int read_maps(const struct json *map, struct tiktok_csv_map maps[ROWS_MAPS_MAX],
                     size_t *count, struct tiktok_csv_refusal *why)
{
    *count = 0;
    for (const struct json *v = json_first(map); v; v = json_next(v)) {
        struct str name = json_string(v), cut = str_cut(name, NAME_MAX_BYTES);
        enum tiktok_csv_column to = tiktok_csv_column_of(name);
        if (*count == ROWS_MAPS_MAX) return bad_request(why, "$.map", "map has over twelve names");
        if (to == TIKTOK_CSV_NONE)
            return fault_set(&why->why, TILLPOST_E_BAD_REQUEST, "$.map",
                             "\"%.*s\" is none of TikTok's columns, which the manual lists: map is "
                             "your name, then TikTok's",
                             (int)cut.len, cut.p);
        maps[(*count)++] = (struct tiktok_csv_map){json_key(v), to};
    }
    return 0;
}

static int read_header(struct request *r, struct str header, struct str map,
                       struct tiktok_csv_refusal *why)
{
    static const struct json_limits limits = {ROW_MAX_BYTES, 2, 2 * CSV_FIELDS_MAX};
    struct tiktok_csv_map maps[ROWS_MAPS_MAX];
    size_t count = 0;
    const struct json *names = NULL, *theirs = NULL;
    struct csv_record record;
    int rc = json_parse(&r->g->arena, header, &limits, &names, &why->why);
    if (rc >= 0 && map.len) rc = json_parse(&r->g->arena, map, &limits, &theirs, &why->why);
    if (rc >= 0) rc = read_maps(theirs, maps, &count, why);
    if (rc < 0) return rc;
    if (!read_record(names, &record))
        return bad_request(why, "$.header", "header must be a list of the columns' names");
    if (record.fault != CSV_GOOD) return tiktok_csv_fault(NULL, record.fault, 0, why);
    return tiktok_csv_read_header(record.fields, record.count, maps, count, &r->file.header, why);
}

static int check_rows(struct request *r, struct tiktok_csv_refusal *why)
{
    struct str item;
    size_t pos = 0, n = 0;
    if (!r->rows.len || r->rows.p[0] != '[')
        return bad_request(why, "$.rows", "rows must be a list of lists of strings");
    while (json_raw_next(r->rows, &pos, &item)) n++;
    if (n <= ROWS_MAX) return 0;
    return fault_set(&why->why, TILLPOST_E_TOO_LARGE, "$.rows",
                     "%zu rows are more than %d: send them in parts", n, ROWS_MAX);
}

static int read_request(struct request *r, struct str body, struct tiktok_csv_refusal *why)
{
    int rc = json_check(body, &why->why);
    if (rc < 0) return rc;
    if (str_trim(body).p[0] != '{')
        return bad_request(why, "$", "the body must be {\"header\":[…],\"rows\":[…]}");
    struct str header = json_raw_member(body, "header");
    if (!header.len) return bad_request(why, "$.header", "header is missing");
    r->rows = json_raw_member(body, "rows");
    r->file.consented = str_is(json_raw_member(body, "consented"), "true");
    rc = check_rows(r, why);
    return rc < 0 ? rc : read_header(r, header, json_raw_member(body, "map"), why);
}

static int take_row(void *ctx, struct str text, struct buf *answer)
{
    struct request *r = ctx;
    static const struct json_limits limits = {ROW_MAX_BYTES, 2, CSV_FIELDS_MAX + 2};
    const struct json *row = NULL;
    struct csv_record record;
    struct rows_taken taken = {.result = INGEST_REFUSED};
    if (json_parse(&r->g->arena, text, &limits, &row, &taken.refusal.why) < 0) {
        taken.refusal.category = TIKTOK_CSV_FILE_TOO_LARGE;
        taken.refusal.why.path[0] = 0;
    } else if (!read_record(row, &record)) {
        (void)refuse_row(&taken, TIKTOK_CSV_DATA_FORMATTING, TILLPOST_E_BAD_FIELD,
                         "a row must be a list of strings");
    } else {
        (void)rows_take(r->g, r->now, &r->file, &record, &taken);
    }
    arena_reset(&r->g->arena);
    return write_taken(answer, r->g, &taken);
}

int rows_post(struct ingest *g, const struct clock_now *now, struct str body, struct buf *answer)
{
    struct request r = {.g = g, .now = now};
    struct tiktok_csv_refusal why = {.column = TIKTOK_CSV_NONE,
                                     .category = TIKTOK_CSV_DATA_FORMATTING};
    size_t head = answer->len;
    int rc = read_request(&r, body, &why);
    arena_reset(&g->arena);
    if (rc < 0) return write_refusal(answer, &why);
    buf_add_z(answer, "{\"success\":true ,");
    write_columns(answer, &r.file.header);
    return ingest_each(g, r.rows, take_row, &r, head, answer);
}
