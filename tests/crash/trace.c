/*
 * trace.c: see trace.h.
 *
 * Reads the output of `strace -f -y -xx -s 200000`: every string and every path in hexadecimal, the
 * path or socket of a descriptor behind it in <>. A socket is known by the text that goes through
 * it: what begins with "POST " and leaves is a batch for TikTok, what holds "event_ids" and leaves
 * is an answer to a register. A call that another thread interrupts stands in two lines; it counts
 * from the second.
 *
 * What always holds: a fact stands behind all operations that strace saw finished before it.
 */
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOCKETS_MAX = 4096, SOCKET_NAME_BYTES = 48, THREADS_MAX = 16, PATH_BYTES = 1024 };

struct text {
    char *p;
    size_t len, cap;
};
struct sock {
    char name[SOCKET_NAME_BYTES];
    struct text in;
    int flight;  /* under way to TikTok, -1: none */
    int replied; /* the flight whose reply has come */
    char asks;   /* of a register: 'd'rop, 'e'rase, 0 */
    struct text asked;
};
/* A flight's ids are known once all of it has been read: facts about it wait for them. */
struct flight {
    struct text body;
};
struct reading {
    struct trace *t;
    struct sock *socks;
    size_t sock_count;
    struct flight *flights;
    struct {
        char *line;
        long pid;
    } unfinished[THREADS_MAX];
    struct text bytes; /* of the line at hand */
    char directory[PATH_BYTES];
    bool there[DISK_FILES_MAX], wal_written, failed;
    long line;
};

static void *must(void *p)
{
    if (p == NULL) abort();
    return p;
}

static void text_add(struct text *t, const char *p, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        t->cap = (t->len + len + 1) * 2;
        t->p = must(realloc(t->p, t->cap));
    }
    memcpy(t->p + t->len, p, len);
    t->len += len;
    t->p[t->len] = '\0';
}

static void text_clear(struct text *t)
{
    t->len = 0;
    if (t->p) t->p[0] = '\0';
}

/* Hexadecimal --------------------------------------------------------------------------------- */

static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes \x.. until something else comes; returns where. */
static const char *decode(const char *p, struct text *out)
{
    while (p[0] == '\\' && p[1] == 'x' && digit(p[2]) >= 0 && digit(p[3]) >= 0) {
        char c = (char)(digit(p[2]) * 16 + digit(p[3]));
        text_add(out, &c, 1);
        p += 4;
    }
    return p;
}

/* All strings of a line, one after the other. */
static void strings_of(const char *line, struct text *out)
{
    text_clear(out);
    text_add(out, "", 0);
    for (const char *p = strchr(line, '"'); p; p = strchr(p, '"')) {
        p = decode(p + 1, out);
        if (*p != '"') return; /* no hexadecimal: strace's own words */
        p++;
    }
}

static void path_of(const char *line, char out[PATH_BYTES])
{
    struct text path = {0};
    const char *p = strchr(line, '<');
    out[0] = '\0';
    if (!p) return;
    p = decode(p + 1, &path);
    if (path.len > 0) (void)snprintf(out, PATH_BYTES, "%s", path.p);
    else (void)snprintf(out, PATH_BYTES, "%.*s", (int)strcspn(p, ">"), p);
    free(path.p);
}

static long long result_of(const char *line)
{
    const char *found = NULL;
    for (const char *p = line; (p = strstr(p, ") = ")) != NULL; p++) found = p;
    return found ? strtoll(found + 4, NULL, 10) : -1;
}

/* Events -------------------------------------------------------------------------------------- */

static size_t hash_of(const char *id, size_t len)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)id[i]) * 1099511628211u;
    return (size_t)(h ^ h >> 32) & (TRACE_SLOTS - 1);
}

/* The slot of an id, or the free one where it belongs. */
static size_t slot_of(const struct trace *t, const char *id, size_t len)
{
    size_t at = hash_of(id, len);
    for (; t->slots[at]; at = (at + 1) & (TRACE_SLOTS - 1)) {
        const char *there = t->ids[t->slots[at] - 1];
        if (strlen(there) == len && memcmp(there, id, len) == 0) break;
    }
    return at;
}

int trace_find(const struct trace *t, const char *id, size_t len)
{
    return t->slots[slot_of(t, id, len)] - 1;
}

int trace_add(struct trace *t, const char *id, size_t len)
{
    int *slot = &t->slots[slot_of(t, id, len)];
    if (*slot) return *slot - 1;
    if (t->id_count == TRACE_IDS_MAX || len >= TRACE_ID_BYTES) abort();
    memcpy(t->ids[t->id_count], id, len);
    *slot = ++t->id_count;
    return *slot - 1;
}

