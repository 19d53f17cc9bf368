/*
 * sync_test.c: the engine as tables (state, event, what follows), and its split against a server
 * that refuses what it is told to refuse. Numbers in brackets are the guarantees of sync.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sync/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sync_settings settings = {.retry_first_ms = 1000, .retry_most_ms = 900000};
#define NOW    5000000
#define MINUTE (60 * 1000)

/* An engine in a known state ------------------------------------------------------------------ */

static struct sync_next next_of(const struct sync *s, int64_t now_ms, int64_t queued)
{
    struct sync_next next;
    sync_next(s, now_ms, queued, &next);
    return next;
}

static struct sync_verdict answer(struct sync *s, int64_t now_ms, struct sync_reply r,
                                  double chance)
{
    struct sync_verdict v;
    struct sync_next next = next_of(s, now_ms, 1);
    assert_true(next.step == SYNC_SEND || next.step == SYNC_PROBE);
    sync_sent(s, &next);
    sync_reply(s, now_ms, &r, chance, &v);
    return v;
}

static struct sync_reply reply_of(enum sync_class class)
{
    return (struct sync_reply){.class = class, .retry_after_ms = -1, .index = -1};
}

static struct sync fresh(unsigned rows)
{
    struct sync s;
    sync_init(&s, &settings);
    sync_start(&s, NOW - MINUTE, false, 0);
    if (rows) sync_begin(&s, rows);
    return s;
}

enum state {
    IDLE,       /* no batch, nothing failed */
    FOUR,       /* a batch of four */
    HALF,       /* four rows were refused: the first two are next */
    LAST,       /* of four refused rows three passed: the last one is next, alone */
    ALONE,      /* a batch of one */
    DOUBTED,    /* four rows, all noted as doubtful, wait of 1 s over */
    WANTED,     /* four rows, a probe was wanted */
    PAUSED,     /* by the token, a probe is due */
    BACKOFF,    /* a batch of four failed: waits until NOW + 1000 */
    TOLD,       /* as BACKOFF, but the server said 60 s */
    PAUSED_OFF, /* by the token, and the probe failed too: waits until NOW + 60 s */
    PAUSED_NEW, /* by the token just now: waits until NOW + 15 min */
    OPERATOR    /* the operator has paused, four rows at hand */
};

static struct sync in_state(enum state state)
{
    struct sync s = fresh(state == IDLE ? 0 : state == ALONE ? 1 : 4);
    struct sync_reply told = {.class = SYNC_RETRY, .retry_after_ms = 60000, .index = -1};
    switch (state) {
    case IDLE:
    case FOUR:
    case ALONE: break;
    case HALF: (void)answer(&s, NOW, reply_of(SYNC_SPLIT), 0); break;
    case LAST:
        (void)answer(&s, NOW, reply_of(SYNC_SPLIT), 0);
        (void)answer(&s, NOW, reply_of(SYNC_DONE), 0);
        (void)answer(&s, NOW, reply_of(SYNC_DONE), 0);
        break;
    case DOUBTED: (void)answer(&s, NOW - 1000, reply_of(SYNC_DOUBT), 0); break;
    case WANTED: sync_want_probe(&s); break;
    case PAUSED: sync_pause_for(&s, SYNC_PAUSED_CREDENTIALS); break;
    case BACKOFF: (void)answer(&s, NOW, reply_of(SYNC_RETRY), 0); break;
    case TOLD: (void)answer(&s, NOW, told, 0); break;
    case PAUSED_OFF:
        sync_pause_for(&s, SYNC_PAUSED_CREDENTIALS);
        (void)answer(&s, NOW, reply_of(SYNC_RETRY), 0);
        break;
    case PAUSED_NEW: (void)answer(&s, NOW, reply_of(SYNC_PAUSE_CREDENTIALS), 0); break;
    case OPERATOR: sync_operator_pause(&s, true); break;
    }
    return s;
}

/* State, reply, what follows ------------------------------------------------------------------ */

enum event { DONE, RETRY, DOUBT, SPLIT, NAMED_0, NAMED_1, NAMED_4, NAMED_9, LARGE, TOKEN, CONFIG };
static const struct sync_reply events[] = {
    [DONE] = {SYNC_DONE, -1, -1, false, false},
    [RETRY] = {SYNC_RETRY, -1, -1, false, false},
    [DOUBT] = {SYNC_DOUBT, -1, -1, false, false},
    [SPLIT] = {SYNC_SPLIT, -1, -1, false, false},
    [NAMED_0] = {SYNC_SPLIT, -1, 0, false, false},
    [NAMED_1] = {SYNC_SPLIT, -1, 1, false, false},
    [NAMED_4] = {SYNC_SPLIT, -1, 4, false, false},
    [NAMED_9] = {SYNC_SPLIT, -1, 9, false, false},
    [LARGE] = {SYNC_SPLIT, -1, 1, false, true},
    [TOKEN] = {SYNC_PAUSE_CREDENTIALS, -1, -1, false, false},
    [CONFIG] = {SYNC_PAUSE_CONFIGURATION, -1, -1, false, false},
};

#define K     SYNC_KEEP
#define S     SYNC_SETTLE
#define D     SYNC_NOTE_DOUBT
#define B     SYNC_BURY
#define SEND  SYNC_SEND
#define TAKE  SYNC_TAKE
#define PROBE SYNC_PROBE

