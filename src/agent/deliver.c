/*
 * deliver.c: see deliver.h.
 *
 * The life of a batch: sync says TAKE → rows are judged (expired, doubtful too long) and become the
 * batch → sync says SEND → the mark of the whole batch rides in the commit → the body is built
 * from the sealed rows and goes out → the reply's class goes to sync → its verdict changes rows.
 *
 * The token's file is looked at (its stamp: inode and time) before each request, and every two
 * seconds while a fault pauses. A watch of the kernel's (inotify) would be one more descriptor, and
 * be lost where the file is a link into a mount that is replaced, as credentials often are.
 */
#include "agent/deliver.h"

#include "agent/deliver_inside.h"
#include "agent/hours.h"
#include "agent/stored.h"
#include "base/log.h"
#include "base/times.h"
#include "platform/platform.h"

#include <stdio.h>
#include <string.h>

const char *const deliver_outcome_names[DELIVER_OUTCOMES] = {"done",  "retry", "doubt",
                                                             "split", "pause", "offline"};

static double chance(void)
{
    uint32_t n = 0;
    if (platform_random(&n, sizeof n) < 0) return 0.5;
    return (double)n / 4294967296.0;
}

/* clang-format off */
const struct deliver_dead deliver_dead[DELIVER_DEAD_COUNT] = {
    [DELIVER_DEAD_EXPIRED]         = {"expired", "older than max_event_age before it could be delivered"},
    [DELIVER_DEAD_IN_FUTURE]       = {"in_future", "its time stamp lies more than 10 minutes ahead; correct the register's clock"},
    [DELIVER_DEAD_TOO_OLD]         = {"too_old", "its time stamp was older than max_event_age when it came"},
    [DELIVER_DEAD_UNKNOWN_OUTCOME] = {"unknown_outcome", "sent 40 hours ago without a clear answer: look in Events Manager whether it was counted; retry it if not"},
    [DELIVER_DEAD_DAMAGED]         = {"damaged", "the stored row does not open with its seal; it cannot be sent"},
    [DELIVER_DEAD_TIKTOK]          = {"tiktok", "refused by TikTok"}, /* with the words of its reply */
    [DELIVER_DEAD_HTTP]            = {"http", "refused by a server before TikTok"},
};
/* clang-format on */

int deliver_bury(struct deliver *d, const struct clock_now *now, int64_t seq,
                 enum deliver_dead_kind kind, const char *reason, const char *message,
                 struct fault *why)
{
    int rc = deliver_correct_one(d, now, seq, why);
    if (rc < 0) return rc;
    rc = queue_bury(d->queue, seq, reason, message, clock_verify_ms(d->clock, now) / 1000, why);
    if (rc < 0) return rc;
    return queue_add_value(d->queue, (enum queue_value)(QUEUE_VALUE_DEAD + (int)kind), 1, why);
}

/* Opening ------------------------------------------------------------------------------------- */

static struct sync_settings sync_settings_of(const struct config *c)
{
    return (struct sync_settings){c->sync.retry_first_ms, c->sync.retry_most_ms};
}

int deliver_open_uplink(const struct config *c, int64_t timeout_ms, struct uplink **out,
                        struct fault *why)
{
    const struct uplink_options options = {
        .url = c->tiktok.endpoint,
        .ca_file = c->tiktok.ca_file,
        .extra_ca_file = c->tiktok.extra_ca_file,
        .proxy = c->tiktok.proxy,
        .timeout_ms = timeout_ms,
    };
    return uplink_open(&options, out, why);
}

/* Where the new one does not open, the old one stays. */
static int open_uplink(struct deliver *d, struct fault *why)
{
    struct uplink *fresh = NULL;
    d->uplink_stale = false;
    int rc = deliver_open_uplink(d->config, d->config->sync.timeout_ms, &fresh, why);
    if (rc < 0) return rc;
    uplink_close(d->uplink);
    d->uplink = fresh;
    return 0;
}