static void add_fact(struct reading *r, struct fact f)
{
    struct trace *t = r->t;
    if (t->fact_count == t->fact_cap) {
        t->fact_cap = t->fact_cap ? t->fact_cap * 2 : 1024;
        t->facts = must(realloc(t->facts, t->fact_cap * sizeof t->facts[0]));
    }
    f.op = t->log.op_count;
    t->facts[t->fact_count++] = f;
}

/* A fact for each string of each list under the key. */
static void facts_of_list(struct reading *r, enum fact_kind kind, const char *text, const char *key)
{
    for (const char *p = text; (p = strstr(p, key)) != NULL;) {
        p += strlen(key);
        while (*p == '"') {
            size_t len = strcspn(p + 1, "\"");
            add_fact(r, (struct fact){.kind = kind, .id = trace_add(r->t, p + 1, len)});
            p += len + 2;
            if (*p == ',') p++;
        }
    }
}

/* Sockets ------------------------------------------------------------------------------------- */

static struct sock *sock_named(struct reading *r, const char *name)
{
    for (size_t i = r->sock_count; i-- > 0;)
        if (strcmp(r->socks[i].name, name) == 0) return &r->socks[i];
    if (r->sock_count == SOCKETS_MAX) abort();
    struct sock *s = &r->socks[r->sock_count++];
    s->flight = s->replied = -1;
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static void begin_flight(struct reading *r, struct sock *s)
{
    size_t n = (size_t)r->t->flights + 1;
    r->flights = must(realloc(r->flights, n * sizeof r->flights[0]));
    r->flights[n - 1] = (struct flight){0};
    s->flight = r->t->flights++;
    text_clear(&s->in);
    add_fact(r, (struct fact){.kind = FACT_SENT, .id = -1, .flight = s->flight});
}

static void see_sent(struct reading *r, struct sock *s, const struct text *bytes)
{
    if (strncmp(bytes->p, "POST ", 5) == 0) begin_flight(r, s);
    if (s->flight >= 0) {
        text_add(&r->flights[s->flight].body, bytes->p, bytes->len);
        return;
    }
    if (strstr(bytes->p, "\"event_ids\":[")) {
        r->t->answers++;
        facts_of_list(r, FACT_ACKNOWLEDGED, bytes->p, "\"event_ids\":[");
    }
    if (s->asks == 0 || strncmp(bytes->p, "HTTP/1.1 ", 9) != 0) return;
    if (strncmp(bytes->p + 9, "200", 3) == 0 && s->asks == 'd')
        facts_of_list(r, FACT_DROPPED, s->asked.p, "\"ids\":[");
    if (strncmp(bytes->p + 9, "200", 3) == 0 && s->asks == 'e')
        add_fact(r, (struct fact){.kind = FACT_ERASED, .id = -1});
    s->asks = 0;
}

static void see_reply(struct reading *r, struct sock *s, const struct text *bytes)
{
    text_add(&s->in, bytes->p, bytes->len);
    const char *code = strstr(s->in.p, "\"code\":");
    if (!code || s->replied == s->flight) return;
    s->replied = s->flight;
    int n = (int)strtol(code + 7, NULL, 10);
    add_fact(r, (struct fact){.kind = FACT_REPLIED, .id = -1, .flight = s->flight, .code = n});
}

static void see_received(struct reading *r, struct sock *s, const struct text *bytes)
{
    if (s->flight >= 0) {
        see_reply(r, s, bytes);
        return;
    }
    bool erase = strncmp(bytes->p, "POST /v1/erase", 14) == 0;
    bool drop = strncmp(bytes->p, "POST /v1/events/drop", 20) == 0;
    if (!erase && !drop) return;
    s->asks = drop ? 'd' : 'e';
    text_clear(&s->asked);
    text_add(&s->asked, bytes->p, bytes->len);
    if (drop) facts_of_list(r, FACT_DROP_ASKED, bytes->p, "\"ids\":[");
    else add_fact(r, (struct fact){.kind = FACT_ERASE_ASKED, .id = -1});
}

/* Files --------------------------------------------------------------------------------------- */

static const char *const files[] = {"queue.db", "queue.db-wal", "queue.db-journal"};

static const char *base_of(const char *path)
{
    return strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
}

static int file_of(const char *path)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (strcmp(base_of(path), files[i]) == 0) return (int)i;
    return -1;
}

static void note(struct reading *r, int file, enum disk_op_kind kind, long long offset)
{
    struct disk_op op = {.kind = kind, .offset = offset};
    if (kind == DISK_WRITE) {
        op.bytes = (unsigned char *)r->bytes.p;
        op.len = r->bytes.len;
    }
    disk_note(&r->t->log, files[file], op);
}