/* clang-format off */
static const struct {
    const char *sentence;
    enum state state;
    enum event event;
    struct { enum sync_verdict_what what; unsigned lo, hi; bool over, paused; } verdict;
    struct { enum sync_step step; unsigned lo, hi; int64_t wait_ms; } then; /* once wait_ms is over */
} replies[] = {
    {"a clear yes settles the batch and the next is taken at once",           FOUR, DONE,    {S, 0, 4, true, false},  {TAKE, 0, 0, 0}},
    {"a clear not-now keeps the batch and waits",                             FOUR, RETRY,   {K, 0, 4, false, false}, {SEND, 0, 4, 1000}},
    {"no clear answer is noted and waits",                                    FOUR, DOUBT,   {D, 0, 4, false, false}, {SEND, 0, 4, 1000}},
    {"doubt is noted once, not at every retry",                               DOUBTED, DOUBT, {K, 0, 4, false, false}, {SEND, 0, 4, 1500}},
    {"a doubtful batch that is answered yes is settled",                      DOUBTED, DONE, {S, 0, 4, true, false},  {TAKE, 0, 0, 0}},
    {"a refusal without a name is halved at once",                            FOUR, SPLIT,   {K, 0, 4, false, false}, {SEND, 0, 2, 0}},
    {"a refusal that names the first row buries it, the rest goes as one",    FOUR, NAMED_0, {B, 0, 1, false, false}, {SEND, 0, 3, 0}},
    {"a refusal that names a middle row buries it, the rest goes as one",     FOUR, NAMED_1, {B, 1, 2, false, false}, {SEND, 0, 3, 0}},
    {"a name that is out of range counts as none",                            FOUR, NAMED_9, {K, 0, 4, false, false}, {SEND, 0, 2, 0}},
    {"the row behind the last is out of range",                               FOUR, NAMED_4, {K, 0, 4, false, false}, {SEND, 0, 2, 0}},
    {"too large sends half, whatever row it names",                           FOUR, LARGE,   {K, 0, 4, false, false}, {SEND, 0, 2, 0}},
    {"a fault of the token abandons the batch and pauses",                    FOUR, TOKEN,   {K, 0, 4, true, true},   {PROBE, 0, 0, 15 * MINUTE}},
    {"a fault of the event set abandons the batch and pauses",                FOUR, CONFIG,  {K, 0, 4, true, true},   {PROBE, 0, 0, 15 * MINUTE}},
    {"a half that passes clears itself, the other is halved unsent",          HALF, DONE,    {S, 0, 2, false, false}, {SEND, 0, 1, 0}},
    {"a half that is refused is halved in turn",                              HALF, SPLIT,   {K, 0, 2, false, false}, {SEND, 0, 1, 0}},
    {"a half that names its row buries it, all that is left goes as one",     HALF, NAMED_1, {B, 1, 2, false, false}, {SEND, 0, 3, 0}},
    {"not-now in the middle of a split keeps the parts",                      HALF, RETRY,   {K, 0, 2, false, false}, {SEND, 0, 2, 1000}},
    {"doubt in the middle of a split is noted for the part sent",             HALF, DOUBT,   {D, 0, 2, false, false}, {SEND, 0, 2, 1000}},
    {"a half that is too large becomes a quarter",                            HALF, LARGE,   {K, 0, 2, false, false}, {SEND, 0, 1, 0}},
    {"a pause in the middle of a split abandons the batch",                   HALF, TOKEN,   {K, 0, 2, true, true},   {PROBE, 0, 0, 15 * MINUTE}},
    {"the last of many is heard alone: refused, it is buried",                LAST, SPLIT,   {B, 0, 1, true, false},  {TAKE, 0, 0, 0}},
    {"the last of many is heard alone: passed, it is delivered",              LAST, DONE,    {S, 0, 1, true, false},  {TAKE, 0, 0, 0}},
    {"the last of many in doubt is noted, and heard again",                   LAST, DOUBT,   {D, 0, 1, false, false}, {SEND, 0, 1, 1000}},
    {"a single row that is refused is buried",                                ALONE, SPLIT,  {B, 0, 1, true, false},  {TAKE, 0, 0, 0}},
    {"a single row that is refused with a wild name is buried",               ALONE, NAMED_9, {B, 0, 1, true, false}, {TAKE, 0, 0, 0}},
    {"a single row that is too large is buried",                              ALONE, LARGE,  {B, 0, 1, true, false},  {TAKE, 0, 0, 0}},
    {"a wanted probe that is answered lets the batch go",                     WANTED, DONE,  {K, 0, 0, false, false}, {SEND, 0, 4, 0}},
    {"a wanted probe that is refused for its events lets the batch go",       WANTED, SPLIT, {K, 0, 0, false, false}, {SEND, 0, 4, 0}},
    {"a wanted probe without an answer is tried again after the backoff",     WANTED, RETRY, {K, 0, 0, false, false}, {PROBE, 0, 0, 1000}},
    {"a wanted probe in doubt has no rows to note",                           WANTED, DOUBT, {K, 0, 0, false, false}, {PROBE, 0, 0, 1000}},
    {"a wanted probe that finds a bad token pauses",                          WANTED, TOKEN, {K, 0, 0, true, true},   {PROBE, 0, 0, 15 * MINUTE}},
    {"a probe that is answered ends the pause, deliveries start at once",     PAUSED, DONE,  {K, 0, 0, false, false}, {SEND, 0, 4, 0}},
    {"a probe that finds the token still bad stays paused",                   PAUSED, TOKEN, {K, 0, 0, true, false},  {PROBE, 0, 0, 15 * MINUTE}},
    {"a probe that finds another fault says so",                              PAUSED, CONFIG, {K, 0, 0, true, true},  {PROBE, 0, 0, 15 * MINUTE}},
    {"a probe that cannot be answered while paused waits a minute",           PAUSED, RETRY, {K, 0, 0, false, false}, {PROBE, 0, 0, MINUTE}},
    {"a probe in doubt while paused waits a minute",                          PAUSED, DOUBT, {K, 0, 0, false, false}, {PROBE, 0, 0, MINUTE}},
};
/* clang-format on */

static void each_reply_in_each_state_has_its_row(void **state)
{
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        struct sync s = in_state(replies[i].state);
        struct sync_verdict v = answer(&s, NOW, events[replies[i].event], 0);
        int64_t at = NOW + replies[i].then.wait_ms;
        struct sync_next before = next_of(&s, at - 1, 1), then = next_of(&s, at, 1);
        bool ok = v.what == replies[i].verdict.what && v.lo == replies[i].verdict.lo &&
                  v.hi == replies[i].verdict.hi && v.batch_over == replies[i].verdict.over &&
                  v.paused_now == replies[i].verdict.paused && !v.bury_hi;
        ok = ok && before.step == SYNC_WAIT && before.at_ms == at;
        ok = ok && then.step == replies[i].then.step && then.lo == replies[i].then.lo &&
             then.hi == replies[i].then.hi;
        if (!ok) {
            fail_msg("%s: what %d [%u,%u) over %d paused %d, then step %d [%u,%u) at +%lld",
                     replies[i].sentence, (int)v.what, v.lo, v.hi, v.batch_over, v.paused_now,
                     (int)then.step, then.lo, then.hi, (long long)(before.at_ms - NOW));
        }
    }
}

/* State, call from outside, what follows ------------------------------------------------------ */

enum call { TRY_NOW, LINE, TOKEN_NEW, PROBE_PLEASE, PAUSE, RESUME, ABANDON, NOTHING };

static void make_call(struct sync *s, enum call call, int64_t now_ms, double chance)
{
    switch (call) {
    case TRY_NOW: sync_try_now(s, now_ms); break;
    case LINE: sync_line_changed(s, now_ms, chance); break;
    case TOKEN_NEW: sync_credentials_changed(s, now_ms); break;
    case PROBE_PLEASE: sync_want_probe(s); break;
    case PAUSE: sync_operator_pause(s, true); break;
    case RESUME: sync_operator_pause(s, false); break;
    case ABANDON: sync_abandon(s); break;
    case NOTHING: break;
    }
}

