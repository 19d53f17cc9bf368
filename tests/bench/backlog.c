/*
 * backlog.c: a store that was without a line for long: its queue at once, then its delivery.
 *
 * The rows are pushed by the queue's own functions in groups, into a queue that is paused; then an
 * agent starts on it. While the backlog leaves, a register sells now and then and a person looks:
 * each answer is timed, and the agent's memory is looked at. Afterwards the file shall shrink.
 *
 * CPU time is the agent's alone, of all its threads, by its own clock. Times are the machine's;
 * counts (events, connections, bytes) and memory are tillpost's and are held to.
 */
#include "bench/bench.h"

#include "queue/queue.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_BYTES = BENCH_PATH_BYTES + 64,
    ROWS_A_COMMIT = 1000,
    DRAIN_MAX_S = 600,
    SHRINK_MAX_S = 120,
    STILL_S = 32, /* then it has its size: AGENT_TIDY_EVERY_MS and a little */
    WHOLE_ROWS = 50000,
    FEW = 100,
    LOOK_EVERY_MS = 20,
    LATENCIES_MAX = 1 << 14,
    SYNCS = 64,
    ALONE_REQUESTS = 50, /* to the sink alone, of so many events */
    ALONE_EVENTS = 1000,
    /* What is promised. */
    READY_MAX_MS = 300,
    SHARE_MAX_KIB = 12 * 1024,
    ANSWER_SYNCS = 3, /* an answer takes at most so many, and */
    ANSWER_MORE_MS = 25,
    PLAIN_RATE = 60000, /* events a second */
    TLS_RATE = 40000
};
#define CPU_MAX_S  1.0  /* for 100,000 events */
#define WIRE_MAX   1.02 /* bytes received for a byte of JSON */
#define SHRUNK_MAX 0.20 /* of the file, for ids that are remembered: 86 bytes each */

/* What is sealed of a purchase with two products: with the rest of the event, BENCH_CALL_BYTES. */
static const char rest[] =
    "{\"user\":{\"email\":[\"8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92\"],"
    "\"phone\":[\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"]},"
    "\"properties\":{\"currency\":\"EUR\",\"value\":73.4,\"order_id\":\"order-00047110\","
    "\"shop_id\":\"store-7\",\"content_type\":\"product\",\"contents\":["
    "{\"price\":59.9,\"quantity\":1,\"content_category\":\"Shoes > Running\","
    "\"content_id\":\"SKU-1\",\"content_name\":\"Running Shoe\",\"brand\":\"Acme\"},"
    "{\"price\":4.5,\"quantity\":3,\"content_category\":\"Apparel\",\"content_id\":\"SKU-2\","
    "\"content_name\":\"Sock\",\"brand\":\"Acme\"}]}}";

struct figures {
    const char *dir, *sock;
    pid_t pid;
    unsigned rows;
    bool tls;
    double fill_s, ready_ms, drain_s, cpu_s, shrink_s, sync_ms, alone_rate;
    double at_few[LOOKS], at_many[LOOKS];
    struct bench_share share; /* the most */
    int64_t full_bytes, shrunk_bytes;
    uint64_t sold;
    unsigned us[LATENCIES_MAX]; /* of answers while it drains */
    size_t answers;
    unsigned p50_us, p99_us, timed; /* of those */
    struct sink_counts sent;
};

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

static double seconds_since(int64_t began_us)
{
    return (double)(bench_now_us() - began_us) / 1e6;
}

static double cpu_s_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t = {0};
    if (clock_getcpuclockid(pid, &clock) == 0) clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int64_t size_of(const char *dir, const char *name)
{
    char path[PATH_BYTES];
    struct stat st = {0};
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* The queue ----------------------------------------------------------------------------------- */

static bool write_key(const char *dir)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/key", dir);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    for (int i = 0; fd >= 0 && i < QUEUE_KEY_BYTES; i++)
        if (write(fd, "07", 2) != 2) return false;
    return fd >= 0 && close(fd) == 0;
}

static bool push_rows(struct queue *q, unsigned from, unsigned rows)
{
    char id[32];
    int64_t now_s = time(NULL), seq;
    for (unsigned i = from; i < rows; i++) {
        (void)snprintf(id, sizeof id, "bench-backlog-%08u", i);
        const struct queue_event e = {.event_id = {id, strlen(id)},
                                      .event = STR("Purchase"),
                                      .key_event = STR("Purchase"),
                                      .rest = {rest, sizeof rest - 1},
                                      .occurred_ms = now_s * 1000,
                                      .recorded_s = now_s};
        if (queue_push(q, &e, &seq, NULL) != 0) return false;
        if (i % ROWS_A_COMMIT == ROWS_A_COMMIT - 1 && queue_commit(q, NULL) < 0) return false;
    }
    return queue_set_value(q, QUEUE_VALUE_PAUSED, 1, NULL) >= 0 && queue_commit(q, NULL) >= 0;
}

