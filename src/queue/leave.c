/*
 * leave.c: many rows leave at once.
 *
 * What leaves is overwritten (secure_delete), so that a transaction writes as many bytes into the
 * WAL as its rows had: a hundred thousand would be a hundred MB beside the queue. What always holds:
 *
 * 1. Rows leave in slices of leave_max_bytes, a transaction each; the last stays open.
 * 2. A batch that was delivered needs no more: that a row was sent stays true, and what is left of
 *    the batch is under the mark.
 * 3. What must leave as a whole, and does not fit into one slice, is written down first: a note with
 *    all the numbers, in a commit of its own. From then on they have left. The slices follow at once,
 *    the last takes the note with it; where the disk or the power ends that, whoever touches the
 *    queue next goes on with it before a row is read.
 * 4. A slice repeats nothing: a row that has left is found no more.
 *
 * THE NOTE (slot 103 of `value`), sealed with the queue's key: state, whether dead rows leave too,
 * the counter + 1, each a byte; the time in 8 bytes, little end first; then the spans, two numbers
 * each: how far its first seq lies above the last before it, and its last above its first. Such a
 * number has 7 bits a byte, little end first, with the upper bit where more follow.
 */
#include "queue/leave.h"

#include "queue/inside.h"
#include "tillpost/err.h"

#include <stdlib.h>

enum {
    LEAVE_ON_FULL_BYTES = 16 * 1024,
    ROW_BYTES = 128, /* about, of a row beside what is sealed */
    NUMBER_MAX_BYTES = 10,
    NOTE_HEADER_BYTES = 3 + 8,
    NUMBERS_MAX_BYTES = 64 * 1024 * 1024
};
static const struct str note_bound = {"rows that leave", 15};

struct leaving {
    enum queue_state state;
    bool also_dead; /* dead rows too */
    int counter;    /* the value that counts them, or LEAVE_UNCOUNTED */
    int64_t now_s;
};

/* Numbers ------------------------------------------------------------------------------------- */

static void add_number(struct buf *b, uint64_t n)
{
    for (; n >= 0x80; n >>= 7) buf_add_char(b, (char)(n | 0x80));
    buf_add_char(b, (char)n);
}

static bool take_number(struct str *text, int64_t *out)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < NUMBER_MAX_BYTES && i < text->len; i++) {
        unsigned char c = (unsigned char)text->p[i];
        n |= (uint64_t)(c & 0x7f) << 7 * i;
        if (c >= 0x80) continue;
        *text = (struct str){text->p + i + 1, text->len - i - 1};
        *out = (int64_t)n;
        return true;
    }
    return false;
}

void queue_numbers_init(struct queue_numbers *n)
{
    buf_init(&n->spans, NUMBERS_MAX_BYTES);
    n->last = 0;
}

void queue_numbers_free(struct queue_numbers *n)
{
    buf_free(&n->spans);
}

void queue_numbers_add(struct queue_numbers *n, int64_t first, int64_t last)
{
    add_number(&n->spans, (uint64_t)(first - n->last));
    add_number(&n->spans, (uint64_t)(last - first));
    n->last = last;
}

/* Spans, from seqs or from a text of numbers. */
struct spans {
    const int64_t *seqs;
    size_t n;
    struct str text;
    int64_t last;
};

static bool next_span(struct spans *s, int64_t *first, int64_t *last)
{
    int64_t gap = 0, more = 0;
    size_t at = 1;
    if (s->text.p != NULL) {
        if (!take_number(&s->text, &gap) || !take_number(&s->text, &more)) return false;
        *first = s->last + gap;
        *last = s->last = *first + more;
        return true;
    }
    if (s->n == 0) return false;
    while (at < s->n && s->seqs[at] == s->seqs[at - 1] + 1) at++;
    *first = s->seqs[0];
    *last = s->seqs[at - 1];
    s->seqs += at;
    s->n -= at;
    return true;
}

