/*
 * deliver_time.c: what a verified Date changes: the clock, the hours of doubts, the times of rows.
 *
 * The hour of a mark or a doubt is Unix seconds where the clock was trusted or plausible; where it
 * was neither (a till in 1970), UNKNOWN_HOUR and the seconds of the boot-time clock. Once the truth
 * is known, such an hour, and one that turns out to lie ahead, is counted back from now if it is of
 * this boot; one of an older boot becomes the beginning of this one, the latest that it can be: its
 * 40 hours are neither over at once nor never.
 */
#include "agent/build.h"
#include "agent/deliver_inside.h"
#include "base/log.h"
#include "base/times.h"

#define UNKNOWN_HOUR (INT64_C(1) << 40) /* beyond any time in Unix seconds */
enum {
    CORRECT_ROWS_MAX = 256, /* looked at in one turn */
    CORRECT_LEAST_MS = 1000
};

int64_t deliver_note_s(const struct deliver *d, const struct clock_now *now)
{
    if (clock_state(d->clock, now) == CLOCK_STATE_IMPLAUSIBLE)
        return UNKNOWN_HOUR + now->boot_ms / 1000;
    return clock_truth_ms(d->clock, now) / 1000;
}

struct dating {
    int64_t truth_s, wall_s, began_s; /* now, now by the system's clock, and when this boot began */
};

static int64_t true_hour(const void *ctx, int64_t since_s)
{
    const struct dating *t = ctx;
    if (since_s <= t->truth_s) return since_s;
    int64_t then_s = since_s >= UNKNOWN_HOUR ? t->began_s + (since_s - UNKNOWN_HOUR)
                                             : since_s - (t->wall_s - t->truth_s);
    return then_s >= t->began_s && then_s <= t->truth_s ? then_s : t->began_s;
}

static int redate(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    const int64_t truth_s = clock_truth_ms(d->clock, now) / 1000;
    const struct dating t = {truth_s, now->wall_ms / 1000, truth_s - now->boot_ms / 1000};
    return queue_doubt_redate(d->queue, true_hour, &t, why);
}

static int keep_time(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    int rc =
        queue_set_value(d->queue, QUEUE_VALUE_VERIFIED_TIME_MS, clock_truth_ms(d->clock, now), why);
    if (rc >= 0) rc = queue_set_value(d->queue, QUEUE_VALUE_VERIFIED_BOOT_MS, now->boot_ms, why);
    if (rc < 0) return rc;
    return queue_set_value(d->queue, QUEUE_VALUE_VERIFIED_BOOT,
                           clock_boot_number(d->clock->boot_id), why);
}

bool deliver_date(const struct uplink_reply *reply, int64_t *out_ms)
{
    return reply->tls_verified && reply->has_date &&
           times_parse_http(str_from(reply->date), out_ms) >= 0 && *out_ms >= build_time_s() * 1000;
}

int deliver_learn(struct deliver *d, const struct clock_now *now, const struct uplink_reply *reply,
                  bool keep, struct fault *why)
{
    int64_t date_ms = 0;
    if (!deliver_date(reply, &date_ms)) return 0;
    bool news = clock_learn(d->clock, now, date_ms);
    if (!news) return keep ? keep_time(d, now, why) : 0;
    log_line(LOG_LEVEL_INFO, "the time is known from a verified server; offset %lld s",
             (long long)(clock_offset_ms(d->clock, now) / 1000));
    d->correct_from = 1;
    return 0;
}

/* The times of rows --------------------------------------------------------------------------- */

struct correcting {
    const struct deliver *d;
    const struct clock_now *now;
    unsigned seen, count;
    int64_t last;
    struct {
        int64_t seq, ms;
    } rows[CORRECT_ROWS_MAX];
};

static int look_at_row(void *ctx, const struct queue_row *row)
{
    struct correcting *c = ctx;
    int64_t ms = clock_event_ms(c->d->clock, c->now, row), off = ms - row->occurred_ms;
    c->last = row->seq;
    if (row->stamped && (off > CORRECT_LEAST_MS || off < -CORRECT_LEAST_MS)) {
        c->rows[c->count].seq = row->seq;
        c->rows[c->count++].ms = ms;
    }
    return ++c->seen == CORRECT_ROWS_MAX;
}

static int correct_rows(struct correcting *c, struct deliver *d, int64_t first, int64_t last,
                        struct fault *why)
{
    int rc = queue_walk(d->queue, first, last, look_at_row, c, why);
    for (unsigned i = 0; rc >= 0 && i < c->count; i++) {
        rc = queue_set_time(d->queue, c->rows[i].seq, c->rows[i].ms, why);
        if (rc == TILLPOST_E_DAMAGED) rc = 0; /* its seal is broken: found out when it is sent */
    }
    return rc < 0 ? rc : 0;
}

int deliver_correct_one(struct deliver *d, const struct clock_now *now, int64_t seq,
                        struct fault *why)
{
    struct correcting c = {.d = d, .now = now};
    return d->correct_from == 0 ? 0 : correct_rows(&c, d, seq, seq, why);
}

/* First what was learnt and the doubts, then the rows. A body always gets the corrected time; this
 * is for the day when the row outlives the boot. */
int deliver_correct(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct correcting c = {.d = d, .now = now};
    int rc = 0;
    if (d->correct_from == 0) return 0;
    if (d->correct_from == 1) rc = keep_time(d, now, why);
    if (rc >= 0 && d->correct_from == 1) rc = redate(d, now, why);
    if (rc >= 0) rc = correct_rows(&c, d, d->correct_from, INT64_MAX, why);
    if (rc >= 0) d->correct_from = c.seen == CORRECT_ROWS_MAX ? c.last + 1 : 0;
    return rc;
}
