/*
 * answer.h: what goes back to a caller. Private to api, but for api_refusal.
 */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "api/rules.h"

struct answer {
    int status;
    struct str body;
    const char *content_type;     /* NULL: application/json */
    int retry_after_s;            /* 0: none */
    const char *allow;            /* NULL: none */
    const char *policy;           /* Content-Security-Policy of a page; NULL: this is none */
    const struct verdict *judged; /* for CORS; NULL: no request */
};

/* Every field of an answer but its length. */
typedef void (*answer_field)(void *to, const char *name, const char *value);
void answer_fields(const struct answer *answer, answer_field field, void *to);

/* A refusal's answer; its text stays in `text`, which is at least ANSWER_REFUSAL_MAX_BYTES. */
enum { ANSWER_REFUSAL_MAX_BYTES = 1024 };
void answer_refusal(struct answer *answer, int err, const char *message, char *text);

/* Writes a whole answer past http.c, says that no more comes, and leaves the descriptor open: what
 * the caller has sent or still sends must be read before it is closed, or its end is torn down
 * before it has read the answer. False when it did not go out whole. */
bool answer_send(int fd, const struct answer *answer, bool head_only);

#endif
