/*
 * deliver.c: see deliver.h.
 *
 * The life of a batch: sync says TAKE → rows are judged (expired, doubtful too long) and become the
 * batch → sync says SEND → the mark of the whole batch rides in the commit → the body is built
 * from the sealed rows and goes out → the reply's class goes to sync → its verdict changes rows.
 */
#include "agent/deliver.h"

#include "agent/build.h"
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

static void count_dead(struct deliver *d, const char *reason)
{
    for (size_t i = 0; i < DELIVER_REASONS_MAX; i++) {
        if (!d->dead[i].reason) d->dead[i].reason = reason;
        if (strcmp(d->dead[i].reason, reason) != 0) continue;
        d->dead[i].count++;
        return;
    }
}

static int add_to_value(struct deliver *d, enum queue_value which, int64_t more, struct fault *why)
{
    return queue_set_value(d->queue, which, queue_value(d->queue, which) + more, why);
}

static int bury(struct deliver *d, const struct clock_now *now, int64_t seq, const char *reason,
                const char *message, struct fault *why)
{
    int rc = queue_bury(d->queue, seq, reason, message, clock_truth_ms(d->clock, now) / 1000, why);
    if (rc < 0) return rc;
    count_dead(d, reason);
    log_line(LOG_LEVEL_WARNING, "event %lld is set aside: %s: %s", (long long)seq, reason, message);
    return add_to_value(d, QUEUE_VALUE_DEAD_TOTAL, 1, why);
}

/* Opening ------------------------------------------------------------------------------------- */

static struct sync_settings sync_settings_of(const struct config *c)
{
    return (struct sync_settings){c->sync.retry_first_ms, c->sync.retry_most_ms};
}

static int open_uplink_of(const struct config *c, struct uplink **out, struct fault *why)
{
    const struct uplink_options options = {
        .url = c->tiktok.endpoint,
        .ca_file = c->tiktok.ca_file,
        .extra_ca_file = c->tiktok.extra_ca_file,
        .proxy = c->tiktok.proxy,
        .timeout_ms = c->sync.timeout_ms,
    };
    return uplink_open(&options, out, why);
}

/* Where the new one does not open, the old one stays. */
static int open_uplink(struct deliver *d, struct fault *why)
{
    struct uplink *fresh = NULL;
    d->uplink_stale = false;
    int rc = open_uplink_of(d->config, &fresh, why);
    if (rc < 0) return rc;
    uplink_close(d->uplink);
    d->uplink = fresh;
    return 0;
}

int deliver_check(const struct config *config, struct fault *why)
{
    struct uplink *tried = NULL;
    int rc = open_uplink_of(config, &tried, why);
    uplink_close(tried);
    return rc;
}

/* What was in flight when the agent ended may have been counted. */
static int restore_mark(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct queue_range mark;
    if (queue_marked(d->queue, &mark) != 1) return 0;
    struct queue_counts counts;
    queue_counts(d->queue, &counts);
    if (counts.queued && counts.oldest_seq <= mark.last && counts.newest_seq >= mark.first) {
        int64_t now_s = clock_truth_ms(d->clock, now) / 1000;
        if (mark.since_s <= 0 || mark.since_s > now_s) mark.since_s = now_s;
        int rc = queue_doubt_add(d->queue, &mark, why);
        if (rc < 0) return rc;
    }
    return queue_mark(d->queue, NULL, why);
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
    sync_operator_pause(&d->sync, queue_value(queue, QUEUE_VALUE_PAUSED) != 0);
    struct queue_counts counts;
    queue_counts(queue, &counts);
    sync_start(&d->sync, now->mono_ms, counts.queued > 0, chance());
    int rc = open_uplink(d, why);
    if (rc < 0) return rc;
    return restore_mark(d, now, why);
}

void deliver_close(struct deliver *d)
{
    uplink_close(d->uplink);
    secret_forget(&d->token);
    buf_free(&d->body);
    memset(d, 0, sizeof *d);
}

