/*
 * sim.c: thirty days of a store in virtual time, over and over: the real queue, deliveries, engine,
 * clock and outcome table against a line, a server and a power supply that fail by chance.
 *
 *   sim             some seeds (10,000 with TILLPOST_SOAK=1)
 *   sim SEED        one, with a line for each thing that happens
 *   sim --controls  what must turn it red, one fault after the other
 *   sim --control N SEED
 *
 * Checked: [1] no event is counted twice; [2] what is settled was counted; [3] at the end every
 * event that was acknowledged is sent, or dead with a reason that fits; [4] an account-wide refusal
 * buries fewer events than the rule of 20 allows; [5] failing tries stay rare, and their waits have
 * chance in them; [6] a queue drains once all is well; [7] event times are true; [8] the counters have counted all of it.
 */
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRAIN_MOST (85 * MINUTE) /* beside retry_most: a Retry-After of an hour, and some */
enum {
    SEEDS = 1000,
    SEEDS_SOAK = 10000,
    SEEDS_CONTROL = 1000,
    FAILED_AN_HOUR_MAX = 70, /* 8 by full jitter; 10 at the start, and four times 10 if it flaps */
    WAITS_ALIKE_MAX = 4
};

struct world w;
static int64_t sale_at, line_at, server_at, mishap_at, flap_at, power_at, fine_since, filled_at;
static int64_t failed_at[FAILED_AN_HOUR_MAX];
static unsigned failed_next;
static int64_t waits[2]; /* the last two */
static unsigned waits_seen, waits_alike;
static struct {
    uint64_t events, requests, restarts, sent, refused, expired, unknown;
} total;

/* Chance and words ----------------------------------------------------------------------------- */

static uint64_t dice_state;

void dice_cast(uint64_t seed)
{
    dice_state = seed;
}

uint64_t dice(void)
{
    return chance_next(&dice_state);
}

bool in(unsigned n)
{
    return dice() % n == 0;
}

int64_t between(int64_t least, int64_t most)
{
    return least + (int64_t)(dice() % (uint64_t)(most - least + 1));
}

void say(const char *format, ...)
{
    va_list ap;
    const int64_t t = w.now - BIRTH;
    if (!w.loud) return;
    printf("%3d.%02d:%02d:%02d.%03d  ", (int)(t / DAY), (int)(t / HOUR % 24),
           (int)(t / MINUTE % 60), (int)(t / SECOND % 60), (int)(t % SECOND));
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    putchar('\n');
}

void wrong(const char *format, ...)
{
    va_list ap;
    printf("seed %" PRIu64 ", day %.3f: ", w.seed, (double)(w.now - BIRTH) / DAY);
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
    if (w.broken) printf("\n");
    else printf("\n  replay: sim %" PRIu64 "\n", w.seed);
    (void)fflush(stdout);
    _exit(1);
}

/* What happens --------------------------------------------------------------------------------- */

/* Once all is well, a good sale now and then: twenty bad ones alone would wait for one that shows
 * that the account is fine (the rule of 20), until they are too old. */
static void sell(void)
{
    const bool calm = w.now >= TROUBLED;
    const unsigned n = !calm && in(40) ? (unsigned)between(5, 30) : 1;
    const unsigned most = calm ? EVENTS_MAX : EVENTS_TROUBLED_MAX;
    for (unsigned i = 0; i < n && w.sold < most; i++)
        w.events[w.sold++] =
            (struct event){.bad = !calm && in(50), .own_time = in(2), .sold_at = w.now};
    sale_at = w.now + (in(2) ? between(HOUR, 72 * HOUR) : between(1, HOUR));
    if (!calm) return;
    sale_at = w.now < END - 2 * DAY ? w.now + 8 * HOUR : NEVER;
}

static void change_line(enum line line)
{
    static const char *const names[LINES] = {"fine",       "down",         "no DNS",
                                             "black hole", "cuts replies", "flaps"};
    const struct clock_now now = store_clocks();
    w.line = line;
    say("the line: %s", names[line]);
    deliver_line_changed(&w.deliver, &now);
    w.prompted = true;
    if (line == LINE_FINE) line_at = w.now + between(MINUTE, 4 * DAY);
    else if (in(800)) line_at = NEVER; /* events grow older than any may be */
    else line_at = w.now + (in(24) ? between(DAY, 5 * DAY) : between(SECOND, 2 * HOUR));
    flap_at = line == LINE_FLAPS ? w.now : NEVER;
}

