/*
 * hours.h: how many events were delivered in each of the last 48 hours, across restarts.
 *
 * Units: Unix seconds; an hour begins where UTC's does.
 */
#ifndef AGENT_HOURS_H
#define AGENT_HOURS_H

#include "queue/queue.h"

enum { HOURS_KEPT = 48 };

/* Rides in the open transaction, with the settle it counts. */
int hours_add(struct queue *q, int64_t now_s, int64_t delivered, struct fault *why);
/* A JSON array of HOURS_KEPT numbers, the oldest first, the hour of now_s last. */
void hours_write(struct queue *q, int64_t now_s, struct buf *out);

#endif
