/*
 * rows.c: what happens to rows.
 *
 * What always holds:
 * 1. A row that leaves a table enters another in the same transaction, and the counters go with it.
 * 2. A visitor sees rows that no change can move under it: while one runs, every change is refused
 *    (INTERNAL), and so is a second walk; queue_unseal, counts, values, the mark and doubts may be
 *    asked.
 */
#include "queue/queue.h"

#include "platform/platform.h"
#include "queue/bond.h"
#include "queue/inside.h"
#include "queue/leave.h"
#include "tillpost/err.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_STAMPED = 1, FLAG_UNJUDGED = 2 };
enum { ROW_EXTRA_BYTES = 256 }; /* at most, of the columns without a size of their own */

static int not_found(struct queue *q, int64_t seq, struct fault *why)
{
    return fault_set(why, TILLPOST_E_NOT_FOUND, NULL, "%s: there is no such event (%" PRId64 ")",
                     q->path, seq);
}

/* Pushing ------------------------------------------------------------------------------------- */

int64_t queue_known_seq(struct queue *q, const struct recent_key *key, struct fault *why)
{
    int64_t seq = recent_find(&q->recent, key);
    if (seq != 0) return seq;
    struct str blob = {(const char *)key->bytes, RECENT_KEY_BYTES};
    db_start(q->db, SQL_KNOWN_FIND, DB_ARGS(DB_ARG_BLOB(blob)));
    int r = db_next(q->db, SQL_KNOWN_FIND, why);
    if (r <= 0) return r;
    seq = db_int(q->db, SQL_KNOWN_FIND, 0);
    db_reset(q->db, SQL_KNOWN_FIND);
    return seq;
}

int64_t queue_room_bytes(const struct queue *q, const struct db_size *size)
{
    return q->max_size_bytes - q->limits->spare_bytes -
           (size->pages - size->free_pages) * DB_PAGE_BYTES;
}

static bool has_room(struct queue *q, int64_t bytes)
{
    struct db_size now;
    if (q->room_bytes < bytes && db_size(q->db, &now, NULL) >= 0)
        q->room_bytes = queue_room_bytes(q, &now);
    if (q->room_bytes < bytes) return false;
    q->room_bytes -= bytes;
    return true;
}

static int check_room(struct queue *q, const struct queue_event *e, struct fault *why)
{
    size_t bytes = e->event_id.len + e->event.len + e->test_code.len + e->rest.len;
    if (has_room(q, (int64_t)bytes + ROW_EXTRA_BYTES)) return 0;
    if (q->max_size_bytes == platform_file_max_bytes())
        return fault_set(why, TILLPOST_E_QUEUE_FULL, NULL,
                         "%s: the limit of file sizes (%" PRId64 " KiB) is reached; raise it "
                         "(LimitFSIZE=, ulimit -f) and start the agent again",
                         q->path, q->max_size_bytes >> 10);
    return fault_set(why, TILLPOST_E_QUEUE_FULL, NULL,
                     "%s: queue.max_size (%" PRId64 " MiB) is "
                     "reached; bring the line back so that events leave, or raise queue.max_size",
                     q->path, q->max_size_bytes >> 20);
}

