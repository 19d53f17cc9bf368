/*
 * sync.h: when to send, how much, how long to wait, what a reply does to the rows. Pure.
 *
 * The engine knows a batch as rows 0 … n-1; agent keeps which rows of the queue they are. Time and
 * chance come in as arguments. Retry state lives here, in memory, never in rows.
 *
 * One round: sync_next says what to do now → agent takes a batch (sync_begin) or sends rows [lo, hi)
 * of it or a probe (sync_sent) → the reply comes (sync_reply) and says what happens to the rows →
 * sync_next again. At most one request is under way.
 *
 * Row numbers: a row that is settled or buried leaves the batch, and every row behind it moves up
 * (agent closes the gap in its array). A verdict names rows as they were numbered in the send.
 *
 * Units: times in ms of a monotonic clock; waits in ms.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SYNC_BATCH_MAX = 1000,
    SYNC_PROBE_EVERY_MS = 15 * 60 * 1000, /* while paused for token or configuration */
    SYNC_PROBE_RETRY_MIN_MS = 60 * 1000,  /* while paused and the probe itself fails */
    SYNC_BURIED_IN_A_ROW_MAX = 20,        /* then they go back and deliveries pause */
    SYNC_DNS_WAIT_MS = 30 * 1000,         /* least wait while only name resolution fails */
    SYNC_RETRY_AFTER_MIN_MS = 1000,
    SYNC_RETRY_AFTER_MAX_MS = 60 * 60 * 1000,
    SYNC_WAIT_MIN_MS = 1000,               /* floor of the jitter; retry_first if that is less */
    SYNC_START_JITTER_MS = 10 * 1000,      /* first try after start when there is a backlog */
    SYNC_KICK_JITTER_MS = 2 * 1000,        /* a line that came back */
    SYNC_KICK_APART_MS = 2 * 1000,         /* least time between two kicks: a line that flaps */
    SYNC_RESTART_APART_MS = 15 * 60 * 1000 /* and between two that restart the backoff */
};
#define SYNC_NEVER INT64_MAX

struct sync_settings {
    int64_t retry_first_ms, retry_most_ms; /* a change counts from the next wait on */
};

/* clang-format off */
enum sync_pause { SYNC_RUNNING, SYNC_PAUSED_OPERATOR, SYNC_PAUSED_CREDENTIALS,
                  SYNC_PAUSED_CONFIGURATION };
enum sync_class { SYNC_DONE, SYNC_RETRY, SYNC_DOUBT, SYNC_SPLIT, SYNC_PAUSE_CREDENTIALS,
                  SYNC_PAUSE_CONFIGURATION }; /* of a reply */
/* clang-format on */

enum sync_step {
    SYNC_WAIT, /* nothing until at_ms (SYNC_NEVER: until something changes), or until the reply */
    SYNC_TAKE, /* take a batch from the queue, then sync_begin */
    SYNC_SEND, /* send rows [lo, hi) of the batch, then sync_sent */
    SYNC_PROBE /* send a probe, then sync_sent */
};
struct sync_next {
    enum sync_step step;
    unsigned lo, hi;
    int64_t at_ms;
};

struct sync_reply {
    enum sync_class class;
    int64_t retry_after_ms; /* -1: none given */
    long index;             /* the row of the sent part that the reply names (0-based), or -1 */
    bool dns_only;          /* only name resolution failed */
    bool too_large;         /* SPLIT because of size (HTTP 413): no row of several is at fault */
};

enum sync_verdict_what {
    SYNC_KEEP,       /* rows stay as they are */
    SYNC_SETTLE,     /* rows [lo, hi) are delivered */
    SYNC_NOTE_DOUBT, /* rows [lo, hi) may have been counted: note it once */
    SYNC_BURY,       /* row lo becomes dead with the reply's message */
    SYNC_UNBURY /* the last `unbury` rows that were buried go back to queued; row lo stays too */
};
struct sync_verdict {
    enum sync_verdict_what what;
    unsigned lo, hi;
    unsigned unbury;
    bool bury_hi;    /* with SETTLE: row hi is what is left of a refused part and becomes dead too,
                        with the message of the last SPLIT reply */
    bool batch_over; /* every row of the batch has gone or stays for a later batch */
    bool paused_now; /* this reply began a pause, or gave it another cause */
};