#define NEVER (-1)
/* clang-format off */
static const struct {
    const char *sentence;
    enum state state;
    enum call call;
    int64_t queued;
    enum sync_step step; /* once wait_ms is over; NEVER: WAIT until something changes */
    int64_t wait_ms;
} calls[] = {
    {"an empty queue waits for something to change",                IDLE, NOTHING, 0, SYNC_WAIT, NEVER},
    {"a sale on a free line is taken at once",                      IDLE, NOTHING, 1, TAKE, 0},
    {"try now with an empty queue sends nothing",                   IDLE, TRY_NOW, 0, SYNC_WAIT, NEVER},
    {"a line that changes while nothing failed changes nothing",    IDLE, LINE, 1, TAKE, 0},
    {"a wanted probe waits for rows to send",                       IDLE, PROBE_PLEASE, 0, SYNC_WAIT, NEVER},
    {"a wanted probe goes before the batch is taken",               IDLE, PROBE_PLEASE, 1, PROBE, 0},
    {"a wanted probe goes before the batch at hand",                FOUR, PROBE_PLEASE, 0, PROBE, 0},
    {"an abandoned batch is taken anew",                            HALF, ABANDON, 4, TAKE, 0},
    {"an abandoned batch leaves nothing to do when rows are gone",  HALF, ABANDON, 0, SYNC_WAIT, NEVER},
    {"a sale during the backoff does not hasten it",                BACKOFF, NOTHING, 9, SEND, 1000},
    {"try now ends the backoff",                                    BACKOFF, TRY_NOW, 0, SEND, 0},
    {"a line that comes back is tried within two seconds",          TOLD, NOTHING, 0, SEND, 60000},
    {"a line that comes back does not override a Retry-After",      TOLD, LINE, 0, SEND, 60000},
    {"a person may override a Retry-After",                         TOLD, TRY_NOW, 0, SEND, 0},
    {"a new token does not hasten a backoff",                       BACKOFF, TOKEN_NEW, 0, SEND, 1000},
    {"a pause is probed even when nothing is queued",               PAUSED_NEW, NOTHING, 0, PROBE, 15 * MINUTE},
    {"rows do not hasten the probe of a pause",                     PAUSED_NEW, NOTHING, 9, PROBE, 15 * MINUTE},
    {"try now probes at once while paused for the token",           PAUSED_NEW, TRY_NOW, 9, PROBE, 0},
    {"a new token is probed at once",                               PAUSED_NEW, TOKEN_NEW, 9, PROBE, 0},
    {"a line that changes means nothing to a bad token",            PAUSED_NEW, LINE, 9, PROBE, 15 * MINUTE},
    {"a line that comes back hastens a probe that failed",          PAUSED_OFF, LINE, 0, PROBE, 1500},
    {"the operator stops what is due",                              FOUR, PAUSE, 9, SYNC_WAIT, NEVER},
    {"the operator stops probes too",                               PAUSED, PAUSE, 9, SYNC_WAIT, NEVER},
    {"try now does nothing while the operator has paused",          OPERATOR, TRY_NOW, 9, SYNC_WAIT, NEVER},
    {"a line that comes back does not end the operator's pause",    OPERATOR, LINE, 9, SYNC_WAIT, NEVER},
    {"a new token does not end the operator's pause",               OPERATOR, TOKEN_NEW, 9, SYNC_WAIT, NEVER},
    {"resume sends the batch at hand",                              OPERATOR, RESUME, 0, SEND, 0},
};
/* clang-format on */

static void each_call_in_each_state_has_its_row(void **state)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct sync s = in_state(calls[i].state);
        make_call(&s, calls[i].call, NOW, 0.75);
        bool never = calls[i].wait_ms == NEVER;
        int64_t at = never ? SYNC_NEVER : NOW + calls[i].wait_ms;
        struct sync_next before =
            next_of(&s, (never ? NOW + 24 * 60 * MINUTE : at - 1), calls[i].queued);
        bool ok = calls[i].wait_ms == 0 || (before.step == SYNC_WAIT && before.at_ms == at);
        if (!never) ok = ok && next_of(&s, at, calls[i].queued).step == calls[i].step;
        if (!ok)
            fail_msg("%s: waits until +%lld", calls[i].sentence, (long long)(before.at_ms - NOW));
    }
}

static void try_now_is_not_saved_up_while_the_operator_has_paused(void **state)
{
    struct sync s = in_state(BACKOFF);
    sync_operator_pause(&s, true);
    sync_try_now(&s, NOW);
    sync_operator_pause(&s, false);
    assert_int_equal(next_of(&s, NOW, 1).at_ms, NOW + 1000);
}

static void a_new_token_is_remembered_while_the_operator_has_paused(void **state)
{
    struct sync s = in_state(PAUSED_NEW);
    sync_operator_pause(&s, true);
    sync_credentials_changed(&s, NOW);
    sync_operator_pause(&s, false);
    assert_int_equal(next_of(&s, NOW, 1).step, SYNC_PROBE);
}

/* Waits --------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *sentence;
    int64_t first_ms, most_ms;
    unsigned failures_before;
    double chance;
    int64_t retry_after_ms;
    bool dns_only;
    int64_t wait_ms;
} waits[] = {
    {"the first wait is the floor at least",                       1000, 900000, 0, 0.0,  -1, false, 1000},
    {"the first wait is retry_first at most",                      1000, 900000, 0, 0.99, -1, false, 1000},
    {"the second wait can be twice as long, and is after a short", 1000, 900000, 1, 0.75, -1, false, 1875},
    {"the window doubles with every failure",                      1000, 900000, 6, 0.5,  -1, false, 32000},
    {"chance takes any part of the window, down to the floor",     1000, 900000, 6, 0.0,  -1, false, 1000},
    {"the window stops at retry_most",                             1000, 900000, 40, 0.5, -1, false, 450000},
    {"a thousand failures do not overflow",                        1000, 86400000, 1000, 0.5, -1, false, 43200000},
    {"the floor is retry_first where that is less than a second",  100, 900000, 0, 0.0,   -1, false, 100},
    {"a short retry_first grows past the floor",                   100, 900000, 6, 0.5,   -1, false, 3200},
    {"retry_most below retry_first wins",                          5000, 2000, 0, 0.5,    -1, false, 1000},
    {"Retry-After is a minimum, and a tenth of it chance",         1000, 900000, 0, 0.5, 60000, false, 63000},
    {"Retry-After is never undercut",                              1000, 900000, 0, 0.0, 60000, false, 60000},
    {"Retry-After does not shorten the backoff",                   1000, 900000, 8, 0.5, 2000, false, 128000},
    {"Retry-After of nothing is a second",                         1000, 900000, 0, 0.0, 0, false, 1000},
    {"Retry-After of nothing is a second even for the impatient",  100, 900000, 0, 0.0, 0, false, 1000},
    {"Retry-After of a day is an hour",                            1000, 900000, 0, 0.0, 86400000, false, 3600000},
    {"a name that does not resolve is asked for every 30 s at most", 1000, 900000, 0, 0.5, -1, true, 30000},
    {"a name that does not resolve backs off like the rest",       1000, 900000, 8, 0.5,  -1, true, 128000},
};
/* clang-format on */

static void every_wait_follows_the_table(void **state)
{
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        const struct sync_settings set = {waits[i].first_ms, waits[i].most_ms};
        struct sync_reply r = {SYNC_RETRY, waits[i].retry_after_ms, -1, waits[i].dns_only, false};
        struct sync s = fresh(1);
        sync_set_settings(&s, &set);
        for (unsigned n = 0; n < waits[i].failures_before; n++) {
            sync_try_now(&s, NOW);
            (void)answer(&s, NOW, reply_of(SYNC_RETRY), 0);
        }
        sync_try_now(&s, NOW);
        (void)answer(&s, NOW, r, waits[i].chance);
        int64_t wait = next_of(&s, NOW, 0).at_ms - NOW;
        if (wait != waits[i].wait_ms) fail_msg("%s: %lld ms", waits[i].sentence, (long long)wait);
        assert_int_equal(sync_next_try_ms(&s, NOW), wait);
    }
}