/* Until so many rows are in it. */
static bool fill(struct figures *f, unsigned from, unsigned rows)
{
    unsigned char key[QUEUE_KEY_BYTES];
    char db[PATH_BYTES];
    struct queue *q = NULL;
    memset(key, 7, sizeof key);
    (void)snprintf(db, sizeof db, "%s/queue.db", f->dir);
    const struct queue_options options = {
        .path = db, .key = key, .max_size_bytes = INT64_C(4) << 30};
    int64_t began_us = bench_now_us();
    bool good = (from > 0 || write_key(f->dir)) && queue_open(&options, &q, NULL) >= 0 &&
                push_rows(q, from, rows);
    queue_close(q);
    f->fill_s += seconds_since(began_us);
    f->full_bytes = size_of(f->dir, "queue.db");
    return good;
}

/* The yardsticks ------------------------------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return (x > y) - (x < y);
}

static unsigned percentile(unsigned *us, size_t n, unsigned percent)
{
    if (n == 0) return 0;
    qsort(us, n, sizeof us[0], by_value);
    return us[(n - 1) * percent / 100];
}

/* The median time until 4 KiB more are on stable storage. */
static bool measure_sync(struct figures *f)
{
    static const char page[4096] = "sync";
    unsigned us[SYNCS];
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/sync", f->dir);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    for (int i = 0; fd >= 0 && i < SYNCS; i++) {
        int64_t began_us = bench_now_us();
        if (write(fd, page, sizeof page) != sizeof page || fdatasync(fd) != 0) return false;
        us[i] = (unsigned)(bench_now_us() - began_us);
    }
    f->sync_ms = percentile(us, SYNCS, 50) / 1e3;
    return fd >= 0 && close(fd) == 0;
}

/* The drain ----------------------------------------------------------------------------------- */

static void look(struct figures *f)
{
    struct bench_share now = bench_share_of(f->pid);
    if (now.kib > f->share.kib) f->share = now;
}

/* Sales and looks take turns. */
static bool time_answer(struct figures *f, unsigned turn)
{
    static const char *const paths[] = {"/v1/status", "/metrics", "/healthz"};
    int64_t began_us = bench_now_us();
    unsigned us = 0;
    if (turn % 2 == 0) {
        us = load_one(f->sock, f->rows + f->sold);
        f->sold += us > 0;
    } else if (load_ask(f->sock, "GET", paths[turn / 2 % 3])) {
        us = (unsigned)(bench_now_us() - began_us);
    }
    if (us > 0 && f->answers < LATENCIES_MAX) f->us[f->answers++] = us;
    return us > 0;
}

static bool drain(struct figures *f)
{
    int64_t began_us = bench_now_us();
    double began_cpu_s = cpu_s_of(f->pid);
    const struct sink_counts before = sink_counts();
    struct sink_counts now;
    if (!load_ask(f->sock, "POST", "/v1/resume") || !load_ask(f->sock, "POST", "/v1/sync"))
        return false;
    for (unsigned turn = 0;; turn++) {
        now = sink_counts();
        if (now.events - before.events >= f->rows + f->sold) break;
        if (seconds_since(began_us) > DRAIN_MAX_S) return false;
        look(f);
        if (!time_answer(f, turn)) return false;
        sleep_ms(LOOK_EVERY_MS);
    }
    f->cpu_s = cpu_s_of(f->pid) - began_cpu_s;
    f->drain_s = (double)(now.last_us - began_us) / 1e6; /* the sink's first was another run's */
    f->sent = (struct sink_counts){.events = now.events - before.events,
                                   .requests = now.requests - before.requests,
                                   .connections = now.connections - before.connections,
                                   .asks = now.asks - before.asks,
                                   .wire_bytes = now.wire_bytes - before.wire_bytes,
                                   .json_bytes = now.json_bytes - before.json_bytes};
    return true;
}

/* Until the file has been of one size for a while. Sales go on and are timed; that of a few rows is
 * not waited for. */
static bool watch_shrink(struct figures *f)
{
    int64_t began_us = bench_now_us(), at_us = began_us, size = f->full_bytes;
    double still_s = f->rows < WHOLE_ROWS ? 0 : STILL_S;
    f->answers = 0;
    for (unsigned turn = 0; seconds_since(began_us) < SHRINK_MAX_S; turn++) {
        f->shrunk_bytes = size_of(f->dir, "queue.db");
        if (f->shrunk_bytes < size) at_us = bench_now_us();
        size = f->shrunk_bytes;
        if (seconds_since(at_us) > still_s) break;
        if (!time_answer(f, turn)) return false;
        sleep_ms(LOOK_EVERY_MS);
    }
    f->shrink_s = (double)(at_us - began_us) / 1e6;
    return true;
}

/* The table ----------------------------------------------------------------------------------- */

static bool most(const char *what, double is, double limit, const char *unit)
{
    printf("  %-46s %10.2f of at most  %10.2f %-8s %5.2f\n", what, is, limit, unit, is / limit);
    return is <= limit;
}

static bool least(const char *what, double is, double limit, const char *unit)
{
    printf("  %-46s %10.0f of at least %10.0f %-8s %5.2f\n", what, is, limit, unit, is / limit);
    return is >= limit;
}

