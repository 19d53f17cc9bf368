/*
 * main.c: the benchmark: what the disk can do, what tillpost makes of it, side by side, in one run.
 *
 *   bench [--tillpost PROGRAM] [--dir DIR] [--seconds S] [--record | --rest]
 *   bench --backlog ROWS [--sink PORT --tls PORT --ca FILE]
 *
 * Durable events are answers "queued", each of which has left after its commit; deliveries are
 * paused meanwhile. Then the queue that has grown is delivered to a server on loopback that says
 * yes at once (plain HTTP: what TLS and a line cost is not tillpost's). Every event that was
 * answered must arrive, or the benchmark fails.
 */
#include "bench/bench.h"

#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

enum {
    EXIT_USAGE = 64,
    DELIVER_MAX_US = 60 * 1000 * 1000,
    GROUP_ROWS = 64,
    FEW = 8,
    ROUNDS = 4, /* of SQLite and tillpost in turn: a disk has its moods */
    OPEN_FILES = 16,
    IMPORT_ROWS = 100000,
    BACKLOG_ROWS = 100000,
    LOOK_ROWS = 5000, /* where only a look is asked for */
};

struct arguments {
    const char *tillpost, *dir;
    double seconds; /* of each measurement */
    bool record, rest;
    unsigned backlog; /* only this: so many rows */
    int sink, tls;    /* ports; tls 0: plain HTTP */
    const char *ca;
};
struct results {
    struct commits one, group;
    struct load alone, few, crowd, empty_alone, empty_crowd;
    struct sink_counts sent;
};

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void)s;
    (void)type;
    (void)at;
    return remove(path);
}

/* SQLite by itself and tillpost, in turn; the latencies are those of the slowest round. */
static bool measure_in_turn(struct commits *c, struct load *l)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct load round = *l;
        round.first_id += l->queued;
        if (!commits_run(c) || !load_run(&round)) return false;
        l->queued += round.queued;
        l->took_s += round.took_s;
        if (round.p50_us > l->p50_us) l->p50_us = round.p50_us;
        if (round.p99_us > l->p99_us) l->p99_us = round.p99_us;
    }
    return true;
}

static bool measure_recording(const struct arguments *args, const char *dir, struct results *r)
{
    char db[BENCH_PATH_BYTES + 32], sock[BENCH_PATH_BYTES + 32];
    double round_s = args->seconds / ROUNDS;
    snprintf(db, sizeof(db), "%s/yardstick.db", dir);
    snprintf(sock, sizeof(sock), "%s/till.sock", dir);
    r->one = (struct commits){.path = db, .rows_a_commit = 1, .seconds = round_s};
    r->group = (struct commits){.path = db, .rows_a_commit = GROUP_ROWS, .seconds = round_s};
    r->alone = (struct load){.socket = sock, .connections = 1, .seconds = round_s};
    r->crowd =
        (struct load){.socket = sock, .connections = BENCH_CONNECTIONS_MAX, .seconds = round_s};
    r->few = (struct load){.socket = sock, .connections = FEW, .seconds = args->seconds};
    r->empty_alone = r->alone;
    r->empty_crowd = r->crowd;
    r->empty_alone.speech = r->empty_crowd.speech = &load_empty;
    if (!load_ask(sock, "POST", "/v1/pause") || !measure_in_turn(&r->one, &r->alone) ||
        !load_run(&r->empty_alone))
        return false;
    r->few.first_id = r->alone.queued;
    if (!load_run(&r->few)) return false;
    r->crowd.first_id = r->alone.queued + r->few.queued;
    return measure_in_turn(&r->group, &r->crowd) && load_run(&r->empty_crowd);
}