static int64_t wait_after_another_failure(struct sync *s, double chance)
{
    sync_try_now(s, NOW);
    (void)answer(s, NOW, reply_of(SYNC_RETRY), chance);
    return next_of(s, NOW, 0).at_ms - NOW;
}

static void a_long_wait_goes_with_a_short_one_and_each_may_be_any(void **state)
{
    enum { TENTHS = 10, DRAWS = 40 };
    const int64_t most = settings.retry_most_ms;
    struct sync s = fresh(1);
    unsigned second_in[TENTHS] = {0};
    for (unsigned n = 0; n < 20; n++) (void)wait_after_another_failure(&s, 0);
    for (unsigned n = 0; n < DRAWS * DRAWS; n++) {
        const double first = (n % DRAWS + 0.5) / DRAWS, second = (n / DRAWS + 0.5) / DRAWS;
        const int64_t a = wait_after_another_failure(&s, first);
        const int64_t b = wait_after_another_failure(&s, second);
        assert_int_equal(a, (int64_t)(first * (double)most));
        assert_in_range(a + b, most * 3 / 4, most * 5 / 4);
        second_in[b * TENTHS / most]++;
    }
    for (unsigned i = 0; i < TENTHS; i++) assert_int_equal(second_in[i], DRAWS * DRAWS / TENTHS);
}

static void a_clear_answer_forgets_the_failures(void **state)
{
    static const enum sync_class clear[] = {SYNC_DONE, SYNC_SPLIT};
    for (size_t i = 0; i < 2; i++) {
        struct sync s = fresh(1000);
        for (unsigned n = 0; n < 9; n++) {
            sync_try_now(&s, NOW);
            (void)answer(&s, NOW, reply_of(SYNC_RETRY), 0.5);
            assert_true(sync_failing(&s));
        }
        sync_try_now(&s, NOW);
        (void)answer(&s, NOW, reply_of(clear[i]), 0.5);
        assert_false(sync_failing(&s));
        if (clear[i] == SYNC_DONE) sync_begin(&s, 1);
        (void)answer(&s, NOW, reply_of(SYNC_RETRY), 0.9);
        assert_int_equal(next_of(&s, NOW, 0).at_ms, NOW + 1000);
    }
}

static void the_start_is_spread_over_ten_seconds_only_with_a_backlog(void **state)
{
    struct sync s = fresh(0);
    sync_start(&s, NOW, true, 0.5);
    assert_int_equal(next_of(&s, NOW, 7).at_ms, NOW + 5000);
    assert_int_equal(sync_next_try_ms(&s, NOW), 5000);
    sync_start(&s, NOW, false, 0.5);
    assert_int_equal(next_of(&s, NOW, 1).step, SYNC_TAKE);
    assert_int_equal(sync_next_try_ms(&s, NOW), -1);
}

static void what_is_due_is_planned_for_now(void **state)
{
    static const enum state due[] = {FOUR, PAUSED};
    for (size_t i = 0; i < 2; i++) {
        struct sync s = in_state(due[i]);
        assert_int_equal(sync_next_try_ms(&s, NOW), 0);
    }
    struct sync s = in_state(PAUSED);
    sync_abandon(&s);
    assert_int_equal(sync_next_try_ms(&s, NOW), 0);
}

static void the_start_is_spread_for_a_restored_pause_too(void **state)
{
    struct sync s = fresh(0);
    sync_start(&s, NOW, true, 0.5);
    sync_pause_for(&s, SYNC_PAUSED_CONFIGURATION);
    assert_int_equal(sync_paused(&s), SYNC_PAUSED_CONFIGURATION);
    assert_int_equal(next_of(&s, NOW, 0).at_ms, NOW + 5000);
    assert_int_equal(next_of(&s, NOW + 5000, 0).step, SYNC_PROBE);
}

/* Fails at once whenever it may send, while the line changes every 100 ms for ten minutes. */
static void a_flapping_line_is_tried_at_most_once_in_two_seconds(void **state)
{
    struct sync s = in_state(BACKOFF);
    unsigned tries = 0;
    for (int64_t t = NOW; t < NOW + 10 * MINUTE; t += 100) {
        sync_line_changed(&s, t, (double)(t / 100 % 10) / 10);
        if (next_of(&s, t, 0).step != SYNC_SEND) continue;
        (void)answer(&s, t, reply_of(SYNC_RETRY), 0.99);
        tries++;
    }
    assert_in_range(tries, 150, 10 * 60 / 2 + 10);
}

static void the_last_of_several_changes_is_still_followed_by_a_try_soon(void **state)
{
    struct sync s = in_state(BACKOFF);
    for (unsigned n = 0; n < 20; n++) {
        sync_try_now(&s, NOW);
        (void)answer(&s, NOW, reply_of(SYNC_RETRY), 0.9);
    }
    sync_line_changed(&s, NOW, 0.5); /* link up */
    assert_int_equal(next_of(&s, NOW, 0).at_ms, NOW + 1000);
    (void)answer(&s, NOW + 1000, reply_of(SYNC_RETRY), 0.9);
    sync_line_changed(&s, NOW + 1100, 0.0); /* an address */
    assert_in_range(next_of(&s, NOW + 1100, 0).at_ms, NOW + 2000, NOW + 3000);
    sync_line_changed(&s, NOW + 1900, 0.9); /* a route */
    assert_in_range(next_of(&s, NOW + 1900, 0).at_ms, NOW + 2000, NOW + 3000);
}

static int64_t wait_after_a_kick_at(struct sync *s, int64_t t)
{
    for (unsigned n = 0; n < 12; n++) {
        sync_try_now(s, t);
        (void)answer(s, t, reply_of(SYNC_RETRY), 0.5);
    }
    sync_line_changed(s, t, 0);
    sync_try_now(s, t);
    (void)answer(s, t, reply_of(SYNC_RETRY), 0.5);
    return next_of(s, t, 0).at_ms - t;
}

static void a_line_that_comes_back_restarts_the_backoff(void **state)
{
    struct sync s = in_state(BACKOFF);
    assert_int_equal(wait_after_a_kick_at(&s, NOW), 1000);
}

static void a_flapping_line_restarts_the_backoff_once_in_a_quarter_of_an_hour(void **state)
{
    static const struct {
        int64_t after_ms;
        bool anew;
    } rows[] = {{0, true},
                {2000, false},
                {SYNC_RESTART_APART_MS - 1, false},
                {SYNC_RESTART_APART_MS, true},
                {SYNC_RESTART_APART_MS + 9000, false}};
    struct sync s = in_state(BACKOFF);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const int64_t wait = wait_after_a_kick_at(&s, NOW + rows[i].after_ms);
        assert_true(rows[i].anew ? wait == 1000 : wait > 300000);
    }
}

