/*
 * till.h: a register that the harnesses steer: one connection, one call after the other, timed.
 *
 * Units: ms of CLOCK_MONOTONIC unless named `_us`. Owner: an answer's text is in the answer.
 */
#ifndef CRASH_TILL_H
#define CRASH_TILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TILL_ANSWER_BYTES = 64 * 1024, TILL_CALL_BYTES = 32 * 1024, TILL_ID_BYTES = 48 };

struct till {
    const char *socket;
    int fd; /* -1: none; the next call connects */
};
struct till_answer {
    int status; /* of HTTP; 0: none came */
    long took_ms;
    int64_t read_us; /* when its last byte had been read */
    char text[TILL_ANSWER_BYTES];
    const char *body; /* in text */
};

int64_t till_now_us(void);
/* false: no whole answer within the time; the connection is closed then. */
bool till_ask(struct till *t, const char *method, const char *path, const char *body, long max_ms,
              struct till_answer *out);
bool till_read(struct till *t, long max_ms, struct till_answer *out); /* the answer alone */
void till_hang_up(struct till *t);
/* The word of an answer: queued, duplicate, or the code of a refusal. */
void till_word(const struct till_answer *a, char *out, size_t bytes);
/* A purchase of `bytes` or more; 0: a small one. By NAME@example.com when the id is NAME-…; without
 * anybody's e-mail when it is not good. */
void till_purchase(const char *id, bool good, size_t bytes, char *out, size_t out_bytes);
/* The body of an import of one row, the same whenever it is made within a day. */
void till_rows(const char *order, char *out, size_t out_bytes);

#endif
