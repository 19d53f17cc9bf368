/*
 * register.c: tills at work, and what they were told.
 *
 *   register SOCKET LOG [--prefix P] [--count N] [--at-once C] [--bad-every K] [--bytes B]
 *            [--import-every K] [--erase-every K] [--max-ms M] [--patient S]
 *            [--cut DIR --after K --delay-us D]
 *
 * Hands in N purchases (ids P-1 …), C at a time, each C-th by a process of its own; every K-th call
 * is a bad one, without anybody's e-mail (ids bad-…), or an import of one row, whose id the answer
 * gives, or a purchase by gone@example.com (ids gone-…), who is erased when it has been answered.
 * LOG gets a line for each answer that was read to its end: "ID STATUS WORD MS", the word being
 * queued, duplicate, erased or the code of a refusal. A call that gets no answer within M ms is
 * given up, or, with --patient, repeated with its id for S seconds, as a register would.
 *
 * --cut: once K answers have been read, and D microseconds later, the ext4 file system at DIR goes
 * down as in a power cut (EXT4_IOC_SHUTDOWN without a flush of its journal). Only what was read
 * before that is in the log then.
 *
 * Exit 0: all calls were answered, or cut off. 1: one was not; the log says "ID 0 none MS".
 */
#include "till.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXT4_SHUTDOWN 0x8004587dUL /* linux/fs.h: EXT4_IOC_SHUTDOWN */
enum { NO_LOG_FLUSH = 2, EXIT_WRONG_USE = 64, CHILDREN_MAX = 64, RETRY_US = 20 * 1000 };

struct order {
    const char *socket, *log, *prefix, *cut;
    long count, at_once, bad_every, import_every, erase_every;
    long bytes, max_ms, patient_s, after, delay_us;
};
struct shared { /* between the processes */
    _Atomic long read, failed;
    _Atomic int64_t cut_us; /* 0: not yet */
};

static struct shared *shared;
static int log_fd;

static void note(const char *id, const char *word, const struct till_answer *a)
{
    char line[160];
    int n = snprintf(line, sizeof line, "%s %d %s %ld\n", id, a->status,
                     a->status == 0 ? "none" : word, a->took_ms);
    int64_t cut_us = atomic_load(&shared->cut_us);
    if (cut_us != 0 && a->read_us >= cut_us) return;
    if (write(log_fd, line, (size_t)n) != n) atomic_fetch_add(&shared->failed, 1);
    atomic_fetch_add(&shared->read, 1);
}

