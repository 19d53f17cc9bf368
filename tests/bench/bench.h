/*
 * bench.h: the parts of the benchmark.
 *
 * Units: seconds as double where a duration is an option, otherwise as named.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    BENCH_CALL_BYTES = 700,     /* of a call's JSON body */
    BENCH_ROW_BYTES = 820,      /* what the queue keeps of it: 776 sealed, and the columns beside */
    BENCH_CONNECTIONS_MAX = 64, /* what one listener takes */
    LOAD_REQUEST_BYTES = 1024,
    BENCH_PATH_BYTES = 200
};

int64_t bench_now_us(void); /* monotonic */

/* load.c: calls over the Unix socket, keep-alive, each with an id of its own; or over loopback TCP, to
 * a peer in its own speech. */
struct load_speech {
    const char *name;
    size_t (*hello)(char *out, unsigned connection); /* before the first request; NULL: nothing */
    size_t (*request)(char *out, unsigned connection, uint64_t id); /* LOAD_REQUEST_BYTES at most */
    /* 1: taken, 0: not all is there yet, -1: refused; in ends in a NUL. NULL: nobody answers, and
     * all that can be known is that the kernel took it. */
    int (*answered)(const char *in, size_t len);
};
extern const struct load_speech load_track, load_empty; /* a sale; what HTTP alone costs */
struct load {
    const char *socket;
    int port;                         /* instead of the socket; 0: none */
    const struct load_speech *speech; /* NULL: load_track */
    unsigned connections;
    double seconds;
    uint64_t first_id;          /* ids count up from here */
    uint64_t most;              /* requests; 0: as many as the time allows */
    void (*taken)(uint64_t id); /* hears of each good answer; NULL: nobody */
    /* out */
    uint64_t queued; /* good answers, of empty ones too */
    double took_s;
    unsigned p50_us, p99_us; /* from the first byte out to the last byte in */
};
bool load_run(struct load *l);
/* A purchase of two articles, padded to BENCH_CALL_BYTES; its messageId is bench-ID. */
void load_purchase(char out[BENCH_CALL_BYTES + 1], uint64_t id);
/* One request without a load; true when the answer has status 200. */
bool load_ask(const char *socket, const char *method, const char *path);
bool load_say(const char *socket, const char *method, const char *path, const char *body);
/* One call over a connection of its own; us until its answer "queued" was there, 0: it never was. */
unsigned load_one(const char *socket, uint64_t id);

/* commits.c: SQLite alone, WAL and synchronous=FULL, rows of BENCH_ROW_BYTES. */
struct commits {
    const char *path;
    unsigned rows_a_commit;
    double seconds;
    /* out, of all runs together */
    uint64_t rows;
    double took_s;
};
bool commits_run(struct commits *c);

/* sink.c: a server on loopback that answers {"code":0} to everything, in threads of its own. port 0:
 * any; its port, or -1. hear: is told of each body before its answer, ends in a NUL; NULL: nobody. */
int sink_start(int port, void (*hear)(char *body, size_t len));
struct sink_counts {
    uint64_t events, requests;
    int64_t first_us, last_us;       /* of the first request's head and of the last answer */
    uint64_t connections, asks;      /* asks: of these, "Expect: 100-continue" */
    uint64_t wire_bytes, json_bytes; /* received; of these, bodies */
};
struct sink_counts sink_counts(void);
/* What the sink itself can take, events a second. */
double sink_rate(int port, const char *event, unsigned events, unsigned requests);

/* agent.c: tillpost with a configuration of its own in dir. */
struct agent_line {
    int port;            /* of the server, on loopback */
    const char *ca_file; /* NULL: plain HTTP */
};
pid_t agent_begin(const char *program, const char *dir, int port);
pid_t agent_begin_on(const char *program, const char *dir, const struct agent_line *line);
pid_t agent_again(const char *program, const char *dir); /* where there was one before */
bool agent_end(pid_t pid);

/* stages.c: prints the CPU time of a call by stage; its queue is made in dir. */
bool stages_run(const char *dir);

/* memory.c: prints what an agent at rest costs, empty and with a backlog; it runs in dir/rest. *kept:
 * no more than a static program promises. */
bool memory_run(const char *program, const char *dir, int port, double seconds, bool *kept);

/* What a process has of the memory: its share (PSS), or where that cannot be read the resident set;
 * KiB. */
struct bench_share {
    long kib;
    const char *what;
};
struct bench_share bench_share_of(pid_t pid);

/* looks.c: ms that each thing takes which a person, a register or a machine asks of an agent, medians;
 * -1: it failed. Its queue must hold events bench-backlog-… and deliveries be paused. */
enum { LOOKS = 14 };
void looks_take(const char *program, const char *dir, double ms[LOOKS]);
void looks_print(unsigned few, const double at_few[LOOKS], unsigned many,
                 const double at_many[LOOKS]);

/* backlog.c: prints what a queue of so many rows costs: start, answers, delivery, memory, size. *kept:
 * what does not hang upon the machine is as promised. */
bool backlog_run(const char *program, const char *dir, int sink_port, const struct agent_line *line,
                 unsigned rows, bool *kept);

/* imports.c: prints time and peak memory of importing files through the agent that runs in dir. */
bool imports_run(const char *program, const char *dir, unsigned rows);

#endif
