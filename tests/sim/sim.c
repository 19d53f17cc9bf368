/*
 * sim.c: thirty days of a store in virtual time. The engine is the real one (src/sync); the queue
 * and the rules that agent adds (mark, doubt, 40 hours, expiry) are played by the driver; the server
 * forgets an id 48 h after its first copy, and counts what it does not know.
 *
 *   sim          many seeds (10,000 with TILLPOST_SOAK=1)
 *   sim SEED     one, with a line for each thing that happens
 *
 * Checked: [1] no event is counted twice; [2] what is settled was counted; [3] at the end every
 * event is sent, or dead with a reason that fits; [4] an account-wide refusal buries fewer events
 * than the rule of 20 allows; [5] failing tries stay rare; [6] a queue drains once all is well.
 */
#include "sync/sync.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND (INT64_C(1000))
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define TROUBLED        (30 * DAY)  /* anything may go wrong */
#define CALM            (4 * DAY)   /* then all is well: pauses end, the queue drains */
#define SERVER_MEMORY   (48 * HOUR) /* tiktok-api.md section 7 */
#define DOUBT_MOST      (40 * HOUR) /* product.md section 6 */
#define AGE_MOST        (28 * DAY)
#define REQUEST_TIMEOUT (30 * SECOND)
#define DRAIN_MOST      (90 * MINUTE) /* retry_most, a Retry-After of an hour, and some */

enum {
    SEEDS = 300,
    SEEDS_SOAK = 10000,
    EVENTS_MAX = 8000,
    FAILED_AN_HOUR_MAX = 60 /* full jitter up to 15 min makes about 8, and 12 more at its start */
};

/* Chance -------------------------------------------------------------------------------------- */

static uint64_t dice_state;

static uint64_t dice(void) /* splitmix64 */
{
    uint64_t z = dice_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double chance(void)
{
    return (double)(dice() >> 11) / 9007199254740992.0;
}

static bool in(unsigned n) /* once in n */
{
    return dice() % n == 0;
}

static int64_t between(int64_t least, int64_t most)
{
    return least + (int64_t)(dice() % (uint64_t)(most - least + 1));
}

/* The world ----------------------------------------------------------------------------------- */

enum line {
    LINE_FINE,
    LINE_DOWN,
    LINE_NO_DNS,
    LINE_BLACK_HOLE,
    LINE_CUTS_REPLIES,
    LINE_FLAPS,
    LINES
};
enum server {
    SERVER_FINE,
    SERVER_ERRORS,
    SERVER_UNCLEAR,
    SERVER_LIMITS,
    SERVER_TOKEN,
    SERVER_CONFIG,
    SERVER_REFUSES_ALL,
    SERVERS
};
static const char *const line_names[LINES] = {"fine",       "down",         "no DNS",
                                              "black hole", "cuts replies", "flaps"};
static const char *const server_names[SERVERS] = {"fine",  "errors", "unclear",    "limits",
                                                  "token", "config", "refuses all"};

enum fate { QUEUED, SENT, REFUSED, EXPIRED, UNKNOWN_OUTCOME };
struct event {
    bool bad;
    enum fate fate;
    int64_t sold_at, doubt_since; /* doubt_since 0: none */
    int64_t first_copy_at;        /* the server's memory; -1: it does not know it */
    unsigned counted;
};

static struct world {
    uint64_t seed;
    bool loud;
    int64_t now;
    enum line line;
    enum server server;
    bool names_rows;     /* the server's refusals name the row */
    unsigned size_limit; /* rows; 0: none */
    int64_t sale_at, line_at, server_at, mishap_at, flap_at, power_at;
    int64_t fine_since; /* -1: something is wrong */
    /* the agent */
    struct sync sync;
    unsigned at[SYNC_BATCH_MAX]; /* the batch: event of each row */
    unsigned rows;
    bool marked; /* the batch may be in flight: found at a restart, its rows are in doubt */
    unsigned graves[SYNC_BURIED_IN_A_ROW_MAX], grave_count;
    unsigned oldest;  /* no event before it is queued */
    int64_t reply_at; /* -1: nothing is under way */
    struct sync_reply reply;
    /* the count of things */
    unsigned refusing_times, restarts, good_refused;
    bool prompted; /* the try at hand was asked for: by the line or a person */
    int64_t failed_at[FAILED_AN_HOUR_MAX];
    unsigned failed_next;
    struct event events[EVENTS_MAX];
    unsigned event_count;
} w;
static struct {
    uint64_t events, requests, sent, refused, expired, unknown, pauses;
} total;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list ap;
    if (!w.loud) return;
    printf("%3d.%02d:%02d:%02d.%03d  ", (int)(w.now / DAY), (int)(w.now / HOUR % 24),
           (int)(w.now / MINUTE % 60), (int)(w.now / SECOND % 60), (int)(w.now % SECOND));
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    putchar('\n');
}

