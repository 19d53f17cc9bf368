/*
 * seams.c: what the agent's real code stands on here. These functions have the names of the real
 * ones and come first when the program is linked; wrapped ones (--wrap) call the real one unless a
 * control breaks it.
 */
#include "world.h"

#include "agent/build.h"
#include "agent/deliver_inside.h"
#include "base/log.h"
#include "platform/platform.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The uplink: one request at a time, that tiktok.c answers ------------------------------------- */

struct uplink {
    int dummy;
};
static struct uplink only;

int uplink_open(const struct uplink_options *options, struct uplink **out, struct fault *why)
{
    (void)options;
    (void)why;
    *out = &only;
    return 0;
}

void uplink_close(struct uplink *u)
{
    (void)u;
    w.under_way = false;
}

void uplink_set_clock(struct uplink *u, int64_t verify_ms, bool lenient)
{
    (void)u;
    if (!lenient && verify_ms < BUILT_S * 1000) wrong("a certificate is judged in the past");
}

int uplink_post(struct uplink *u, struct str body, struct str token, struct fault *why)
{
    (void)u;
    (void)why;
    if (w.under_way) wrong("two requests at once");
    if (token.len == 0) wrong("a request without a token");
    w.under_way = w.sent_now = true;
    w.held = w.holding = w.served = false;
    w.reply_at = NEVER;
    w.requests++;
    w.body = body;
    return 0;
}

void uplink_hold(struct uplink *u)
{
    (void)u;
    w.held = true;
}

bool uplink_holding(const struct uplink *u)
{
    (void)u;
    return w.under_way && w.holding;
}

void uplink_release(struct uplink *u)
{
    (void)u;
    w.held = w.holding = false;
}

bool uplink_busy(const struct uplink *u)
{
    (void)u;
    return w.under_way;
}

void uplink_line_changed(struct uplink *u)
{
    (void)u;
}

int uplink_take_reply(struct uplink *u, struct uplink_reply *out)
{
    (void)u;
    if (!w.under_way || w.now < w.reply_at) return 0;
    w.under_way = false;
    *out = w.reply;
    return 1;
}

const char *uplink_trouble_name(enum uplink_trouble t)
{
    return t == UPLINK_DNS ? "dns" : "trouble";
}

/* Chance, the token, the build, the log -------------------------------------------------------- */

int platform_random(void *out, size_t bytes)
{
    unsigned char *p = out;
    for (size_t i = 0; i < bytes; i++) p[i] = w.broken == NO_JITTER ? 0 : (unsigned char)dice();
    return 0;
}

/* The queue waits by it before it tries a full disk again. */
int64_t platform_mono_ms(void)
{
    return w.now - BIRTH;
}

bool secret_refresh_token(struct secret *s, const char *file, struct fault *why)
{
    static char token[] = "token";
    (void)file;
    (void)why;
    *s = (struct secret){.text = token, .len = 5, .tokens = {token}, .stamp = w.token_stamp};
    return true;
}

void secret_forget(struct secret *s)
{
    *s = (struct secret){0};
}

int64_t build_time_s(void)
{
    return BUILT_S;
}

void log_setup(enum log_level level, bool json)
{
    (void)level;
    (void)json;
}

bool log_enabled(enum log_level level)
{
    (void)level;
    return w.loud;
}

void log_line(enum log_level level, const char *format, ...)
{
    char text[LOG_LINE_MAX_BYTES];
    va_list ap;
    (void)level;
    if (!w.loud) return;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    say("  log: %s", text);
}

/* What the controls break ---------------------------------------------------------------------- */

void __real_tiktok_outcome_read(int http, struct str body, struct tiktok_outcome *out);
void __wrap_tiktok_outcome_read(int http, struct str body, struct tiktok_outcome *out);
void __wrap_tiktok_outcome_read(int http, struct str body, struct tiktok_outcome *out)
{
    __real_tiktok_outcome_read(http, body, out);
    if (w.broken == DONE_ON_UNKNOWN_CODE && out->class == TIKTOK_DOUBT) out->class = TIKTOK_DONE;
}

int __real_queue_doubt_find(struct queue *q, int64_t seq, struct queue_range *out);
int __wrap_queue_doubt_find(struct queue *q, int64_t seq, struct queue_range *out);
int __wrap_queue_doubt_find(struct queue *q, int64_t seq, struct queue_range *out)
{
    int found = __real_queue_doubt_find(q, seq, out);
    if (w.broken == NO_40_HOURS) out->since_s = w.now / 1000;
    return found;
}

void __real_tiktok_batch_add(struct buf *body, struct str event, int64_t time_s, struct str id,
                             struct str rest);
void __wrap_tiktok_batch_add(struct buf *body, struct str event, int64_t time_s, struct str id,
                             struct str rest);
void __wrap_tiktok_batch_add(struct buf *body, struct str event, int64_t time_s, struct str id,
                             struct str rest)
{
    char fresh[48];
    if (w.broken == NEW_ID_ON_RETRY) {
        int n = snprintf(fresh, sizeof fresh, "%.*s-%u", (int)id.len, id.p, w.requests + 1);
        id = (struct str){fresh, (size_t)n};
    }
    __real_tiktok_batch_add(body, event, time_s, id, rest);
}

int __real_queue_mark(struct queue *q, const struct queue_range *r, struct fault *why);
int __wrap_queue_mark(struct queue *q, const struct queue_range *r, struct fault *why);
int __wrap_queue_mark(struct queue *q, const struct queue_range *r, struct fault *why)
{
    return w.broken == NO_MARK ? 0 : __real_queue_mark(q, r, why);
}

int __real_deliver_still_good(struct deliver *d, const struct clock_now *now, struct fault *why);
int __wrap_deliver_still_good(struct deliver *d, const struct clock_now *now, struct fault *why);
int __wrap_deliver_still_good(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    return w.broken == BATCH_NOT_JUDGED_AGAIN ? 1 : __real_deliver_still_good(d, now, why);
}

int __real_queue_doubt_add(struct queue *q, const struct queue_range *r, struct fault *why);
int __wrap_queue_doubt_add(struct queue *q, const struct queue_range *r, struct fault *why);
int __wrap_queue_doubt_add(struct queue *q, const struct queue_range *r, struct fault *why)
{
    struct queue_range noted = *r;
    const struct clock_now now = store_clocks();
    if (w.broken == HOUR_OF_1970) noted.since_s = clock_truth_ms(&w.clock, &now) / 1000;
    return __real_queue_doubt_add(q, &noted, why);
}

int __real_deliver_correct(struct deliver *d, const struct clock_now *now, struct fault *why);
int __wrap_deliver_correct(struct deliver *d, const struct clock_now *now, struct fault *why);
int __wrap_deliver_correct(struct deliver *d, const struct clock_now *now, struct fault *why)
{
    if (w.broken != TIME_NOT_KEPT) return __real_deliver_correct(d, now, why);
    d->correct_from = 0;
    return 0;
}
