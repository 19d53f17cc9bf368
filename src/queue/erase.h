/*
 * erase.h: right to erasure: finds events by what is sealed in them, and removes them for good.
 *
 * An erasure goes through queued and dead rows in order of seq, a slice at a time, while others are
 * pushed and settled: begin, look until it returns 0, finish; free in every case.
 *
 * Owner: the finds belong to the erasure. Errors: those of queue.h; after one the erasure goes on
 * where it was, and nothing is removed unless finish returned >= 0.
 */
#ifndef QUEUE_ERASE_H
#define QUEUE_ERASE_H

#include "queue/queue.h"

struct queue_erasure {
    int64_t after_seq; /* looked at up to here */
    int64_t *seqs;     /* of the finds, rising */
    size_t count, cap;
};
void queue_erasure_begin(struct queue_erasure *e);
void queue_erasure_free(struct queue_erasure *e);

/* rest: the plain text of a row, lent for the call. Must not ask the queue anything. */
typedef bool (*queue_match)(void *ctx, struct str rest);
/* Looks for about slice_ms at rows not looked at yet: 1 there are more, 0 all have been seen. Rows
 * whose seal is broken cannot be read by anybody and are passed over. */
int queue_erasure_look(struct queue *q, struct queue_erasure *e, queue_match match, void *ctx,
                       int slice_ms, struct fault *why);
/* Removes all finds in one transaction, commits it (with what else was in it), and empties the WAL,
 * so that no file of the queue holds them; their ids stay known. Returns how many it removed. When
 * it fails after the commit the rows are gone, and a repeat empties the WAL. */
int queue_erasure_finish(struct queue *q, struct queue_erasure *e, int64_t now_s,
                         struct fault *why);

#endif