static int insert(struct queue *q, const struct queue_event *e, int64_t seq, struct fault *why)
{
    const struct db_arg none = {.kind = DB_NULL};
    struct str boot_id = {(const char *)e->boot_id, QUEUE_BOOT_BYTES};
    const struct queue_bond b = {
        .event_id = e->event_id,
        .event = e->event,
        .key_event = str_equal(e->event, e->key_event) ? STR("") : e->key_event,
        .test_code = e->test_code,
        .occurred_ms = e->occurred_ms,
        .recorded_s = e->recorded_s,
        .flags = (e->stamped ? FLAG_STAMPED : 0) | (e->unjudged ? FLAG_UNJUDGED : 0),
        .boot_ms = e->stamped ? e->boot_ms : 0,
        .boot_id = e->stamped ? boot_id : STR(""),
    };
    int n = seal_encrypt(q->seal, queue_bound(q, &b, SEAL_VERSION), e->rest, q->sealed);
    if (n < 0) return fault_set(why, n, NULL, "%s: the event cannot be sealed", q->path);
    struct str sealed = {(const char *)q->sealed, (size_t)n};
    return db_run(q->db, SQL_PUSH,
                  DB_ARGS(DB_ARG_INT(seq), DB_ARG_TEXT(b.event_id), DB_ARG_TEXT(b.event),
                          b.key_event.len > 0 ? DB_ARG_TEXT(b.key_event) : none,
                          b.test_code.len > 0 ? DB_ARG_TEXT(b.test_code) : none,
                          DB_ARG_INT(b.occurred_ms), DB_ARG_INT(b.recorded_s), DB_ARG_INT(b.flags),
                          e->stamped ? DB_ARG_INT(b.boot_ms) : none,
                          e->stamped ? DB_ARG_BLOB(b.boot_id) : none, DB_ARG_BLOB(sealed)),
                  why);
}

static int disk_full(const struct queue *q, struct fault *why)
{
    if (why != NULL) *why = q->full_why;
    return q->full_why.err;
}

static int push(struct queue *q, const struct queue_event *e, const struct recent_key *key,
                struct fault *why)
{
    int r = queue_change(q, why);
    if (r >= 0 && recent_full(&q->recent)) r = queue_change_anew(q, why);
    if (r >= 0 && q->full) r = disk_full(q, why);
    if (r >= 0) r = check_room(q, e, why);
    int64_t seq = q->slots[SLOT_LAST_SEQ] + 1;
    if (r >= 0) r = insert(q, e, seq, why);
    if (r < 0) return r;
    recent_add(&q->recent, key, seq);
    q->slots[SLOT_LAST_SEQ] = q->newest_seq = seq;
    if (q->oldest_seq != 0) return 0;
    q->oldest_seq = seq;
    q->oldest_recorded_s = e->recorded_s;
    return 0;
}

int queue_push(struct queue *q, const struct queue_event *e, int64_t *seq, struct fault *why)
{
    struct recent_key key;
    *seq = 0;
    if (e->rest.len > QUEUE_ROW_MAX_BYTES || e->event_id.len + e->event.len > QUEUE_ROW_MAX_BYTES)
        return fault_set(why, TILLPOST_E_TOO_LARGE, NULL,
                         "%s: an event may have %d bytes; send a "
                         "smaller one",
                         q->path, QUEUE_ROW_MAX_BYTES);
    if (queue_key_of(q, e->event_id, e->key_event, &key) < 0)
        return fault_set(why, TILLPOST_E_INTERNAL, NULL, "%s: cannot hash an id", q->path);
    int r = queue_ready(q, why);
    if (r < 0) return r;
    int64_t known = queue_known_seq(q, &key, why);
    if (known < 0) return queue_done(q, (int)known);
    *seq = known;
    if (known > 0) return 1;
    if (!ballast_ready(q)) return disk_full(q, why);
    r = queue_done(q, push(q, e, &key, why));
    if (r >= 0) *seq = q->newest_seq;
    return r;
}

/* Reading ------------------------------------------------------------------------------------- */

static size_t rest_bytes(int64_t sealed_bytes)
{
    return sealed_bytes > SEAL_OVERHEAD_BYTES ? (size_t)(sealed_bytes - SEAL_OVERHEAD_BYTES) : 0;
}