static void change_server(enum server server)
{
    static const char *const names[SERVERS] = {"fine",  "errors", "unclear",    "limits",
                                               "token", "config", "refuses all"};
    const bool mended = w.server == SERVER_TOKEN && server != SERVER_TOKEN;
    w.server = server;
    w.size_limit = in(10) ? (unsigned)between(1, 300) : 0;
    w.refusing_times += server == SERVER_REFUSES_ALL;
    say("the server: %s", names[server]);
    if (mended && in(2)) w.token_stamp++;
    if (server == SERVER_FINE) server_at = w.now + between(HOUR, 5 * DAY);
    else server_at = w.now + (in(24) ? between(DAY, 3 * DAY) : between(SECOND, 2 * HOUR));
}

static void pause_by_hand(bool paused)
{
    const struct clock_now now = store_clocks();
    struct fault why;
    if (deliver_operator_pause(&w.deliver, &now, paused, &why) < 0) say("%s", why.message);
}

static void mishap(void)
{
    const struct clock_now now = store_clocks();
    switch (between(0, 8)) {
    case 0: store_restart(in(2) ? STOP_CLEAN : STOP_KILLED); break;
    case 1: w.token_stamp++; break; /* a new token, or the same once more */
    case 2: deliver_try_now(&w.deliver, &now); break;
    case 3: pause_by_hand(true); break;
    case 4:
    case 5:
        store_retry_dead();
        filled_at = NEVER;
        break;
    case 6: w.wall_ahead += between(-DAY, DAY); break; /* somebody sets the clock */
    case 7: change_line(w.line); break;                /* another address, another route */
    default:
        w.disk.fault =
            (struct disk_fault){(enum disk_fault_kind)(dice() % 3), (long)between(1, 9), 1};
        break;
    }
    w.prompted = true;
    if (!in(3)) pause_by_hand(false);
    mishap_at = w.now + between(1, 4 * DAY);
}

static void flap(void)
{
    const struct clock_now now = store_clocks();
    deliver_line_changed(&w.deliver, &now);
    w.prompted = true;
    flap_at = w.now + between(1, 10 * MINUTE);
}

static enum cut_at next_cut(void)
{
    if (w.now < power_at) return CUT_NONE;
    power_at = w.now + between(HOUR, 40 * DAY);
    return in(2) ? CUT_SENT : (enum cut_at)between(CUT_SETTLED, CUT_ANSWERED);
}

/* Often the power takes the line with it for long. */
static void power_is_back(void)
{
    if (!in(3)) return;
    change_line(LINE_DOWN);
    line_at = w.now + between(DAY, 3 * DAY);
}

static void happen(void)
{
    if (w.now >= sale_at) sell();
    if (w.now >= line_at)
        change_line(w.line == LINE_FINE ? (enum line)(dice() % LINES) : LINE_FINE);
    if (w.now >= server_at)
        change_server(w.server == SERVER_FINE ? (enum server)(dice() % SERVERS) : SERVER_FINE);
    if (w.now >= mishap_at) mishap();
    if (w.now >= flap_at) flap();
}

static void calm_down(void)
{
    say("all is well from here on");
    w.disk.fault = (struct disk_fault){0};
    change_line(LINE_FINE);
    change_server(SERVER_FINE);
    pause_by_hand(false);
    sale_at = w.now;
    line_at = server_at = mishap_at = power_at = NEVER;
}

/* What is checked ------------------------------------------------------------------------------ */

/* [5] So many tries within an hour that fail or find a pause, none asked for and no clear answer
 * between, are too many. */
static void note_failure(void)
{
    int64_t *oldest = &failed_at[failed_next++ % FAILED_AN_HOUR_MAX];
    if (failed_next > FAILED_AN_HOUR_MAX && w.now - *oldest < HOUR)
        wrong("[5] %d tries in a row failed within %.1f min", FAILED_AN_HOUR_MAX,
              (double)(w.now - *oldest) / MINUTE);
    *oldest = w.now;
}

/* [5] Waits come in pairs: without chance each would be as long as the last but one. Short ones have
 * floors, and probes of a pause their quarter of an hour. */
static void note_wait(void)
{
    const int64_t wait = sync_next_try_ms(&w.deliver.sync, store_clocks().mono_ms);
    int64_t *last_but_one = &waits[waits_seen++ % 2];
    const bool chosen = wait > MINUTE && sync_paused(&w.deliver.sync) == SYNC_RUNNING;
    waits_alike = chosen && wait == *last_but_one ? waits_alike + 1 : 0;
    if (waits_alike == WAITS_ALIKE_MAX) wrong("[5] the waits have no chance in them");
    *last_but_one = wait;
}

static void check_reply(void)
{
    const struct sync *s = &w.deliver.sync;
    note_wait();
    if (!sync_failing(s) && sync_paused(s) <= SYNC_PAUSED_OPERATOR) failed_next = 0;
    else if (!w.prompted) note_failure();
    w.prompted = false;
}