int deliver_check(const struct config *config, struct fault *why)
{
    struct uplink *tried = NULL;
    int rc = deliver_open_uplink(config, config->sync.timeout_ms, &tried, why);
    uplink_close(tried);
    return rc;
}

/* What was in flight when the agent ended may have been counted. */
static int restore_mark(struct deliver *d, struct fault *why)
{
    struct queue_range mark;
    if (queue_marked(d->queue, &mark) != 1) return 0;
    struct queue_counts counts;
    queue_counts(d->queue, &counts);
    if (counts.queued && counts.oldest_seq <= mark.last && counts.newest_seq >= mark.first) {
        int rc = queue_doubt_add(d->queue, &mark, why);
        if (rc < 0) return rc;
    }
    return queue_mark(d->queue, NULL, why);
}

/* Pauses outlive a restart; the first probe of a pause for a fault comes when sync_start says. */
static void restore_pauses(struct deliver *d, const struct clock_now *now)
{
    struct queue_counts counts;
    const enum sync_pause fault = stored_fault(d->queue);
    const bool paused = fault != SYNC_RUNNING;
    queue_counts(d->queue, &counts);
    if (paused) sync_pause_for(&d->sync, fault);
    sync_operator_pause(&d->sync, queue_value(d->queue, QUEUE_VALUE_PAUSED) != 0);
    sync_start(&d->sync, now->mono_ms, counts.queued > 0 || paused, chance());
}

int deliver_open(struct deliver *d, const struct config *config, struct queue *queue,
                 struct clock *clock, const struct clock_now *now, struct fault *why)
{
    memset(d, 0, sizeof *d);
    d->config = config;
    d->queue = queue;
    d->clock = clock;
    d->last.code = -1;
    buf_init(&d->body, (size_t)config->sync.batch_size_bytes + QUEUE_ROW_MAX_BYTES);
    struct sync_settings settings = sync_settings_of(config);
    sync_init(&d->sync, &settings);
    if (clock->trusted) d->correct_from = 1;
    restore_pauses(d, now);
    int rc = open_uplink(d, why);
    if (rc < 0) return rc;
    return restore_mark(d, why);
}

void deliver_close(struct deliver *d)
{
    uplink_close(d->uplink);
    secret_forget(&d->token);
    buf_free(&d->body);
    memset(d, 0, sizeof *d);
}

/* What paused deliveries may be mended by it: a probe goes at once. */
void deliver_configure(struct deliver *d, const struct config *config, const struct clock_now *now)
{
    struct sync_settings settings = sync_settings_of(config);
    d->config = config;
    d->uplink_stale = true;
    d->body.max_bytes = (size_t)config->sync.batch_size_bytes + QUEUE_ROW_MAX_BYTES;
    sync_set_settings(&d->sync, &settings);
    secret_forget(&d->token);
    deliver_rows_changed(d);
    sync_credentials_changed(&d->sync, now->mono_ms);
}

/* The token ----------------------------------------------------------------------------------- */

static bool refresh_token(struct deliver *d, struct fault *why)
{
    return secret_refresh_token(&d->token, d->config->tiktok.access_token_file, why);
}

/* While a fault pauses its file is looked at; a new token is tried at once. */
static void watch_token(struct deliver *d, const struct clock_now *now)
{
    int64_t stamp = d->token.stamp;
    if (sync_paused(&d->sync) <= SYNC_PAUSED_OPERATOR) return;
    if (now->mono_ms - d->token_polled_ms < DELIVER_TOKEN_POLL_MS) return;
    d->token_polled_ms = now->mono_ms;
    (void)refresh_token(d, NULL);
    if (d->token.stamp != stamp) sync_credentials_changed(&d->sync, now->mono_ms);
}

/* The reply ----------------------------------------------------------------------------------- */