/* The row that SQL_WALK_SEALED stands on. */
static void read_sealed_row(struct queue *q, struct queue_row *row)
{
    struct queue_bond b;
    queue_read_bond(q, SQL_WALK_SEALED, 1, &b);
    *row = (struct queue_row){
        .seq = db_int(q->db, SQL_WALK_SEALED, 0),
        .state = QUEUE_QUEUED,
        .event_id = b.event_id,
        .event = b.event,
        .test_code = b.test_code,
        .occurred_ms = b.occurred_ms,
        .recorded_s = b.recorded_s,
        .stamped = (b.flags & FLAG_STAMPED) != 0,
        .unjudged = (b.flags & FLAG_UNJUDGED) != 0,
        .boot_ms = b.boot_ms,
        .rest_len = rest_bytes((int64_t)db_text(q->db, SQL_WALK_SEALED, 1 + SEALED_AT).len),
    };
    if (b.boot_id.len == QUEUE_BOOT_BYTES) memcpy(row->boot_id, b.boot_id.p, QUEUE_BOOT_BYTES);
}

static void read_row(struct queue *q, enum sql sql, struct queue_row *row)
{
    struct db *db = q->db;
    int64_t flags = db_int(db, sql, 7);
    struct str boot_id = db_text(db, sql, 9);
    *row = (struct queue_row){
        .seq = db_int(db, sql, 0),
        .state = (enum queue_state)db_int(db, sql, 1),
        .event_id = db_text(db, sql, 2),
        .event = db_text(db, sql, 3),
        .test_code = db_text(db, sql, 4),
        .occurred_ms = db_int(db, sql, 5),
        .recorded_s = db_int(db, sql, 6),
        .stamped = (flags & FLAG_STAMPED) != 0,
        .unjudged = (flags & FLAG_UNJUDGED) != 0,
        .boot_ms = db_int(db, sql, 8),
        .rest_len = rest_bytes(db_int(db, sql, 10)),
        .reason = db_text(db, sql, 11),
        .message = db_text(db, sql, 12),
        .ended_s = db_int(db, sql, 13),
    };
    if (boot_id.len == QUEUE_BOOT_BYTES) memcpy(row->boot_id, boot_id.p, QUEUE_BOOT_BYTES);
}

/* 1: the visitor stopped. */
static int visit_rows(struct queue *q, enum sql sql, const struct db_arg *args, size_t n,
                      queue_visit visit, void *ctx, struct fault *why)
{
    struct queue_row row;
    int64_t last = INT64_MIN;
    int r, stop = 0;
    q->visiting++;
    q->visited_sealed = sql == SQL_WALK_SEALED;
    db_start(q->db, sql, args, n);
    while (stop == 0 && (r = db_next(q->db, sql, why)) > 0) {
        if (q->visited_sealed) read_sealed_row(q, &row);
        else read_row(q, sql, &row);
        if (row.seq <= last)
            r = db_call_damaged(q->db, why); /* a page that stands twice in the tree */
        if (r < 0) break;
        last = row.seq;
        q->visited = &row;
        stop = visit(ctx, &row);
    }
    q->visited = NULL;
    db_reset(q->db, sql);
    q->visiting--;
    return stop != 0 ? 1 : r;
}

int queue_ready_to_visit(struct queue *q, struct fault *why)
{
    if (q->visiting > 0)
        return fault_set(why, TILLPOST_E_INTERNAL, NULL, "%s: a visitor may not walk it", q->path);
    return queue_ready(q, why);
}

static int visit_all(struct queue *q, enum sql sql, const struct db_arg *args, size_t n,
                     queue_visit visit, void *ctx, struct fault *why)
{
    int r = queue_ready_to_visit(q, why);
    if (r < 0) return r;
    r = visit_rows(q, sql, args, n, visit, ctx, why);
    return queue_done(q, r < 0 ? r : 0);
}

int queue_walk(struct queue *q, int64_t first, int64_t last, queue_visit visit, void *ctx,
               struct fault *why)
{
    return visit_all(q, SQL_WALK, DB_ARGS(DB_ARG_INT(first), DB_ARG_INT(last)), visit, ctx, why);
}