static void print_speed(const struct figures *f)
{
    double rate = (double)f->sent.events / f->drain_s;
    (void)most("start until it answers", f->ready_ms, READY_MAX_MS, "ms");
    (void)least("delivered", rate, f->tls ? TLS_RATE : PLAIN_RATE, "/s");
    (void)most("CPU for 100,000 events", f->cpu_s * 1e5 / (double)f->sent.events, CPU_MAX_S, "s");
    (void)most("an answer meanwhile, p99", f->p99_us / 1e3,
               ANSWER_SYNCS * f->sync_ms + ANSWER_MORE_MS, "ms");
    printf("  (%u answers, p50 %.2f ms; fdatasync of 4 KiB %.2f ms; the sink alone takes %.0f/s)\n",
           f->timed, f->p50_us / 1e3, f->sync_ms, f->alone_rate);
}

/* What does not hang upon the machine. */
static bool print_counts(const struct figures *f)
{
    const struct sink_counts *s = &f->sent;
    char what[64];
    bool good = most("received for a byte of JSON", (double)s->wire_bytes / (double)s->json_bytes,
                     WIRE_MAX, "bytes");
    if (!f->tls) good = most("connections", (double)s->connections, 1, "") && good;
    (void)snprintf(what, sizeof what, "the most memory meanwhile, %s", f->share.what);
    good = most(what, (double)f->share.kib / 1024, SHARE_MAX_KIB / 1024.0, "MiB") && good;
    printf("  (%" PRIu64 " events in %" PRIu64 " requests in %.2f s, %" PRIu64
           " of them \"Expect: 100-continue\"; none is missing)\n",
           s->events, s->requests, f->drain_s, s->asks);
    return good && s->asks == 0;
}

static void print_shrinking(struct figures *f)
{
    const double mib = 1 << 20;
    if (f->rows < WHOLE_ROWS) return;
    (void)most("queue.db afterwards, of what it was",
               (double)f->shrunk_bytes / (double)f->full_bytes, SHRUNK_MAX, "");
    (void)most("an answer while it shrinks, p99", percentile(f->us, f->answers, 99) / 1e3,
               ANSWER_SYNCS * f->sync_ms + ANSWER_MORE_MS, "ms");
    printf("  (queue.db %.1f MiB, %.1f MiB after %.1f s; WAL %.1f MiB)\n",
           (double)f->full_bytes / mib, (double)f->shrunk_bytes / mib, f->shrink_s,
           (double)size_of(f->dir, "queue.db-wal") / mib);
}

static bool measure(struct figures *f, int sink_port)
{
    f->alone_rate = sink_rate(sink_port, rest, ALONE_EVENTS, ALONE_REQUESTS);
    if (!measure_sync(f) || !drain(f)) return false;
    f->timed = (unsigned)f->answers;
    f->p50_us = percentile(f->us, f->answers, 50);
    f->p99_us = percentile(f->us, f->answers, 99);
    return watch_shrink(f);
}

/* The same queue with a hundredth of its rows, for what may not grow with them. */
static bool look_at_few(struct figures *f, const char *program, const struct agent_line *line)
{
    if (!fill(f, 0, f->rows / FEW)) return false;
    pid_t pid = agent_begin_on(program, f->dir, line);
    if (pid > 0) looks_take(program, f->dir, f->at_few);
    return pid > 0 && agent_end(pid);
}

static bool run(struct figures *f, const char *program, int sink_port,
                const struct agent_line *line)
{
    if (!look_at_few(f, program, line) || !fill(f, f->rows / FEW, f->rows)) return false;
    int64_t began_us = bench_now_us();
    f->pid = agent_again(program, f->dir);
    f->ready_ms = seconds_since(began_us) * 1e3;
    if (f->pid > 0) looks_take(program, f->dir, f->at_many);
    bool good = f->pid > 0 && measure(f, sink_port);
    return f->pid > 0 && agent_end(f->pid) && good;
}

bool backlog_run(const char *program, const char *parent, int sink_port,
                 const struct agent_line *line, unsigned rows, bool *kept)
{
    static struct figures f;
    char dir[BENCH_PATH_BYTES], sock[PATH_BYTES];
    if (snprintf(dir, sizeof dir, "%s/backlog", parent) >= (int)sizeof dir || mkdir(dir, 0700) != 0)
        return false;
    (void)snprintf(sock, sizeof sock, "%s/till.sock", dir);
    f = (struct figures){.dir = dir, .sock = sock, .rows = rows, .tls = line->ca_file};
    if (!run(&f, program, sink_port, line)) return false;
    printf("\n  A backlog of %u events (pushed in %.1f s), delivered over %s\n", rows, f.fill_s,
           f.tls ? "TLS" : "plain HTTP");
    print_speed(&f);
    *kept = print_counts(&f);
    print_shrinking(&f);
    looks_print(rows / FEW, f.at_few, rows, f.at_many);
    return true;
}