/* A date is counted from the one beside it, by the same clock; from ours where there is none. */
static int64_t retry_after_ms(const struct deliver *d, const struct clock_now *now,
                              const struct uplink_reply *reply)
{
    uint64_t seconds = 0;
    int64_t until_ms = 0, from_ms = 0;
    struct str text = str_trim(str_from(reply->retry_after));
    if (!reply->has_retry_after) return -1;
    if (str_to_u64(text, &seconds) >= 0)
        return seconds < 86400 ? (int64_t)seconds * 1000 : SYNC_RETRY_AFTER_MAX_MS;
    if (times_parse_http(text, &until_ms) < 0) return -1;
    if (!reply->has_date || times_parse_http(str_from(reply->date), &from_ms) < 0)
        from_ms = clock_truth_ms(d->clock, now);
    return until_ms > from_ms ? until_ms - from_ms : 0;
}

static struct sync_reply reply_for_sync(const struct deliver *d, const struct clock_now *now,
                                        const struct uplink_reply *reply,
                                        const struct tiktok_outcome *outcome)
{
    static const enum sync_class classes[] = {
        [TIKTOK_DONE] = SYNC_DONE,
        [TIKTOK_RETRY] = SYNC_RETRY,
        [TIKTOK_DOUBT] = SYNC_DOUBT,
        [TIKTOK_SPLIT] = SYNC_SPLIT,
        [TIKTOK_PAUSE_CREDENTIALS] = SYNC_PAUSE_CREDENTIALS,
        [TIKTOK_PAUSE_CONFIGURATION] = SYNC_PAUSE_CONFIGURATION,
    };
    struct sync_reply r = {.class = SYNC_RETRY, .retry_after_ms = -1, .index = -1};
    r.retry_after_ms = retry_after_ms(d, now, reply);
    r.dns_only = reply->trouble == UPLINK_DNS;
    if (reply->result == UPLINK_NO_ANSWER) r.class = SYNC_DOUBT;
    if (reply->result != UPLINK_ANSWERED) return r;
    r.class = classes[outcome->class];
    r.index = outcome->index;
    r.too_large = outcome->http == 413;
    return r;
}

static enum deliver_outcome outcome_kind(const struct uplink_reply *reply, enum sync_class class)
{
    if (reply->result == UPLINK_NOT_SENT) return DELIVER_OFFLINE;
    switch (class) {
    case SYNC_DONE: return DELIVER_DONE;
    case SYNC_RETRY: return DELIVER_RETRY;
    case SYNC_DOUBT: return DELIVER_DOUBT;
    case SYNC_SPLIT: return DELIVER_SPLIT;
    default: return DELIVER_PAUSE;
    }
}

static void remember_last(struct deliver *d, const struct clock_now *now,
                          const struct uplink_reply *reply, const struct tiktok_outcome *outcome,
                          enum sync_class class)
{
    struct deliver_last *l = &d->last;
    l->at_ms = clock_truth_ms(d->clock, now);
    l->answered = reply->result == UPLINK_ANSWERED;
    l->code = l->answered ? outcome->code : -1;
    l->http = reply->http_status;
    l->trouble = reply->trouble;
    l->is_json = outcome->is_json;
    l->via_proxy = reply->via_proxy;
    l->failed = class != SYNC_DONE;
    const char *words = l->answered ? outcome->message : reply->error;
    (void)memset(l->message, 0, sizeof l->message);
    memcpy(l->message, words, strnlen(words, sizeof l->message - 1));
    memcpy(l->request_id, outcome->request_id, sizeof l->request_id);
}

static int note_doubt(struct deliver *d, const struct clock_now *now, const struct sync_verdict *v,
                      struct fault *why)
{
    struct queue_range range = {d->seqs[v->lo], d->seqs[v->hi - 1], deliver_note_s(d, now)};
    struct queue_range known_lo, known_hi;
    if (!d->clock->trusted && !d->probe_is_idle) sync_want_probe(&d->sync);
    if (queue_doubt_find(d->queue, range.first, &known_lo) == 1 &&
        queue_doubt_find(d->queue, range.last, &known_hi) == 1)
        return 0;
    d->doubting = range;
    return queue_doubt_add(d->queue, &range, why);
}

/* By the lower bound where the clock is behind it: an id that was sent "in 1970" would be forgotten
 * as soon as the truth is known. */
