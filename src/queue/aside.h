/*
 * aside.h: what becomes of a damaged queue.
 *
 * A queue.db that SQLite refuses, at opening or later, is set aside with its WAL under a dated name
 * (queue.db-damaged-…, at most two are kept), a new one takes its place, and what can be read moves
 * over: at once as far as QUEUE_SALVAGE_OPEN_MS reach, then in idle steps (queue_tidy). A person
 * acknowledges by removing the file.
 */
#ifndef QUEUE_ASIDE_H
#define QUEUE_ASIDE_H

#include "queue/queue.h"

enum { QUEUE_SALVAGE_OPEN_MS = 1500, QUEUE_ASIDE_MAX = 2 };

struct queue_damage {
    bool salvaging;        /* rows are still moving over */
    int64_t saved, broken; /* rows of the last one: saved, and those whose seal is broken */
    unsigned times;        /* set aside since it was opened */
};
void queue_damage(struct queue *q, struct queue_damage *out);
bool queue_was_damaged(const struct queue *q); /* and nobody has acknowledged it; asks the disk */
bool queue_salvaging(const struct queue *q);   /* queue_tidy has rows to move: call it soon */

#endif