static void pause_us(long us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

/* Until it is answered, or for as long as the order says. */
static void ask(const struct order *o, struct till *t, const char *path, const char *body,
                struct till_answer *out)
{
    int64_t end_us = till_now_us() + o->patient_s * 1000000;
    for (;;) {
        bool answered = till_ask(t, "POST", path, body, o->max_ms, out);
        if (answered && (out->status < 500 || o->patient_s == 0)) return;
        if (till_now_us() >= end_us) break;
        pause_us(RETRY_US);
    }
    if (out->status == 0) atomic_fetch_add(&shared->failed, 1);
}

static bool is_turn(long n, long every)
{
    return every > 0 && n % every == 0;
}

static bool sell(const struct order *o, struct till *t, const char *id, bool good)
{
    static struct till_answer answer;
    static char body[TILL_CALL_BYTES];
    char word[TILL_ID_BYTES];
    till_purchase(id, good, (size_t)o->bytes, body, sizeof body);
    ask(o, t, "/v1/track", body, &answer);
    till_word(&answer, word, sizeof word);
    note(id, word, &answer);
    return answer.status == 200;
}

static void erase(const struct order *o, struct till *t, const char *id)
{
    static struct till_answer answer;
    char word[TILL_ID_BYTES];
    ask(o, t, "/v1/erase", "{\"email\":\"gone@example.com\"}", &answer);
    till_word(&answer, word, sizeof word);
    note(id, answer.status == 200 ? "erased" : word, &answer);
}

/* What a row is called, its answer says. */
static void import(const struct order *o, struct till *t, const char *order)
{
    static const char key[] = "\"event_ids\":[\"";
    static struct till_answer answer;
    char id[TILL_ID_BYTES], word[TILL_ID_BYTES], body[512];
    till_rows(order, body, sizeof body);
    ask(o, t, "/v1/rows", body, &answer);
    till_word(&answer, word, sizeof word);
    const char *named = strstr(answer.body, key);
    if (named) named += strlen(key);
    (void)snprintf(id, sizeof id, "%.*s", named ? (int)strcspn(named, "\"") : (int)sizeof id,
                   named ? named : order);
    note(id, word, &answer);
}

static void hand_in(const struct order *o, struct till *t, long n)
{
    bool bad = is_turn(n, o->bad_every), gone = is_turn(n, o->erase_every);
    char id[TILL_ID_BYTES];
    (void)snprintf(id, sizeof id, "%s%s-%ld", bad ? "bad-" : gone ? "gone-" : "", o->prefix, n);
    if (!bad && !gone && is_turn(n, o->import_every)) {
        import(o, t, id);
        return;
    }
    if (sell(o, t, id, !bad) && gone) erase(o, t, id);
}

static void work(const struct order *o, long which)
{
    struct till t = {.socket = o->socket, .fd = -1};
    for (long n = which + 1; n <= o->count && atomic_load(&shared->cut_us) == 0; n += o->at_once)
        hand_in(o, &t, n);
    till_hang_up(&t);
    _exit(0);
}

static bool cut_off(const struct order *o)
{
    const unsigned how = NO_LOG_FLUSH;
    int dir = open(o->cut, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (dir >= 0 && atomic_load(&shared->read) < o->after) pause_us(100);
    pause_us(o->delay_us);
    atomic_store(&shared->cut_us, till_now_us());
    if (dir >= 0 && syscall(SYS_ioctl, dir, EXT4_SHUTDOWN, &how) == 0) return true;
    perror(o->cut);
    return false;
}

static int run(const struct order *o)
{
    pid_t children[CHILDREN_MAX];
    bool good = true;
    for (long i = 0; i < o->at_once; i++) {
        children[i] = fork();
        if (children[i] == 0) work(o, i);
    }
    if (o->cut) good = cut_off(o);
    for (long i = 0; i < o->at_once; i++) {
        if (o->cut) kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    return good && (o->cut || atomic_load(&shared->failed) == 0) ? 0 : 1;
}

static bool read_order(int argc, char **argv, struct order *o)
{
    static const struct option options[] = {
        {"prefix", 1, NULL, 'p'},    {"count", 1, NULL, 'n'},        {"at-once", 1, NULL, 'c'},
        {"bad-every", 1, NULL, 'b'}, {"bytes", 1, NULL, 's'},        {"max-ms", 1, NULL, 'm'},
        {"patient", 1, NULL, 'r'},   {"cut", 1, NULL, 'C'},          {"after", 1, NULL, 'a'},
        {"delay-us", 1, NULL, 'd'},  {"import-every", 1, NULL, 'i'}, {"erase-every", 1, NULL, 'e'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        long n = optarg ? strtol(optarg, NULL, 10) : 0;
        switch (c) {
        case 'p': o->prefix = optarg; break;
        case 'n': o->count = n; break;
        case 'c': o->at_once = n; break;
        case 'b': o->bad_every = n; break;
        case 'i': o->import_every = n; break;
        case 'e': o->erase_every = n; break;
        case 's': o->bytes = n; break;
        case 'm': o->max_ms = n; break;
        case 'r': o->patient_s = n; break;
        case 'C': o->cut = optarg; break;
        case 'a': o->after = n; break;
        case 'd': o->delay_us = n; break;
        default: return false;
        }
    }
    if (argc - optind != 2 || o->at_once < 1 || o->at_once > CHILDREN_MAX) return false;
    o->socket = argv[optind];
    o->log = argv[optind + 1];
    return true;
}

int main(int argc, char **argv)
{
    struct order o = {.prefix = "sale", .count = 1, .at_once = 1, .max_ms = 10000};
    if (!read_order(argc, argv, &o)) {
        fputs("register SOCKET LOG [options]: see the head of register.c\n", stderr);
        return EXIT_WRONG_USE;
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    log_fd = open(o.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (shared == MAP_FAILED || log_fd < 0) {
        perror(o.log);
        return EXIT_FAILURE;
    }
    return run(&o);
}
