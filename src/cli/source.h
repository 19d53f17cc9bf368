/*
 * source.h: the agent, or, when none runs, the queue itself, for verbs that work with both.
 *
 * A verb asks the agent; 0 says that there is none and that the queue is open: it then calls
 * agent/offline.h. Words about what went wrong have been printed when a function returns -1 or
 * NULL; the exit status of it is in `status`.
 */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include "agent/offline.h"
#include "cli/cli.h"

enum {
    SOURCE_TIMEOUT_MS = 10 * 1000,
    SOURCE_ARENA_MAX_BYTES = 16 * 1024 * 1024,
    SOURCE_ANSWER_MAX_BYTES = 4 * 1024 * 1024
};

#define SOURCE_NOT_UNDERSTOOD "the answer is not understood"

struct source {
    struct cli *c;
    struct client client;
    struct offline offline;
    bool is_offline; /* the queue itself, or nothing at all, as in a dry run */
    bool makes;      /* a queue that is not there yet */
    struct arena arena;
    struct buf answer; /* JSON, of the last request */
    int http;          /* its status */
    int status;        /* exit status of what went wrong */
};

void source_open(struct source *s, struct cli *c);
int source_close(struct source *s, int status); /* gives status back */
/* Prints it; false. */
bool source_tell(struct source *s, const struct fault *why);
/* The agent's answer, and its status in s->http; < 0: an error, of which nothing was told. */
int source_request(struct source *s, const char *method, const char *path, struct str body);
/* After such an error: opens the queue itself, once; false: told. */
bool source_go_offline(struct source *s, int err);
/* 1: the agent has answered (s->http), 0: there is none and the queue is open, -1: told. */
int source_try(struct source *s, const char *method, const char *path, struct str body);
/* The same, and whatever is not 200 has been told: -1. */
int source_ask(struct source *s, const char *method, const char *path, struct str body);
/* The answer as a tree that lives until the next one; NULL: it is none, which was told or not. */
const struct json *source_parsed(struct source *s);
const struct json *source_tree(struct source *s);
/* Text of a member, NUL-terminated; "" when absent. */
const char *source_text(const struct json *object, const char *key);

#endif
