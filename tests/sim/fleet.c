/*
 * fleet.c: ten thousand stores lose TikTok together and come back: how hard do they knock?
 *
 * The engine is the real one (src/sync), one per store, in virtual time. A till sells about every
 * thirty minutes, day and night; its own line is fine, so nothing but the engine's waits tells the
 * stores apart. The first table is of outages: the busiest second after the server is back, of those
 * that waited for it, and the requests of a store within four hours of outage. The second is of a power cut that all stores
 * share, each with a backlog. Asserted are the bars of F1 (reliability.md, section 3).
 *
 *   fleet             prints both tables; 1: a bar is exceeded
 *   fleet --control   the same without chance: must exceed them
 */
#include "memory_vfs.h"
#include "sync/sync.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND (INT64_C(1000))
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

#define SALE_EVERY    (30 * MINUTE) /* fifty a day; with more, short outages peak higher */
#define ANSWER_TAKES  (200)         /* of a request that TikTok answers */
#define REFUSAL_TAKES (50)          /* of one that finds nobody: the worst for the rate */
#define WARM_UP       (HOUR)
#define AFTERMATH     (30 * MINUTE)
#define PATIENCE      (4 * HOUR)

enum { STORES = 10000, SECONDS_MAX = 2 * 3600 };
static const double peak_most = 0.5, power_most = 12.0, requests_most = 50.0;

struct store {
    struct sync sync;
    int64_t at;              /* of what happens next to it */
    int64_t queued, sold_at; /* sold_at: of the last sale, while it waits */
    unsigned failed;         /* requests within PATIENCE of the outage */
    bool under_way, refused;
    bool
        waited; /* it comes back from the outage, or from the power cut: until its queue is empty */
};
static struct store stores[STORES];
static unsigned heap[STORES]; /* by `at`, the soonest first */
static unsigned per_second[SECONDS_MAX];
static int64_t now, down_from, down_to, counting_from;
static uint64_t seed;
static bool without_chance;

static double chance(void)
{
    double c = (double)(chance_next(&seed) >> 11) / 9007199254740992.0;
    return without_chance ? 0.999 : c;
}

static int64_t next_sale(void)
{
    double c = (double)(chance_next(&seed) >> 11) / 9007199254740992.0;
    return now + (int64_t)(-log(1.0 - c) * (double)SALE_EVERY);
}

/* The heap ------------------------------------------------------------------------------------- */

static void sink(unsigned i)
{
    for (unsigned child; (child = 2 * i + 1) < STORES; i = child) {
        if (child + 1 < STORES && stores[heap[child + 1]].at < stores[heap[child]].at) child++;
        if (stores[heap[i]].at <= stores[heap[child]].at) return;
        const unsigned swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
    }
}

static void heapify(void)
{
    for (unsigned i = 0; i < STORES; i++) heap[i] = i;
    for (unsigned i = STORES / 2; i-- > 0;) sink(i);
}

/* A store -------------------------------------------------------------------------------------- */

static void knock(struct store *s)
{
    s->under_way = true;
    s->refused = now >= down_from && now < down_to;
    s->at = now + (s->refused ? REFUSAL_TAKES : ANSWER_TAKES);
    const int64_t second = (now - counting_from) / SECOND;
    if (now >= counting_from && second < SECONDS_MAX) per_second[second] += s->waited;
    if (s->refused && now < down_from + PATIENCE) s->failed++;
}

static void hear(struct store *s)
{
    struct sync_reply reply = {
        .class = s->refused ? SYNC_RETRY : SYNC_DONE, .retry_after_ms = -1, .index = -1};
    struct sync_verdict v;
    s->under_way = false;
    sync_reply(&s->sync, now, &reply, chance(), &v);
    if (s->refused) {
        if (!s->waited) s->sold_at = now;
        s->waited = true;
        sync_abandon(&s->sync); /* as the agent does: what is sold meanwhile goes along */
    } else if (v.what == SYNC_SETTLE) {
        s->queued -= v.hi - v.lo;
        s->waited = s->queued > 0;
    }
}