/* Slices -------------------------------------------------------------------------------------- */

struct slice {
    int64_t low, high, queued, dead; /* rows that have left */
    int64_t bytes;                   /* that they had, at least */
};

int queue_note_gone(struct queue *q, int64_t first, int64_t last, int64_t count, struct fault *why)
{
    queue_set_slot(q, SLOT_GONE, q->slots[SLOT_GONE] + count);
    queue_set_slot(q, SLOT_LAST_SEQ, q->slots[SLOT_LAST_SEQ]); /* the newest may be among them */
    int r = queue_load_ends(q, why);
    if (r >= 0 && !queue_counts_hold(q)) r = db_call_damaged(q->db, why); /* rows out of reach */
    return r < 0 ? r : doubt_prune(q, first, last, why);
}

static int64_t slice_max(const struct queue *q)
{
    int64_t most = q->limits->leave_max_bytes;
    return q->full && most > LEAVE_ON_FULL_BYTES ? LEAVE_ON_FULL_BYTES : most;
}

/* Up to where the rows from first on go into this slice. */
static int fill_slice(struct queue *q, int64_t first, int64_t *last, int64_t *bytes,
                      struct fault *why)
{
    int r;
    db_start(q->db, SQL_SIZES, DB_ARGS(DB_ARG_INT(first), DB_ARG_INT(*last)));
    while ((r = db_next(q->db, SQL_SIZES, why)) > 0) {
        *bytes += ROW_BYTES + db_int(q->db, SQL_SIZES, 1);
        if (*bytes < slice_max(q)) continue;
        *last = db_int(q->db, SQL_SIZES, 0);
        break;
    }
    db_reset(q->db, SQL_SIZES);
    return r < 0 ? r : 0;
}

/* Rows of a range leave a table for `past`: how many. */
static int move_range(struct queue *q, enum sql to_past, enum sql remove,
                      const struct db_arg range[4], struct fault *why)
{
    int r = db_run(q->db, to_past, range, 4, why);
    return r <= 0 ? r : db_run(q->db, remove, range, 2, why);
}

static int move_span(struct queue *q, const struct leaving *l, int64_t first, int64_t last,
                     struct slice *s, struct fault *why)
{
    const struct db_arg range[] = {DB_ARG_INT(first), DB_ARG_INT(last), DB_ARG_INT(l->now_s),
                                   DB_ARG_INT(l->state)};
    int r = move_range(q, SQL_EVENT_TO_PAST, SQL_EVENT_REMOVE, range, why);
    if (r < 0) return r;
    s->queued += r;
    if (l->also_dead) r = move_range(q, SQL_DEAD_TO_PAST, SQL_DEAD_REMOVE, range, why);
    if (r < 0) return r;
    if (l->also_dead) s->dead += r;
    if (s->low == 0 || first < s->low) s->low = first;
    if (last > s->high) s->high = last;
    return 0;
}

/* The counters go with the rows. How many they were. */
static int end_slice(struct queue *q, const struct leaving *l, struct slice *s, struct fault *why)
{
    const struct slice done = *s;
    int r = 0, gone = (int)(done.queued + done.dead);
    *s = (struct slice){0};
    if (done.dead > 0) queue_set_slot(q, SLOT_DEAD, q->slots[SLOT_DEAD] - done.dead);
    if (gone > 0 && l->counter >= 0)
        queue_set_slot(q, (enum slot)l->counter, q->slots[l->counter] + gone);
    if (done.queued > 0) r = queue_note_gone(q, done.low, done.high, done.queued, why);
    else if (done.dead > 0) r = doubt_prune(q, done.low, done.high, why);
    return r < 0 ? r : gone;
}

/* A full slice ends, and a new transaction begins. */
static int commit_slice(struct queue *q, const struct leaving *l, struct slice *s, int *gone,
                        struct fault *why)
{
    int r = end_slice(q, l, s, why);
    if (r < 0) return queue_done(q, r);
    *gone += r;
    return queue_change_anew(q, why);
}

