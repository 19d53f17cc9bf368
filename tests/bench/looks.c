/*
 * looks.c: everything that is asked of an agent, timed with a short queue and with a long one: what
 * grows with the queue shows itself. Verbs are the program's own, a process each.
 */
#include "bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = BENCH_PATH_BYTES + 32, TIMES = 15 };

/* verb: of the command line, with one word behind it; else a request. */
static const struct look {
    const char *verb, *word, *method, *path, *body;
} looks[LOOKS] = {
    {.method = "GET", .path = "/healthz"},
    {.method = "GET", .path = "/v1/status"},
    {.method = "GET", .path = "/metrics"},
    {.method = "GET", .path = "/v1/events?limit=100"},
    {.method = "GET", .path = "/v1/events?state=sent"},
    {.method = "GET", .path = "/v1/events?state=dead"},
    {.method = "GET", .path = "/v1/events/bench-backlog-00000007"},
    {.method = "GET", .path = "/v1/export?after=0"},
    {.method = "POST", .path = "/v1/events/retry", .body = "{\"state\":\"dead\"}"},
    {.method = "POST", .path = "/v1/events/drop", .body = "{\"state\":\"dead\"}"},
    {.method = "POST", .path = "/v1/pause"},
    {.verb = "status"},
    {.verb = "events", .word = "--state=dead"},
    {.verb = "show", .word = "bench-backlog-00000007"},
};

static bool run_verb(const char *program, const char *dir, const struct look *l)
{
    char config[PATH_BYTES];
    int status = 0;
    (void)snprintf(config, sizeof config, "%s/tillpost.json", dir);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl(program, program, l->verb, "--config", config, l->word, (char *)NULL);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) < 64; /* 1: a problem was found */
}

static bool take(const char *program, const char *dir, const struct look *l)
{
    char sock[PATH_BYTES];
    (void)snprintf(sock, sizeof sock, "%s/till.sock", dir);
    if (l->verb) return run_verb(program, dir, l);
    return load_say(sock, l->method, l->path, l->body ? l->body : "");
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void looks_take(const char *program, const char *dir, double ms[LOOKS])
{
    for (int i = 0; i < LOOKS; i++) {
        int64_t us[TIMES];
        bool good = true;
        for (int k = 0; k < TIMES; k++) {
            int64_t began_us = bench_now_us();
            good = take(program, dir, &looks[i]) && good;
            us[k] = bench_now_us() - began_us;
        }
        qsort(us, TIMES, sizeof us[0], by_value);
        ms[i] = good ? (double)us[TIMES / 2] / 1e3 : -1;
    }
}

void looks_print(unsigned few, const double at_few[LOOKS], unsigned many,
                 const double at_many[LOOKS])
{
    printf("  %-46s %10u %10u rows queued, ms\n", "asked for, at rest", few, many);
    for (int i = 0; i < LOOKS; i++) {
        char what[80];
        const struct look *l = &looks[i];
        (void)snprintf(what, sizeof what, "%s %s", l->verb ? "tillpost" : l->method,
                       l->verb ? l->verb : l->path);
        printf("  %-46s %10.2f %10.2f %5.2f times\n", what, at_few[i], at_many[i],
               at_many[i] / at_few[i]);
    }
}