static void act(struct store *s)
{
    struct sync_next next;
    if (s->under_way) hear(s);
    else if (s->queued == 0) s->queued = 1; /* a sale */
    for (; s->waited && now - s->sold_at >= SALE_EVERY; s->sold_at += SALE_EVERY) s->queued++;
    sync_next(&s->sync, now, s->queued, &next);
    if (next.step == SYNC_TAKE) {
        sync_begin(&s->sync, (unsigned)(s->queued < SYNC_BATCH_MAX ? s->queued : SYNC_BATCH_MAX));
        sync_next(&s->sync, now, s->queued, &next);
    }
    if (next.step == SYNC_SEND) {
        sync_sent(&s->sync, &next);
        knock(s);
    } else {
        s->at = s->queued > 0 ? next.at_ms : next_sale();
    }
}

static void live_until(int64_t end)
{
    while (stores[heap[0]].at < end) {
        now = stores[heap[0]].at;
        act(&stores[heap[0]]);
        sink(0);
    }
    now = end;
}

/* The tables ----------------------------------------------------------------------------------- */

static void begin(int64_t backlog)
{
    static const struct sync_settings settings = {.retry_first_ms = 1000, .retry_most_ms = 900000};
    seed = 1;
    now = 0;
    memset(per_second, 0, sizeof per_second);
    for (unsigned i = 0; i < STORES; i++) {
        struct store *s = &stores[i];
        *s = (struct store){.queued = backlog, .waited = backlog > 0};
        sync_init(&s->sync, &settings);
        sync_start(&s->sync, now, backlog > 0, chance());
        struct sync_next next;
        sync_next(&s->sync, now, backlog, &next);
        s->at = backlog == 0 ? next_sale() : next.step == SYNC_WAIT ? next.at_ms : now;
    }
    heapify();
}

static double busiest_second(void)
{
    unsigned most = 0;
    for (unsigned i = 0; i < SECONDS_MAX; i++)
        if (per_second[i] > most) most = per_second[i];
    return 100.0 * most / STORES;
}

static bool outage(const char *name, int64_t lasts)
{
    unsigned waiting = 0, most = 0;
    uint64_t sum = 0;
    down_from = WARM_UP;
    down_to = counting_from = WARM_UP + lasts;
    begin(0);
    live_until(down_to);
    for (unsigned i = 0; i < STORES; i++) {
        waiting += sync_failing(&stores[i].sync);
        sum += stores[i].failed;
        if (stores[i].failed > most) most = stores[i].failed;
    }
    live_until(down_to + AFTERMATH);
    const double peak = busiest_second(), mean = (double)sum / STORES;
    printf("%-8s %9u %18.2f %16.1f %8u\n", name, waiting, peak, mean, most);
    return peak <= peak_most && mean <= requests_most;
}

static bool outages(void)
{
    static const struct {
        const char *name;
        int64_t lasts;
    } rows[] = {{"1 min", MINUTE}, {"10 min", 10 * MINUTE}, {"1 h", HOUR},
                {"4 h", 4 * HOUR}, {"1 day", DAY},          {"7 days", 7 * DAY}};
    bool good = true;
    printf("%-8s %9s %18s %16s %8s\n", "outage", "stores", "peak after it,", "requests a store",
           "the");
    printf("%-8s %9s %18s %16s %8s\n", "", "waiting", "% of fleet/s", "in 4 h, mean", "most");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        good = outage(rows[i].name, rows[i].lasts) && good;
    return good;
}

static bool power_cut(void)
{
    down_from = down_to = INT64_MAX;
    counting_from = 0;
    begin(40);
    live_until(MINUTE);
    printf("\ncommon power cut, all with a backlog, %% of the fleet in second 1 … 12:\n");
    for (unsigned i = 0; i < 12; i++) printf(" %5.2f", 100.0 * per_second[i] / STORES);
    printf("\n");
    return busiest_second() <= power_most;
}

int main(int argc, char **argv)
{
    without_chance = argc == 2 && strcmp(argv[1], "--control") == 0;
    printf("%d stores, a sale each %d min\n", STORES, (int)(SALE_EVERY / MINUTE));
    bool good = outages();
    good = power_cut() && good;
    printf(
        "bars: peak after an outage %.1f %%, requests in 4 h %.0f, second after a power cut %.0f %%: %s\n",
        peak_most, requests_most, power_most, good ? "kept" : "EXCEEDED");
    return !good;
}
