/*
 * trace.h: what strace saw of an agent, as a disk's log and as facts about events.
 *
 * The log holds what was done to the queue's files, in order (memory_vfs.h), from the queue.db that
 * was there at the start. A fact says what somebody outside knew when the log was `op` operations
 * long: a register was answered, TikTok had a batch or had replied to one. Ids that begin with
 * "gone-" belong to the person whom the workload erases.
 *
 * Owner: the trace owns everything; trace_close frees it.
 */
#ifndef CRASH_TRACE_H
#define CRASH_TRACE_H

#include "memory_vfs.h"

enum {
    TRACE_ID_BYTES = 48,
    TRACE_SLOTS = 16384, /* of the table of ids; a power of two */
    TRACE_IDS_MAX = TRACE_SLOTS / 2
};

enum fact_kind {
    FACT_ACKNOWLEDGED, /* an answer with the id has left */
    FACT_SENT,         /* a flight's first byte has left; which holds the id */
    FACT_REPLIED,      /* TikTok's code for a flight has come; which holds the id */
    FACT_DROP_ASKED,
    FACT_DROPPED, /* answered */
    FACT_ERASE_ASKED,
    FACT_ERASED /* answered */
};
struct fact {
    enum fact_kind kind;
    size_t op;
    int id; /* index; -1 of an erasure */
    int flight;
    int code; /* of a reply */
};
struct trace {
    struct disk log;
    size_t begin;       /* operations that made what was there at the start */
    struct fact *facts; /* in order */
    size_t fact_count, fact_cap;
    char (*ids)[TRACE_ID_BYTES];
    int id_count;
    int slots[TRACE_SLOTS]; /* index of an id + 1, by its hash */
    int flights, answers;
    long commits;    /* syncs of the WAL after a write */
    long wal_starts; /* of the file: a new one, or after a checkpoint */
    long starts;     /* of the program */
};

/* image: the queue.db of the start. false: a file cannot be read, or something was done to the
 * queue's files that a log cannot tell; it has been said on standard error. */
bool trace_read(const char *path, const char *image, struct trace *out);
int trace_add(struct trace *t, const char *id, size_t len);        /* its index, new or not */
int trace_find(const struct trace *t, const char *id, size_t len); /* index or -1 */
void trace_close(struct trace *t);

#endif