int queue_walk_sealed(struct queue *q, int64_t first, int64_t last, queue_visit visit, void *ctx,
                      struct fault *why)
{
    return visit_all(q, SQL_WALK_SEALED, DB_ARGS(DB_ARG_INT(first), DB_ARG_INT(last)), visit, ctx,
                     why);
}

int queue_list(struct queue *q, enum queue_state state, int64_t after, unsigned limit,
               queue_visit visit, void *ctx, struct fault *why)
{
    static const enum sql list[] = {
        [QUEUE_QUEUED] = SQL_LIST_QUEUED,
        [QUEUE_SENT] = SQL_LIST_PAST,
        [QUEUE_DEAD] = SQL_LIST_DEAD,
        [QUEUE_DROPPED] = SQL_LIST_PAST,
    };
    const struct db_arg args[] = {DB_ARG_INT(after), DB_ARG_INT(limit), DB_ARG_INT(state)};
    size_t n = list[state] == SQL_LIST_PAST ? 3 : 2;
    return visit_all(q, list[state], args, n, visit, ctx, why);
}

static int by_seq(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* While ids are being moved one may be found in both places. */
static size_t without_repeats(int64_t *seqs, size_t n)
{
    size_t kept = 0;
    qsort(seqs, n, sizeof seqs[0], by_seq);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || seqs[kept - 1] != seqs[i]) seqs[kept++] = seqs[i];
    return kept;
}

static int seqs_of_id(struct queue *q, struct str event_id, int64_t *seqs, size_t *n,
                      struct fault *why)
{
    struct recent_key low, high;
    const struct recent_entry *e;
    size_t at = 0, count = 0;
    if (queue_key_of(q, event_id, STR(""), &low) < 0)
        return fault_set(why, TILLPOST_E_INTERNAL, NULL, "%s: cannot hash an id", q->path);
    high = low;
    memset(low.bytes + RECENT_ID_BYTES, 0, RECENT_EVENT_BYTES);
    memset(high.bytes + RECENT_ID_BYTES, 0xff, RECENT_EVENT_BYTES);
    struct str from = {(const char *)low.bytes, sizeof low},
               to = {(const char *)high.bytes, sizeof high};
    db_start(q->db, SQL_KNOWN_OF_ID, DB_ARGS(DB_ARG_BLOB(from), DB_ARG_BLOB(to)));
    int r;
    while ((r = db_next(q->db, SQL_KNOWN_OF_ID, why)) > 0 && count < EVENTS_OF_AN_ID_MAX)
        seqs[count++] = db_int(q->db, SQL_KNOWN_OF_ID, 0);
    db_reset(q->db, SQL_KNOWN_OF_ID);
    while (count < 2 * EVENTS_OF_AN_ID_MAX && (e = recent_of_id(&q->recent, &low, &at)) != NULL)
        seqs[count++] = e->seq;
    *n = without_repeats(seqs, count);
    return r < 0 ? r : 0;
}

int queue_find(struct queue *q, struct str event_id, queue_visit visit, void *ctx,
               struct fault *why)
{
    int64_t seqs[2 * EVENTS_OF_AN_ID_MAX];
    size_t n = 0;
    int r = queue_ready_to_visit(q, why);
    if (r < 0) return r;
    r = seqs_of_id(q, event_id, seqs, &n, why);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = visit_rows(q, SQL_FIND, DB_ARGS(DB_ARG_INT(seqs[i])), visit, ctx, why);
    return queue_done(q, r < 0 ? r : 0);
}

/* The row that a statement stands on, whose sealed columns begin there. */
static int open_row(struct queue *q, enum sql sql, int column, struct buf *out)
{
    size_t len = db_text(q->db, sql, column + SEALED_AT).len;
    if (len < SEAL_OVERHEAD_BYTES || len > sizeof q->sealed) return TILLPOST_E_DAMAGED;
    if (!buf_reserve(out, len - SEAL_OVERHEAD_BYTES)) return TILLPOST_E_NO_MEMORY;
    int n = queue_open_row(q, sql, column, out->p + out->len);
    if (n > 0) out->len += (size_t)n;
    out->p[out->len] = '\0';
    return n < 0 ? n : 0;
}

