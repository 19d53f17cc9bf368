/*
 * deliver_take.c: which rows go, which are set aside.
 *
 * What always holds: (1) a row is set aside for its age or its doubt only while the clock is
 * trusted; (2) a row whose fate depends on the true time (doubtful, stamped by us, not judged on
 * arrival) waits for a probe while it is not, unless a probe has shown that the server tells no
 * time; (3) the rows of a batch share one test code.
 */
#include "agent/deliver_inside.h"
#include "base/log.h"

#include <string.h>

enum {
    BURY_MAX = 256, /* a turn: thousands that expire together must not hold up a sale */
    ROW_GOOD = DELIVER_DEAD_COUNT
};

struct taking {
    struct deliver *d;
    const struct clock_now *now;
    size_t bytes;
    char test_code[256];
    size_t test_code_len;
    bool any_doubt;
    bool needs_time; /* a row whose fate depends on the true time */
    int64_t bad_seq; /* first row that must be set aside; the walk stops there */
    unsigned bad;    /* enum deliver_dead_kind or ROW_GOOD */
};

static unsigned judge(const struct taking *t, const struct queue_row *row, bool *doubtful)
{
    const struct deliver *d = t->d;
    struct queue_range doubt;
    int64_t truth = clock_truth_ms(d->clock, t->now);
    int64_t when = clock_event_ms(d->clock, t->now, row);
    *doubtful = t->any_doubt && queue_doubt_find(d->queue, row->seq, &doubt) == 1;
    if (!d->clock->trusted) return ROW_GOOD;
    if (*doubtful && truth / 1000 - doubt.since_s > DELIVER_DOUBT_MAX_S)
        return DELIVER_DEAD_UNKNOWN_OUTCOME;
    if (row->unjudged && when > truth + TIKTOK_FUTURE_MAX_MS) return DELIVER_DEAD_IN_FUTURE;
    if (truth - when <= d->config->queue.max_event_age_ms) return ROW_GOOD;
    return row->unjudged && !row->stamped ? DELIVER_DEAD_TOO_OLD : DELIVER_DEAD_EXPIRED;
}

static bool fits(struct taking *t, const struct queue_row *row, size_t bytes)
{
    const struct deliver *d = t->d;
    const bool short_code = row->test_code.len < sizeof t->test_code;
    if (d->rows == 0) {
        t->test_code_len = short_code ? row->test_code.len : 0;
        if (t->test_code_len) memcpy(t->test_code, row->test_code.p, t->test_code_len);
        return true;
    }
    return short_code && t->bytes + bytes <= (size_t)d->config->sync.batch_size_bytes &&
           str_equal((struct str){t->test_code, t->test_code_len}, row->test_code);
}

static int take_row(void *ctx, const struct queue_row *row)
{
    struct taking *t = ctx;
    struct deliver *d = t->d;
    bool doubtful = false;
    size_t bytes = tiktok_batch_row_bytes(row->event.len, row->event_id.len, row->rest_len);
    t->bad = judge(t, row, &doubtful);
    t->bad_seq = row->seq;
    if (t->bad != ROW_GOOD || !fits(t, row, bytes)) return 1;
    if (doubtful || row->stamped || row->unjudged) t->needs_time = true;
    t->bytes += bytes;
    d->seqs[d->rows++] = row->seq;
    return d->rows == (unsigned)d->config->sync.batch_events ||
           row->test_code.len >= sizeof t->test_code;
}

static int set_aside(struct deliver *d, const struct taking *t, struct fault *why)
{
    const struct deliver_dead *words = &deliver_dead[t->bad];
    log_line(LOG_LEVEL_DEBUG, "event %lld is set aside: %s", (long long)t->bad_seq, words->reason);
    return deliver_bury(d, t->now, t->bad_seq, (enum deliver_dead_kind)t->bad, words->reason,
                        words->message, why);
}

/* The rows from the oldest on, up to the first that may not go. */
static int walk(struct taking *t, struct deliver *d, const struct clock_now *now, struct fault *why)
{
    *t = (struct taking){.d = d, .now = now, .any_doubt = queue_doubt_count(d->queue) > 0};
    t->bad = ROW_GOOD;
    d->rows = 0;
    return queue_walk(d->queue, 1, INT64_MAX, take_row, t, why);
}

int deliver_take(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct taking t;
    unsigned buried = 0;
    int rc = walk(&t, d, now, why);
    while (rc >= 0 && t.bad != ROW_GOOD && d->rows == 0 && buried < BURY_MAX) {
        if (buried++ == 0)
            log_line(LOG_LEVEL_WARNING, "events are set aside, %lld the first: %s: %s",
                     (long long)t.bad_seq, deliver_dead[t.bad].reason, deliver_dead[t.bad].message);
        rc = set_aside(d, &t, why);
        if (rc >= 0) rc = walk(&t, d, now, why);
    }
    if (rc < 0) return rc;
    if (t.needs_time && !d->clock->trusted && !d->probe_is_idle) {
        sync_want_probe(&d->sync);
        d->rows = 0;
    }
    if (d->rows > 0) sync_begin(&d->sync, d->rows);
    return 0;
}

/* The batch at hand --------------------------------------------------------------------------- */

static int check_row(void *ctx, const struct queue_row *row)
{
    struct taking *t = ctx;
    bool doubtful = false;
    t->bad = judge(t, row, &doubtful);
    return t->bad != ROW_GOOD;
}

int deliver_still_good(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct taking t = {.d = d, .now = now, .any_doubt = queue_doubt_count(d->queue) > 0};
    t.bad = ROW_GOOD;
    if (!d->clock->trusted) return 1;
    int rc = queue_walk(d->queue, d->seqs[0], d->seqs[d->rows - 1], check_row, &t, why);
    return rc < 0 ? rc : t.bad == ROW_GOOD;
}
