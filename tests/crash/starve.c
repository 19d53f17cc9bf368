/*
 * starve.c: sales while memory runs out: the n-th allocation of each fails, for n from 1 until the
 * sale and its delivery take no more, once and for as long as the sale lasts.
 *
 *   starve SOCKET FILE LOG SHARE
 *
 * FILE is the one that the agent's starved.c looks at; SHARE: one n in so many, 0: no failure, the
 * same sales. Each call is answered or hung up on; then, with memory again, the same id must get
 * "queued" or "duplicate". LOG: as that of register.c, of the promises.
 */
#include "starve.h"
#include "till.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    ANSWER_MS = 4000,        /* the bar is 1 s; the machine may be busy */
    AGAIN_US = 20 * 1000000, /* and 5 s */
    QUIET_MS = 15,
    PAUSE_MS = 20,
    CALLS_MAX = 4000,
    EXIT_WRONG_USE = 64
};

static struct starve *control;
static struct till_answer answer;

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Until the agent allocates no more: the delivery is over. */
static void settle(void)
{
    long before;
    do {
        before = atomic_load(&control->calls);
        pause_ms(QUIET_MS);
    } while (before != atomic_load(&control->calls));
}

static bool is_promise(void)
{
    char word[TILL_ID_BYTES];
    till_word(&answer, word, sizeof word);
    return answer.status == 200 && (strcmp(word, "queued") == 0 || strcmp(word, "duplicate") == 0);
}

static bool sell_again(struct till *t, const char *body)
{
    int64_t end_us = till_now_us() + AGAIN_US;
    while (till_now_us() < end_us) {
        if (till_ask(t, "POST", "/v1/track", body, ANSWER_MS, &answer) && is_promise()) return true;
        pause_ms(PAUSE_MS);
    }
    return false;
}

/* 1: the failure came, 0: it did not, < 0: something is wrong. */
static int sell(struct till *t, long n, long times, FILE *log)
{
    static char body[TILL_CALL_BYTES];
    char id[TILL_ID_BYTES];
    (void)snprintf(id, sizeof id, "starve-%ld-%s", n, times < 0 ? "all" : "one");
    till_purchase(id, true, 700, body, sizeof body);
    till_hang_up(t); /* so that a new connection is part of it */
    settle();
    atomic_store(&control->failed, 0);
    atomic_store(&control->times, times);
    atomic_store(&control->at, times == 0 ? 0 : n);
    bool answered = till_ask(t, "POST", "/v1/track", body, ANSWER_MS, &answer);
    if (!answered && answer.took_ms >= ANSWER_MS) fprintf(stderr, "%s: no answer\n", id);
    if (!answered && answer.took_ms >= ANSWER_MS) return -1;
    bool promised = answered && is_promise();
    if (atomic_load(&control->failed) == 0 || times > 0) settle();
    atomic_store(&control->at, 0);
    if (promised || sell_again(t, body)) {
        fprintf(log, "%s 200 queued 0\n", id);
        if (!promised || sell_again(t, body)) return atomic_load(&control->failed) > 0;
    }
    fprintf(stderr, "%s: no service with memory again: %s\n", id, answer.text);
    return -1;
}

static long sweep(struct till *t, long times, long share, FILE *log)
{
    long points = 0;
    for (long n = 1; n < CALLS_MAX; n += share) {
        int r = sell(t, n, times, log);
        if (r < 0) return -1;
        if (r == 0) break;
        points++;
    }
    return points;
}

int main(int argc, char **argv)
{
    int fd = argc == 5 ? open(argv[2], O_RDWR | O_CLOEXEC) : -1;
    FILE *log = argc == 5 ? fopen(argv[3], "ae") : NULL;
    if (fd < 0 || !log) {
        fputs("starve SOCKET FILE LOG SHARE\n", stderr);
        return EXIT_WRONG_USE;
    }
    void *p = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return EXIT_FAILURE;
    control = p;
    struct till t = {.socket = argv[1], .fd = -1};
    long share = strtol(argv[4], NULL, 10), once = 0, all = 0;
    for (long n = 0; n < 5 && once == 0; n++) once = sell(&t, -n, 0, log); /* warm */
    if (share > 0 && once == 0) once = sweep(&t, 1, share, log);
    if (share > 0 && once >= 0) all = sweep(&t, -1, share, log);
    till_hang_up(&t);
    fclose(log);
    printf("%ld allocations failed once, %ld from there on\n", once, all);
    return once < 0 || all < 0 || (share > 0 && once == 0) ? EXIT_FAILURE : EXIT_SUCCESS;
}
