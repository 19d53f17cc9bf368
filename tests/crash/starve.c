/*
 * starve.c: sales, imports and erasures while memory runs out: the n-th allocation of each fails, for
 * n from 1 until the call and its delivery take no more, once and for as long as the call lasts.
 *
 *   starve SOCKET FILE LOG SHARE
 *   starve --next FILE N TIMES    arms FILE for an agent that is about to start, and prints how
 *                                 often the one before has failed
 *
 * FILE is the one that the agent's starved.c looks at; SHARE: one n in so many, 0: no failure, the
 * same calls. Each call is answered or hung up on; then, with memory again, the same one must get
 * "queued", "duplicate" or "erased". LOG: as that of register.c, of the promises.
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

enum kind { SALE, IMPORT, ERASE, KINDS };
static const char *const paths[KINDS] = {"/v1/track", "/v1/rows", "/v1/erase"};

static bool is_promise(void)
{
    char word[TILL_ID_BYTES];
    till_word(&answer, word, sizeof word);
    if (answer.status != 200) return false;
    return strcmp(word, "queued") == 0 || strcmp(word, "duplicate") == 0 ||
           strstr(answer.body, "\"erased\":") != NULL;
}

static bool ask_again(struct till *t, enum kind kind, const char *body)
{
    int64_t end_us = till_now_us() + AGAIN_US;
    while (till_now_us() < end_us) {
        if (till_ask(t, "POST", paths[kind], body, ANSWER_MS, &answer) && is_promise()) return true;
        pause_ms(PAUSE_MS);
    }
    return false;
}

/* Who is erased must have bought something. */
static bool make_body(struct till *t, enum kind kind, const char *id, char *body)
{
    static const char gone[] = "{\"email\":\"gone@example.com\"}";
    char sale[TILL_ID_BYTES + 8];
    if (kind == IMPORT) {
        till_rows(id, body, TILL_CALL_BYTES);
        return true;
    }
    (void)snprintf(sale, sizeof sale, kind == ERASE ? "gone-%s" : "%s", id);
    till_purchase(sale, true, 700, body, TILL_CALL_BYTES);
    if (kind == SALE) return true;
    bool sold = ask_again(t, SALE, body);
    memcpy(body, gone, sizeof gone);
    return sold;
}

static void note(FILE *log, enum kind kind, const char *id)
{
    static const char key[] = "\"event_ids\":[\"";
    const char *named = strstr(answer.body, key);
    if (kind == ERASE || !named) return;
    named += strlen(key);
    fprintf(log, "%.*s 200 %s 0\n", (int)strcspn(named, "\""), named, id);
}

/* 1: the failure came, 0: it did not, < 0: something is wrong. */
static int call(struct till *t, enum kind kind, long n, long times, FILE *log)
{
    static char body[TILL_CALL_BYTES];
    char id[TILL_ID_BYTES];
    (void)snprintf(id, sizeof id, "starve-%d-%ld-%s", (int)kind, n, times < 0 ? "all" : "one");
    if (!make_body(t, kind, id, body)) return -1;
    till_hang_up(t); /* so that a new connection is part of it */
    settle();
    atomic_store(&control->failed, 0);
    atomic_store(&control->times, times);
    atomic_store(&control->at, times == 0 ? 0 : n);
    bool answered = till_ask(t, "POST", paths[kind], body, ANSWER_MS, &answer);
    if (!answered && answer.took_ms >= ANSWER_MS) fprintf(stderr, "%s: no answer\n", id);
    if (!answered && answer.took_ms >= ANSWER_MS) return -1;
    bool promised = answered && is_promise();
    if (promised) note(log, kind, id);
    if (atomic_load(&control->failed) == 0 || times > 0) settle();
    atomic_store(&control->at, 0);
    if (promised || ask_again(t, kind, body)) {
        note(log, kind, id);
        if (!promised || ask_again(t, kind, body)) return atomic_load(&control->failed) > 0;
    }
    fprintf(stderr, "%s: no service with memory again: %s\n", id, answer.text);
    return -1;
}

static long sweep(struct till *t, long times, long share, FILE *log)
{
    long points = 0;
    for (enum kind kind = SALE; kind < KINDS; kind++)
        for (long n = 1; n < CALLS_MAX; n += share) {
            int r = call(t, kind, n, times, log);
            if (r < 0) return -1;
            if (r == 0) break;
            points++;
        }
    return points;
}

static int arm(long n, long times)
{
    printf("%ld\n", atomic_load(&control->failed));
    atomic_store(&control->failed, 0);
    atomic_store(&control->times, times);
    atomic_store(&control->at, n);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    int fd = argc == 5 ? open(argv[2], O_RDWR | O_CLOEXEC) : -1;
    bool next = argc == 5 && strcmp(argv[1], "--next") == 0;
    FILE *log = argc == 5 ? fopen(next ? "/dev/null" : argv[3], "ae") : NULL;
    if (fd < 0 || !log) {
        fputs("starve SOCKET FILE LOG SHARE | --next FILE N TIMES\n", stderr);
        return EXIT_WRONG_USE;
    }
    void *p = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) return EXIT_FAILURE;
    control = p;
    if (next) return arm(strtol(argv[3], NULL, 10), strtol(argv[4], NULL, 10));
    struct till t = {.socket = argv[1], .fd = -1};
    long share = strtol(argv[4], NULL, 10), once = 0, all = 0;
    for (long n = 0; n < 15 && once == 0; n++)
        once = call(&t, (enum kind)(n % KINDS), -n, 0, log); /* warm */
    if (share > 0 && once == 0) once = sweep(&t, 1, share, log);
    if (share > 0 && once >= 0) all = sweep(&t, -1, share, log);
    till_hang_up(&t);
    fclose(log);
    printf("%ld allocations failed once, %ld from there on\n", once, all);
    return once < 0 || all < 0 || (share > 0 && once == 0) ? EXIT_FAILURE : EXIT_SUCCESS;
}