static int broken_seal(struct queue *q, int64_t seq, int err, struct fault *why)
{
    if (err == TILLPOST_E_NO_MEMORY)
        return fault_set(why, err, NULL, "event %" PRId64 " does not fit into memory", seq);
    return fault_set(why, err, NULL,
                     "%s: event %" PRId64 " is damaged: its seal is broken; the others are "
                     "not concerned",
                     q->path, seq);
}

/* In a damaged page a number may stand twice: what a visitor sees and what SQL_SEALED found are then
 * two rows, each good by itself. */
static bool is_another_row(struct queue *q, int64_t seq)
{
    const struct queue_row *seen = q->visited;
    struct queue_bond b;
    if (seen == NULL || seen->seq != seq) return false;
    queue_read_bond(q, SQL_SEALED, 0, &b);
    return !str_equal(b.event_id, seen->event_id) || !str_equal(b.event, seen->event) ||
           !str_equal(b.test_code, seen->test_code) || b.occurred_ms != seen->occurred_ms ||
           b.recorded_s != seen->recorded_s || b.boot_ms != seen->boot_ms ||
           (b.flags & FLAG_STAMPED) != (seen->stamped ? FLAG_STAMPED : 0) ||
           (b.flags & FLAG_UNJUDGED) != (seen->unjudged ? FLAG_UNJUDGED : 0);
}

/* A page of another table hangs in the tree of `event`: its rows are there under the same numbers. */
static bool stands_twice(struct queue *q, int64_t seq)
{
    int rows = 0;
    db_start(q->db, SQL_FIND, DB_ARGS(DB_ARG_INT(seq)));
    while (db_next(q->db, SQL_FIND, NULL) > 0) rows++;
    db_reset(q->db, SQL_FIND);
    return rows > 1;
}

/* 1: the row is at hand, or SQL_SEALED stands on it. */
static int find_sealed(struct queue *q, int64_t seq, bool *at_hand, struct fault *why)
{
    *at_hand = q->visited != NULL && q->visited_sealed && q->visited->seq == seq;
    if (*at_hand) return 1;
    db_start(q->db, SQL_SEALED, DB_ARGS(DB_ARG_INT(seq)));
    return db_next(q->db, SQL_SEALED, why);
}

static int unseal(struct queue *q, int64_t seq, struct buf *out, struct fault *why)
{
    bool at_hand;
    int r = find_sealed(q, seq, &at_hand, why);
    if (r == 0) return not_found(q, seq, why);
    if (r < 0) return r;
    if (at_hand) r = open_row(q, SQL_WALK_SEALED, 1, out);
    else r = is_another_row(q, seq) ? TILLPOST_E_DAMAGED : open_row(q, SQL_SEALED, 0, out);
    if (!at_hand) db_reset(q->db, SQL_SEALED);
    if (r == TILLPOST_E_DAMAGED && stands_twice(q, seq)) return db_call_damaged(q->db, why);
    return r < 0 ? broken_seal(q, seq, r, why) : 0;
}

int queue_unseal(struct queue *q, int64_t seq, struct buf *out, struct fault *why)
{
    int r = queue_ready(q, why);
    return r < 0 ? r : queue_done(q, unseal(q, seq, out, why));
}

/* Leaving and coming back --------------------------------------------------------------------- */