static void a_kick_never_makes_a_wait_longer(void **state)
{
    struct sync s = in_state(BACKOFF);
    sync_line_changed(&s, NOW, 0.99);
    assert_int_equal(next_of(&s, NOW, 0).at_ms, NOW + 1000);
}

static void an_old_retry_after_does_not_hold_back_a_later_kick(void **state)
{
    struct sync s = in_state(TOLD);
    sync_line_changed(&s, NOW, 0);
    sync_try_now(&s, NOW);
    for (unsigned n = 0; n < 12; n++) {
        (void)answer(&s, NOW, reply_of(SYNC_RETRY), 0.9);
        sync_try_now(&s, NOW);
    }
    (void)answer(&s, NOW, reply_of(SYNC_RETRY), 0.9);
    sync_line_changed(&s, NOW, 0.5);
    assert_in_range(next_of(&s, NOW, 0).at_ms, NOW, NOW + 4000);
}

/* While a request is under way ---------------------------------------------------------------- */

static struct sync under_way(enum state state)
{
    struct sync s = in_state(state);
    struct sync_next next = next_of(&s, NOW, 1);
    sync_sent(&s, &next);
    return s;
}

static void nothing_else_is_sent_while_a_request_is_under_way(void **state)
{
    struct sync s = under_way(FOUR);
    sync_try_now(&s, NOW);
    struct sync_next next = next_of(&s, NOW + 60 * MINUTE, 9);
    assert_int_equal(next.step, SYNC_WAIT);
    assert_true(next.at_ms == SYNC_NEVER);
    assert_int_equal(sync_next_try_ms(&s, NOW), -1);
}

static void a_line_that_changes_under_way_hastens_the_next_try(void **state)
{
    struct sync s = under_way(FOUR);
    struct sync_reply lost = {SYNC_RETRY, -1, -1, true, false};
    struct sync_verdict v;
    sync_line_changed(&s, NOW, 0.9);
    sync_reply(&s, NOW + 15000, &lost, 0.25, &v);
    assert_int_equal(next_of(&s, NOW + 15000, 0).at_ms, NOW + 15500);
    (void)answer(&s, NOW + 15500, lost, 0.25);
    assert_int_equal(next_of(&s, NOW + 15500, 0).at_ms, NOW + 15500 + SYNC_DNS_WAIT_MS);
}

static void a_token_that_comes_while_the_old_one_is_refused_is_tried_at_once(void **state)
{
    struct sync s = under_way(FOUR);
    struct sync_reply bad = reply_of(SYNC_PAUSE_CREDENTIALS);
    struct sync_verdict v;
    sync_credentials_changed(&s, NOW);
    sync_reply(&s, NOW + 100, &bad, 0, &v);
    assert_true(v.paused_now);
    assert_int_equal(next_of(&s, NOW + 100, 4).step, SYNC_PROBE);
    (void)answer(&s, NOW + 100, bad, 0);
    assert_int_equal(next_of(&s, NOW + 100, 4).at_ms, NOW + 100 + SYNC_PROBE_EVERY_MS);
}

static void a_batch_abandoned_under_way_goes_after_its_reply(void **state)
{
    struct sync s = under_way(FOUR);
    struct sync_reply no = reply_of(SYNC_SPLIT);
    struct sync_verdict v;
    sync_abandon(&s);
    sync_reply(&s, NOW, &no, 0, &v);
    assert_true(v.batch_over);
    assert_int_equal(next_of(&s, NOW, 4).step, SYNC_TAKE);
    sync_begin(&s, 4);
    assert_false(answer(&s, NOW, no, 0).batch_over);
}

static void a_reply_to_nothing_changes_nothing(void **state)
{
    struct sync s = in_state(FOUR);
    struct sync_reply yes = reply_of(SYNC_DONE);
    struct sync_verdict v;
    sync_reply(&s, NOW, &yes, 0, &v);
    assert_int_equal(v.what, SYNC_KEEP);
    assert_int_equal(next_of(&s, NOW, 0).hi, 4);
}

static void a_fault_is_named_before_the_operator(void **state)
{
    struct sync s = in_state(OPERATOR);
    assert_int_equal(sync_paused(&s), SYNC_PAUSED_OPERATOR);
    assert_int_equal(sync_next_try_ms(&s, NOW), -1);
    sync_pause_for(&s, SYNC_PAUSED_CREDENTIALS);
    assert_int_equal(sync_paused(&s), SYNC_PAUSED_CREDENTIALS);
    sync_operator_pause(&s, false);
    (void)answer(&s, NOW, reply_of(SYNC_DONE), 0);
    assert_int_equal(sync_paused(&s), SYNC_RUNNING);
    sync_pause_for(&s, SYNC_PAUSED_OPERATOR);
    assert_int_equal(sync_paused(&s), SYNC_PAUSED_OPERATOR);
}

static void a_lifted_pause_takes_a_new_batch_at_once(void **state)
{
    struct sync s = in_state(PAUSED_NEW);
    (void)answer(&s, NOW + SYNC_PROBE_EVERY_MS, reply_of(SYNC_DONE), 0);
    assert_int_equal(next_of(&s, NOW + SYNC_PROBE_EVERY_MS, 4).step, SYNC_TAKE);
}

/* Split, against a server --------------------------------------------------------------------- */

static unsigned lot(unsigned below)
{
    return (unsigned)rand() % below;
}

/* A queue of rows that are good or not, and what became of them. */
struct queue {
    unsigned n;
    unsigned at[SYNC_BATCH_MAX]; /* the batch: which row of the queue */
    unsigned rows;
    bool bad[SYNC_BATCH_MAX];
    unsigned settled[SYNC_BATCH_MAX], buried[SYNC_BATCH_MAX];
    unsigned graves[SYNC_BATCH_MAX], grave_count;
    unsigned requests, most_rows;
    bool names;          /* the server names the first bad row */
    unsigned size_limit; /* rows; more is too large. 0: none */
    bool refuses_all;
    unsigned fails_every;     /* every n-th request is answered by not-now or doubt; 0: none */
    unsigned refuses_once_at; /* this request (from 1) is refused for no reason; 0: none */
};

static struct sync_reply serve(struct queue *q, unsigned lo, unsigned hi)
{
    struct sync_reply r = reply_of(SYNC_DONE);
    q->requests++;
    if (hi - lo > q->most_rows) q->most_rows = hi - lo;
    if (q->fails_every && q->requests % q->fails_every == 0) {
        r.class = q->requests % 2 ? SYNC_RETRY : SYNC_DOUBT;
        return r;
    }
    if (q->size_limit && hi - lo > q->size_limit) {
        r.class = SYNC_SPLIT;
        r.too_large = true;
        return r;
    }
    if (q->refuses_all || q->requests == q->refuses_once_at) {
        r.class = SYNC_SPLIT;
        if (q->names) r.index = 0;
        return r;
    }
    for (unsigned i = lo; i < hi && r.class == SYNC_DONE; i++) {
        if (!q->bad[q->at[i]]) continue;
        r.class = SYNC_SPLIT;
        if (q->names) r.index = (long)(i - lo);
    }
    return r;
}