static int settle_rows(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    int64_t now_s = clock_verify_ms(d->clock, now) / 1000;
    int rc = queue_settle(d->queue, d->settling, d->settling_count, now_s, why);
    if (rc >= 0) rc = queue_add_value(d->queue, QUEUE_VALUE_SENT_TOTAL, d->settling_count, why);
    if (rc >= 0) rc = hours_add(d->queue, now_s, d->settling_count, why);
    if (rc >= 0) rc = queue_set_value(d->queue, QUEUE_VALUE_LAST_SUCCESS, now_s, why);
    return rc;
}

static int pay_debt(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    int rc = d->settling_count > 0 ? settle_rows(d, now, why) : 0;
    return rc < 0 || d->doubting.first == 0 ? rc : queue_doubt_add(d->queue, &d->doubting, why);
}

/* Rows that are decided leave the batch; those behind them move up. */
static void close_gap(struct deliver *d, unsigned from, unsigned n)
{
    d->rows -= n;
    memmove(&d->seqs[from], &d->seqs[from + n], (d->rows - from) * sizeof d->seqs[0]);
}

/* The row is dead, with the words of the last refusal. */
static int bury_row(struct deliver *d, const struct clock_now *now, unsigned row, struct fault *why)
{
    char reason[32];
    int64_t seq = d->seqs[row];
    const struct tiktok_outcome *o = &d->refusal;
    const bool tiktoks = o->code >= 0;
    const enum deliver_dead_kind kind = tiktoks ? DELIVER_DEAD_TIKTOK : DELIVER_DEAD_HTTP;
    (void)snprintf(reason, sizeof reason, "%s_%d", deliver_dead[kind].reason,
                   tiktoks ? o->code : o->http);
    int rc = deliver_bury(d, now, seq, kind, reason, o->message, why);
    close_gap(d, row, 1);
    if (rc == TILLPOST_E_NOT_FOUND) return 0; /* dropped while it was under way */
    if (rc < 0) return rc;
    if (d->buried_count < SYNC_BURIED_IN_A_ROW_MAX) d->buried[d->buried_count++] = seq;
    log_line(LOG_LEVEL_WARNING, "TikTok refuses event %lld (%s): %s", (long long)seq, reason,
             o->message);
    return 0;
}

static int settle_part(struct deliver *d, const struct clock_now *now, const struct sync_verdict *v,
                       struct fault *why)
{
    d->buried_count = 0;
    d->settling_count = v->hi - v->lo;
    memcpy(d->settling, &d->seqs[v->lo], d->settling_count * sizeof d->settling[0]);
    close_gap(d, v->lo, d->settling_count);
    int rc = settle_rows(d, now, why);
    return rc >= 0 && v->bury_hi ? bury_row(d, now, v->lo, why) : rc;
}

static int give_back(struct deliver *d, int64_t seq, struct fault *why)
{
    int rc = queue_retry(d->queue, seq, why);
    if (rc == TILLPOST_E_NOT_FOUND) return 0; /* dropped since */
    return rc < 0 ? rc : queue_add_value(d->queue, QUEUE_VALUE_RETRIED_TOTAL, 1, why);
}

/* An account-wide refusal must not empty the queue into the dead letters. */
static int unbury(struct deliver *d, unsigned n, struct fault *why)
{
    if (n > d->buried_count) n = d->buried_count;
    for (unsigned i = d->buried_count - n; i < d->buried_count; i++) {
        int rc = give_back(d, d->buried[i], why);
        if (rc < 0) return rc;
    }
    d->buried_count -= n;
    log_line(LOG_LEVEL_ERROR,
             "%u events in a row were refused: they are back in the queue, and "
             "deliveries pause until a person looks",
             n + 1);
    return 0;
}

