/*
 * memory.c: what an agent costs that has nothing to do: memory, empty and with a backlog, and how
 * often it wakes up. A tillpost of its own, so that what other measurements left behind does not count.
 *
 * The share of memory (PSS) can be read of a hardened agent by root alone; others get the resident
 * set, which is never less.
 */
#include "bench/bench.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    PATH_BYTES = BENCH_PATH_BYTES + 64,
    LINE_BYTES = 256,
    BACKLOG_EVENTS = 100000,
    SETTLE_S = 2, /* until what a start or a backlog leaves to do is done */
    BUSY_MAX_S = 60,
    /* What a static program promises. */
    IDLE_MAX_KIB = 3 * 1024,
    BACKLOG_MAX_KIB = 8 * 1024,
    WAKEUPS_MAX = 1 /* a second */
};

static void sleep_s(double s)
{
    nanosleep(&(struct timespec){(time_t)s, (long)((s - (double)(time_t)s) * 1e9)}, NULL);
}

/* The sum of the numbers behind a name in a file of /proc; -1 when it cannot be read. */
static long sum_of(const char *path, const char *name)
{
    char line[LINE_BYTES];
    long sum = -1;
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f)) {
        const char *value = line + strlen(name);
        if (strncmp(line, name, strlen(name)) == 0)
            sum = (sum < 0 ? 0 : sum) + strtol(value, NULL, 10);
    }
    if (f) fclose(f);
    return sum;
}

struct bench_share bench_share_of(pid_t pid)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    struct bench_share s = {sum_of(path, "Pss:"), "PSS"};
    if (s.kib >= 0) return s;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    return (struct bench_share){sum_of(path, "VmRSS:"), "RSS"};
}

/* Of all its threads. */
static long switches_of(pid_t pid)
{
    char path[PATH_BYTES];
    long sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    for (struct dirent *e; tasks && (e = readdir(tasks));) {
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%.16s/status", (int)pid, e->d_name);
        sum +=
            sum_of(path, "voluntary_ctxt_switches:") + sum_of(path, "nonvoluntary_ctxt_switches:");
    }
    if (tasks) closedir(tasks);
    return sum;
}

static bool fill(const char *dir, uint64_t events)
{
    char sock[PATH_BYTES];
    snprintf(sock, sizeof sock, "%s/till.sock", dir);
    struct load l = {.socket = sock, .connections = BENCH_CONNECTIONS_MAX, .seconds = 1};
    int64_t end_us = bench_now_us() + (int64_t)BUSY_MAX_S * 1000000;
    if (!load_ask(sock, "POST", "/v1/pause")) return false;
    do {
        if (!load_run(&l)) return false;
        l.first_id += l.queued;
    } while (l.first_id < events && bench_now_us() < end_us);
    return true;
}

static bool measure(pid_t pid, const char *dir, double seconds, bool *kept)
{
    bool whole = seconds >= 1;
    sleep_s(whole ? SETTLE_S : 0);
    long began = switches_of(pid);
    double watched_s = whole ? 10 * seconds : seconds;
    sleep_s(watched_s);
    double wakeups = (double)(switches_of(pid) - began) / watched_s;
    struct bench_share idle = bench_share_of(pid);
    if (!fill(dir, whole ? BACKLOG_EVENTS : 1)) return false;
    sleep_s(whole ? SETTLE_S : 0);
    struct bench_share full = bench_share_of(pid);
    printf("\n  at rest: %s %ld KiB (at most %d), %.2f wake-ups a second (at most %d)\n", idle.what,
           idle.kib, IDLE_MAX_KIB, wakeups, WAKEUPS_MAX);
    printf("  with %s queued: %s %ld KiB (at most %d)\n", whole ? "100,000" : "a few", full.what,
           full.kib, BACKLOG_MAX_KIB);
    *kept = idle.kib <= IDLE_MAX_KIB && full.kib <= BACKLOG_MAX_KIB && wakeups <= WAKEUPS_MAX;
    return idle.kib > 0 && full.kib > 0;
}

bool memory_run(const char *program, const char *parent, int port, double seconds, bool *kept)
{
    char dir[BENCH_PATH_BYTES];
    if (snprintf(dir, sizeof dir, "%s/rest", parent) >= (int)sizeof dir || mkdir(dir, 0700) != 0)
        return false;
    pid_t pid = agent_begin(program, dir, port);
    bool good = pid > 0 && measure(pid, dir, seconds, kept);
    return pid > 0 && agent_end(pid) && good;
}