/* In the open transaction, or several. How many there were. */
static int leave(struct queue *q, const struct leaving *l, struct spans spans, struct fault *why)
{
    struct slice s = {0};
    int64_t first, end, last;
    int gone = 0, r = 0;
    while (r >= 0 && next_span(&spans, &first, &end)) {
        for (; r >= 0 && first <= end; first = last + 1) {
            last = end;
            if (s.bytes >= slice_max(q)) r = commit_slice(q, l, &s, &gone, why);
            if (r >= 0) r = queue_done(q, fill_slice(q, first, &last, &s.bytes, why));
            if (r >= 0) r = queue_done(q, move_span(q, l, first, last, &s, why));
        }
    }
    if (r >= 0) r = queue_done(q, end_slice(q, l, &s, why));
    return r < 0 ? r : gone + r;
}

int queue_settle(struct queue *q, const int64_t *seqs, size_t n, int64_t now_s, struct fault *why)
{
    const struct leaving sent = {QUEUE_SENT, false, LEAVE_UNCOUNTED, now_s};
    int r = queue_change(q, why);
    if (r >= 0) r = leave(q, &sent, (struct spans){.seqs = seqs, .n = n}, why);
    return r < 0 ? r : 0;
}

/* As a whole ---------------------------------------------------------------------------------- */

/* 1: one slice holds them. */
static int fit(struct queue *q, struct spans spans, struct fault *why)
{
    int64_t bytes = 0, first, end;
    while (next_span(&spans, &first, &end)) {
        int64_t last = end;
        if (bytes >= slice_max(q)) return 0;
        int r = fill_slice(q, first, &last, &bytes, why);
        if (r < 0 || last < end) return r;
    }
    return 1;
}

static void write_note(struct buf *out, const struct leaving *l, struct spans spans)
{
    struct queue_numbers n;
    int64_t first, last;
    queue_numbers_init(&n);
    const char header[] = {(char)l->state, (char)l->also_dead, (char)(l->counter + 1)};
    buf_add(out, header, sizeof header);
    for (unsigned i = 0; i < 8; i++) buf_add_char(out, (char)((uint64_t)l->now_s >> 8 * i));
    while (next_span(&spans, &first, &last)) queue_numbers_add(&n, first, last);
    buf_add_str(out, buf_str(&n.spans));
    out->failed |= n.spans.failed;
    queue_numbers_free(&n);
}

static int keep_note(struct queue *q, struct str note, struct fault *why)
{
    unsigned char *sealed = malloc(note.len + SEAL_OVERHEAD_BYTES);
    int r = sealed == NULL ? TILLPOST_E_NO_MEMORY : seal_encrypt(q->seal, note_bound, note, sealed);
    if (r < 0) {
        free(sealed);
        return fault_set(why, r, NULL, "%s: what leaves cannot be noted", q->path);
    }
    struct str blob = {(const char *)sealed, (size_t)r};
    r = db_run(q->db, SQL_VALUE_WRITE, DB_ARGS(DB_ARG_INT(SLOT_LEAVING), DB_ARG_BLOB(blob)), why);
    r = queue_done(q, r);
    if (r >= 0) r = queue_commit(q, why);
    free(sealed);
    return r;
}

static int decide(struct queue *q, const struct leaving *l, struct spans spans, struct fault *why)
{
    struct buf note;
    buf_init(&note, NUMBERS_MAX_BYTES);
    write_note(&note, l, spans);
    int r = note.failed ? fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "%s: out of memory", q->path)
                        : keep_note(q, buf_str(&note), why);
    buf_free(&note);
    if (r >= 0) q->owed = true;
    return r;
}

