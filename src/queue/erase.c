/*
 * erase.c: see erase.h.
 *
 * What always holds:
 * 1. One walk over both tables, merged by seq: a row that is buried or retried meanwhile keeps its
 *    seq, so that it is seen wherever it stands; new rows come behind.
 * 2. All finds leave in one transaction; where they are too many for one (leave.c), it is one that
 *    says that they leave: a power cut leaves all or none.
 * 3. After finish no file holds their sealed text: secure_delete overwrites cells and pages in
 *    queue.db, db.c what SQLite leaves between cells, and the WAL, whose old frames still hold them,
 *    is cut to nothing and synced. If a power cut comes between, opening the queue does the same.
 *    A file set aside after damage is removed: nobody can find anything in it.
 * 4. What is unsealed is wiped before the next row.
 */
#include "queue/erase.h"

#include "platform/platform.h"
#include "queue/bond.h"
#include "queue/inside.h"
#include "queue/leave.h"
#include "queue/salvage.h"
#include "tillpost/err.h"

#include <stdlib.h>

enum { FINDS_FIRST = 64, ROWS_PER_CLOCK = 32 };

void queue_erasure_begin(struct queue_erasure *e)
{
    *e = (struct queue_erasure){0};
}

void queue_erasure_free(struct queue_erasure *e)
{
    free(e->seqs);
    *e = (struct queue_erasure){0};
}

static bool keep_find(struct queue_erasure *e, int64_t seq)
{
    if (e->count == e->cap) {
        size_t cap = e->cap > 0 ? e->cap * 2 : FINDS_FIRST;
        int64_t *more = realloc(e->seqs, cap * sizeof *more);
        if (more == NULL) return false;
        e->seqs = more;
        e->cap = cap;
    }
    e->seqs[e->count++] = seq;
    return true;
}

/* The row that SQL_ERASE_WALK stands on. */
static bool matches(struct queue *q, queue_match match, void *ctx)
{
    char *plain = (char *)q->sealed;
    int n = queue_open_row(q, SQL_ERASE_WALK, 1, plain);
    bool found = n >= 0 && match(ctx, (struct str){plain, (size_t)n});
    if (n > 0) wipe(plain, (size_t)n);
    return found;
}

static int look(struct queue *q, struct queue_erasure *e, queue_match match, void *ctx,
                int64_t until_ms, struct fault *why)
{
    int r;
    db_start(q->db, SQL_ERASE_WALK, DB_ARGS(DB_ARG_INT(e->after_seq)));
    for (unsigned n = 1; (r = db_next(q->db, SQL_ERASE_WALK, why)) > 0; n++) {
        int64_t seq = db_int(q->db, SQL_ERASE_WALK, 0);
        if (matches(q, match, ctx) && !keep_find(e, seq)) {
            r = fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "%s: out of memory", q->path);
            break;
        }
        e->after_seq = seq;
        if (n % ROWS_PER_CLOCK == 0 && platform_mono_ms() >= until_ms) break;
    }
    db_reset(q->db, SQL_ERASE_WALK);
    return r;
}

int queue_erasure_look(struct queue *q, struct queue_erasure *e, queue_match match, void *ctx,
                       int slice_ms, struct fault *why)
{
    int r = queue_ready_to_visit(q, why);
    if (r < 0) return r;
    if (queue_salvaging(q)) { /* what still moves over may be theirs */
        r = salvage_step(q, why);
        return r < 0 ? r : 1;
    }
    q->visiting++;
    r = look(q, e, match, ctx, platform_mono_ms() + slice_ms, why);
    q->visiting--;
    return queue_done(q, r);
}

int queue_erasure_finish(struct queue *q, struct queue_erasure *e, int64_t now_s, struct fault *why)
{
    int removed = queue_drop_rows(q, e->seqs, e->count, now_s, (int)QUEUE_VALUE_ERASED_TOTAL, why);
    int r = removed < 0 ? removed : queue_commit(q, why);
    if (r >= 0)
        r = queue_ready(q, why); /* it may have committed and then be closed, for want of memory */
    if (r >= 0) r = queue_done(q, db_empty_wal(q->db, why));
    if (r >= 0 && aside_remove_all(q) < 0)
        r = fault_set(
            why, TILLPOST_E_STORAGE, NULL,
            "%s: a file set aside after damage may hold what is to be erased and cannot be "
            "removed; remove it, then erase again",
            q->path);
    return r < 0 ? r : removed;
}
