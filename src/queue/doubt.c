/*
 * doubt.c: ranges of rows whose outcome is unknown.
 *
 * What always holds: the list in memory is the table `doubt`; no range without a row that is queued
 * or dead stays (a dead one that is given back is in doubt as before, unless a person has decided).
 * There are few (one a batch that got no clear answer), so that the list is searched from its
 * start.
 */
#include "queue/aside.h"

#include "queue/inside.h"
#include "tillpost/err.h"

#include <stdlib.h>
#include <string.h>

enum { DOUBTS_FIRST = 16 };

static int make_place(struct queue *q, struct fault *why)
{
    if (q->doubt_count < q->doubt_cap) return 0;
    size_t cap = q->doubt_cap > 0 ? q->doubt_cap * 2 : DOUBTS_FIRST;
    struct doubt *more = realloc(q->doubts, cap * sizeof *more);
    if (more == NULL)
        return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "%s: out of memory", q->path);
    q->doubts = more;
    q->doubt_cap = cap;
    return 0;
}

int doubt_load(struct queue *q, struct fault *why)
{
    int r;
    q->doubt_count = 0;
    db_start(q->db, SQL_DOUBT_ALL, NULL, 0);
    while ((r = db_next(q->db, SQL_DOUBT_ALL, why)) > 0) {
        r = make_place(q, why);
        if (r < 0) break;
        q->doubts[q->doubt_count++] = (struct doubt){
            .id = db_int(q->db, SQL_DOUBT_ALL, 0),
            .range = {db_int(q->db, SQL_DOUBT_ALL, 1), db_int(q->db, SQL_DOUBT_ALL, 2),
                      db_int(q->db, SQL_DOUBT_ALL, 3)},
        };
    }
    db_reset(q->db, SQL_DOUBT_ALL);
    return r;
}

/* 1: a row of the range is queued or dead. */
static int any_left(struct queue *q, int64_t first, int64_t last, struct fault *why)
{
    db_start(q->db, SQL_IN_RANGE, DB_ARGS(DB_ARG_INT(first), DB_ARG_INT(last)));
    int r = db_next(q->db, SQL_IN_RANGE, why);
    db_reset(q->db, SQL_IN_RANGE);
    return r;
}

int doubt_prune(struct queue *q, int64_t first, int64_t last, struct fault *why)
{
    size_t kept = 0;
    int r = 0;
    if (queue_salvaging(q)) return 0; /* its rows may be on their way */
    for (size_t i = 0; i < q->doubt_count; i++) {
        const struct doubt *d = &q->doubts[i];
        int stays = 1;
        if (r >= 0 && d->range.first <= last && d->range.last >= first)
            r = stays = any_left(q, d->range.first, d->range.last, why);
        if (stays == 0) r = db_run(q->db, SQL_DOUBT_REMOVE, DB_ARGS(DB_ARG_INT(d->id)), why);
        else q->doubts[kept++] = *d;
    }
    q->doubt_count = kept;
    return r < 0 ? r : 0;
}

static bool is_noted(const struct queue *q, const struct queue_range *r)
{
    for (size_t i = 0; i < q->doubt_count; i++) {
        const struct queue_range *d = &q->doubts[i].range;
        if (d->first <= r->first && d->last >= r->last && d->since_s <= r->since_s) return true;
    }
    return false;
}

static int add(struct queue *q, const struct queue_range *r, struct fault *why)
{
    int64_t id = q->doubt_count > 0 ? q->doubts[q->doubt_count - 1].id + 1 : 1;
    int rc = any_left(q, r->first, r->last, why);
    if (rc <= 0) return rc;
    rc = make_place(q, why);
    if (rc < 0) return rc;
    rc = db_run(
        q->db, SQL_DOUBT_ADD,
        DB_ARGS(DB_ARG_INT(id), DB_ARG_INT(r->first), DB_ARG_INT(r->last), DB_ARG_INT(r->since_s)),
        why);
    if (rc < 0) return rc;
    q->doubts[q->doubt_count++] = (struct doubt){id, *r};
    return 0;
}

int queue_doubt_add(struct queue *q, const struct queue_range *r, struct fault *why)
{
    if (is_noted(q, r)) return 0;
    int rc = queue_change(q, why);
    return rc < 0 ? rc : queue_done(q, add(q, r, why));
}

/* What is left of the range on both sides of seq stays. */
static int cut_out(struct queue *q, size_t i, int64_t seq, struct fault *why)
{
    const struct doubt d = q->doubts[i];
    const struct queue_range parts[] = {{d.range.first, seq - 1, d.range.since_s},
                                        {seq + 1, d.range.last, d.range.since_s}};
    int rc = db_run(q->db, SQL_DOUBT_REMOVE, DB_ARGS(DB_ARG_INT(d.id)), why);
    if (rc < 0) return rc;
    memmove(&q->doubts[i], &q->doubts[i + 1], (--q->doubt_count - i) * sizeof d);
    for (size_t k = 0; rc >= 0 && k < 2; k++)
        if (parts[k].first <= parts[k].last) rc = add(q, &parts[k], why);
    return rc;
}

int queue_doubt_clear(struct queue *q, int64_t seq, struct fault *why)
{
    int rc = queue_change(q, why);
    for (size_t i = 0; rc >= 0 && i < q->doubt_count;) {
        const struct queue_range *d = &q->doubts[i].range;
        if (seq < d->first || seq > d->last) i++;
        else rc = cut_out(q, i, seq, why);
    }
    return queue_done(q, rc < 0 ? rc : 0);
}

int queue_doubt_find(struct queue *q, int64_t seq, struct queue_range *out)
{
    int found = 0;
    for (size_t i = 0; i < q->doubt_count; i++) {
        const struct queue_range *d = &q->doubts[i].range;
        if (seq < d->first || seq > d->last || (found && d->since_s >= out->since_s)) continue;
        *out = *d;
        found = 1;
    }
    return found;
}

int queue_doubt_count(struct queue *q)
{
    return (int)q->doubt_count;
}

static int redate(struct queue *q, struct doubt *d, int64_t since_s, struct fault *why)
{
    int rc = queue_change(q, why);
    if (rc < 0) return rc;
    rc = db_run(q->db, SQL_DOUBT_DATE, DB_ARGS(DB_ARG_INT(d->id), DB_ARG_INT(since_s)), why);
    if (rc >= 0) d->range.since_s = since_s;
    return rc;
}

int queue_doubt_redate(struct queue *q, queue_date date, const void *ctx, struct fault *why)
{
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < q->doubt_count; i++) {
        int64_t since_s = date(ctx, q->doubts[i].range.since_s);
        if (since_s != q->doubts[i].range.since_s) rc = redate(q, &q->doubts[i], since_s, why);
    }
    return queue_done(q, rc < 0 ? rc : 0);
}
