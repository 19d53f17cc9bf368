/*
 * offline.h: what the command line can do without a running agent.
 *
 * Errors: CONFIG, NOT_FOUND (no queue yet), LOCKED (an agent has the queue), DENIED, STORAGE.
 */
#ifndef AGENT_OFFLINE_H
#define AGENT_OFFLINE_H

#include "agent/config.h"

/* The status of a stopped agent as JSON, in the shape of GET /v1/status with "state":"stopped"; what
 * is not known is absent. c NULL: it is broken. look: into the queue. */
void offline_status(const struct config *c, bool look, struct buf *out);
/* Codes of its problems, for the manual's test: NULL behind the last. */
const char *offline_problem_code(size_t i);

/* What a call would become, without a queue: the answer as JSON. Returns the HTTP status that the
 * agent would give. type as in /v1/<type>. */
int offline_dry_run(const struct config *c, const char *type, struct str body, struct buf *out);

/* The queue without an agent, opened for a verb and closed by offline_close. */
struct offline {
    struct queue *queue;
};
int offline_open(struct offline *o, const struct config *c, struct fault *why);
/* The same, making the queue where there is none yet. */
int offline_make(struct offline *o, const struct config *c, struct fault *why);
void offline_close(struct offline *o);
/* The same answers as the routes give: GET /v1/events, GET /v1/events/ID, POST /v1/events/retry
 * (or drop). A change is committed. */
int offline_events(struct offline *o, const char *state, int64_t after, struct buf *out,
                   struct fault *why);
int offline_event(struct offline *o, const char *event_id, struct buf *out, struct fault *why);
int offline_change(struct offline *o, bool drop, struct str body, struct buf *out,
                   struct fault *why);
/* As POST /v1/erase; done when it returns. */
int offline_erase(struct offline *o, const struct config *c, struct str body, struct buf *out,
                  struct fault *why);
/* The same for GET /v1/export and POST /v1/export/settle; what was under way when the agent ended in
 * the middle counts as in flight. */
int offline_export(struct offline *o, int64_t after, struct buf *out, struct fault *why);
int offline_settle(struct offline *o, struct str body, struct buf *out, struct fault *why);
/* POST /v1/rows, committed; with o->queue NULL a dry run, in which nothing is stored. Returns the
 * HTTP status that the agent would give. */
int offline_rows(struct offline *o, const struct config *c, struct str body, struct buf *out);

#endif
