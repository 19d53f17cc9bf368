/* open.h: the queue and the clock of a configuration, for the agent and for verbs without one. */
#ifndef AGENT_OPEN_H
#define AGENT_OPEN_H

#include "agent/clock.h"
#include "agent/config.h"
#include "agent/secrets.h"

/* Reads the key (a systemd credential "queue-key", queue.key_file, else "key" beside the queue) and
 * opens the queue. may_create: a missing queue, and a missing key where there is no queue, are
 * made; else NOT_FOUND. */
int open_queue(const struct config *c, bool may_create, struct queue **out, struct fault *why);

/* Where the key is, without looking at it. CONFIG: the path is too long. */
int open_key_path(const struct config *c, char out[SECRET_PATH_BYTES], struct fault *why);

/* The clock as the queue remembers it; without a queue (NULL) it remembers nothing. INTERNAL: this
 * boot cannot be named. */
int open_clock(struct queue *q, struct clock *out, struct fault *why);
struct clock_now open_read_clocks(void);

#endif
