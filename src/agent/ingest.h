/*
 * ingest.h: from the body of an event route to rows of the queue and the words of the answer.
 *
 * Nothing here is durable: the caller commits before it lets the answer go.
 * Units: none of its own. Owner: the answer is written into the caller's buffer.
 */
#ifndef AGENT_INGEST_H
#define AGENT_INGEST_H

#include "agent/clock.h"
#include "agent/config.h"
#include "queue/queue.h"
#include "tiktok/event.h"

enum {
    INGEST_CALL_MAX_BYTES = 32 * 1024,
    INGEST_DEPTH_MAX = 16,
    INGEST_VALUES_MAX = 2000,
    INGEST_BATCH_CALLS_MAX = 1000,
    INGEST_ARENA_MAX_BYTES = 2 * 1024 * 1024
};

enum ingest_result {
    INGEST_QUEUED,
    INGEST_DUPLICATE,
    INGEST_IGNORED,
    INGEST_REFUSED,
    INGEST_RESULTS
};

struct ingest {
    const struct config *config; /* may change between calls */
    struct queue *queue;         /* NULL: a dry run, nothing is pushed */
    const struct clock *clock;
    struct arena arena;
    /* Id of a call that gives none and of which none can be made; "": a fresh one. */
    char own_id[TIKTOK_ID_BYTES];
    uint64_t counts[INGEST_RESULTS];
    size_t pushed_bytes; /* since the owner last set it to 0 */
};

void ingest_init(struct ingest *g, const struct config *config, struct queue *queue,
                 const struct clock *clock);
void ingest_free(struct ingest *g);

/* What every event of this configuration is built by, and when. */
struct tiktok_rules ingest_rules(const struct ingest *g);
struct tiktok_moment ingest_moment(const struct ingest *g, const struct clock_now *now,
                                   struct str sent_at);
/* Pushes a built event: 0 queued, 1 known already, < 0 an error of the queue's. */
int ingest_push(struct ingest *g, const struct clock_now *now, const struct tiktok_event *e,
                struct fault *why);

/* ,"warnings":[{"path","code","message"}]; nothing when there are none. */
void ingest_write_warnings(struct buf *out, const struct tiktok_warnings *w);

/* One call. type: "track" for /v1/track, and so on. Writes the answer's JSON; returns the HTTP
 * status. 503 and 507 mean that the open transaction is gone. */
int ingest_call(struct ingest *g, const struct clock_now *now, const char *type, struct str body,
                struct buf *answer);
/* Takes one raw item of a JSON list: writes its result, returns its HTTP status. */
typedef int (*ingest_take)(void *ctx, struct str item, struct buf *answer);
/* "results":[…]} behind what was written since `head`, which begins with {"success":true and a
 * blank: a result an item, in order. Returns 200, 422 when some are refused, or 503 or 507, whose
 * refusal alone is the answer then, when nothing is stored. */
int ingest_each(struct ingest *g, struct str items, ingest_take take, void *ctx, size_t head,
                struct buf *answer);
/* {"batch":[…]}. */
int ingest_batch(struct ingest *g, const struct clock_now *now, struct str body,
                 struct buf *answer);

#endif
