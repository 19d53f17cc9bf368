/*
 * batch.h: the body of a request, and what its reply means.
 *
 * Source: tiktok-api.md sections 1, 2, 4.
 */
#ifndef TIKTOK_BATCH_H
#define TIKTOK_BATCH_H

#include "base/fault.h"
#include "base/text.h"

enum { TIKTOK_BATCH_EVENTS_MAX = 1000 };

/* Body: {"event_source":"offline","event_source_id":…,"partner_name":…,"test_event_code":…,
 * "data":[…]}; the two in the middle only when given. */
void tiktok_batch_begin(struct buf *body, const char *event_set_id, const char *partner_name,
                        struct str test_code);
/* rest: as struct tiktok_event has it. */
void tiktok_batch_add(struct buf *body, struct str event, int64_t time_s, struct str event_id,
                      struct str rest);
void tiktok_batch_end(struct buf *body);
/* A whole body without events: TikTok judges the token and the event set, and counts nothing. */
void tiktok_batch_probe(struct buf *body, const char *event_set_id, const char *partner_name);
/* Bytes that tiktok_batch_add will add at most for a row of these lengths. */
size_t tiktok_batch_row_bytes(size_t event_len, size_t id_len, size_t rest_len);

enum tiktok_class {
    TIKTOK_DONE,               /* a clear yes */
    TIKTOK_RETRY,              /* a clear "not now" */
    TIKTOK_DOUBT,              /* no clear answer: it may have been counted */
    TIKTOK_SPLIT,              /* an event's fault, or too large */
    TIKTOK_PAUSE_CREDENTIALS,  /* the token */
    TIKTOK_PAUSE_CONFIGURATION /* event set, permission, endpoint */
};
enum { TIKTOK_MESSAGE_BYTES = 256, TIKTOK_REQUEST_ID_BYTES = 64 };
struct tiktok_outcome {
    enum tiktok_class class;
    int code;     /* TikTok's, or -1 when the reply had none */
    int http;     /* HTTP status */
    bool limited; /* a rate limit: not an error of ours */
    long index;   /* the event that the message names (0-based in the body sent), or -1 */
    bool is_json; /* the body was a JSON object */
    char message[TIKTOK_MESSAGE_BYTES];       /* redacted of anything that looks like a value */
    char request_id[TIKTOK_REQUEST_ID_BYTES]; /* "" when absent */
};
/* Class of a reply: the JSON code before the HTTP status. Never fails. */
void tiktok_outcome_read(int http_status, struct str body, struct tiktok_outcome *out);
/* Class of a reply to a probe ("data":[]): 40002 that names no event source is healthy = DONE. */
void tiktok_probe_read(int http_status, struct str body, struct tiktok_outcome *out);
const char *tiktok_class_name(enum tiktok_class class); /* "done" "retry" "doubt" "split" "pause" */

#endif