/* A pause for a fault is kept, for status and for the next start: when it begins, when it ends. */
static int keep_pause(struct deliver *d, const struct clock_now *now, bool fresh, int code,
                      struct fault *why)
{
    const enum sync_pause is = sync_paused(&d->sync);
    const int64_t fault = is > SYNC_PAUSED_OPERATOR ? is : 0;
    if (!fresh && queue_value(d->queue, QUEUE_VALUE_FAULT_PAUSE) == fault) return 0;
    int rc = queue_set_value(d->queue, QUEUE_VALUE_FAULT_PAUSE, fault, why);
    if (rc >= 0) rc = queue_set_value(d->queue, QUEUE_VALUE_FAULT_CODE, fault ? code : 0, why);
    if (rc < 0) return rc;
    return queue_set_value(d->queue, QUEUE_VALUE_FAULT_SINCE,
                           fault ? clock_truth_ms(d->clock, now) / 1000 : 0, why);
}

static int apply_verdict(struct deliver *d, const struct clock_now *now,
                         const struct sync_verdict *v, const struct tiktok_outcome *outcome,
                         struct fault *why)
{
    int rc = 0;
    switch (v->what) {
    case SYNC_KEEP: break;
    case SYNC_SETTLE: rc = settle_part(d, now, v, why); break;
    case SYNC_NOTE_DOUBT: rc = note_doubt(d, now, v, why); break;
    case SYNC_BURY: rc = bury_row(d, now, v->lo, why); break;
    case SYNC_UNBURY: rc = unbury(d, v->unbury, why); break;
    }
    if (v->paused_now) log_line(LOG_LEVEL_ERROR, "deliveries pause: %s", outcome->message);
    if (rc >= 0)
        rc = keep_pause(d, now, v->paused_now, outcome->code >= 0 ? outcome->code : outcome->http,
                        why);
    /* Nothing is in flight any more: the mark goes with this commit, unless a new one replaces it. */
    if (v->batch_over && rc >= 0 && (v->what != SYNC_KEEP || v->paused_now))
        rc = queue_mark(d->queue, NULL, why);
    if (v->batch_over) d->rows = 0;
    return rc;
}

/* Days offline are one line of the log, not thousands: only what has changed is a warning. */
static void log_last(const struct deliver *d, const struct deliver_last *before,
                     enum deliver_outcome kind)
{
    const struct deliver_last *l = &d->last;
    bool same = before->failed && before->code == l->code && before->http == l->http &&
                before->trouble == l->trouble;
    if (kind == DELIVER_DONE)
        log_line(before->failed ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "delivered %s", l->request_id);
    else
        log_line(same ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING,
                 "try failed (%s): http %d code %d %s: %s", deliver_outcome_names[kind], l->http,
                 l->code, l->answered ? "" : uplink_trouble_name(l->trouble), l->message);
}

/* The try surely did nothing at TikTok's, and the mark is not wanted again in a moment. */
static bool nothing_is_in_flight(const struct deliver *d, const struct clock_now *now,
                                 const struct uplink_reply *reply, enum sync_class class)
{
    if (reply->result == UPLINK_NOT_SENT) return true;
    return class == SYNC_RETRY && sync_next_try_ms(&d->sync, now->mono_ms) >= DELIVER_MARK_KEEP_MS;
}

int deliver_settle(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct uplink_reply reply;
    struct tiktok_outcome outcome = {.code = -1, .index = -1};
    struct sync_verdict verdict;
    if (d->in_debt) return pay_debt(d, now, why);
    if (uplink_take_reply(d->uplink, &reply) != 1) return 0;
    if (reply.result == UPLINK_ANSWERED) {
        if (d->in_flight_probe) tiktok_probe_read(reply.http_status, reply.body, &outcome);
        else tiktok_outcome_read(reply.http_status, reply.body, &outcome);
    }
    struct sync_reply r = reply_for_sync(d, now, &reply, &outcome);
    enum deliver_outcome kind = outcome_kind(&reply, r.class);
    const struct deliver_last before = d->last;
    remember_last(d, now, &reply, &outcome, r.class);
    d->outcomes[kind]++;
    log_last(d, &before, kind);
    if (r.class == SYNC_SPLIT) d->refusal = outcome;
    sync_reply(&d->sync, now->mono_ms, &r, chance(), &verdict);
    buf_clear(&d->body);
    /* With a settled row comes a commit: what was learnt rides in it. */
    int rc = deliver_learn(d, now, &reply, verdict.what == SYNC_SETTLE, why);
    const bool healthy = r.class == SYNC_DONE || r.class == SYNC_SPLIT;
    if (d->in_flight_probe && healthy && !d->clock->trusted) d->probe_is_idle = true;
    if (healthy && reply.tls_verified) d->told_no_time = !d->clock->trusted;
    if (!d->in_flight_probe) d->mark_is_void = verdict.what == SYNC_KEEP;
    d->in_flight_probe = false;
    d->unmarked = nothing_is_in_flight(d, now, &reply, r.class);
    if (rc >= 0 && d->unmarked) rc = queue_mark(d->queue, NULL, why);
    if (rc >= 0) rc = apply_verdict(d, now, &verdict, &outcome, why);
    return rc;
}

