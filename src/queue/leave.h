/*
 * leave.h: many rows leave the queue at once; their ids stay. Part of queue.h.
 *
 * Whoever has written 100,000 events into files needs them gone as a whole: all, or none, whatever
 * happens. The WAL does not grow with them: what one transaction cannot hold is decided in one, and
 * goes in many that follow at once (leave.c).
 */
#ifndef QUEUE_LEAVE_H
#define QUEUE_LEAVE_H

#include "queue/queue.h"

/* Ranges of seqs, in a few bytes each. Owner: the caller; free in every case. */
struct queue_numbers {
    struct buf spans; /* of what could not be kept settle_whole tells: NO_MEMORY */
    int64_t last;
};
void queue_numbers_init(struct queue_numbers *n);
void queue_numbers_free(struct queue_numbers *n);
void queue_numbers_add(struct queue_numbers *n, int64_t first, int64_t last); /* rising */

/* Their queued rows leave, sent, all or none. With them, and never without, `name` becomes
 * name_value and `counter` grows by so many. The open transaction may be committed on the way, but
 * one is open afterwards. After an error it is rolled back; name_value then tells whether the rows
 * leave as soon as the disk allows it. */
struct queue_whole {
    enum queue_value name;
    int64_t name_value;
    enum queue_value counter;
};
int queue_settle_whole(struct queue *q, const struct queue_numbers *n, int64_t now_s,
                       const struct queue_whole *w, struct fault *why);

/* Private to the room ------------------------------------------------------------------------- */

enum { LEAVE_UNCOUNTED = -1 };
/* Queued and dead rows leave, dropped, all or none; how many there were. seqs: rising. */
int queue_drop_rows(struct queue *q, const int64_t *seqs, size_t n, int64_t now_s, int counter,
                    struct fault *why);
int leave_go_on(struct queue *q, struct fault *why); /* with what was decided and is not done */
/* So many rows have left `event` (or come back); those are between first and last. */
int queue_note_gone(struct queue *q, int64_t first, int64_t last, int64_t count, struct fault *why);

#endif
