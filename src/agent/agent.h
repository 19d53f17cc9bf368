/*
 * agent.h: everybody together: the state of a running agent and its loop.
 *
 * One process, one thread, one turn at a time: sleep → one reading of the clocks → take in what
 * callers sent → one commit for all of it → answer them → send if due → tidy.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/confine.h"
#include "agent/deliver.h"
#include "agent/erase.h"
#include "agent/folder.h"
#include "agent/ingest.h"
#include "agent/page.h"
#include "api/api.h"

enum {
    AGENT_ANSWERS_MAX = 2 * API_CONNECTIONS_MAX, /* at hand in one turn */
    AGENT_COMMIT_MAX_BYTES = 2 * 1024 * 1024,    /* pushed in one commit */
    AGENT_ANSWER_MAX_BYTES = 8 * 1024 * 1024,    /* of one answer */
    AGENT_SLEEP_MAX_MS = 60 * 1000,
    AGENT_TIDY_EVERY_MS = 30 * 1000, /* while nothing happens */
    AGENT_LOCK_WAIT_MS = 5 * 1000,   /* at start, for a queue that another program has open */
    AGENT_LOCK_TRY_MS = 50,
    AGENT_TIDY_SLICE_MS = 5,            /* between two steps of tidying */
    AGENT_TOKENS_LOOK_MS = 1000,        /* between two looks at listen.token_file */
    AGENT_WATCHDOG_SIGNS = 3,           /* of life, in the time that the service manager waits */
    AGENT_SYNCS_FAILED_MAX = 3,         /* in a minute; then exit 74 */
    AGENT_DEAD_KEEP_S = 90 * 24 * 3600, /* dead rows; then they are dropped */
    AGENT_COMMIT_BUCKETS = 10
};

struct answer { /* waits for the commit */
    struct api_request request;
    int status;
    bool promises; /* becomes 503 or 507 when the commit fails */
    bool later;    /* somebody else will answer */
    const char *content_type;
    char nonce[PAGE_NONCE_BYTES]; /* of the status page; empty: this is another answer */
    struct buf body;
};

enum agent_storage_op { AGENT_STORAGE_COMMIT, AGENT_STORAGE_TIDY, AGENT_STORAGE_OPS };

struct agent_metrics {
    uint64_t commits[AGENT_COMMIT_BUCKETS + 1]; /* per bucket, the last is +Inf */
    double commit_seconds;
    uint64_t storage_faults[AGENT_STORAGE_OPS];
};

struct agent {
    const char *config_file;
    struct config *config;
    struct queue *queue;
    struct api *api;
    struct secret tokens;    /* of the TCP listener */
    int64_t tokens_at_ms;    /* next look at their file, monotonic */
    struct fault tokens_why; /* err not 0: what is in their file now is not in force */
    struct clock clock;
    struct clock_now now;
    struct ingest ingest;
    struct deliver deliver;
    struct confine confine;
    struct eraser eraser;
    struct folder *folder; /* NULL: none is configured */
    struct answer answers[AGENT_ANSWERS_MAX];
    size_t answer_count;
    int signals, netwatch;
    bool stop;
    int exit_status;     /* not 0: leave with it */
    bool storage_failed; /* the last commit failed */
    struct fault storage_why;
    unsigned syncs_failed;                           /* of the queue, and noted */
    int64_t syncs_failed_ms[AGENT_SYNCS_FAILED_MAX]; /* the last ones, monotonic */
    int64_t tidy_at_ms;                              /* next step of tidying, monotonic */
    int64_t watchdog_ms;    /* between two signs of life; 0: nobody waits for one */
    int64_t watchdog_at_ms; /* the next one, monotonic */
    unsigned damage_told;   /* times that the queue was damaged, and the log knows */
    bool damage_telling;
    bool reload_failed; /* the last SIGHUP found a broken file */
    struct agent_metrics metrics;
};

/* routes.c */
extern const struct api_route agent_routes[];
extern const size_t agent_route_count;
/* Handles one request: fills the answer; may change the queue's open transaction. */
void agent_handle(struct agent *a, struct answer *answer);

/* reload.c: a new configuration file. Nothing changes when it is broken. */
void agent_reload(struct agent *a);
/* Has listen.token_file changed? Then its tokens are in force; while they cannot be used, the old
 * ones stay. */
void agent_watch_tokens(struct agent *a);
/* The options the api gets from a configuration; tokens must outlive the call. */
struct api_options agent_api_options(const struct config *c, const struct secret *tokens);

/* status.c, metrics.c */
enum {
    AGENT_PROBLEM_WORDS_MAX = 69
}; /* bytes of a message, or of what to do: a line of 80 columns */
struct agent_problem {
    const char *code;
    bool (*is)(struct agent *a);
    const char *message, *todo;
};
extern const struct agent_problem agent_problems[];
extern const size_t agent_problem_count;
void agent_write_status(struct agent *a, struct buf *out);
void agent_write_metrics(struct agent *a, struct buf *out);
const char *agent_metric_name(size_t i); /* for the manual's test; NULL behind the last */

#endif