/* [6] */
static void check_drained(void)
{
    struct queue_counts c;
    const bool fine = w.line == LINE_FINE && w.server == SERVER_FINE &&
                      sync_paused(&w.deliver.sync) == SYNC_RUNNING && w.now - w.booted_at > HOUR;
    if (!fine) fine_since = NEVER;
    else if (fine_since == NEVER) fine_since = w.now;
    queue_counts(w.queue, &c);
    if (c.queued == 0) filled_at = NEVER;
    else if (filled_at == NEVER) filled_at = w.now;
    const int64_t most = w.config.sync.retry_most_ms + DRAIN_MOST;
    if (fine && w.now - fine_since > most && w.now - most > filled_at)
        wrong("[6] event %" PRId64 " waits, though all is well since %.1f h", c.oldest_seq,
              (double)(w.now - fine_since) / HOUR);
}

struct census {
    bool seen[EVENTS_MAX];
    uint64_t by_state[QUEUE_DROPPED + 1];
    unsigned good_refused;
};

static void check_dead(const struct event *e, unsigned n, const struct queue_row *row,
                       struct census *all)
{
    const int64_t ended = row->ended_s * 1000;
    if (str_starts(row->reason, "tiktok_") || str_starts(row->reason, "http_")) {
        if (!e->bad && w.refusing_times == 0) wrong("[3] event %u is good, but refused", n);
        if (!e->bad && e->counted == 0) all->good_refused++;
        total.refused++;
    } else if (str_is(row->reason, "expired") || str_is(row->reason, "too_old")) {
        if (ended - e->sold_at < AGE_MOST - DAY)
            wrong("[3] event %u is %.*s, but young", n, (int)row->reason.len, row->reason.p);
        total.expired++;
    } else if (str_is(row->reason, "unknown_outcome")) {
        if (!e->unclear_at) wrong("[3] event %u was never in doubt, but says so", n);
        if (ended - e->unclear_at < 40 * HOUR - MINUTE - e->clock_behind)
            wrong("[3] event %u is given up %.1f h after its doubt", n,
                  (double)(ended - e->unclear_at) / HOUR);
        total.unknown++;
    } else wrong("[3] event %u is dead: %.*s", n, (int)row->reason.len, row->reason.p);
}

static int take_count(void *ctx, const struct queue_row *row)
{
    struct census *all = ctx;
    const unsigned n = (unsigned)strtoul(row->event_id.p + 1, NULL, 10);
    const struct event *e = &w.events[n];
    if (n >= w.sold || all->seen[n]) wrong("[3] event %u is there twice, or was never sold", n);
    all->seen[n] = true;
    all->by_state[row->state]++;
    if (row->state == QUEUE_QUEUED) wrong("[3] event %u is still queued", n);
    if (row->state == QUEUE_SENT && e->counted != 1) wrong("[2] event %u was never counted", n);
    if (row->state == QUEUE_DEAD) check_dead(e, n, row, all);
    return 0;
}

/* [8] */
static void check_counters(const struct census *all, uint64_t forgotten)
{
    int64_t dead = -queue_value(w.queue, QUEUE_VALUE_RETRIED_TOTAL);
    for (int i = 0; i < DELIVER_DEAD_COUNT; i++)
        dead += queue_value(w.queue, (enum queue_value)(QUEUE_VALUE_DEAD + i));
    if (dead != (int64_t)all->by_state[QUEUE_DEAD])
        wrong("[8] %" PRId64 " were counted as dead, %" PRIu64 " are", dead,
              all->by_state[QUEUE_DEAD]);
    const int64_t sent = queue_value(w.queue, QUEUE_VALUE_SENT_TOTAL);
    if (sent != (int64_t)(all->by_state[QUEUE_SENT] + forgotten))
        wrong("[8] %" PRId64 " were counted as sent, %" PRIu64 " were", sent,
              all->by_state[QUEUE_SENT] + forgotten);
}

static void check_end(void)
{
    static const enum queue_state states[] = {QUEUE_QUEUED, QUEUE_SENT, QUEUE_DEAD, QUEUE_DROPPED};
    struct census all = {.good_refused = 0};
    struct fault why;
    uint64_t forgotten = 0;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (queue_list(w.queue, states[i], 0, EVENTS_MAX, take_count, &all, &why) < 0)
            wrong("%s", why.message);
    for (unsigned i = 0; i < w.sold; i++) {
        const struct event *e = &w.events[i];
        if (all.seen[i]) continue;
        const bool forgettable = e->counted && w.now - e->sold_at > AGE_MOST;
        if (e->acknowledged && !forgettable) wrong("[3] event %u is gone", i);
        forgotten += e->acknowledged;
    }
    check_counters(&all, forgotten);
    if (all.good_refused > (SYNC_BURIED_IN_A_ROW_MAX - 1) * (w.refusing_times + w.restarts))
        wrong("[4] %u good events are buried", all.good_refused);
    total.events += w.sold;
    total.requests += w.requests;
    total.restarts += w.restarts;
    total.sent += all.by_state[QUEUE_SENT] + forgotten;
}