static bool measure_delivery(const char *dir, struct results *r)
{
    char sock[BENCH_PATH_BYTES + 32];
    uint64_t wanted = r->alone.queued + r->few.queued + r->crowd.queued;
    int64_t end_us = bench_now_us() + DELIVER_MAX_US;
    snprintf(sock, sizeof(sock), "%s/till.sock", dir);
    if (!load_ask(sock, "POST", "/v1/resume") || !load_ask(sock, "POST", "/v1/sync")) return false;
    do {
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
        r->sent = sink_counts();
    } while (r->sent.events < wanted && bench_now_us() < end_us);
    if (r->sent.events == wanted) return true;
    fprintf(stderr, "bench: %" PRIu64 " events were answered, %" PRIu64 " arrived\n", wanted,
            r->sent.events);
    return false;
}

static void print_row(const char *what, double rate, double yardstick, const char *of)
{
    printf("  %-44s %10.0f", what, rate);
    if (yardstick > 0) printf("   %5.2f of %s", rate / yardstick, of);
    putchar('\n');
}

static double per_second(const struct load *l)
{
    return (double)l->queued / l->took_s;
}

/* What is left of the yardstick's rate when each row costs an empty answer besides. */
static double ceiling(double yardstick, const struct load *empty)
{
    return 1 / (1 / yardstick + 1 / per_second(empty));
}

static void print_recording(const struct results *r, const char *dir)
{
    struct statfs fs = {0};
    double one = (double)r->one.rows / r->one.took_s;
    double group = (double)r->group.rows / r->group.took_s;
    double crowd = per_second(&r->crowd);
    statfs(dir, &fs);
    printf("\nCalls of %d bytes; queue and yardstick on %s (file system type 0x%lx)\n\n",
           BENCH_CALL_BYTES, dir, (unsigned long)fs.f_type);
    printf("  %-44s %10s\n", "", "per second");
    print_row("SQLite alone, 1 row a commit", one, 0, NULL);
    print_row("tillpost, durable events, 1 connection", per_second(&r->alone), one,
              "SQLite, 1 row");
    print_row("  ceiling: the commit and an empty answer", ceiling(one, &r->empty_alone), one,
              "SQLite, 1 row");
    print_row("SQLite alone, 64 rows a commit", group, 0, NULL);
    print_row("tillpost, durable events, 64 connections", crowd, group, "SQLite, 64 rows");
    print_row("  ceiling: the commit and an empty answer", ceiling(group, &r->empty_crowd), group,
              "SQLite, 64 rows");
    print_row("tillpost, empty answers, 1 connection", per_second(&r->empty_alone), 0, NULL);
    print_row("tillpost, empty answers, 64 connections", per_second(&r->empty_crowd), 0, NULL);
    printf(
        "\n  answer after (p50, p99): 1 connection %.2f, %.2f ms; 64 connections %.2f, %.2f ms\n",
        r->alone.p50_us / 1e3, r->alone.p99_us / 1e3, r->crowd.p50_us / 1e3, r->crowd.p99_us / 1e3);
    printf("  8 connections: p99 %.2f ms, at most 3 commits of SQLite's and 2 ms: %.2f ms\n",
           r->few.p99_us / 1e3, 3e3 / one + 2);
    printf("  64 connections against SQLite's 1 row a commit: %.2f\n", crowd / one);
}

static void print_delivery(const struct sink_counts *sent)
{
    double sent_s = (double)(sent->last_us - sent->first_us) / 1e6;
    printf("\n");
    print_row("deliveries to loopback", (double)sent->events / sent_s, 0, NULL);
    printf("  %" PRIu64 " events in %" PRIu64 " requests and %.2f s; none is missing\n",
           sent->events, sent->requests, sent_s);
}

static void print_log(const char *dir)
{
    char path[BENCH_PATH_BYTES + 32], line[1024];
    snprintf(path, sizeof(path), "%s/agent.log", dir);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) fputs(line, stderr);
    if (f) fclose(f);
}

static int run_backlog(const struct arguments *args, const char *dir, int port)
{
    const struct agent_line line = {args->tls ? args->tls : port, args->tls ? args->ca : NULL};
    bool kept = false;
    if (backlog_run(args->tillpost, dir, port, &line, args->backlog, &kept) && kept)
        return EXIT_SUCCESS;
    fprintf(stderr, "bench: the backlog costs more than is promised\n");
    return EXIT_FAILURE;
}

