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
    BENCH_CONNECTIONS_MAX = 64, /* what one listener takes */
    BENCH_PATH_BYTES = 200
};

int64_t bench_now_us(void); /* monotonic */

/* load.c: calls over the Unix socket, keep-alive, each with an id of its own. */
struct load {
    const char *socket;
    unsigned connections;
    double seconds;
    uint64_t first_id; /* ids count up from here */
    /* out */
    uint64_t queued;
    double took_s;
    unsigned p50_us, p99_us; /* from the first byte out to the last byte in */
};
bool load_run(struct load *l);
/* One request without a load; true when the answer has status 200. */
bool load_ask(const char *socket, const char *method, const char *path);

/* commits.c: SQLite alone, WAL and synchronous=FULL, rows of BENCH_CALL_BYTES. */
struct commits {
    const char *path;
    unsigned rows_a_commit;
    double seconds;
    /* out */
    uint64_t rows;
    double took_s;
};
bool commits_run(struct commits *c);

/* sink.c: a server on loopback that answers {"code":0} to everything, in a thread of its own. */
int sink_start(void); /* its port, or -1 */
struct sink_counts {
    uint64_t events, requests;
    int64_t first_us, last_us; /* of the first request's head and of the last answer */
};
struct sink_counts sink_counts(void);

/* stages.c: prints the CPU time of a call by stage; its queue is made in dir. */
bool stages_run(const char *dir);

/* memory.c: prints what an agent at rest costs, empty and with a backlog; it runs in dir/rest. *kept:
 * no more than a static program promises. */
bool memory_run(const char *program, const char *dir, int port, double seconds, bool *kept);

/* imports.c: prints time and peak memory of importing files through the agent that runs in dir. */
bool imports_run(const char *program, const char *dir, unsigned rows);

/* agent.c: tillpost with a configuration of its own in dir. */
pid_t agent_begin(const char *program, const char *dir, int port);
bool agent_end(pid_t pid);

#endif
