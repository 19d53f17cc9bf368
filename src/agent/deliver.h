/*
 * deliver.h: carries rows from the queue to the uplink and replies back, as sync decides.
 *
 * Three calls a turn, in this order: deliver_settle (the reply that came changes the open
 * transaction), deliver_plan (takes a batch, puts the in-flight mark into the open transaction),
 * then, after the commit, deliver_send. When the commit failed: deliver_commit_failed.
 *
 * What always holds: (1) no body goes out before its mark is on disk; after a try that surely did
 * nothing the mark goes, and the next one is written when a connection stands, so that a till which
 * is switched off every night of a week without a line does not find its sales in doubt; (2)
 * nothing but a clear yes settles a row; (3) a settle or a doubt whose commit failed is owed, and
 * nothing is sent until it is paid; (4) a row is judged by its age and its doubt before every send.
 */
#ifndef AGENT_DELIVER_H
#define AGENT_DELIVER_H

#include "agent/clock.h"
#include "agent/config.h"
#include "agent/secrets.h"
#include "sync/sync.h"
#include "tiktok/batch.h"
#include "tiktok/event.h"
#include "uplink/uplink.h"

#define DELIVER_DOUBT_MAX_S (40LL * 3600) /* TikTok forgets an id after 48 h */
enum {
    DELIVER_TOKEN_POLL_MS = 2000,
    DELIVER_DEBT_WAIT_MS = 1000,
    DELIVER_MARK_KEEP_MS = 60 * 1000 /* a mark that is wanted again within it is not taken off */
};

enum deliver_outcome {
    DELIVER_DONE,
    DELIVER_RETRY,
    DELIVER_DOUBT,
    DELIVER_SPLIT,
    DELIVER_PAUSE,
    DELIVER_OFFLINE,
    DELIVER_OUTCOMES
};
extern const char *const deliver_outcome_names[DELIVER_OUTCOMES];

/* Why an event is set aside. The order is that of the counters in queue.db: only ever add. */
enum deliver_dead_kind {
    DELIVER_DEAD_EXPIRED,
    DELIVER_DEAD_IN_FUTURE,
    DELIVER_DEAD_TOO_OLD,
    DELIVER_DEAD_UNKNOWN_OUTCOME,
    DELIVER_DEAD_DAMAGED,
    DELIVER_DEAD_TIKTOK,
    DELIVER_DEAD_HTTP,
    DELIVER_DEAD_COUNT
};
struct deliver_dead {
    const char *reason, *message;
};
extern const struct deliver_dead deliver_dead[DELIVER_DEAD_COUNT];

struct deliver_last { /* of the last try, for status */
    int64_t at_ms;    /* truth; 0: none yet */
    int code, http;   /* TikTok's code and the HTTP status; -1 and 0 when none */
    enum uplink_trouble trouble;
    bool answered, is_json, via_proxy, failed;
    char message[TIKTOK_MESSAGE_BYTES];
    char request_id[TIKTOK_REQUEST_ID_BYTES];
};

struct deliver {
    const struct config *config;
    struct queue *queue;
    struct clock *clock;
    struct sync sync;
    struct uplink *uplink;
    bool uplink_stale; /* the configuration changed: open it anew when it is free */
    struct secret token;
    int64_t token_polled_ms;
    int64_t seqs[SYNC_BATCH_MAX]; /* the batch at hand */
    unsigned rows;
    struct sync_next next; /* what deliver_send will do */
    bool wanted;           /* next is to be sent */
    bool mark_is_void;     /* nothing under the mark on disk was sent: its last try ended clearly */
    int64_t held_until_ms; /* monotonic: nothing is taken or sent before */
    bool in_flight_probe;
    bool unmarked;      /* the last try surely did nothing: the next body waits for a connection */
    bool releasing;     /* it stands, and the mark is in the open transaction */
    bool mark_failed;   /* its commit failed */
    bool probe_is_idle; /* a probe was answered and taught no time: do not ask again */
    bool told_no_time;  /* nor did the last answer of a verified server, and none before it */
    struct buf body;
    int64_t settling[SYNC_BATCH_MAX]; /* rows settled in the open transaction */
    unsigned settling_count;
    struct queue_range doubting; /* noted in it; first 0: none */
    bool in_debt;                /* its commit failed: do both again before anything else */
    int64_t buried[SYNC_BURIED_IN_A_ROW_MAX]; /* of the row of refusals at hand */
    unsigned buried_count;
    int64_t correct_from; /* the next row that a wrong clock may have stamped; 0: none */
    uint64_t outcomes[DELIVER_OUTCOMES];
    struct tiktok_outcome refusal; /* the last reply that refused a part of the batch */
    struct deliver_last last;
};

/* Opens the uplink and restores what a restart must not forget (marks, pauses). The queue's open
 * transaction may hold changes afterwards. */
int deliver_open(struct deliver *d, const struct config *config, struct queue *queue,
                 struct clock *clock, const struct clock_now *now, struct fault *why);
void deliver_close(struct deliver *d);
/* The way to TikTok that a configuration describes. */
int deliver_open_uplink(const struct config *c, int64_t timeout_ms, struct uplink **out,
                        struct fault *why);
/* Can deliveries go with it? CONFIG: a CA file without a certificate, a bad proxy or endpoint. */
int deliver_check(const struct config *config, struct fault *why);
void deliver_configure(struct deliver *d, const struct config *config, const struct clock_now *now);

int deliver_settle(struct deliver *d, const struct clock_now *now, struct fault *why);
int deliver_plan(struct deliver *d, const struct clock_now *now, struct fault *why);
void deliver_send(struct deliver *d, const struct clock_now *now);
void deliver_commit_failed(struct deliver *d);
/* ms until deliver needs a turn; INT64_MAX: not before something happens. */
int64_t deliver_timeout_ms(const struct deliver *d, const struct clock_now *now);

void deliver_try_now(struct deliver *d, const struct clock_now *now);
void deliver_line_changed(struct deliver *d, const struct clock_now *now);
/* Rows were dropped, retried or erased: the batch at hand is taken anew. */
void deliver_rows_changed(struct deliver *d);
/* The rows that may be in flight or owed a settle: true, or there are none. */
bool deliver_busy(const struct deliver *d, struct queue_range *out);
/* Deliveries wait so long (an export that met them shall win the next time); 0 ends it. */
void deliver_hold(struct deliver *d, const struct clock_now *now, int64_t ms);
/* Before a clean end: a mark under which nothing was sent would mean doubt at the next start. */
int deliver_rest(struct deliver *d, struct fault *why);
/* The server's time, when it can be believed: verified, and not before this program was built. */
bool deliver_date(const struct uplink_reply *reply, int64_t *out_ms);
int deliver_operator_pause(struct deliver *d, const struct clock_now *now, bool paused,
                           struct fault *why);

#endif