void deliver_configure(struct deliver *d, const struct config *config)
{
    struct sync_settings settings = sync_settings_of(config);
    d->config = config;
    d->uplink_stale = true;
    d->body.max_bytes = (size_t)config->sync.batch_size_bytes + QUEUE_ROW_MAX_BYTES;
    sync_set_settings(&d->sync, &settings);
    secret_forget(&d->token);
}

/* The token ----------------------------------------------------------------------------------- */

/* Reads the token when its file has changed; true when there is one. */
static bool refresh_token(struct deliver *d, struct fault *why)
{
    char path[SECRET_PATH_BYTES];
    const char *file = d->config->tiktok.access_token_file;
    struct secret fresh = {0};
    if (secret_credential_path("tiktok-access-token", path)) file = path;
    if (d->token.text && platform_file_stamp(file) == d->token.stamp) return true;
    if (secret_read_token(file, &fresh, why) < 0) return d->token.text != NULL;
    secret_forget(&d->token);
    d->token = fresh;
    return true;
}

/* While paused for the token its file is looked at; a new one is tried at once. */
static void watch_token(struct deliver *d, const struct clock_now *now)
{
    int64_t stamp = d->token.stamp;
    if (sync_paused(&d->sync) != SYNC_PAUSED_CREDENTIALS) return;
    if (now->mono_ms - d->token_polled_ms < DELIVER_TOKEN_POLL_MS) return;
    d->token_polled_ms = now->mono_ms;
    (void)refresh_token(d, NULL);
    if (d->token.stamp != stamp) sync_credentials_changed(&d->sync, now->mono_ms);
}

/* The reply ----------------------------------------------------------------------------------- */

static int learn_time(struct deliver *d, const struct clock_now *now,
                      const struct uplink_reply *reply, struct fault *why)
{
    int64_t date_ms = 0;
    if (!reply->tls_verified || !reply->has_date) return 0;
    if (times_parse_http(str_from(reply->date), &date_ms) < 0) return 0;
    if (date_ms < build_time_s() * 1000) return 0;
    if (!clock_learn(d->clock, now, date_ms)) return 0;
    log_line(LOG_LEVEL_INFO, "the time is known from a verified server; offset %lld s",
             (long long)(clock_offset_ms(d->clock, now) / 1000));
    int rc = queue_set_value(d->queue, QUEUE_VALUE_VERIFIED_TIME_MS, date_ms, why);
    if (rc >= 0) rc = queue_set_value(d->queue, QUEUE_VALUE_VERIFIED_BOOT_MS, now->boot_ms, why);
    if (rc < 0) return rc;
    return queue_set_value(d->queue, QUEUE_VALUE_VERIFIED_BOOT,
                           clock_boot_number(d->clock->boot_id), why);
}

static int64_t retry_after_ms(const struct deliver *d, const struct clock_now *now,
                              const struct uplink_reply *reply)
{
    uint64_t seconds = 0;
    int64_t date_ms = 0;
    struct str text = str_trim(str_from(reply->retry_after));
    if (!reply->has_retry_after) return -1;
    if (str_to_u64(text, &seconds) >= 0)
        return seconds < 86400 ? (int64_t)seconds * 1000 : SYNC_RETRY_AFTER_MAX_MS;
    if (times_parse_http(text, &date_ms) < 0) return -1;
    int64_t wait = date_ms - clock_truth_ms(d->clock, now);
    return wait > 0 ? wait : 0;
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
    struct queue_range range = {d->seqs[v->lo], d->seqs[v->hi - 1],
                                clock_truth_ms(d->clock, now) / 1000};
    struct queue_range known_lo, known_hi;
    if (queue_doubt_find(d->queue, range.first, &known_lo) == 1 &&
        queue_doubt_find(d->queue, range.last, &known_hi) == 1)
        return 0;
    return queue_doubt_add(d->queue, &range, why);
}