/* Planning ------------------------------------------------------------------------------------ */

static int write_mark(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct queue_range old, mark = {d->seqs[0], d->seqs[d->rows - 1], deliver_note_s(d, now)};
    if (queue_marked(d->queue, &old) == 1 && old.first == mark.first && old.last == mark.last)
        return 0;
    return queue_mark(d->queue, &mark, why);
}

/* Nothing of the batch is in flight or being searched for a fault, and more has been sold since: it
 * is taken anew, so that a till comes back from an outage with one request and not with two. */
static bool has_more(const struct deliver *d, const struct queue_counts *counts)
{
    return d->unmarked && d->next.lo == 0 && d->next.hi == d->rows &&
           d->rows < (unsigned)d->config->sync.batch_events && counts->queued > (int64_t)d->rows;
}

/* The batch at hand may have waited for days: its rows are judged again before they go. */
static int next_step(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct queue_counts counts;
    queue_counts(d->queue, &counts);
    sync_next(&d->sync, now->mono_ms, counts.queued, &d->next);
    if (d->next.step != SYNC_SEND) return 0;
    int rc = has_more(d, &counts) ? 0 : deliver_still_good(d, now, why);
    if (rc != 0) return rc < 0 ? rc : 0;
    deliver_rows_changed(d);
    sync_next(&d->sync, now->mono_ms, counts.queued, &d->next);
    return 0;
}

int deliver_plan(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct queue_counts counts;
    d->wanted = false;
    watch_token(d, now);
    if (d->uplink_stale && !uplink_busy(d->uplink) && open_uplink(d, why) < 0)
        log_line(LOG_LEVEL_ERROR, "deliveries go on with the old settings: %s", why->message);
    d->releasing = d->mark_failed = false;
    if (d->in_debt) return 0;
    if (uplink_holding(d->uplink)) {
        d->releasing = true;
        return write_mark(d, now, why);
    }
    if (now->mono_ms < d->held_until_ms) return 0;
    int rc = deliver_correct(d, now, why);
    if (rc >= 0) rc = next_step(d, now, why);
    if (rc >= 0 && d->next.step == SYNC_TAKE) {
        rc = deliver_take(d, now, why);
        queue_counts(d->queue, &counts);
        sync_next(&d->sync, now->mono_ms, counts.queued, &d->next);
    }
    if (rc < 0) return rc;
    if (d->next.step == SYNC_SEND && !d->unmarked) rc = write_mark(d, now, why);
    d->wanted = rc >= 0 && (d->next.step == SYNC_SEND || d->next.step == SYNC_PROBE);
    return rc;
}

/* Sending ------------------------------------------------------------------------------------- */

struct writing {
    struct deliver *d;
    const struct clock_now *now;
    unsigned at, hi; /* next row of the batch, end of the part */
    bool begun;
    int64_t damaged; /* seq of a row whose seal is broken, 0: none */
    int result;      /* of the last row */
    struct fault *why;
    struct buf rest;
};

