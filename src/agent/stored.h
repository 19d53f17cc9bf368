/*
 * stored.h: what status tells from the queue alone, whether the agent runs or not, as JSON.
 */
#ifndef AGENT_STORED_H
#define AGENT_STORED_H

#include "base/text.h"
#include "sync/sync.h"

struct queue;

/* The fault for which deliveries pause, across restarts; SYNC_RUNNING: none. */
enum sync_pause stored_fault(struct queue *q);
/* The same, and the operator's pause where there is no fault. */
enum sync_pause stored_pause(struct queue *q);
void stored_write_pause(struct queue *q, enum sync_pause why, struct buf *out);
void stored_write_time(struct buf *out, int64_t unix_ms); /* null for 0 */

#endif
