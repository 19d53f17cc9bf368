/*
 * order.c: does every answer come after its sync? Reads what strace saw.
 *
 *   order TRACE COUNT    exit 0 when the trace holds exactly COUNT answers "HTTP/1.x 200" to POSTs
 *                        of calls, each of them after: the last bytes of its request were read →
 *                        the write-ahead log was written → it was synced with success.
 *
 * TRACE is the output of strace -f -y. A call that another thread interrupts stands in two lines,
 * "<unfinished ...>" and "<... resumed>"; a send counts from the first of them (bytes may have
 * left), all else from the second (only then is it done).
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 8192, FDS_MAX = 1024, THREADS_MAX = 64, EXIT_WRONG_USE = 64 };

struct trace {
    long now; /* number of the line at hand */
    long wal_written, wal_synced;
    long written_before_sync; /* the latest write that the latest sync covers */
    struct {
        bool is_call;   /* the request is a POST of calls */
        long last_read; /* 0: no request at hand */
    } fds[FDS_MAX];
    struct {
        long pid;
        char text[LINE_BYTES];
    } unfinished[THREADS_MAX];
    long answers, bad;
};

static bool starts(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static bool is_any(const char *line, const char *const *names)
{
    for (; *names; names++) {
        size_t len = strlen(*names);
        if (strncmp(line, *names, len) == 0 && line[len] == '(') return true;
    }
    return false;
}

static const char *const reads[] = {"read", "recvfrom", "recvmsg", "readv", NULL};
static const char *const sends[] = {"write", "sendto", "sendmsg", "writev", NULL};
static const char *const writes[] = {"pwrite64", "write", "pwritev", NULL};
static const char *const syncs[] = {"fdatasync", "fsync", NULL};

static int fd_of(const char *line)
{
    long fd = strtol(strchr(line, '(') + 1, NULL, 10);
    return fd >= 0 && fd < FDS_MAX ? (int)fd : 0;
}

static bool is_wal(const char *line)
{
    const char *name = strchr(line, '<'), *end = name ? strchr(name, '>') : NULL;
    return end && end - name > 4 && strncmp(end - 4, "-wal", 4) == 0;
}

static long result_of(const char *line)
{
    const char *result = NULL;
    for (const char *p = line; (p = strstr(p, ") = ")) != NULL; p++) result = p;
    return result ? strtol(result + 4, NULL, 10) : -1;
}

static void see_read(struct trace *t, const char *line)
{
    static const char *const calls[] = {"\"POST /v1/track ", "\"POST /v1/page ",
                                        "\"POST /v1/batch "};
    int fd = fd_of(line);
    if (result_of(line) <= 0) return;
    if (strstr(line, "\"GET ") || strstr(line, "\"POST ")) t->fds[fd].is_call = false;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strstr(line, calls[i])) t->fds[fd].is_call = true;
    }
    t->fds[fd].last_read = t->now;
}

static void see_answer(struct trace *t, const char *line)
{
    int fd = fd_of(line);
    if (!strstr(line, "\"HTTP/1.1 200 ") && !strstr(line, "\"HTTP/1.0 200 ")) return;
    if (!t->fds[fd].is_call) return;
    t->answers++;
    bool good = t->fds[fd].last_read && t->fds[fd].last_read < t->written_before_sync;
    if (good) return;
    t->bad++;
    printf("line %ld: the answer on %d left before its sync (request read in line %ld, log written "
           "in line %ld, synced in line %ld)\n",
           t->now, fd, t->fds[fd].last_read, t->wal_written, t->wal_synced);
}

static void see_done(struct trace *t, const char *line)
{
    if (is_any(line, reads)) see_read(t, line);
    if (is_any(line, writes) && is_wal(line) && result_of(line) > 0) t->wal_written = t->now;
    if (is_any(line, syncs) && is_wal(line) && result_of(line) == 0) {
        t->wal_synced = t->now;
        t->written_before_sync = t->wal_written;
    }
}

/* The place of a thread's unfinished call: its own, or a free one. */
static char *unfinished(struct trace *t, long pid)
{
    size_t i = 0;
    while (i < THREADS_MAX - 1 && t->unfinished[i].pid && t->unfinished[i].pid != pid) i++;
    t->unfinished[i].pid = pid;
    return t->unfinished[i].text;
}

static void see(struct trace *t, char *line)
{
    char whole[LINE_BYTES * 2];
    char *call = line;
    long pid = strtol(line, &call, 10);
    while (*call == ' ') call++;
    t->now++;
    if (starts(call, "<... ")) {
        const char *rest = strstr(call, "resumed>");
        snprintf(whole, sizeof(whole), "%s%s", unfinished(t, pid), rest ? rest + 8 : "");
        if (strchr(whole, '(')) see_done(t, whole);
        return;
    }
    if (!strchr(call, '(')) return;
    if (is_any(call, sends)) see_answer(t, call);
    char *cut = strstr(call, " <unfinished ...>");
    if (!cut) {
        see_done(t, call);
        return;
    }
    *cut = '\0';
    snprintf(unfinished(t, pid), LINE_BYTES, "%s", call);
}

int main(int argc, char **argv)
{
    static struct trace t;
    static char line[LINE_BYTES];
    FILE *f = argc == 3 ? fopen(argv[1], "re") : NULL;
    if (!f) {
        fputs("order TRACE COUNT\n", stderr);
        return EXIT_WRONG_USE;
    }
    while (fgets(line, sizeof(line), f)) see(&t, line);
    fclose(f);
    printf("%ld answers, %ld of them too early\n", t.answers, t.bad);
    return t.bad == 0 && t.answers == strtol(argv[2], NULL, 10) ? EXIT_SUCCESS : EXIT_FAILURE;
}