static int write_row(void *ctx, const struct queue_row *row)
{
    struct writing *w = ctx;
    struct deliver *d = w->d;
    while (w->at < w->hi && d->seqs[w->at] < row->seq) w->at++;
    if (w->at == w->hi) return 1;
    if (d->seqs[w->at] != row->seq) return 0;
    const struct config *c = d->config;
    if (!w->begun) {
        struct str own = row->test_code.len ? row->test_code : str_from(c->tiktok.test_event_code);
        tiktok_batch_begin(&d->body, c->tiktok.event_set_id, c->tiktok.partner_name, own);
        w->begun = true;
    }
    buf_clear(&w->rest);
    w->result = queue_unseal(d->queue, row->seq, &w->rest, w->why);
    if (w->result == TILLPOST_E_DAMAGED) w->damaged = row->seq;
    if (w->result < 0) return 1;
    tiktok_batch_add(&d->body, row->event, clock_event_ms(d->clock, w->now, row) / 1000,
                     row->event_id, buf_str(&w->rest));
    return 0;
}

static void set_damaged_aside(struct deliver *d, const struct clock_now *now, int64_t seq)
{
    const struct deliver_dead *words = &deliver_dead[DELIVER_DEAD_DAMAGED];
    struct fault why;
    if (deliver_bury(d, now, seq, DELIVER_DEAD_DAMAGED, words->reason, words->message, &why) >= 0)
        log_line(LOG_LEVEL_ERROR, "event %lld is set aside: %s", (long long)seq, words->message);
    else log_line(LOG_LEVEL_ERROR, "%s", why.message);
}

/* 1: written; 0: a row has gone or is damaged, the batch is taken anew; < 0: not now. */
static int write_body(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct writing w = {.d = d, .now = now, .at = d->next.lo, .hi = d->next.hi, .why = why};
    buf_clear(&d->body);
    buf_init(&w.rest, QUEUE_ROW_MAX_BYTES);
    int rc = queue_walk_sealed(d->queue, d->seqs[w.at], d->seqs[w.hi - 1], write_row, &w, why);
    tiktok_batch_end(&d->body);
    buf_free(&w.rest);
    if (w.damaged) set_damaged_aside(d, now, w.damaged);
    if (rc < 0 || w.damaged) return rc < 0 ? rc : 0;
    if (w.result < 0) return w.result;
    if (d->body.failed) return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "no memory for a batch");
    return w.begun;
}

static void write_probe(struct deliver *d)
{
    buf_clear(&d->body);
    tiktok_batch_probe(&d->body, d->config->tiktok.event_set_id, d->config->tiktok.partner_name);
}

/* What cannot be sent counts as a reply of that class, so that sync waits as it does after one. */
static void reply_for(struct deliver *d, const struct clock_now *now, enum sync_class class,
                      const struct fault *why)
{
    const struct sync_reply reply = {.class = class, .retry_after_ms = -1, .index = -1};
    struct sync_verdict verdict;
    sync_sent(&d->sync, &d->next);
    sync_reply(&d->sync, now->mono_ms, &reply, chance(), &verdict);
    if (verdict.batch_over) d->rows = 0;
    log_line(LOG_LEVEL_ERROR, "nothing can be sent: %s", why->message);
    struct fault inner;
    if (keep_pause(d, now, verdict.paused_now, 0, &inner) < 0)
        log_line(LOG_LEVEL_ERROR, "%s", inner.message);
}

void deliver_send(struct deliver *d, const struct clock_now *now)
{
    struct fault why = {0};
    d->settling_count = 0;
    d->doubting.first = 0;
    d->in_debt = false;
    if (d->releasing) uplink_release(d->uplink);
    d->releasing = false;
    if (!d->wanted) return;
    d->wanted = false;
    if (!refresh_token(d, &why)) {
        reply_for(d, now, SYNC_PAUSE_CREDENTIALS, &why);
        return;
    }
    int rc = 1;
    if (d->next.step == SYNC_PROBE) write_probe(d);
    else rc = write_body(d, now, &why);
    if (rc == 0) {
        sync_abandon(&d->sync);
        d->rows = 0;
        return;
    }
    uplink_set_clock(d->uplink, clock_verify_ms(d->clock, now), clock_lenient(d->clock, now));
    if (rc < 0 ||
        uplink_post(d->uplink, buf_str(&d->body), str_from(d->token.tokens[0]), &why) < 0) {
        reply_for(d, now, SYNC_RETRY, &why);
        return;
    }
    if (d->unmarked && d->next.step == SYNC_SEND) uplink_hold(d->uplink);
    d->in_flight_probe = d->next.step == SYNC_PROBE;
    sync_sent(&d->sync, &d->next);
    d->mark_is_void = d->mark_is_void && d->in_flight_probe;
}