static void wrong(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void wrong(const char *format, ...)
{
    va_list ap;
    printf("seed %" PRIu64 ", day %.3f: ", w.seed, (double)w.now / DAY);
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    printf("\n  replay: sim %" PRIu64 "\n", w.seed);
    exit(1);
}

/* The server ---------------------------------------------------------------------------------- */

static void count(struct event *e)
{
    if (e->first_copy_at >= 0 && w.now < e->first_copy_at + SERVER_MEMORY) return;
    e->first_copy_at = w.now;
    e->counted++;
    if (e->counted > 1) wrong("[1] event %d is counted twice", (int)(e - w.events));
}

static void judge_rows(unsigned lo, unsigned hi, struct sync_reply *r)
{
    r->too_large = w.size_limit && hi - lo > w.size_limit;
    r->class = r->too_large ? SYNC_SPLIT : SYNC_DONE;
    for (unsigned i = lo; i < hi && r->class == SYNC_DONE; i++) {
        if (!w.events[w.at[i]].bad) continue;
        r->class = SYNC_SPLIT;
        if (w.names_rows) r->index = (long)(i - lo);
    }
    for (unsigned i = lo; i < hi && r->class == SYNC_DONE; i++) count(&w.events[w.at[i]]);
}

static void serve(const struct sync_next *next, struct sync_reply *r)
{
    const bool probe = next->step == SYNC_PROBE;
    switch (w.server) {
    case SERVER_FINE: judge_rows(next->lo, next->hi, r); break;
    case SERVER_ERRORS: r->class = SYNC_RETRY; break;
    case SERVER_UNCLEAR:
        if (in(2)) judge_rows(next->lo, next->hi, r);
        r->class = SYNC_DOUBT;
        break;
    case SERVER_LIMITS:
        r->class = SYNC_RETRY;
        r->retry_after_ms = between(0, 2 * HOUR);
        break;
    case SERVER_TOKEN: r->class = SYNC_PAUSE_CREDENTIALS; break;
    case SERVER_CONFIG: r->class = SYNC_PAUSE_CONFIGURATION; break;
    case SERVER_REFUSES_ALL:
    case SERVERS: r->class = probe ? SYNC_DONE : SYNC_SPLIT; break;
    }
}

/* What becomes of a request is settled when it leaves; the agent learns it at reply_at. */
static void send_request(const struct sync_next *next)
{
    struct sync_reply r = {.class = SYNC_RETRY, .retry_after_ms = -1, .index = -1};
    int64_t took = between(20, 2 * SECOND);
    enum line line = w.line == LINE_FLAPS && in(2) ? LINE_FINE : w.line;
    switch (line) {
    case LINE_FINE: serve(next, &r); break;
    case LINE_NO_DNS: r.dns_only = true; break;
    case LINE_BLACK_HOLE: /* it stays in a buffer of ours */
        r.class = in(2) ? SYNC_DOUBT : SYNC_RETRY;
        took = REQUEST_TIMEOUT;
        break;
    case LINE_CUTS_REPLIES:
        serve(next, &r);
        r.class = SYNC_DOUBT;
        break;
    case LINE_DOWN:
    case LINE_FLAPS:
    case LINES: break;
    }
    total.requests++;
    w.reply = r;
    w.reply_at = w.now + took;
    if (in(1000)) w.power_at = w.now + took / 2;
    sync_sent(&w.sync, next);
}

/* The agent ----------------------------------------------------------------------------------- */

static bool judge_age(struct event *e)
{
    if (e->fate != QUEUED) return false;
    if (e->doubt_since && w.now - e->doubt_since > DOUBT_MOST) e->fate = UNKNOWN_OUTCOME;
    else if (w.now - e->sold_at > AGE_MOST) e->fate = EXPIRED;
    return e->fate == QUEUED;
}

static bool batch_has_aged(void)
{
    bool aged = false;
    for (unsigned i = 0; i < w.rows; i++) aged |= !judge_age(&w.events[w.at[i]]);
    return aged;
}

static void forget_batch(void)
{
    w.rows = 0;
    w.marked = false;
}

static void take_batch(void)
{
    w.rows = 0;
    while (w.oldest < w.event_count && w.events[w.oldest].fate != QUEUED) w.oldest++;
    for (unsigned i = w.oldest; i < w.event_count && w.rows < SYNC_BATCH_MAX; i++) {
        if (judge_age(&w.events[i])) w.at[w.rows++] = i;
    }
    if (w.rows > 0) sync_begin(&w.sync, w.rows);
}

static unsigned queued(void)
{
    unsigned n = 0;
    while (w.oldest < w.event_count && w.events[w.oldest].fate != QUEUED) w.oldest++;
    for (unsigned i = w.oldest; i < w.event_count && n == 0; i++) n += w.events[i].fate == QUEUED;
    return n;
}

static void leave(unsigned lo, unsigned hi)
{
    w.rows -= hi - lo;
    memmove(&w.at[lo], &w.at[lo + hi - lo], (w.rows - lo) * sizeof w.at[0]);
}

static void settle(unsigned lo, unsigned hi)
{
    for (unsigned i = lo; i < hi; i++) {
        struct event *e = &w.events[w.at[i]];
        if (e->counted == 0) wrong("[2] event %u is settled, but was never counted", w.at[i]);
        e->fate = SENT;
    }
    leave(lo, hi);
    w.grave_count = 0;
}

static void bury(unsigned row)
{
    struct event *e = &w.events[w.at[row]];
    e->fate = REFUSED;
    if (!e->bad) {
        if (w.refusing_times == 0) wrong("[3] event %u is good, but buried", w.at[row]);
        w.good_refused++;
    }
    if (w.grave_count == SYNC_BURIED_IN_A_ROW_MAX) wrong("[4] too many are buried in a row");
    w.graves[w.grave_count++] = w.at[row];
    leave(row, row + 1);
}

static void unbury(unsigned n)
{
    if (n > w.grave_count) wrong("[4] %u are to come back, %u are buried", n, w.grave_count);
    for (unsigned i = 0; i < n; i++) {
        struct event *e = &w.events[w.graves[--w.grave_count]];
        e->fate = QUEUED;
        if (!e->bad) w.good_refused--;
        if (e < &w.events[w.oldest]) w.oldest = (unsigned)(e - w.events);
    }
    w.grave_count = 0;
}

static void apply(const struct sync_verdict *v)
{
    switch (v->what) {
    case SYNC_KEEP: break;
    case SYNC_SETTLE:
        settle(v->lo, v->hi);
        if (v->bury_hi) bury(v->lo);
        break;
    case SYNC_NOTE_DOUBT:
        for (unsigned i = v->lo; i < v->hi; i++) {
            struct event *e = &w.events[w.at[i]];
            if (e->doubt_since == 0) e->doubt_since = w.now;
        }
        break;
    case SYNC_BURY: bury(v->lo); break;
    case SYNC_UNBURY: unbury(v->unbury); break;
    }
    if (v->batch_over) forget_batch();
    total.pauses += v->paused_now;
}

/* [5] So many tries within an hour that fail or find a pause, none asked for and no clear answer
 * between, are too many. */
static void note_failure(void)
{
    int64_t *oldest = &w.failed_at[w.failed_next++ % FAILED_AN_HOUR_MAX];
    if (w.failed_next > FAILED_AN_HOUR_MAX && w.now - *oldest < HOUR) {
        wrong("[5] %d tries in a row failed within %.1f min", FAILED_AN_HOUR_MAX,
              (double)(w.now - *oldest) / MINUTE);
    }
    *oldest = w.now;
}

static void take_reply(void)
{
    static const char *const names[] = {"done", "retry", "doubt", "split", "token", "config"};
    struct sync_verdict v;
    w.reply_at = -1;
    sync_reply(&w.sync, w.now, &w.reply, chance(), &v);
    say("%s: verdict %d [%u,%u)%s%s", names[w.reply.class], (int)v.what, v.lo, v.hi,
        v.batch_over ? ", batch over" : "", v.paused_now ? ", pause" : "");
    const bool paused = sync_paused(&w.sync) > SYNC_PAUSED_OPERATOR;
    if (!sync_failing(&w.sync) && !paused) w.failed_next = 0;
    else if (!w.prompted) note_failure();
    w.prompted = false;
    apply(&v);
}

/* One step of the loop; false when there is nothing to do until something happens. */
static bool step(int64_t *until)
{
    struct sync_next next;
    sync_next(&w.sync, w.now, queued(), &next);
    *until = next.at_ms;
    if (next.step == SYNC_WAIT) return false;
    if (next.step == SYNC_TAKE) {
        take_batch();
        return true;
    }
    if (next.step == SYNC_SEND && batch_has_aged()) {
        sync_abandon(&w.sync);
        forget_batch();
        return true;
    }
    if (next.step == SYNC_SEND) w.marked = true;
    say("%s [%u,%u) of %u", next.step == SYNC_PROBE ? "probe" : "send", next.lo, next.hi, w.rows);
    send_request(&next);
    return true;
}

/* What happens -------------------------------------------------------------------------------- */

static void sell(void)
{
    const unsigned import = in(400) ? (unsigned)between(10, 1500) : 1;
    for (unsigned i = 0; i < import && w.event_count < EVENTS_MAX; i++) {
        w.events[w.event_count++] =
            (struct event){.bad = in(60), .sold_at = w.now, .first_copy_at = -1};
    }
    w.sale_at = w.now + (in(40) ? between(HOUR, 20 * HOUR) : between(1, 20 * MINUTE));
}

static void change_line(enum line line)
{
    w.line = line;
    say("the line: %s", line_names[line]);
    sync_line_changed(&w.sync, w.now, chance());
    w.prompted = true;
    if (line == LINE_FINE) w.line_at = w.now + between(MINUTE, 4 * DAY);
    else if (in(200)) w.line_at = w.now + TROUBLED; /* events grow older than any may be */
    else w.line_at = w.now + (in(8) ? between(DAY, 7 * DAY) : between(SECOND, 8 * HOUR));
    w.flap_at = line == LINE_FLAPS ? w.now : INT64_MAX;
}

static void change_server(enum server server)
{
    const bool mended = w.server == SERVER_TOKEN && server != SERVER_TOKEN;
    w.server = server;
    w.size_limit = in(10) ? (unsigned)between(1, 300) : 0;
    w.refusing_times += server == SERVER_REFUSES_ALL;
    say("the server: %s", server_names[server]);
    if (mended && in(2)) sync_credentials_changed(&w.sync, w.now);
    if (server == SERVER_FINE) w.server_at = w.now + between(HOUR, 5 * DAY);
    else w.server_at = w.now + (in(8) ? between(DAY, 4 * DAY) : between(SECOND, 6 * HOUR));
}

/* The power fails: what was in flight may have been counted. */
static void restart(void)
{
    static const struct sync_settings settings = {.retry_first_ms = 1000, .retry_most_ms = 900000};
    const enum sync_pause paused = sync_paused(&w.sync);
    say("a restart");
    for (unsigned i = 0; w.marked && i < w.rows; i++) {
        struct event *e = &w.events[w.at[i]];
        if (e->doubt_since == 0)
            e->doubt_since = w.now > REQUEST_TIMEOUT ? w.now - REQUEST_TIMEOUT : 1;
    }
    forget_batch();
    w.reply_at = -1;
    w.grave_count = 0;
    w.prompted = true;
    w.failed_next = 0;
    w.restarts++;
    sync_init(&w.sync, &settings);
    sync_start(&w.sync, w.now, queued() > 0, chance());
    sync_pause_for(&w.sync, paused);
}

static void mishap(void)
{
    switch (between(0, 5)) {
    case 0: restart(); break;
    case 1:
        sync_try_now(&w.sync, w.now);
        w.prompted = true;
        break;
    case 2: sync_operator_pause(&w.sync, true); break;
    case 3: sync_want_probe(&w.sync); break;
    case 4:
        sync_abandon(&w.sync);
        if (w.reply_at < 0) forget_batch();
        break;
    default: break;
    }
    if (!in(3)) sync_operator_pause(&w.sync, false);
    w.mishap_at = w.now + between(1, 2 * DAY);
}

static void flap(void)
{
    sync_line_changed(&w.sync, w.now, chance());
    w.prompted = true;
    w.flap_at = w.now + between(1, 10 * MINUTE);
}

/* The power goes while a reply is awaited, and often takes the line with it for long. */
static void power_cut(void)
{
    w.power_at = INT64_MAX;
    if (in(3)) change_line(LINE_DOWN);
    if (in(2)) w.line_at = w.now + between(DAY, 3 * DAY);
    restart();
}

static bool troubled(void)
{
    return w.now < TROUBLED;
}

static void happen(void)
{
    if (w.now >= w.sale_at) sell();
    if (w.now >= w.line_at)
        change_line(w.line == LINE_FINE ? (enum line)(dice() % LINES) : LINE_FINE);
    if (w.now >= w.server_at) {
        change_server(w.server == SERVER_FINE ? (enum server)(dice() % SERVERS) : SERVER_FINE);
    }
    if (w.now >= w.mishap_at) mishap();
    if (w.now >= w.flap_at) flap();
    if (w.now >= w.power_at) power_cut();
}

static void calm_down(void)
{
    say("all is well from here on");
    change_line(LINE_FINE);
    change_server(SERVER_FINE);
    sync_operator_pause(&w.sync, false);
    w.line_at = w.server_at = w.mishap_at = w.power_at = INT64_MAX;
}

/* [6] */
static void check_drained(void)
{
    const bool fine =
        w.line == LINE_FINE && w.server == SERVER_FINE && sync_paused(&w.sync) == SYNC_RUNNING;
    if (!fine) w.fine_since = -1;
    else if (w.fine_since < 0) w.fine_since = w.now;
    if (w.fine_since < 0 || w.now - w.fine_since < DRAIN_MOST || !queued()) return;
    if (w.now - w.events[w.oldest].sold_at > DRAIN_MOST) {
        wrong("[6] event %u waits, though all is well since %.1f h", w.oldest,
              (double)(w.now - w.fine_since) / HOUR);
    }
}

static void check_end(void)
{
    for (unsigned i = 0; i < w.event_count; i++) {
        const struct event *e = &w.events[i];
        if (e->fate == QUEUED) wrong("[3] event %u is still queued", i);
        if (e->fate == SENT && (e->bad || e->counted != 1))
            wrong("[3] event %u should not be sent", i);
        if (e->fate == UNKNOWN_OUTCOME && !e->doubt_since)
            wrong("[3] event %u was never in doubt", i);
        total.sent += e->fate == SENT;
        total.refused += e->fate == REFUSED;
        total.expired += e->fate == EXPIRED;
        total.unknown += e->fate == UNKNOWN_OUTCOME;
    }
    total.events += w.event_count;
    if (w.good_refused > (SYNC_BURIED_IN_A_ROW_MAX - 1) * (w.refusing_times + w.restarts)) {
        wrong("[4] %u good events are buried", w.good_refused);
    }
}

static int64_t soonest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void live(uint64_t seed, bool loud)
{
    memset(&w, 0, offsetof(struct world, events));
    w.seed = seed;
    w.loud = loud;
    w.event_count = 0;
    dice_state = seed;
    w.names_rows = in(2);
    w.flap_at = w.power_at = INT64_MAX;
    w.reply_at = -1;
    restart();
    w.line_at = between(0, DAY);
    w.server_at = between(0, DAY);
    w.mishap_at = between(0, DAY);
    while (w.now < TROUBLED + CALM) {
        int64_t until = SYNC_NEVER;
        const bool was_troubled = troubled();
        if (w.reply_at >= 0 && w.now >= w.reply_at) take_reply();
        happen();
        while (step(&until)) continue;
        check_drained();
        until = soonest(until, soonest(w.line_at, soonest(w.server_at, w.mishap_at)));
        until = soonest(until, soonest(w.flap_at, w.power_at));
        until = soonest(until, troubled() ? soonest(w.sale_at, TROUBLED) : TROUBLED + CALM);
        if (w.reply_at >= 0) until = soonest(until, w.reply_at);
        if (!troubled()) w.sale_at = INT64_MAX;
        w.now = until > w.now ? until : w.now + 1;
        if (was_troubled && !troubled()) calm_down();
    }
    check_end();
}

int main(int argc, char **argv)
{
    const char *soak = getenv("TILLPOST_SOAK");
    const uint64_t seeds = soak && *soak == '1' ? SEEDS_SOAK : SEEDS;
    if (argc == 2) {
        live(strtoull(argv[1], NULL, 10), true);
        return 0;
    }
    for (uint64_t seed = 1; seed <= seeds; seed++) live(seed, false);
    printf("%" PRIu64 " seeds of 30 days: %" PRIu64 " events, %" PRIu64 " requests, %" PRIu64
           " pauses; sent %" PRIu64 ", refused %" PRIu64 ", expired %" PRIu64
           ", unknown outcome %" PRIu64 "; none counted twice\n",
           seeds, total.events, total.requests, total.pauses, total.sent, total.refused,
           total.expired, total.unknown);
    return 0;
}