/* The last number among the arguments. */
static long long last_number(const char *line)
{
    const char *end = NULL;
    for (const char *p = line; (p = strstr(p, ") = ")) != NULL; p++) end = p;
    while (end && end > line && end[-1] >= '0' && end[-1] <= '9') end--;
    return end ? strtoll(end, NULL, 10) : 0;
}

static void see_open(struct reading *r, const char *line)
{
    strings_of(line, &r->bytes);
    int file = file_of(r->bytes.p);
    if (file < 0 || result_of(line) < 0) return;
    (void)snprintf(r->directory, PATH_BYTES, "%.*s", (int)(base_of(r->bytes.p) - r->bytes.p - 1),
                   r->bytes.p);
    if (!strstr(line, "O_CREAT") || r->there[file]) return;
    r->there[file] = true;
    note(r, file, DISK_CREATE, 0);
}

static void see_unlink(struct reading *r, const char *line)
{
    strings_of(line, &r->bytes);
    int file = file_of(r->bytes.p);
    if (file < 0 || result_of(line) < 0) return;
    r->there[file] = false;
    note(r, file, DISK_REMOVE, 0);
}

static void see_write(struct reading *r, const char *line)
{
    char path[PATH_BYTES];
    path_of(line, path);
    int file = file_of(path);
    long long n = result_of(line);
    if (n <= 0) return;
    strings_of(line, &r->bytes);
    if (strncmp(path, "socket:", 7) == 0) see_sent(r, sock_named(r, path), &r->bytes);
    if (file < 0) return;
    if ((size_t)n < r->bytes.len) r->bytes.len = (size_t)n;
    if (file == 1) r->wal_written = true;
    if (file == 1 && last_number(line) == 0) r->t->wal_starts++;
    note(r, file, DISK_WRITE, last_number(line));
}

static void see_truncate(struct reading *r, const char *line)
{
    char path[PATH_BYTES];
    path_of(line, path);
    if (file_of(path) >= 0 && result_of(line) == 0)
        note(r, file_of(path), DISK_TRUNCATE, last_number(line));
}

static void see_sync(struct reading *r, const char *line)
{
    char path[PATH_BYTES];
    path_of(line, path);
    int file = file_of(path);
    bool good = result_of(line) == 0;
    if (file < 0) {
        if (good && strcmp(path, r->directory) == 0) note(r, 0, DISK_SYNC_NAMES, 0);
        return;
    }
    if (file == 1 && r->wal_written && good) r->t->commits++;
    if (file == 1) r->wal_written = false;
    note(r, file, good ? DISK_SYNC : DISK_SYNC_FAILED, 0);
}

static void see_read(struct reading *r, const char *line)
{
    char path[PATH_BYTES];
    path_of(line, path);
    if (strncmp(path, "socket:", 7) != 0 || result_of(line) <= 0) return;
    strings_of(line, &r->bytes);
    see_received(r, sock_named(r, path), &r->bytes);
}

static void see_exec(struct reading *r, const char *line)
{
    if (result_of(line) == 0) r->t->starts++;
}

/* What a log cannot tell must not have happened to these files. */
static void see_other(struct reading *r, const char *line)
{
    char path[PATH_BYTES];
    path_of(line, path);
    strings_of(line, &r->bytes);
    if (file_of(path) < 0 && file_of(r->bytes.p) < 0) return;
    fprintf(stderr, "trace, line %ld: this is not understood: %.40s\n", r->line, line);
    r->failed = true;
}

static const struct {
    const char *call;
    void (*see)(struct reading *, const char *line);
} calls[] = {
    {"openat", see_open},
    {"open", see_open},
    {"unlink", see_unlink},
    {"unlinkat", see_unlink},
    {"pwrite64", see_write},
    {"write", see_write},
    {"sendto", see_write},
    {"sendmsg", see_write},
    {"writev", see_write},
    {"ftruncate", see_truncate},
    {"fsync", see_sync},
    {"fdatasync", see_sync},
    {"read", see_read},
    {"recvfrom", see_read},
    {"recvmsg", see_read},
    {"execve", see_exec},
    {"rename", see_other},
    {"renameat", see_other},
    {"renameat2", see_other},
    {"pwritev", see_other},
    {"truncate", see_other},
    {"fallocate", see_other},
    {"copy_file_range", see_other},
    {"sync_file_range", see_other},
};

static void see_call(struct reading *r, const char *line)
{
    size_t len = strcspn(line, "(");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (strlen(calls[i].call) != len || strncmp(line, calls[i].call, len) != 0) continue;
        calls[i].see(r, line);
        return;
    }
}