static void leave(struct queue *q, unsigned lo, unsigned hi)
{
    memmove(&q->at[lo], &q->at[hi], (q->rows - hi) * sizeof q->at[0]);
    q->rows -= hi - lo;
}

static void bury(struct queue *q, unsigned row)
{
    q->buried[q->at[row]]++;
    q->graves[q->grave_count++] = q->at[row];
    leave(q, row, row + 1);
}

static void apply(struct queue *q, const struct sync_verdict *v)
{
    switch (v->what) {
    case SYNC_KEEP:
    case SYNC_NOTE_DOUBT: break;
    case SYNC_SETTLE:
        if (v->bury_hi) bury(q, v->hi);
        for (unsigned i = v->lo; i < v->hi; i++) q->settled[q->at[i]]++;
        leave(q, v->lo, v->hi);
        break;
    case SYNC_BURY: bury(q, v->lo); break;
    case SYNC_UNBURY:
        assert_true(v->unbury <= q->grave_count);
        for (unsigned i = 0; i < v->unbury; i++) q->buried[q->graves[--q->grave_count]]--;
        break;
    }
    if (v->batch_over) q->rows = 0;
}

static unsigned take(struct queue *q)
{
    q->rows = 0;
    for (unsigned i = 0; i < q->n; i++) {
        if (!q->settled[i] && !q->buried[i]) q->at[q->rows++] = i;
    }
    return q->rows;
}

/* Runs until nothing is left to do, or the engine pauses. */
static void run(struct sync *s, struct queue *q)
{
    int64_t now = NOW;
    for (unsigned turn = 0; turn < 20000; turn++) {
        unsigned left = q->rows ? q->rows : take(q);
        struct sync_next next = next_of(s, now, left);
        struct sync_verdict v;
        if (sync_paused(s) != SYNC_RUNNING) return;
        if (next.step == SYNC_WAIT && next.at_ms == SYNC_NEVER) return;
        if (next.step == SYNC_WAIT) now = next.at_ms;
        if (next.step == SYNC_TAKE) sync_begin(s, take(q));
        if (next.step != SYNC_SEND) continue;
        assert_true(next.lo < next.hi && next.hi <= q->rows);
        struct sync_reply r = serve(q, next.lo, next.hi);
        sync_sent(s, &next);
        sync_reply(s, now, &r, lot(1000) / 1000.0, &v);
        apply(q, &v);
    }
    fail_msg("the engine does not come to an end");
}

static void assert_each_row_has_its_fate(const struct queue *q)
{
    for (unsigned i = 0; i < q->n; i++) {
        if (q->settled[i] != !q->bad[i] || q->buried[i] != q->bad[i]) {
            fail_msg("row %u of %u (%s): settled %u times, buried %u times", i, q->n,
                     q->bad[i] ? "bad" : "good", q->settled[i], q->buried[i]);
        }
    }
}

/* Rounded down; by squaring, as not every build of the tests is linked with libm. */
static double log2_of(double n)
{
    double log = 0;
    for (; n >= 2; n /= 2) log++;
    for (double digit = 0.5; digit > 1e-6; digit /= 2) {
        n *= n;
        if (n < 2) continue;
        n /= 2;
        log += digit;
    }
    return log;
}

static unsigned extra_requests(unsigned n, const unsigned *bad, unsigned k, bool names)
{
    struct queue q = {.n = n, .names = names};
    struct sync s = fresh(0);
    for (unsigned i = 0; i < k; i++) q.bad[bad[i]] = true;
    run(&s, &q);
    assert_each_row_has_its_fate(&q);
    return q.requests - 1;
}

static void one_bad_row_anywhere_costs_log2_n_plus_2_requests_at_most(void **state)
{
    for (unsigned n = 1; n <= SYNC_BATCH_MAX; n = n < 70 ? n + 1 : n == 70 ? 512 : n + 122) {
        for (unsigned bad = 0; bad < n; bad++) {
            unsigned extra = extra_requests(n, &bad, 1, false);
            if (extra > log2_of(n) + 2) fail_msg("row %u of %u: %u requests", bad, n, extra);
        }
    }
}

static void a_named_row_costs_one_request_at_most(void **state)
{
    for (unsigned n = 1; n <= SYNC_BATCH_MAX; n += 37) {
        for (unsigned bad = 0; bad < n; bad++) {
            assert_true(extra_requests(n, &bad, 1, true) <= 1);
        }
    }
}

/* k different numbers below n. */
static unsigned draw(unsigned n, unsigned k, unsigned *bad)
{
    bool drawn[SYNC_BATCH_MAX] = {false};
    for (unsigned i = 0; i < k; i++) {
        do bad[i] = lot(n);
        while (drawn[bad[i]]);
        drawn[bad[i]] = true;
    }
    return k;
}

static void k_bad_rows_in_a_thousand_cost_k_times_log2_n_plus_2(void **state)
{
    static const unsigned ks[] = {1, 3, 10};
    unsigned bad[10];
    srand(1);
    for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
        unsigned worst = 0;
        for (unsigned round = 0; round < 300; round++) {
            unsigned extra = extra_requests(1000, bad, draw(1000, ks[i], bad), false);
            if (extra > worst) worst = extra;
        }
        for (unsigned first = 0; first + ks[i] <= 1000; first++) { /* side by side: the worst */
            for (unsigned j = 0; j < ks[i]; j++) bad[j] = first + j;
            unsigned extra = extra_requests(1000, bad, ks[i], false);
            if (extra > worst) worst = extra;
        }
        print_message("           %u bad rows in 1000: %u extra requests at most, bound %.2f\n",
                      ks[i], worst, ks[i] * (log2_of(1000) + 2));
        if (worst > ks[i] * (log2_of(1000) + 2)) fail_msg("%u bad rows: %u", ks[i], worst);
    }
}

static void random_bad_rows_are_found_within_the_bound_and_the_good_arrive_once(void **state)
{
    unsigned bad[18];
    srand(2);
    for (unsigned round = 0; round < 3000; round++) {
        unsigned n = 1 + lot(300);
        unsigned k = lot(n < 18 ? n + 1 : 19);
        unsigned extra = extra_requests(n, bad, draw(n, k, bad), false);
        if (extra > k * (log2_of(n) + 2)) fail_msg("%u bad in %u: %u extra requests", k, n, extra);
        assert_true(extra_requests(n, bad, k, true) <= k);
    }
}

static void failures_in_the_middle_of_a_split_lose_nothing(void **state)
{
    unsigned bad[10];
    srand(3);
    for (unsigned round = 0; round < 1000; round++) {
        struct queue q = {.n = 10 + lot(200), .names = round % 2, .fails_every = 2 + lot(5)};
        struct sync s = fresh(0);
        unsigned k = draw(q.n, 1 + lot(10), bad);
        for (unsigned i = 0; i < k; i++) q.bad[bad[i]] = true;
        run(&s, &q);
        assert_each_row_has_its_fate(&q);
    }
}

