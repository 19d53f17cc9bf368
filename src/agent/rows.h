/*
 * rows.h: rows of TikTok's upload file to the queue. They are TikTok events already: no mapping
 * stands between, and presets that are off do not concern them.
 *
 * Nothing here is durable: the caller commits before it lets the answer go.
 * Owner: the answer is written into the caller's buffer. Errors: a refused row's codes are those of
 * event.h, FORBIDDEN (no consent); the queue's (their HTTP status is 503 or 507) say that the row
 * is not stored, and, when the queue is not dirty any more, that none since the last commit is.
 */
#ifndef AGENT_ROWS_H
#define AGENT_ROWS_H

#include "agent/ingest.h"
#include "tiktok/csv.h"

enum { ROWS_MAX = 1000, ROWS_MAPS_MAX = TIKTOK_CSV_COLUMNS }; /* of one request */

/* What holds for all rows of a file. */
struct rows_file {
    struct tiktok_csv_header header;
    bool consented; /* the person who imports says so, where privacy.require_consent is set */
};

struct rows_taken {
    enum ingest_result result;         /* QUEUED, DUPLICATE or REFUSED; QUEUED in a dry run */
    char event_id[TIKTOK_ID_BYTES];    /* unless refused */
    struct tiktok_warnings warnings;   /* path: the column's name */
    struct tiktok_csv_refusal refusal; /* when refused */
};
/* One record of a file, which may have a reader's fault. Returns < 0 when it is refused. */
int rows_take(struct ingest *g, const struct clock_now *now, const struct rows_file *file,
              const struct csv_record *record, struct rows_taken *out);

/* POST /v1/rows:
 *   {"header":["Event Type","email",…],"map":{"Their Column":"email"},"consented":true,
 *    "rows":[["Purchase","a@example.com",…],{"fault":"bad_quote","field":2},…]}
 * A row is its cells, or what is wrong with its record in csv.h's words. Answers with the HTTP
 * status and {"success":…,"columns":["event_type",null,…],"results":[…]}: one a row, as for a
 * batch, a refusal with "category" and the column as "path"; 422 when some are refused. No rows:
 * the header is judged. */
int rows_post(struct ingest *g, const struct clock_now *now, struct str body, struct buf *answer);

#endif
