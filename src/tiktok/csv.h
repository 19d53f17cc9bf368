/*
 * csv.h: TikTok's file for uploads by hand: its twelve columns, its words for what is wrong with a
 * file, and from a row to the event that it is.
 *
 * Records come from base/csv.h. A row is a TikTok event already, so no mapping stands between; the
 * same rules as for calls hold (event.h), but for three: event_type takes the display names of the
 * upload page too, timestamp is needed and must be ISO 8601, and transaction_category is not sent,
 * since the Events API has no place for it.
 *
 * Owner: as event.h. Errors: those of event.h; the column and TikTok's category stand beside them.
 * Source: tiktok-api.md section 11.
 */
#ifndef TIKTOK_CSV_H
#define TIKTOK_CSV_H

#include "base/csv.h"
#include "tiktok/event.h"

enum tiktok_csv_column {
    TIKTOK_CSV_EVENT_TYPE,
    TIKTOK_CSV_EMAIL,
    TIKTOK_CSV_PHONE,
    TIKTOK_CSV_TIMESTAMP,
    TIKTOK_CSV_PRICE,
    TIKTOK_CSV_CURRENCY,
    TIKTOK_CSV_TRANSACTION_CATEGORY,
    TIKTOK_CSV_ORDER_ID,
    TIKTOK_CSV_QUANTITY,
    TIKTOK_CSV_PRODUCT_ID,
    TIKTOK_CSV_PRODUCT_CATEGORY,
    TIKTOK_CSV_STORE_ID,
    TIKTOK_CSV_COLUMNS,
    TIKTOK_CSV_NONE = -1
};

/* "event_type"; the order is the one of the upload page. */
const char *tiktok_csv_column_name(enum tiktok_csv_column column);
/* The column that a header or a person means, case, spaces and underscores aside; or NONE. */
enum tiktok_csv_column tiktok_csv_column_of(struct str name);
/* What an event of this name is called in a file; NULL when the upload page does not list it. */
const char *tiktok_csv_type(struct str event);

/* What is wrong, in the words of TikTok's upload page. */
enum tiktok_csv_category {
    TIKTOK_CSV_WRONG_EXTENSION,
    TIKTOK_CSV_FILE_TOO_LARGE,
    TIKTOK_CSV_ILLEGAL_CHARACTERS,
    TIKTOK_CSV_MISSING_FIELDS,
    TIKTOK_CSV_INACCURATE_TIMESTAMPS,
    TIKTOK_CSV_DATA_FORMATTING,
};
const char *tiktok_csv_category_name(enum tiktok_csv_category category);

struct tiktok_csv_refusal {
    enum tiktok_csv_category category;
    enum tiktok_csv_column column; /* NONE: the row, or the header, as a whole */
    struct fault why;              /* path: the column's name, or "" */
};
/* What a reader's fault is, of a record with this header (NULL: of the header); returns its code. */
struct tiktok_csv_header;
int tiktok_csv_fault(const struct tiktok_csv_header *header, enum csv_fault fault, size_t field,
                     struct tiktok_csv_refusal *out);

/* Which column each field of a file's rows is. */
struct tiktok_csv_header {
    size_t count;                                   /* fields of a row */
    enum tiktok_csv_column columns[CSV_FIELDS_MAX]; /* NONE: not ours, passed over */
};
/* "Their Column" is `to`. */
struct tiktok_csv_map {
    struct str from;
    enum tiktok_csv_column to;
};
/* A map goes before a name. Refused: a column twice, one that is needed missing, a map of a name
 * that is not there. */
int tiktok_csv_read_header(const struct str *fields, size_t count,
                           const struct tiktok_csv_map *maps, size_t map_count,
                           struct tiktok_csv_header *out, struct tiktok_csv_refusal *why);

/* A row's event, its id included: "csv-" and 32 hex digits of SHA-256 over all twelve columns as
 * they were understood (people hashed, time in ms, numbers by value, names in their current
 * spelling), so that the same row has the same id in any file. Defaults are not part of it. */
int tiktok_csv_read_row(struct arena *a, const struct tiktok_csv_header *header,
                        const struct csv_record *record, const struct tiktok_rules *rules,
                        const struct tiktok_moment *now, struct tiktok_event *out,
                        struct tiktok_warnings *warnings, struct tiktok_csv_refusal *why);

#endif
