/*
 * queue.h: the durable queue. The only door to SQLite.
 *
 * Knows ids, sealed bytes and times; neither JSON nor TikTok. One connection, EXCLUSIVE, WAL,
 * synchronous=FULL. Changes gather in one transaction, opened by the first of them; nothing is
 * durable, and nothing may be answered, before queue_commit has returned >= 0. After a failed
 * commit or change the whole open transaction is gone (rolled back) and the queue has reopened and
 * verified itself or says what is wrong at the next call. NOT_FOUND, TOO_LARGE, a broken seal and a
 * push's QUEUE_FULL are no such failures: the transaction stays open, as queue_dirty then says.
 *
 * Units: times in Unix seconds (`_s`) unless named `_ms`. Owner: rows handed out borrow until the
 * next call on the queue; in a visitor, until it returns.
 * Errors: QUEUE_FULL (max_size, ENOSPC, EDQUOT, EFBIG), STORAGE, LOCKED, DAMAGED, DENIED,
 * CANT_CREATE, NO_MEMORY; message names file, cause and what to do. On opening also CONFIG: the key
 * does not fit, a newer program's or another program's file; the file is left as it was.
 * SIGXFSZ must be ignored for EFBIG to be an error and not the end.
 */
#ifndef QUEUE_QUEUE_H
#define QUEUE_QUEUE_H

#include "base/fault.h"
#include "base/text.h"
#include "queue/value.h"

enum { QUEUE_KEY_BYTES = 32, QUEUE_BOOT_BYTES = 16, QUEUE_ROW_MAX_BYTES = 64 * 1024 };
enum queue_state { QUEUE_QUEUED, QUEUE_SENT, QUEUE_DEAD, QUEUE_DROPPED };

struct queue;
struct queue_options {
    const char *path;
    const unsigned char *key; /* QUEUE_KEY_BYTES; copied, the copy is wiped by queue_close */
    int64_t max_size_bytes;   /* of queue.db; less under a limit of file sizes */
    const char *vfs;          /* NULL: the default (tests bring their own) */
};
int queue_open(const struct queue_options *options, struct queue **out, struct fault *why);
void queue_close(struct queue *q); /* rolls back what was not committed */

/* event_id and key_event together are unique among all that the queue remembers. */
struct queue_event {
    struct str event_id;
    struct str event;     /* name as it will be sent */
    struct str key_event; /* name that is unique with the id */
    struct str rest;      /* what is sealed */
    struct str test_code;
    int64_t occurred_ms;
    int64_t recorded_s;
    bool stamped;                 /* the agent's clock gave occurred_ms */
    bool unjudged;                /* age not judged yet */
    int64_t boot_ms;              /* boot-time clock at the sale, when stamped */
    const unsigned char *boot_id; /* QUEUE_BOOT_BYTES, when stamped */
};
/* 0 stored (in the open transaction), 1 known already: nothing stored. *seq is its number in both
 * cases. Numbers rise and are never given again. TOO_LARGE: rest over QUEUE_ROW_MAX_BYTES. */
int queue_push(struct queue *q, const struct queue_event *e, int64_t *seq, struct fault *why);
/* 1: something was written, 0: nothing open */
int queue_commit(struct queue *q, struct fault *why);
void queue_rollback(struct queue *q);
/* A transaction that has grown long (some MB) is committed by the change that comes then: what went
 * before is durable, whatever becomes of the rest. Who takes care to commit when this is true, which
 * comes first, never has that. */
bool queue_is_long(const struct queue *q);
/* fsyncs that failed, ever since it was made. */
unsigned queue_sync_failures(const struct queue *q);
bool queue_dirty(const struct queue *q); /* a transaction is open */

struct queue_row {
    int64_t seq;
    enum queue_state state;
    struct str event_id, event, test_code;
    int64_t occurred_ms, recorded_s;
    bool stamped, unjudged;
    int64_t boot_ms;
    unsigned char boot_id[QUEUE_BOOT_BYTES];
    size_t rest_len;            /* of the plain text, before it is unsealed */
    struct str reason, message; /* of a dead one */
    int64_t ended_s;            /* sent, dead or dropped at; 0 while queued */
};
/* 0 goes on, 1 stops. While a visitor runs, changes and further walks are refused (INTERNAL);
 * queue_unseal, counts, values, the mark and doubts may be asked. */
