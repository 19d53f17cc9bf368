/*
 * salvage.h: a damaged queue, put aside and moved into a new one. Private; the promise is aside.h's.
 */
#ifndef QUEUE_SALVAGE_H
#define QUEUE_SALVAGE_H

#include "queue/aside.h"

enum { SALVAGE_DOUBTS_MAX = 64 };

/* aside.c */
bool aside_is_ours(const struct queue *q); /* the file in its place, whatever SQLite says */
int aside_move(const struct queue *q);     /* out of the way: then rows may be moved from it */
int aside_resume(const struct queue *q);   /* finishes a move that a power cut ended */
bool aside_pending(const struct queue *q); /* there is one with rows to move */
int aside_finish(const struct queue *q);   /* it gets its dated name */
int aside_remove_all(const struct queue *q);
unsigned aside_count(const struct queue *q);
void aside_wreck_path(const struct queue *q, char *out, size_t out_bytes);

/* salvage.c */
int salvage_begin(struct queue *q, struct fault *why);
int salvage_step(struct queue *q, struct fault *why); /* 1 there may be more, 0 nothing to do */

#endif