/* One agent that records, then delivers and imports. */
static bool run_agent(const struct arguments *args, const char *dir, int port)
{
    static struct results r;
    pid_t agent = port < 0 ? -1 : agent_begin(args->tillpost, dir, port);
    if (agent < 0) {
        fprintf(stderr, "bench: %s does not start\n", args->tillpost);
        print_log(dir);
        return false;
    }
    bool good = measure_recording(args, dir, &r);
    if (good) print_recording(&r, dir);
    if (!args->record) {
        good = good && measure_delivery(dir, &r);
        if (good) print_delivery(&r.sent);
        good =
            good && imports_run(args->tillpost, dir, args->seconds < 1 ? LOOK_ROWS : IMPORT_ROWS);
    }
    good = agent_end(agent) && good;
    if (!good) print_log(dir);
    return good;
}

static int run(const struct arguments *args, const char *dir)
{
    bool kept = false;
    int port = sink_start(args->sink, NULL);
    if (args->backlog) return run_backlog(args, dir, port);
    if (args->rest) {
        if (memory_run(args->tillpost, dir, port, args->seconds, &kept) && kept)
            return EXIT_SUCCESS;
        fprintf(stderr, "bench: an agent at rest costs more than is promised\n");
        return EXIT_FAILURE;
    }
    const struct agent_line line = {.port = port};
    unsigned backlog = args->seconds < 1 ? LOOK_ROWS : BACKLOG_ROWS;
    bool good = run_agent(args, dir, port);
    if (!args->record)
        good = good && memory_run(args->tillpost, dir, port, args->seconds, &kept) &&
               backlog_run(args->tillpost, dir, port, &line, backlog, &kept) && stages_run(dir);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool read_arguments(int argc, char **argv, struct arguments *args)
{
    static const struct option options[] = {
        {"tillpost", required_argument, NULL, 't'}, {"dir", required_argument, NULL, 'd'},
        {"seconds", required_argument, NULL, 's'},  {"record", no_argument, NULL, 'o'},
        {"rest", no_argument, NULL, 'r'},           {"backlog", required_argument, NULL, 'b'},
        {"sink", required_argument, NULL, 'p'},     {"tls", required_argument, NULL, 'e'},
        {"ca", required_argument, NULL, 'c'},       {NULL, 0, NULL, 0},
    };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 't': args->tillpost = optarg; break;
        case 'd': args->dir = optarg; break;
        case 's': args->seconds = strtod(optarg, NULL); break;
        case 'o': args->record = true; break;
        case 'r': args->rest = true; break;
        case 'b': args->backlog = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'p': args->sink = (int)strtol(optarg, NULL, 10); break;
        case 'e': args->tls = (int)strtol(optarg, NULL, 10); break;
        case 'c': args->ca = optarg; break;
        default: return false;
        }
    }
    return optind == argc && args->tillpost && args->seconds > 0;
}

int main(int argc, char **argv)
{
    struct arguments args = {.tillpost = getenv("TILLPOST"), .dir = "/var/tmp", .seconds = 4};
    char dir[BENCH_PATH_BYTES];
    if (!read_arguments(argc, argv, &args)) {
        fputs(
            "bench [--tillpost PROGRAM (or $TILLPOST)] [--dir DIR] [--seconds S]\n"
            "      [--record | --rest]\n"
            "  DIR: on the disk to be measured, /var/tmp if absent; S: of each measurement\n"
            "  --record: only how fast events are recorded, beside SQLite\n"
            "  --rest: only what an agent at rest costs, which must be what is promised\n"
            "  --backlog ROWS: only what so many queued events cost, and their delivery; through a\n"
            "      TLS server on port --tls, of the CA --ca, that hands on to port --sink\n",
            stderr);
        return EXIT_USAGE;
    }
    if (snprintf(dir, sizeof(dir), "%s/tillpost-bench.XXXXXX", args.dir) >= (int)sizeof(dir) ||
        !mkdtemp(dir)) {
        perror(args.dir);
        return EXIT_FAILURE;
    }
    int status = run(&args, dir);
    nftw(dir, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
    return status;
}