static void too_large_buries_nobody_and_is_not_asked_for_again(void **state)
{
    for (unsigned limit = 1; limit <= 1000; limit += 3) {
        struct queue q = {.n = 1000, .size_limit = limit};
        struct sync s = fresh(0);
        run(&s, &q);
        assert_each_row_has_its_fate(&q);
        assert_true(q.requests <= log2_of(1000) + 1 + 2 * ((1000 + limit - 1) / limit));
    }
}

static void bad_rows_are_found_behind_a_size_limit_too(void **state)
{
    unsigned bad[10];
    srand(4);
    for (unsigned round = 0; round < 2000; round++) {
        struct queue q = {.n = 1 + lot(400), .names = round % 2, .size_limit = 1 + lot(100)};
        struct sync s = fresh(0);
        unsigned k = draw(q.n, lot(q.n < 10 ? q.n + 1 : 11), bad);
        for (unsigned i = 0; i < k; i++) q.bad[bad[i]] = true;
        run(&s, &q);
        assert_each_row_has_its_fate(&q);
    }
}

static void one_refusal_for_no_reason_buries_nobody(void **state)
{
    for (unsigned n = 4; n <= 200; n++) {
        struct queue q = {.n = n, .refuses_once_at = 1};
        struct sync s = fresh(0);
        run(&s, &q);
        assert_each_row_has_its_fate(&q);
        struct queue after_a_search = {.n = n};
        after_a_search.bad[0] = true;
        s = fresh(0);
        run(&s, &after_a_search);
        struct queue again = {.n = n, .refuses_once_at = after_a_search.requests};
        again.bad[0] = true;
        s = fresh(0);
        run(&s, &again);
        assert_each_row_has_its_fate(&again);
    }
}

static void the_last_of_a_part_refused_twice_is_buried_with_the_half_that_passes(void **state)
{
    struct sync s = fresh(8);
    struct sync_reply no = reply_of(SYNC_SPLIT), yes = reply_of(SYNC_DONE);
    (void)answer(&s, NOW, no, 0);                    /* 0-7 */
    (void)answer(&s, NOW, no, 0);                    /* 0-3 */
    assert_false(answer(&s, NOW, yes, 0).bury_hi);   /* 0-1 */
    struct sync_verdict v = answer(&s, NOW, yes, 0); /* 2: so it is 3 */
    assert_int_equal(v.what, SYNC_SETTLE);
    assert_int_equal(v.lo, 0);
    assert_int_equal(v.hi, 1);
    assert_true(v.bury_hi);
    assert_int_equal(next_of(&s, NOW, 0).hi, 4); /* 4-7 */
}

static void doubt_moves_up_with_the_rows(void **state)
{
    struct sync s = fresh(4);
    struct sync_reply named = {SYNC_SPLIT, -1, 0, false, false};
    struct sync_verdict v;
    v = answer(&s, NOW, reply_of(SYNC_SPLIT), 0);
    v = answer(&s, NOW, reply_of(SYNC_DOUBT), 0); /* rows 0 and 1 */
    assert_int_equal(v.what, SYNC_NOTE_DOUBT);
    assert_int_equal(v.hi, 2);
    sync_try_now(&s, NOW);
    v = answer(&s, NOW, named, 0); /* row 0 goes: the doubtful one is row 0 now, 1 and 2 are not */
    v = answer(&s, NOW, reply_of(SYNC_DOUBT), 0);
    assert_int_equal(v.what, SYNC_NOTE_DOUBT);
    assert_int_equal(v.lo, 1);
    assert_int_equal(v.hi, 3);
}

/* The rule of twenty -------------------------------------------------------------------------- */

static unsigned dead(const struct queue *q)
{
    return q->grave_count;
}

static void a_server_that_refuses_all_pauses_and_leaves_nobody_dead(void **state)
{
    for (unsigned names = 0; names < 2; names++) {
        struct queue q = {.n = 1000, .names = names, .refuses_all = true};
        struct sync s = fresh(0);
        run(&s, &q);
        assert_int_equal(sync_paused(&s), SYNC_PAUSED_CONFIGURATION);
        assert_int_equal(dead(&q), 0);
        assert_int_equal(take(&q), 1000);
        assert_true(q.requests <= 20 * (names ? 1 : log2_of(1000) + 2) + 1);
    }
}

static void the_twentieth_single_sale_refused_in_a_row_pauses(void **state)
{
    struct sync s = fresh(0);
    for (unsigned n = 1; n < SYNC_BURIED_IN_A_ROW_MAX; n++) {
        sync_begin(&s, 1);
        struct sync_verdict v = answer(&s, NOW, reply_of(SYNC_SPLIT), 0);
        assert_int_equal(v.what, SYNC_BURY);
        assert_true(v.batch_over);
    }
    sync_begin(&s, 1);
    struct sync_verdict v = answer(&s, NOW, reply_of(SYNC_SPLIT), 0);
    assert_int_equal(v.what, SYNC_UNBURY);
    assert_int_equal(v.unbury, SYNC_BURIED_IN_A_ROW_MAX - 1);
    assert_true(v.batch_over && v.paused_now);
    assert_int_equal(next_of(&s, NOW, 20).at_ms, NOW + SYNC_PROBE_EVERY_MS);
}

static void a_success_between_starts_the_count_anew(void **state)
{
    struct sync s = fresh(0);
    for (unsigned n = 0; n < 200; n++) {
        sync_begin(&s, 1);
        bool success = n % SYNC_BURIED_IN_A_ROW_MAX == SYNC_BURIED_IN_A_ROW_MAX - 1;
        struct sync_verdict v = answer(&s, NOW, reply_of(success ? SYNC_DONE : SYNC_SPLIT), 0);
        assert_int_equal(v.what, success ? SYNC_SETTLE : SYNC_BURY);
    }
}

static void a_relapse_after_the_probe_pauses_again_and_buries_nobody(void **state)
{
    struct queue q = {.n = 1000, .refuses_all = true};
    struct sync s = fresh(0);
    run(&s, &q);
    for (unsigned n = 0; n < 10; n++) {
        sync_try_now(&s, NOW);
        (void)answer(&s, NOW, reply_of(SYNC_DONE), 0); /* the probe */
        q.requests = 0;
        run(&s, &q);
        assert_int_equal(sync_paused(&s), SYNC_PAUSED_CONFIGURATION);
        assert_int_equal(dead(&q), 0);
        assert_true(q.requests <= log2_of(1000) + 2);
    }
    q.refuses_all = false;
    q.bad[7] = true;
    sync_try_now(&s, NOW);
    (void)answer(&s, NOW, reply_of(SYNC_DONE), 0);
    run(&s, &q);
    assert_int_equal(sync_paused(&s), SYNC_RUNNING);
    assert_each_row_has_its_fate(&q);
}

