/*
 * erase.h: right to erasure, between the requests of the callers and the queue.
 *
 * Requests wait in line; the first one's walk goes on for a slice each turn of the loop, so that
 * sales go on, and its answer leaves when no file of the queue holds the rows any more.
 *
 * Errors: BAD_REQUEST (neither or both of "email" and "phone", or no valid one), BUSY (too many
 * wait), those of queue/erase.h. No message holds the value.
 * Owner: a hash that is looked for lives in its request's place and is wiped with it; the body's
 * plain text is wiped by whoever owns the body.
 */
#ifndef AGENT_ERASE_H
#define AGENT_ERASE_H

#include "agent/config.h"
#include "api/api.h"
#include "queue/erase.h"
#include "tiktok/pii.h"

enum { ERASE_WAITING_MAX = 4, ERASE_SLICE_MS = 6 };

struct eraser {
    struct {
        struct api_request request;
        char hash[PII_HASH_BYTES];
    } waiting[ERASE_WAITING_MAX];
    size_t count;
    struct queue_erasure erasure; /* of the first */
};

/* {"email":…} or {"phone":…} to the hash that its events hold. */
int erase_read(const struct config *c, struct str body, char hash[PII_HASH_BYTES],
               struct fault *why);
/* Does a row's text hold the hash? */
bool erase_matches(void *hash, struct str rest);
void erase_write(struct buf *out, int64_t erased); /* {"erased":N} */

/* Puts a request into the line; it will be answered by erase_turn. */
int erase_begin(struct eraser *e, const struct config *c, const struct api_request *request,
                struct fault *why);
/* A slice of the first request: 0 it goes on or there is none, 1 it was answered, < 0 it was refused
 * for want of storage. Must not be called while a transaction is open. */
int erase_turn(struct eraser *e, struct queue *q, struct api *api, int64_t now_s,
               struct fault *why);
void erase_free(struct eraser *e);

#endif