void deliver_commit_failed(struct deliver *d)
{
    d->wanted = false;
    d->mark_failed = d->releasing;
    d->in_debt = d->settling_count > 0 || d->doubting.first != 0;
    if (d->clock->trusted) d->correct_from = 1;
    if (uplink_busy(d->uplink)) return;
    sync_abandon(&d->sync);
    d->rows = 0;
}

int64_t deliver_timeout_ms(const struct deliver *d, const struct clock_now *now)
{
    struct queue_counts counts;
    struct sync_next next;
    int64_t poll = INT64_MAX;
    if (sync_paused(&d->sync) > SYNC_PAUSED_OPERATOR) poll = DELIVER_TOKEN_POLL_MS;
    if (d->in_debt || d->mark_failed) return DELIVER_DEBT_WAIT_MS;
    if (uplink_holding(d->uplink)) return 0;
    if (now->mono_ms < d->held_until_ms) return d->held_until_ms - now->mono_ms;
    if (d->correct_from > 0) return 0;
    queue_counts(d->queue, &counts);
    sync_next(&d->sync, now->mono_ms, counts.queued, &next);
    if (next.step != SYNC_WAIT) return 0;
    if (next.at_ms == SYNC_NEVER) return poll;
    int64_t wait = next.at_ms > now->mono_ms ? next.at_ms - now->mono_ms : 0;
    return wait < poll ? wait : poll;
}

/* From outside -------------------------------------------------------------------------------- */

void deliver_try_now(struct deliver *d, const struct clock_now *now)
{
    sync_try_now(&d->sync, now->mono_ms);
}

void deliver_line_changed(struct deliver *d, const struct clock_now *now)
{
    uplink_line_changed(d->uplink);
    sync_line_changed(&d->sync, now->mono_ms, chance());
}

void deliver_rows_changed(struct deliver *d)
{
    sync_abandon(&d->sync);
    if (!uplink_busy(d->uplink)) d->rows = 0;
}

bool deliver_busy(const struct deliver *d, struct queue_range *out)
{
    const bool sending = uplink_busy(d->uplink) && !d->in_flight_probe && d->rows > 0;
    bool marked = queue_marked(d->queue, out) == 1 && !d->mark_is_void;
    if (!marked && sending) { /* the body is held, and its mark not on disk yet */
        *out = (struct queue_range){d->seqs[0], d->seqs[d->rows - 1], 0};
        return true;
    }
    if (!marked) *out = (struct queue_range){0};
    return marked;
}

void deliver_hold(struct deliver *d, const struct clock_now *now, int64_t ms)
{
    d->held_until_ms = now->mono_ms + ms;
}

int deliver_rest(struct deliver *d, struct fault *why)
{
    int rc = d->mark_is_void ? queue_mark(d->queue, NULL, why) : 0;
    return rc < 0 ? rc : queue_commit(d->queue, why);
}

int deliver_operator_pause(struct deliver *d, const struct clock_now *now, bool paused,
                           struct fault *why)
{
    int64_t since = paused ? clock_truth_ms(d->clock, now) / 1000 : 0;
    int rc = uplink_busy(d->uplink) ? 0 : queue_mark(d->queue, NULL, why);
    if (rc >= 0) rc = queue_set_value(d->queue, QUEUE_VALUE_PAUSED, paused, why);
    if (rc >= 0) rc = queue_set_value(d->queue, QUEUE_VALUE_PAUSED_SINCE, since, why);
    if (rc >= 0) sync_operator_pause(&d->sync, paused);
    return rc;
}