static void many_bad_rows_among_good_ones_do_not_stop_deliveries(void **state)
{
    unsigned bad[300], pauses = 0, lots = 0;
    srand(5);
    for (unsigned round = 0; round < 200; round++) {
        struct queue q = {.n = 1000, .names = round % 2};
        struct sync s = fresh(0);
        unsigned k = draw(1000, 20 + lot(280), bad);
        for (unsigned i = 0; i < k; i++) q.bad[round % 4 < 2 ? bad[i] : i] = true;
        for (run(&s, &q); sync_paused(&s) != SYNC_RUNNING; run(&s, &q)) {
            sync_try_now(&s, NOW * 2);
            (void)answer(&s, NOW * 2, reply_of(SYNC_DONE), 0); /* the probe */
            pauses++;
        }
        assert_each_row_has_its_fate(&q);
        lots += k / SYNC_BURIED_IN_A_ROW_MAX;
    }
    assert_true(pauses < lots / 3); /* a witness is bad as often as any other row */
}

static void the_witness_is_another_row_than_the_one_at_fault(void **state)
{
    static const struct {
        long at_fault;
        double chance;
        unsigned witness;
    } rows[] = {{3, 0, 0}, {3, 0.99, 2}, {0, 0, 1}, {0, 0.99, 3}, {1, 0, 0}, {1, 0.5, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sync_reply named = {SYNC_SPLIT, -1, rows[i].at_fault, false, false};
        struct sync s = fresh(0);
        for (unsigned n = 1; n < SYNC_BURIED_IN_A_ROW_MAX; n++) {
            sync_begin(&s, 1);
            (void)answer(&s, NOW, reply_of(SYNC_SPLIT), 0);
        }
        sync_begin(&s, 4);
        assert_int_equal(answer(&s, NOW, named, rows[i].chance).what, SYNC_KEEP);
        struct sync_next witness = next_of(&s, NOW, 0);
        assert_int_equal(witness.lo, rows[i].witness);
        assert_int_equal(witness.hi, rows[i].witness + 1);
    }
}

static void the_witness_decides(void **state)
{
    static const struct {
        enum sync_class class;
        enum sync_verdict_what what;
        unsigned then_rows;
    } rows[] = {{SYNC_DONE, SYNC_SETTLE, 3},
                {SYNC_RETRY, SYNC_KEEP, 1},
                {SYNC_DOUBT, SYNC_NOTE_DOUBT, 1},
                {SYNC_SPLIT, SYNC_UNBURY, 0},
                {SYNC_PAUSE_CREDENTIALS, SYNC_KEEP, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sync s = fresh(0);
        for (unsigned n = 1; n < SYNC_BURIED_IN_A_ROW_MAX; n++) {
            sync_begin(&s, 1);
            (void)answer(&s, NOW, reply_of(SYNC_SPLIT), 0);
        }
        sync_begin(&s, 4);
        (void)answer(&s, NOW, (struct sync_reply){SYNC_SPLIT, -1, 0, false, false}, 0.5);
        struct sync_verdict v = answer(&s, NOW, reply_of(rows[i].class), 0);
        assert_int_equal(v.what, rows[i].what);
        assert_int_equal(v.lo, 2);
        assert_int_equal(v.batch_over, rows[i].then_rows == 0);
        sync_try_now(&s, NOW);
        struct sync_next next = next_of(&s, NOW, 0);
        assert_int_equal(next.hi - next.lo, rows[i].then_rows);
        if (v.what != SYNC_NOTE_DOUBT) continue;
        v = answer(&s, NOW, reply_of(SYNC_DONE), 0);
        v = answer(&s, NOW, reply_of(SYNC_DOUBT), 0);
        assert_int_equal(v.what, SYNC_NOTE_DOUBT);
        assert_int_equal(v.lo, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_reply_in_each_state_has_its_row),
        cmocka_unit_test(each_call_in_each_state_has_its_row),
        cmocka_unit_test(try_now_is_not_saved_up_while_the_operator_has_paused),
        cmocka_unit_test(a_new_token_is_remembered_while_the_operator_has_paused),
        cmocka_unit_test(every_wait_follows_the_table),
        cmocka_unit_test(a_long_wait_goes_with_a_short_one_and_each_may_be_any),
        cmocka_unit_test(a_clear_answer_forgets_the_failures),
        cmocka_unit_test(the_start_is_spread_over_ten_seconds_only_with_a_backlog),
        cmocka_unit_test(what_is_due_is_planned_for_now),
        cmocka_unit_test(the_start_is_spread_for_a_restored_pause_too),
        cmocka_unit_test(a_flapping_line_is_tried_at_most_once_in_two_seconds),
        cmocka_unit_test(the_last_of_several_changes_is_still_followed_by_a_try_soon),
        cmocka_unit_test(a_line_that_comes_back_restarts_the_backoff),
        cmocka_unit_test(a_flapping_line_restarts_the_backoff_once_in_a_quarter_of_an_hour),
        cmocka_unit_test(a_kick_never_makes_a_wait_longer),
        cmocka_unit_test(an_old_retry_after_does_not_hold_back_a_later_kick),
        cmocka_unit_test(nothing_else_is_sent_while_a_request_is_under_way),
        cmocka_unit_test(a_line_that_changes_under_way_hastens_the_next_try),
        cmocka_unit_test(a_token_that_comes_while_the_old_one_is_refused_is_tried_at_once),
        cmocka_unit_test(a_batch_abandoned_under_way_goes_after_its_reply),
        cmocka_unit_test(a_reply_to_nothing_changes_nothing),
        cmocka_unit_test(a_fault_is_named_before_the_operator),
        cmocka_unit_test(a_lifted_pause_takes_a_new_batch_at_once),
        cmocka_unit_test(one_bad_row_anywhere_costs_log2_n_plus_2_requests_at_most),
        cmocka_unit_test(a_named_row_costs_one_request_at_most),
        cmocka_unit_test(k_bad_rows_in_a_thousand_cost_k_times_log2_n_plus_2),
        cmocka_unit_test(random_bad_rows_are_found_within_the_bound_and_the_good_arrive_once),
        cmocka_unit_test(failures_in_the_middle_of_a_split_lose_nothing),
        cmocka_unit_test(too_large_buries_nobody_and_is_not_asked_for_again),
        cmocka_unit_test(bad_rows_are_found_behind_a_size_limit_too),
        cmocka_unit_test(one_refusal_for_no_reason_buries_nobody),
        cmocka_unit_test(the_last_of_a_part_refused_twice_is_buried_with_the_half_that_passes),
        cmocka_unit_test(doubt_moves_up_with_the_rows),
        cmocka_unit_test(a_server_that_refuses_all_pauses_and_leaves_nobody_dead),
        cmocka_unit_test(the_twentieth_single_sale_refused_in_a_row_pauses),
        cmocka_unit_test(a_success_between_starts_the_count_anew),
        cmocka_unit_test(a_relapse_after_the_probe_pauses_again_and_buries_nobody),
        cmocka_unit_test(many_bad_rows_among_good_ones_do_not_stop_deliveries),
        cmocka_unit_test(the_witness_is_another_row_than_the_one_at_fault),
        cmocka_unit_test(the_witness_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