/* 1: there is one, unsealed. */
static int read_note(struct queue *q, struct buf *out, struct fault *why)
{
    db_start(q->db, SQL_VALUE_READ, DB_ARGS(DB_ARG_INT(SLOT_LEAVING)));
    int r = db_next(q->db, SQL_VALUE_READ, why);
    if (r <= 0) return r;
    struct str sealed = db_text(q->db, SQL_VALUE_READ, 0);
    if (sealed.len < SEAL_OVERHEAD_BYTES + NOTE_HEADER_BYTES) r = db_call_damaged(q->db, why);
    else if (!buf_reserve(out, sealed.len))
        r = fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "%s: out of memory", q->path);
    else r = seal_decrypt(q->seal, note_bound, (const unsigned char *)sealed.p, sealed.len, out->p);
    if (r == TILLPOST_E_DAMAGED) r = db_call_damaged(q->db, why);
    db_reset(q->db, SQL_VALUE_READ);
    if (r > 0) out->len = (size_t)r;
    return r < 0 ? r : 1;
}

static int follow_note(struct queue *q, struct str note, struct fault *why)
{
    struct leaving l = {(enum queue_state)note.p[0], note.p[1] != 0, note.p[2] - 1, 0};
    uint64_t now_s = 0;
    for (unsigned i = 0; i < 8; i++) now_s |= (uint64_t)(unsigned char)note.p[3 + i] << 8 * i;
    l.now_s = (int64_t)now_s;
    const struct spans spans = {.text = {note.p + NOTE_HEADER_BYTES, note.len - NOTE_HEADER_BYTES}};
    int gone = queue_change(q, why);
    if (gone >= 0) gone = leave(q, &l, spans, why);
    if (gone < 0) return gone;
    int r = db_run(q->db, SQL_VALUE_REMOVE, DB_ARGS(DB_ARG_INT(SLOT_LEAVING)), why);
    r = queue_done(q, r);
    if (r >= 0) r = queue_commit(q, why);
    return r < 0 ? r : gone;
}

int leave_go_on(struct queue *q, struct fault *why)
{
    struct buf note;
    buf_init(&note, NUMBERS_MAX_BYTES);
    q->leaving = true;
    int r = read_note(q, &note, why);
    if (r > 0) r = follow_note(q, buf_str(&note), why);
    if (r >= 0) q->owed = false;
    q->leaving = false;
    buf_free(&note);
    return r;
}

/* Behind queue_change. How many there were; a transaction is open as before. */
static int leave_whole(struct queue *q, const struct leaving *l, struct spans spans,
                       struct fault *why)
{
    int r = queue_done(q, fit(q, spans, why));
    if (r > 0) return leave(q, l, spans, why);
    if (r == 0) r = decide(q, l, spans, why);
    int gone = r < 0 ? r : queue_done(q, leave_go_on(q, why));
    if (gone >= 0) r = queue_change(q, why);
    return r < 0 ? r : gone;
}

int queue_settle_whole(struct queue *q, const struct queue_numbers *n, int64_t now_s,
                       const struct queue_whole *w, struct fault *why)
{
    const struct leaving sent = {QUEUE_SENT, false, (int)w->counter, now_s};
    int r = n->spans.failed ? TILLPOST_E_NO_MEMORY : queue_change(q, why);
    if (n->spans.failed) return fault_set(why, r, NULL, "%s: out of memory", q->path);
    if (r < 0) return r;
    queue_set_slot(q, (enum slot)w->name, w->name_value);
    r = leave_whole(q, &sent, (struct spans){.text = buf_str(&n->spans)}, why);
    if (r < 0) queue_rollback(q);
    return r < 0 ? r : 0;
}

int queue_drop_rows(struct queue *q, const int64_t *seqs, size_t n, int64_t now_s, int counter,
                    struct fault *why)
{
    const struct leaving dropped = {QUEUE_DROPPED, true, counter, now_s};
    int r = queue_change(q, why);
    return r < 0 ? r : leave_whole(q, &dropped, (struct spans){.seqs = seqs, .n = n}, why);
}