/* The month ------------------------------------------------------------------------------------ */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_moment(void)
{
    int64_t at = sooner(store_next_turn(), w.now < TROUBLED ? TROUBLED : END);
    at = sooner(sooner(at, sale_at), sooner(line_at, server_at));
    at = sooner(at, sooner(mishap_at, flap_at));
    return power_at > w.now ? sooner(at, power_at) : at;
}

static void begin(uint64_t seed, enum fault_in broken, bool loud)
{
    memset(&w, 0, sizeof w);
    w.seed = seed;
    w.loud = loud;
    w.broken = broken;
    w.now = BIRTH;
    dice_cast(seed);
    w.names_rows = in(2);
    w.token_stamp = 1;
    failed_next = waits_alike = 0;
    sale_at = line_at = server_at = mishap_at = power_at = BIRTH;
    flap_at = fine_since = filled_at = NEVER;
    store_open();
    line_at += between(0, DAY);
    server_at += between(0, DAY);
    mishap_at += between(0, DAY);
    power_at += between(0, 12 * DAY);
}

static void live(uint64_t seed, enum fault_in broken, bool loud)
{
    bool troubled = true;
    enum cut_at cut = CUT_NONE; /* to come, as soon as a turn gets there */
    begin(seed, broken, loud);
    while (w.now < END) {
        const bool replied = w.under_way && w.now >= w.reply_at;
        const unsigned restarts = w.restarts;
        happen();
        if (cut == CUT_NONE) cut = next_cut();
        if (store_turn(cut)) {
            cut = CUT_NONE;
            power_is_back();
        }
        if (replied && restarts == w.restarts) check_reply();
        check_drained();
        const int64_t at = next_moment();
        w.now = at > w.now ? at : w.now + 1;
        if (troubled && w.now >= TROUBLED) {
            troubled = false;
            cut = CUT_NONE;
            calm_down();
        }
    }
    check_end();
    store_close();
}

/* The controls --------------------------------------------------------------------------------- */

static const char *const controls[FAULTS_IN] = {
    [DONE_ON_UNKNOWN_CODE] = "an unknown code counts as a yes",
    [NO_40_HOURS] = "no 40 h rule",
    [NO_JITTER] = "no jitter",
    [NEW_ID_ON_RETRY] = "a new id on each retry",
    [SETTLED_BEFORE_REPLY] = "settled before the reply",
    [ANSWERED_BEFORE_COMMIT] = "answered before the commit",
    [NO_MARK] = "no in-flight mark",
    [BATCH_NOT_JUDGED_AGAIN] = "the batch at hand is not judged again",
    [HOUR_OF_1970] = "a doubt found at start has a wrong clock's hour",
    [TIME_NOT_KEPT] = "a corrected time is not kept",
};

/* false: all seeds passed, though something was broken. */
static bool is_noticed(int control)
{
    int status = 0;
    printf("%-48s", controls[control]);
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) {
        for (uint64_t seed = 1; seed <= SEEDS_CONTROL; seed++)
            live(seed, (enum fault_in)control, false);
        _exit(0);
    }
    (void)waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1) return true;
    printf("NOT NOTICED\n");
    return false;
}

static int run_controls(void)
{
    int unnoticed = 0;
    for (int c = NO_FAULT + 1; c < FAULTS_IN; c++) unnoticed += !is_noticed(c);
    return unnoticed > 0;
}

static int run_seeds(uint64_t seeds)
{
    for (uint64_t seed = 1; seed <= seeds; seed++) live(seed, NO_FAULT, false);
    printf("%" PRIu64 " seeds of 30 days: %" PRIu64 " events, %" PRIu64 " requests, %" PRIu64
           " restarts; sent %" PRIu64 ", refused %" PRIu64 ", expired %" PRIu64
           ", unknown outcome %" PRIu64 "; none counted twice\n",
           seeds, total.events, total.requests, total.restarts, total.sent, total.refused,
           total.expired, total.unknown);
    return 0;
}

int main(int argc, char **argv)
{
    const char *soak = getenv("TILLPOST_SOAK");
    memory_vfs_register();
    if (argc == 2 && strcmp(argv[1], "--controls") == 0) return run_controls();
    if (argc == 4 && strcmp(argv[1], "--control") == 0) {
        live(strtoull(argv[3], NULL, 10), (enum fault_in)strtol(argv[2], NULL, 10), true);
        return 0;
    }
    if (argc == 2) {
        live(strtoull(argv[1], NULL, 10), NO_FAULT, true);
        return 0;
    }
    const unsigned seeds = soak && *soak == '1' ? SEEDS_SOAK : SEEDS;
    return run_seeds(seeds / SIM_SHARE);
}
