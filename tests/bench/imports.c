/*
 * imports.c: `tillpost import` of a small and a large file through the running agent: how long, and
 * the most memory that the command had, which the size of the file must not show in.
 *
 * The peak is read from /proc while it runs (VmHWM): getrusage(2) would tell the benchmark's own,
 * which a child begins with.
 */
#include "bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SMALLER = 10, /* the small file, times */ PATH_BYTES = BENCH_PATH_BYTES + 32 };

struct import {
    const char *program, *dir;
    unsigned first, rows;
    double took_s;
    long peak_kib;
};

static bool write_file(const struct import *i, const char *path)
{
    char now[32];
    time_t t = time(NULL);
    FILE *f = fopen(path, "we");
    if (!f) return false;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime(&t));
    fputs("event_type,email,phone,timestamp,price,currency,transaction_category,order_id,quantity,"
          "product_id,product_category,store_id\n",
          f);
    for (unsigned n = i->first; n < i->first + i->rows; n++)
        fprintf(f,
                "Complete Payment,user%u@example.com,+1213373%04u,%s,%u.50,USD,in-store,order-%u,"
                "1,%u,furniture,3456\n",
                n, n % 10000, now, n % 100, n, n % 1000);
    return fclose(f) == 0;
}

static long peak_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0) kib = strtol(line + 6, NULL, 10);
    if (f) fclose(f);
    return kib;
}

static void become_import(const struct import *i, const char *file)
{
    char config[PATH_BYTES];
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    snprintf(config, sizeof config, "%s/tillpost.json", i->dir);
    dup2(null, STDOUT_FILENO);
    execl(i->program, i->program, "--config", config, "import", file, (char *)NULL);
    perror(i->program);
    _exit(127);
}

static bool run(struct import *i)
{
    char file[PATH_BYTES];
    int status = 0;
    snprintf(file, sizeof file, "%s/rows.csv", i->dir);
    if (!write_file(i, file)) return false;
    int64_t began_us = bench_now_us();
    pid_t pid = fork();
    if (pid == 0) become_import(i, file);
    while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0) {
        long kib = peak_kib(pid);
        if (kib > 0) i->peak_kib = kib;
        nanosleep(&(struct timespec){.tv_nsec = 5 * 1000 * 1000}, NULL);
    }
    i->took_s = (double)(bench_now_us() - began_us) / 1e6;
    unlink(file);
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool imports_run(const char *program, const char *dir, unsigned rows)
{
    struct import small = {.program = program, .dir = dir, .rows = rows / SMALLER};
    struct import large = {.program = program, .dir = dir, .first = small.rows, .rows = rows};
    if (!run(&small) || !run(&large)) {
        fputs("bench: an import failed\n", stderr);
        return false;
    }
    printf("\n  import of %u rows: %.1f s, %.0f rows per second\n", large.rows, large.took_s,
           large.rows / large.took_s);
    printf("  its peak memory: %ld KiB; of %u rows: %ld KiB\n", large.peak_kib, small.rows,
           small.peak_kib);
    return true;
}
