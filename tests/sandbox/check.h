/*
 * check.h: is this body what TikTok documents for offline events?
 *
 * As strict as the documents allow: what they do not name is refused, so that a field that the
 * agent invents is found here and not by a merchant. Pure: time comes in.
 *
 * Source: tiktok-api.md sections 1, 2, 4, 6; the offline event names are those of section 8.
 */
#ifndef SANDBOX_CHECK_H
#define SANDBOX_CHECK_H

#include "base/json.h"

enum {
    CHECK_OK = 0,
    CHECK_PARAMETER = 40002,     /* a parameter error: message names the first field at fault */
    CHECK_TOKEN_EMPTY = 40104,   /* no Access-Token */
    CHECK_TOKEN_INVALID = 40105, /* a wrong one, or one with "Bearer " before it */
    CHECK_EVENTS_MAX = 1000,     /* a request */
    CHECK_BODY_MAX_BYTES = 16 * 1024 * 1024,
    CHECK_MESSAGE_BYTES = 256
};
#define CHECK_AGE_MAX_S   (28 * 24 * 3600)
#define CHECK_AHEAD_MAX_S (10 * 60)

struct check_rules {
    const char *token;
    const char *event_set;
    const char *also; /* one more event name to take, or NULL */
};
struct check_result {
    int code; /* CHECK_OK or TikTok's return code */
    char message[CHECK_MESSAGE_BYTES];
    bool probe;   /* "data":[] and nothing else amiss */
    size_t count; /* events in data, also of a refused body */
};

/* The header's value, NULL when absent. 0 or a return code in *result. */
int check_token(const char *header, const struct check_rules *rules, struct check_result *result);
/* *root is the parsed body, in the arena, or NULL when it is no JSON. */
int check_body(struct arena *a, struct str body, const struct check_rules *rules, int64_t now_s,
               const struct json **root, struct check_result *result);

#endif