/* Lines --------------------------------------------------------------------------------------- */

static char **unfinished(struct reading *r, long pid)
{
    size_t i = 0;
    while (i < THREADS_MAX - 1 && r->unfinished[i].line && r->unfinished[i].pid != pid) i++;
    r->unfinished[i].pid = pid;
    return &r->unfinished[i].line;
}

static void see_rest(struct reading *r, long pid, const char *line)
{
    char **begun = unfinished(r, pid);
    const char *rest = strstr(line, "resumed>");
    if (!*begun || !rest) return;
    struct text whole = {0};
    text_add(&whole, *begun, strlen(*begun));
    text_add(&whole, rest + 8, strlen(rest + 8));
    see_call(r, whole.p);
    free(whole.p);
    free(*begun);
    *begun = NULL;
}

static void see(struct reading *r, char *line)
{
    long pid = strtol(line, &line, 10);
    while (*line == ' ') line++;
    r->line++;
    if (strncmp(line, "<... ", 5) == 0) {
        see_rest(r, pid, line);
        return;
    }
    char *cut = strstr(line, " <unfinished ...>");
    if (!cut) {
        see_call(r, line);
        return;
    }
    *cut = '\0';
    char **begun = unfinished(r, pid);
    free(*begun);
    *begun = must(strdup(line));
}

/* Each fact about a flight becomes one for each event in it. */
static void spread_flights(struct reading *r)
{
    struct trace *t = r->t;
    struct fact *old = t->facts;
    size_t count = t->fact_count, op_count = t->log.op_count;
    t->facts = NULL;
    t->fact_count = t->fact_cap = 0;
    for (size_t i = 0; i < count; i++) {
        struct fact f = old[i];
        bool of_flight = f.kind == FACT_SENT || f.kind == FACT_REPLIED;
        const char *p = of_flight ? r->flights[f.flight].body.p : "";
        t->log.op_count = f.op;
        if (!of_flight) add_fact(r, f);
        while ((p = strstr(p, "\"event_id\":\"")) != NULL) {
            p += 12;
            f.id = trace_add(r->t, p, strcspn(p, "\""));
            add_fact(r, f);
        }
    }
    t->log.op_count = op_count;
    free(old);
}

static void reading_close(struct reading *r)
{
    for (size_t i = 0; i < r->sock_count; i++) {
        free(r->socks[i].in.p);
        free(r->socks[i].asked.p);
    }
    for (int i = 0; i < r->t->flights; i++) free(r->flights[i].body.p);
    for (size_t i = 0; i < THREADS_MAX; i++) free(r->unfinished[i].line);
    free(r->socks);
    free(r->flights);
    free(r->bytes.p);
}

/* What was there at the start is on the disk, its name too. */
static bool read_image(struct reading *r, const char *path)
{
    enum { IMAGE_MAX_BYTES = 1 << 20 };
    FILE *f = fopen(path, "re");
    text_clear(&r->bytes);
    text_add(&r->bytes, "", 0);
    for (int c; f && (c = getc(f)) != EOF && r->bytes.len < IMAGE_MAX_BYTES;)
        text_add(&r->bytes, &(char){(char)c}, 1);
    if (f) fclose(f);
    if (r->bytes.len == 0) perror(path);
    r->there[0] = true;
    note(r, 0, DISK_CREATE, 0);
    note(r, 0, DISK_WRITE, 0);
    note(r, 0, DISK_SYNC, 0);
    note(r, 0, DISK_SYNC_NAMES, 0);
    r->t->begin = r->t->log.op_count;
    return r->bytes.len > 0;
}

static bool read_lines(struct reading *r, const char *path)
{
    char *line = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "re");
    if (!f) {
        perror(path);
        return false;
    }
    while (getline(&line, &cap, f) > 0) see(r, line);
    free(line);
    fclose(f);
    return !r->failed;
}

bool trace_read(const char *path, const char *image, struct trace *out)
{
    static struct reading r;
    *out = (struct trace){0};
    out->ids = must(calloc(TRACE_IDS_MAX, sizeof out->ids[0]));
    memset(&r, 0, sizeof r);
    r.t = out;
    r.socks = must(calloc(SOCKETS_MAX, sizeof r.socks[0]));
    bool good = read_image(&r, image) && read_lines(&r, path);
    if (good) spread_flights(&r);
    reading_close(&r);
    return good;
}

void trace_close(struct trace *t)
{
    disk_clear(&t->log);
    free(t->facts);
    free(t->ids);
    *t = (struct trace){0};
}