/* The batch at hand: see sync.c. All counts are of rows, from row 0 on. */
struct sync_batch {
    unsigned rows;     /* still to be decided; 0: no batch */
    unsigned suspect;  /* a faulty one is among so many */
    unsigned refusals; /* refused sends that held all the suspects */
    unsigned doubted;  /* for so many doubt has been noted */
    unsigned send_max; /* more in one send was too large */
    bool ask_witness;  /* send one other row before the last of many in a row is buried */
    unsigned witness;  /* that row */
};
/* State. Fields are the engine's own; read through the functions. */
struct sync {
    struct sync_settings settings;
    enum sync_pause fault_pause; /* credentials, configuration or running */
    bool operator_pause;
    bool under_way, probing, probe_wanted;
    unsigned sent_lo, sent_hi; /* what is under way */
    struct sync_batch batch;
    unsigned refused_in_a_row;   /* rows found at fault with no success between */
    unsigned buried_in_a_row;    /* of these, the ones that are dead now */
    unsigned failures, part;     /* in a row; of its window, where a pair's first wait came from */
    int64_t not_before_ms;       /* next try */
    int64_t server_wait_ms;      /* not before this either: the server said so (Retry-After) */
    int64_t kick_ms, restart_ms; /* a change of the line: the last try, the last new backoff */
    /* While a request was under way: the line changed, a new token came, the batch is to go. */
    bool kick_wanted, credentials_new, abandon_wanted;
};

void sync_init(struct sync *s, const struct sync_settings *settings);
void sync_set_settings(struct sync *s, const struct sync_settings *settings);
/* After start: with a backlog the first try waits for a random part of SYNC_START_JITTER_MS. */
void sync_start(struct sync *s, int64_t now_ms, bool backlog, double chance);
/* queued: rows that could be taken when no batch is at hand. */
void sync_next(const struct sync *s, int64_t now_ms, int64_t queued, struct sync_next *out);
/* rows: 1 … SYNC_BATCH_MAX; 0 means that there was nothing to take after all. */
void sync_begin(struct sync *s, unsigned rows);
void sync_sent(struct sync *s, const struct sync_next *step);
/* The reply (or its failure) to what is under way. chance in [0, 1) is used for the backoff. */
void sync_reply(struct sync *s, int64_t now_ms, const struct sync_reply *reply, double chance,
                struct sync_verdict *out);
/* Forget the batch at hand (rows changed under it: erase, drop, expiry, export, a new batch size);
 * while a request is under way, as soon as its reply has been taken in. */
void sync_abandon(struct sync *s);

/* The operator, a technician's "try now", a line that came back, a new token. None of them sends
 * anything while the operator has paused. */
void sync_operator_pause(struct sync *s, bool paused);
void sync_try_now(struct sync *s, int64_t now_ms); /* probes while paused for a fault */
/* A try within SYNC_KICK_JITTER_MS if the last one failed, but not before a Retry-After has run
 * out; the backoff begins anew, for a line comes up in steps (carrier, address, route). */
void sync_line_changed(struct sync *s, int64_t now_ms, double chance);
/* While paused for a fault: probes at once; so too if the request under way was sent with the old
 * token and is refused. */
void sync_credentials_changed(struct sync *s, int64_t now_ms);
void sync_want_probe(struct sync *s); /* before a batch that needs trusted time */
/* Restored at start. Sets no wait: the first probe is due when sync_start says. A pause that begins
 * later comes from sync_reply, which does. */
void sync_pause_for(struct sync *s, enum sync_pause why);

enum sync_pause sync_paused(const struct sync *s);              /* a fault before the operator */
bool sync_failing(const struct sync *s);                        /* the last try failed */
int64_t sync_next_try_ms(const struct sync *s, int64_t now_ms); /* wait in ms; -1: none planned */

#endif