typedef int (*queue_visit)(void *ctx, const struct queue_row *row);
/* Queued rows with first <= seq <= last in order, without their sealed part. */
int queue_walk(struct queue *q, int64_t first, int64_t last, queue_visit visit, void *ctx,
               struct fault *why);
/* The same for who unseals nearly each of them: queue_unseal then finds its row where the walk
 * stands. */
int queue_walk_sealed(struct queue *q, int64_t first, int64_t last, queue_visit visit, void *ctx,
                      struct fault *why);
/* Unseals one queued row's rest into out (appended). DAMAGED: its seal is broken; NOT_FOUND. */
int queue_unseal(struct queue *q, int64_t seq, struct buf *out, struct fault *why);
/* Rows in a state after seq, at most limit, and all rows with an id; in order of seq. */
int queue_list(struct queue *q, enum queue_state state, int64_t after, unsigned limit,
               queue_visit visit, void *ctx, struct fault *why);
int queue_find(struct queue *q, struct str event_id, queue_visit visit, void *ctx,
               struct fault *why);

/* Delivery. All change the open transaction. Settle: the row goes, its id stays; seqs that are not
 * queued are passed over. A batch of over 1 MiB, less on a full disk, is settled, and committed, in
 * parts (as a whole: leave.h). The others: NOT_FOUND when the row is not in the state that they
 * need. */
int queue_settle(struct queue *q, const int64_t *seqs, size_t n, int64_t now_s, struct fault *why);
int queue_bury(struct queue *q, int64_t seq, const char *reason, const char *message, int64_t now_s,
               struct fault *why);
int queue_retry(struct queue *q, int64_t seq, struct fault *why); /* dead to queued; NOT_FOUND */
int queue_drop(struct queue *q, int64_t seq, int64_t now_s, struct fault *why); /* queued or dead */
/* The row's true time; it no longer is `stamped` or `unjudged`. DAMAGED: its seal is broken. */
int queue_set_time(struct queue *q, int64_t seq, int64_t occurred_ms, struct fault *why);

/* The in-flight mark (one at most) and the ranges in doubt (one a batch). Ranges are of seq,
 * inclusive; a doubt range goes by itself when its last row has gone, the dead ones too: one that
 * is given back is in doubt as before. */
struct queue_range {
    int64_t first, last;
    int64_t since_s;
};
int queue_mark(struct queue *q, const struct queue_range *r, struct fault *why); /* NULL clears */
int queue_marked(struct queue *q, struct queue_range *out); /* 1: there is one */
int queue_doubt_add(struct queue *q, const struct queue_range *r, struct fault *why);
/* The doubt range that holds seq with the earliest since_s: 1 and *out, or 0. */
int queue_doubt_find(struct queue *q, int64_t seq, struct queue_range *out);
int queue_doubt_count(struct queue *q);
int queue_doubt_clear(struct queue *q, int64_t seq, struct fault *why); /* a person has decided */
/* Gives every doubt the hour that `date` makes of its own. */
typedef int64_t (*queue_date)(const void *ctx, int64_t since_s);
int queue_doubt_redate(struct queue *q, queue_date date, const void *ctx, struct fault *why);

/* Small named values that survive restarts: value.h. */

struct queue_counts { /* O(1), from memory */
    int64_t queued, dead;
    int64_t oldest_recorded_s;      /* of the oldest queued row, 0 when none */
    int64_t oldest_seq, newest_seq; /* of queued rows, 0 when none */
    int64_t size_bytes;             /* queue.db */
};
void queue_counts(struct queue *q, struct queue_counts *out);

/* Idle work in small steps; 1: there may be more to do. Forgets sent and dropped ids that ended
 * before forget_before_s, drops dead rows that ended before dead_before_s (ages NULL: neither; again
 * once that has moved on by an hour), checkpoints, gives pages back, keeps the ballast. Commits by
 * itself; does nothing while a transaction is open. At rest it writes nothing. */
struct queue_ages {
    int64_t forget_before_s, dead_before_s;
};
int queue_tidy(struct queue *q, const struct queue_ages *ages, struct fault *why);

#endif