static int settle_rows(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    int64_t now_s = clock_truth_ms(d->clock, now) / 1000;
    int rc = queue_settle(d->queue, d->settling, d->settling_count, now_s, why);
    if (rc >= 0) rc = add_to_value(d, QUEUE_VALUE_SENT_TOTAL, d->settling_count, why);
    if (rc >= 0) rc = queue_set_value(d->queue, QUEUE_VALUE_LAST_SUCCESS, now_s, why);
    return rc;
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
    const struct tiktok_outcome *outcome = &d->refusal;
    (void)snprintf(reason, sizeof reason, outcome->code >= 0 ? "tiktok_%d" : "http_%d",
                   outcome->code >= 0 ? outcome->code : outcome->http);
    const char *kind = outcome->code >= 0 ? "tiktok" : "http";
    int rc = queue_bury(d->queue, seq, reason, outcome->message,
                        clock_truth_ms(d->clock, now) / 1000, why);
    close_gap(d, row, 1);
    if (rc == TILLPOST_E_NOT_FOUND) return 0; /* dropped while it was under way */
    if (rc < 0) return rc;
    if (d->buried_count < SYNC_BURIED_IN_A_ROW_MAX) d->buried[d->buried_count++] = seq;
    count_dead(d, kind);
    log_line(LOG_LEVEL_WARNING, "TikTok refuses event %lld (%s): %s", (long long)seq, reason,
             outcome->message);
    return add_to_value(d, QUEUE_VALUE_DEAD_TOTAL, 1, why);
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

/* An account-wide refusal must not empty the queue into the dead letters. */
static int unbury(struct deliver *d, unsigned n, struct fault *why)
{
    if (n > d->buried_count) n = d->buried_count;
    d->buried_count -= n;
    for (unsigned i = 0; i < n; i++) {
        int rc = queue_retry(d->queue, d->buried[d->buried_count + i], why);
        if (rc < 0 && rc != TILLPOST_E_NOT_FOUND) return rc;
    }
    log_line(LOG_LEVEL_ERROR,
             "%u events in a row were refused: they are back in the queue, and "
             "deliveries pause until a person looks",
             n + 1);
    return add_to_value(d, QUEUE_VALUE_DEAD_TOTAL, -(int64_t)n, why);
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
    if (v->paused_now) {
        d->paused_since_ms = clock_truth_ms(d->clock, now);
        d->paused_code = outcome->code >= 0 ? outcome->code : outcome->http;
        log_line(LOG_LEVEL_ERROR, "deliveries pause: %s", outcome->message);
    }
    /* Nothing is in flight any more: the mark goes with this commit, unless a new one replaces it. */
    if (v->batch_over && rc >= 0 && v->what != SYNC_KEEP) rc = queue_mark(d->queue, NULL, why);
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

int deliver_settle(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct uplink_reply reply;
    struct tiktok_outcome outcome = {.code = -1, .index = -1};
    struct sync_verdict verdict;
    if (d->in_debt) return settle_rows(d, now, why);
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
    int rc = learn_time(d, now, &reply, why);
    if (d->in_flight_probe && r.class == SYNC_DONE && !d->clock->trusted) d->probe_is_idle = true;
    d->in_flight_probe = false;
    if (rc >= 0) rc = apply_verdict(d, now, &verdict, &outcome, why);
    return rc;
}

/* Taking a batch ------------------------------------------------------------------------------ */

enum judgement { ROW_GOOD, ROW_EXPIRED, ROW_IN_FUTURE, ROW_TOO_OLD, ROW_UNKNOWN_OUTCOME };
/* clang-format off */
static const struct { const char *reason, *message; } judgements[] = {
    [ROW_GOOD]            = {"", ""},
    [ROW_EXPIRED]         = {"expired", "older than max_event_age before it could be delivered"},
    [ROW_IN_FUTURE]       = {"in_future", "its time stamp lies more than 10 minutes ahead; correct the register's clock"},
    [ROW_TOO_OLD]         = {"too_old", "its time stamp was older than max_event_age when it came"},
    [ROW_UNKNOWN_OUTCOME] = {"unknown_outcome", "sent 40 hours ago without a clear answer: look in Events Manager whether it was counted; retry it if not"},
};
/* clang-format on */

struct taking {
    struct deliver *d;
    const struct clock_now *now;
    size_t bytes;
    char test_code[256];
    size_t test_code_len;
    bool any_doubt;
    bool needs_time; /* a row whose fate depends on the true time */
    int64_t bad_seq; /* first row that must be buried; the walk stops there */
    enum judgement bad;
};

static enum judgement judge(const struct taking *t, const struct queue_row *row, bool *doubtful)
{
    const struct deliver *d = t->d;
    struct queue_range doubt;
    int64_t truth = clock_truth_ms(d->clock, t->now);
    int64_t when = clock_event_ms(d->clock, t->now, row);
    *doubtful = t->any_doubt && queue_doubt_find(d->queue, row->seq, &doubt) == 1;
    if (!d->clock->trusted) return ROW_GOOD;
    if (*doubtful && truth / 1000 - doubt.since_s > DELIVER_DOUBT_MAX_S) return ROW_UNKNOWN_OUTCOME;
    if (row->unjudged && when > truth + TIKTOK_FUTURE_MAX_MS) return ROW_IN_FUTURE;
    if (truth - when <= d->config->queue.max_event_age_ms) return ROW_GOOD;
    return row->unjudged && !row->stamped ? ROW_TOO_OLD : ROW_EXPIRED;
}

static int take_row(void *ctx, const struct queue_row *row)
{
    struct taking *t = ctx;
    struct deliver *d = t->d;
    bool doubtful = false;
    enum judgement j = judge(t, row, &doubtful);
    if (j != ROW_GOOD) {
        t->bad_seq = row->seq;
        t->bad = j;
        return 1;
    }
    size_t bytes = tiktok_batch_row_bytes(row->event.len, row->event_id.len, row->rest_len);
    struct str code = {t->test_code, t->test_code_len};
    if (d->rows && t->bytes + bytes > (size_t)d->config->sync.batch_size_bytes) return 1;
    if (d->rows && !str_equal(code, row->test_code)) return 1;
    if (!d->rows && row->test_code.len < sizeof t->test_code) {
        memcpy(t->test_code, row->test_code.p, row->test_code.len);
        t->test_code_len = row->test_code.len;
    }
    if (doubtful || row->stamped || row->unjudged) t->needs_time = true;
    t->bytes += bytes;
    d->seqs[d->rows++] = row->seq;
    return d->rows == (unsigned)d->config->sync.batch_events;
}

/* Fills d->seqs from the oldest row on; rows that may not go are buried on the way. */
static int take_batch(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    for (;;) {
        struct taking t = {.d = d, .now = now, .any_doubt = queue_doubt_count(d->queue) > 0};
        d->rows = 0;
        int rc = queue_walk(d->queue, 1, INT64_MAX, take_row, &t, why);
        if (rc < 0) return rc;
        if (t.bad != ROW_GOOD && d->rows == 0) {
            rc = bury(d, now, t.bad_seq, judgements[t.bad].reason, judgements[t.bad].message, why);
            if (rc < 0) return rc;
            continue;
        }
        if (t.needs_time && !d->clock->trusted && !d->probe_is_idle) {
            sync_want_probe(&d->sync);
            d->rows = 0;
        } else {
            sync_begin(&d->sync, d->rows);
        }
        return 0;
    }
}

static int write_mark(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct queue_range old,
        mark = {d->seqs[0], d->seqs[d->rows - 1], clock_truth_ms(d->clock, now) / 1000};
    if (queue_marked(d->queue, &old) == 1 && old.first == mark.first && old.last == mark.last)
        return 0;
    return queue_mark(d->queue, &mark, why);
}

int deliver_plan(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    struct queue_counts counts;
    int rc = 0;
    d->wanted = false;
    watch_token(d, now);
    if (d->uplink_stale && !uplink_busy(d->uplink) && open_uplink(d, why) < 0)
        log_line(LOG_LEVEL_ERROR, "deliveries go on with the old settings: %s", why->message);
    if (d->in_debt) return 0;
    queue_counts(d->queue, &counts);
    sync_next(&d->sync, now->mono_ms, counts.queued, &d->next);
    if (d->next.step == SYNC_TAKE) {
        rc = take_batch(d, now, why);
        if (rc < 0) return rc;
        queue_counts(d->queue, &counts);
        sync_next(&d->sync, now->mono_ms, counts.queued, &d->next);
    }
    if (d->next.step == SYNC_SEND) rc = write_mark(d, now, why);
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
    if (queue_unseal(d->queue, row->seq, &w->rest, NULL) < 0) {
        w->damaged = row->seq;
        return 1;
    }
    tiktok_batch_add(&d->body, row->event, clock_event_ms(d->clock, w->now, row) / 1000,
                     row->event_id, buf_str(&w->rest));
    return 0;
}

/* false: a row could not be read; it is set aside and the batch is taken anew. */
static bool write_body(struct deliver *d, const struct clock_now *now)
{
    struct writing w = {.d = d, .now = now, .at = d->next.lo, .hi = d->next.hi};
    struct fault why = {0};
    buf_clear(&d->body);
    buf_init(&w.rest, QUEUE_ROW_MAX_BYTES);
    int rc = queue_walk(d->queue, d->seqs[w.at], d->seqs[w.hi - 1], write_row, &w, &why);
    tiktok_batch_end(&d->body);
    buf_free(&w.rest);
    if (w.damaged)
        (void)bury(d, now, w.damaged, "damaged",
                   "the stored row does not open with its seal; it cannot be sent", &why);
    return rc >= 0 && w.begun && !w.damaged && !d->body.failed;
}

static void write_probe(struct deliver *d)
{
    buf_clear(&d->body);
    tiktok_batch_begin(&d->body, d->config->tiktok.event_set_id, d->config->tiktok.partner_name,
                       (struct str){0});
    tiktok_batch_end(&d->body);
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
    if (verdict.paused_now) {
        d->paused_since_ms = clock_truth_ms(d->clock, now);
        d->paused_code = 0;
    }
    log_line(LOG_LEVEL_ERROR, "nothing can be sent: %s", why->message);
}

void deliver_send(struct deliver *d, const struct clock_now *now)
{
    struct fault why = {0};
    d->settling_count = 0;
    d->in_debt = false;
    if (!d->wanted) return;
    d->wanted = false;
    if (!refresh_token(d, &why)) {
        reply_for(d, now, SYNC_PAUSE_CREDENTIALS, &why);
        return;
    }
    if (d->next.step == SYNC_PROBE) {
        write_probe(d);
    } else if (!write_body(d, now)) {
        sync_abandon(&d->sync);
        d->rows = 0;
        return;
    }
    uplink_set_clock(d->uplink, clock_verify_ms(d->clock, now), clock_lenient(d->clock, now));
    if (uplink_post(d->uplink, buf_str(&d->body), str_from(d->token.tokens[0]), &why) < 0) {
        reply_for(d, now, SYNC_RETRY, &why);
        return;
    }
    d->in_flight_probe = d->next.step == SYNC_PROBE;
    sync_sent(&d->sync, &d->next);
}

void deliver_commit_failed(struct deliver *d)
{
    d->wanted = false;
    d->in_debt = d->settling_count > 0;
    if (uplink_busy(d->uplink)) return;
    sync_abandon(&d->sync);
    d->rows = 0;
}

int64_t deliver_timeout_ms(const struct deliver *d, const struct clock_now *now)
{
    struct queue_counts counts;
    struct sync_next next;
    int64_t poll = INT64_MAX;
    if (sync_paused(&d->sync) == SYNC_PAUSED_CREDENTIALS) poll = DELIVER_TOKEN_POLL_MS;
    if (d->in_debt) return DELIVER_DEBT_WAIT_MS;
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

int deliver_operator_pause(struct deliver *d, const struct clock_now *now, bool paused,
                           struct fault *why)
{
    int64_t since = paused ? clock_truth_ms(d->clock, now) / 1000 : 0;
    int rc = queue_set_value(d->queue, QUEUE_VALUE_PAUSED, paused, why);
    if (rc >= 0) rc = queue_set_value(d->queue, QUEUE_VALUE_PAUSED_SINCE, since, why);
    if (rc >= 0) sync_operator_pause(&d->sync, paused);
    return rc;
}