static int bury(struct queue *q, int64_t seq, const char *reason, const char *message,
                int64_t now_s, struct fault *why)
{
    int r = db_run(q->db, SQL_EVENT_TO_DEAD,
                   DB_ARGS(DB_ARG_INT(seq), DB_ARG_TEXT(str_from(reason)),
                           DB_ARG_TEXT(str_from(message)), DB_ARG_INT(now_s)),
                   why);
    if (r == 0) return not_found(q, seq, why);
    if (r > 0) r = db_run(q->db, SQL_EVENT_REMOVE, DB_ARGS(DB_ARG_INT(seq), DB_ARG_INT(seq)), why);
    if (r < 0) return r;
    queue_set_slot(q, SLOT_DEAD, q->slots[SLOT_DEAD] + 1);
    return queue_note_gone(q, seq, seq, 1, why);
}

int queue_bury(struct queue *q, int64_t seq, const char *reason, const char *message, int64_t now_s,
               struct fault *why)
{
    int r = queue_change(q, why);
    return r < 0 ? r : queue_done(q, bury(q, seq, reason, message, now_s, why));
}

static int retry(struct queue *q, int64_t seq, struct fault *why)
{
    int r = db_run(q->db, SQL_DEAD_TO_EVENT, DB_ARGS(DB_ARG_INT(seq)), why);
    if (r == 0) return not_found(q, seq, why);
    if (r > 0) r = db_run(q->db, SQL_DEAD_REMOVE, DB_ARGS(DB_ARG_INT(seq), DB_ARG_INT(seq)), why);
    if (r < 0) return r;
    queue_set_slot(q, SLOT_DEAD, q->slots[SLOT_DEAD] - 1);
    return queue_note_gone(q, seq, seq, -1, why);
}

int queue_retry(struct queue *q, int64_t seq, struct fault *why)
{
    int r = queue_change(q, why);
    return r < 0 ? r : queue_done(q, retry(q, seq, why));
}

static int drop(struct queue *q, int64_t seq, int64_t now_s, struct fault *why)
{
    int r = queue_drop_rows(q, &seq, 1, now_s, LEAVE_UNCOUNTED, why);
    return r == 0 ? not_found(q, seq, why) : r < 0 ? r : 0;
}

int queue_drop(struct queue *q, int64_t seq, int64_t now_s, struct fault *why)
{
    int r = queue_change(q, why);
    return r < 0 ? r : queue_done(q, drop(q, seq, now_s, why));
}

/* The row that SQL_SEALED stands on, sealed anew with another time.  */
static int set_time(struct queue *q, int64_t seq, int64_t occurred_ms, struct fault *why)
{
    struct queue_bond bond;
    struct buf plain;
    buf_init(&plain, QUEUE_ROW_MAX_BYTES);
    int r = open_row(q, SQL_SEALED, 0, &plain);
    queue_read_bond(q, SQL_SEALED, 0, &bond);
    bond.occurred_ms = occurred_ms;
    bond.flags &= ~(int64_t)(FLAG_STAMPED | FLAG_UNJUDGED);
    bond.boot_ms = 0;
    bond.boot_id = STR("");
    struct str bound = queue_bound(q, &bond, SEAL_VERSION);
    if (r >= 0) r = seal_encrypt(q->seal, bound, buf_str(&plain), q->sealed);
    buf_free(&plain);
    if (r < 0) return broken_seal(q, seq, r, why);
    struct str sealed = {(const char *)q->sealed, (size_t)r};
    return db_run(q->db, SQL_SET_TIME,
                  DB_ARGS(DB_ARG_INT(seq), DB_ARG_INT(occurred_ms), DB_ARG_INT(bond.flags),
                          DB_ARG_BLOB(sealed)),
                  why);
}

int queue_set_time(struct queue *q, int64_t seq, int64_t occurred_ms, struct fault *why)
{
    int r = queue_change(q, why);
    if (r < 0) return r;
    db_start(q->db, SQL_SEALED, DB_ARGS(DB_ARG_INT(seq)));
    r = db_next(q->db, SQL_SEALED, why);
    if (r == 0) return not_found(q, seq, why);
    if (r > 0) r = set_time(q, seq, occurred_ms, why);
    db_reset(q->db, SQL_SEALED);
    return queue_done(q, r < 0 ? r : 0);
}
