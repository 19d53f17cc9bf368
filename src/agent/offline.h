/*
 * offline.h: what the command line can do without a running agent.
 *
 * Errors: CONFIG, NOT_FOUND (no queue yet), LOCKED (an agent has the queue), DENIED, STORAGE.
 */
#ifndef AGENT_OFFLINE_H
#define AGENT_OFFLINE_H

#include "agent/config.h"

/* The status of a stopped agent as JSON, in the shape of GET /v1/status with "state":"stopped". */
int offline_status(const struct config *c, struct buf *out, struct fault *why);

/* What a call would become, without a queue: the answer as JSON. Returns the HTTP status that the
 * agent would give. type as in /v1/<type>. */
int offline_dry_run(const struct config *c, const char *type, struct str body, struct buf *out);

#endif
