/*
 * tiktok.c: the line and the server. What becomes of a request is settled when it leaves; the agent
 * learns it at w.reply_at. The server forgets an id 48 h after its first copy, and counts what it
 * does not know: counted twice is [1] broken.
 */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The body --------------------------------------------------------------------------------------- */

struct sent {
    unsigned event, name; /* "e12" is 12, 0; a control sends "e12-7" */
    int64_t time_s;
};
static struct sent sent[SYNC_BATCH_MAX];
static unsigned sent_count;

static const char *behind(const char *text, const char *key)
{
    const char *at = text ? strstr(text, key) : NULL;
    return at ? at + strlen(key) : NULL;
}

static void read_body(struct str body)
{
    const char *at = body.p;
    sent_count = 0;
    while ((at = behind(at, "\"event_time\":")) != NULL) {
        char *end;
        struct sent *s = &sent[sent_count++];
        s->time_s = strtoll(at, NULL, 10);
        at = behind(at, "\"event_id\":\"e");
        if (!at) wrong("an event without id");
        s->event = (unsigned)strtoul(at, &end, 10);
        s->name = *end == '-' ? (unsigned)strtoul(end + 1, NULL, 10) : 0;
        if (s->event >= w.sold) wrong("an event that nobody sold");
    }
}

/* [7] A time that the register gave goes out as it is; one that the agent stamped is true once the
 * truth was known while its boot lasted. */
static void check_times(void)
{
    const bool known = w.clock.trusted;
    for (unsigned i = 0; i < sent_count; i++) {
        const struct event *e = &w.events[sent[i].event];
        const int64_t off = sent[i].time_s * 1000 - e->sold_at;
        const bool known_here = known && e->boot == w.boot;
        if (e->own_time ? off / 1000 == 0 : off < 3 * SECOND && off > -3 * SECOND) continue;
        if (e->own_time || known_here || e->time_is_known)
            wrong("[7] event %u of boot %u (sold on day %.3f) goes out %+.1f s off", sent[i].event,
                  e->boot, (double)(e->sold_at - BIRTH) / DAY, (double)off / SECOND);
    }
}

/* The server ------------------------------------------------------------------------------------- */

static void count(const struct sent *s)
{
    struct event *e = &w.events[s->event];
    const bool known = e->first_copy_at && e->first_name == s->name;
    if (known && w.now < e->first_copy_at + MEMORY_48) return;
    e->first_copy_at = w.now;
    e->first_name = s->name;
    if (++e->counted > 1) wrong("[1] event %u is counted twice", s->event);
}

