/*
 * scrub.c: reads everything once, in idle steps, after an end that was not clean.
 *
 * Opening looks at the ends of the tables alone. A page in their middle that the end of the power
 * has hurt would show when its rows are needed, perhaps in weeks; so every table is read through,
 * and SQLite complains where a page is not what it should be: then the queue begins anew
 * (aside.h). A row whose seal is broken is nothing to stop for: it is set aside when its turn comes.
 */
#include "queue/bond.h"

#include <string.h>

/* Steps through rows of a statement that begins with seq: 1 there are more. */
static int read_rows(struct queue *q, enum sql sql, struct fault *why)
{
    struct scrub *s = &q->scrub;
    const struct db_arg args[] = {DB_ARG_INT(s->after_seq), DB_ARG_INT(q->limits->forget_rows)};
    unsigned n = 0;
    int r = 0;
    db_start(q->db, sql, args, sql == SQL_PAST_AFTER ? 2 : 1);
    while (n < q->limits->forget_rows && (r = db_next(q->db, sql, why)) > 0) {
        int64_t seq = db_int(q->db, sql, 0);
        if (seq <= s->after_seq) r = db_call_damaged(q->db, why);
        if (r < 0) break;
        s->after_seq = seq;
        (void)db_text(q->db, sql, sql == SQL_ERASE_WALK ? 1 + SEALED_AT : 1);
        n++;
    }
    db_reset(q->db, sql);
    return r;
}

static int read_known(struct queue *q, struct fault *why)
{
    struct scrub *s = &q->scrub;
    struct str after = {(const char *)s->after_key.bytes, RECENT_KEY_BYTES};
    struct recent_key last = s->after_key;
    unsigned n = 0;
    int r;
    db_start(q->db, SQL_KNOWN_AFTER,
             DB_ARGS(DB_ARG_BLOB(after), DB_ARG_INT(q->limits->forget_rows)));
    while ((r = db_next(q->db, SQL_KNOWN_AFTER, why)) > 0) {
        struct str key = db_text(q->db, SQL_KNOWN_AFTER, 0);
        if (key.len != RECENT_KEY_BYTES || memcmp(key.p, last.bytes, key.len) <= 0)
            r = db_call_damaged(q->db, why);
        if (r < 0) break;
        memcpy(last.bytes, key.p, key.len);
        n++;
    }
    db_reset(q->db, SQL_KNOWN_AFTER);
    s->after_key = last;
    return r < 0 ? r : n == q->limits->forget_rows;
}

int scrub_step(struct queue *q, struct fault *why)
{
    struct scrub *s = &q->scrub;
    int r = 0;
    switch (s->at) {
    case SCRUB_NONE: return 0;
    case SCRUB_ROWS: r = read_rows(q, SQL_ERASE_WALK, why); break;
    case SCRUB_PAST: r = read_rows(q, SQL_PAST_AFTER, why); break;
    case SCRUB_KNOWN: r = read_known(q, why); break;
    }
    if (r < 0) return queue_done(q, r);
    if (r > 0) return 1;
    s->after_seq = 0;
    s->at = s->at == SCRUB_KNOWN ? SCRUB_NONE : s->at + 1;
    return 1;
}