static void say_code(int http, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say_code(int http, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(w.reply_body, sizeof w.reply_body, format, ap);
    va_end(ap);
    w.reply.http_status = http;
    w.reply.body = (struct str){w.reply_body, (size_t)n};
}

/* One bad event fails the whole batch; a good one is counted. */
static void judge(void)
{
    for (unsigned i = 0; i < sent_count; i++) {
        if (!w.events[sent[i].event].bad) continue;
        if (w.names_rows) say_code(200, "{\"code\":40002,\"message\":\"data.%u.user: bad\"}", i);
        else say_code(200, "{\"code\":40002,\"message\":\"Invalid value for user\"}");
        return;
    }
    for (unsigned i = 0; i < sent_count; i++) count(&sent[i]);
    if (in(8)) say_code(200, "{\"code\":\"0\",\"message\":\"OK\"}");
    else say_code(200, "{\"code\":%d,\"message\":\"OK\"}", in(8) ? 40050 : 0);
}

static void judge_if_small(void)
{
    if (w.size_limit && sent_count > w.size_limit) say_code(413, "<html>too large</html>");
    else if (sent_count == 0) say_code(200, "{\"code\":40002,\"message\":\"data: empty\"}");
    else judge();
}

/* Perhaps it took the events in, perhaps not: nobody can tell from the answer. */
static void mumble(void)
{
    static const char *const texts[] = {"<html>hello</html>", "{\"message\":\"OK\"}",
                                        "{\"code\":12345,\"message\":\"?\"}", "{\"code\":"};
    if (in(2)) judge_if_small();
    say_code(in(3) ? 502 : 200, "%s", texts[dice() % 4]);
}

static void serve(void)
{
    static const int errors[] = {50000, 50002, 60001, 40202, 51305};
    static const int tokens[] = {40105, 40102, 40001};
    switch (w.server) {
    case SERVER_FINE: judge_if_small(); break;
    case SERVER_ERRORS:
        say_code(200, "{\"code\":%d,\"message\":\"later\"}", errors[dice() % 5]);
        break;
    case SERVER_UNCLEAR: mumble(); break;
    case SERVER_LIMITS:
        say_code(429, "slow down");
        w.reply.has_retry_after = true;
        (void)snprintf(w.reply.retry_after, sizeof w.reply.retry_after, "%d",
                       (int)between(0, 7200));
        break;
    case SERVER_TOKEN:
        say_code(200, "{\"code\":%d,\"message\":\"token\"}", tokens[dice() % 2]);
        break;
    case SERVER_CONFIG:
        say_code(200, "{\"code\":%d,\"message\":\"no permission\"}", tokens[2]);
        break;
    case SERVER_REFUSES_ALL:
    case SERVERS:
        if (sent_count == 0) say_code(200, "{\"code\":0,\"message\":\"OK\"}");
        else say_code(200, "{\"code\":40700,\"message\":\"no\"}");
        break;
    }
}

/* The line --------------------------------------------------------------------------------------- */

static void add_date(void)
{
    const time_t s = (time_t)((w.reply_at - 20) / 1000);
    struct tm tm;
    w.reply.tls_verified = w.reply.has_date = true;
    (void)gmtime_r(&s, &tm);
    (void)strftime(w.reply.date, sizeof w.reply.date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static void lose(enum uplink_result result, enum uplink_trouble trouble)
{
    w.reply.result = result;
    w.reply.trouble = trouble;
    (void)snprintf(w.reply.error, sizeof w.reply.error, "lost");
}

/* Whose outcome is not known for sure, once this is all that the agent hears. */
static bool unclear(void)
{
    if (w.reply.result == UPLINK_NO_ANSWER) return true;
    return w.reply.result == UPLINK_ANSWERED && w.server == SERVER_UNCLEAR;
}

static void travel(enum line line)
{
    switch (line) {
    case LINE_FINE: serve(); break;
    case LINE_NO_DNS: lose(UPLINK_NOT_SENT, UPLINK_DNS); break;
    case LINE_BLACK_HOLE:
        lose(!w.held && in(2) ? UPLINK_NO_ANSWER : UPLINK_NOT_SENT, UPLINK_TIMEOUT);
        w.reply_at = w.now + 30 * SECOND;
        break;
    case LINE_CUTS:
        serve();
        lose(UPLINK_NO_ANSWER, UPLINK_RESET);
        break;
    case LINE_DOWN:
    case LINE_FLAPS:
    case LINES: lose(UPLINK_NOT_SENT, UPLINK_CONNECT); break;
    }
}

/* A plausible clock is believed while the truth is not known: its doubts are as wrong as it is. */
void tiktok_note_unclear(struct event *e)
{
    if (e->unclear_at) return;
    e->unclear_at = w.now;
    e->clock_behind = !w.clock.trusted && w.wall_ahead < 0 ? -w.wall_ahead : 0;
}

static void note_unclear(void)
{
    w.in_body_count = sent_count;
    for (unsigned i = 0; i < sent_count; i++) {
        struct event *e = &w.events[sent[i].event];
        w.in_body[i] = sent[i].event;
        if (unclear()) tiktok_note_unclear(e);
    }
}

void tiktok_serve(void)
{
    const enum line line = w.line == LINE_FLAPS && in(2) ? LINE_FINE : w.line;
    const bool connects = line == LINE_FINE || line == LINE_CUTS;
    if (!w.under_way || w.served || w.holding) return;
    w.holding = w.held && connects;
    if (w.holding) return;
    w.served = true;
    w.reply = (struct uplink_reply){.result = UPLINK_ANSWERED};
    w.reply_at = w.now + between(20, 2 * SECOND);
    read_body(w.body);
    check_times();
    travel(line);
    if (w.reply.result == UPLINK_ANSWERED) add_date();
    note_unclear();
    say("%s of %u: http %d %.*s", sent_count ? "request" : "probe", sent_count, w.reply.http_status,
        (int)w.reply.body.len, w.reply.body.len ? w.reply.body.p : "");
}
