/*
 * api.h: the local HTTP server: connections, limits, who may call. The only door to libmicrohttpd.
 *
 * It turns bytes into requests and answers into bytes, on a Unix socket and (with a token) on
 * loopback TCP; it does not know what an event is. One request of a connection is at hand at a time;
 * its connection is suspended until api_answer, so that answers can wait for a commit.
 *
 * Owner: a request's strings are the api's and live until it is answered; the body buffer may be
 * changed and is wiped after the answer.
 * Errors: LOCKED (a live agent has the socket), CANT_CREATE, DENIED, CONFIG.
 */
#ifndef API_API_H
#define API_API_H

#include "base/fault.h"
#include "base/text.h"

enum {
    API_CONNECTIONS_MAX = 64, /* a listener; a further one gets 503, unless another user has more */
    API_HEADER_MAX_BYTES = 8 * 1024,
    API_HEADER_MAX_MS = 5 * 1000,
    API_BODY_MAX_MS = 10 * 1000,
    API_IDLE_MAX_MS = 60 * 1000,            /* keep-alive without a request */
    API_ANSWER_MAX_MS = 30 * 1000,          /* for the caller to take its answer */
    API_CALL_MAX_BYTES = 32 * 1024,         /* body of a single call */
    API_BATCH_MAX_BYTES = 500 * 1024,       /* body of /v1/batch, /v1/import */
    API_SMALL_MAX_BYTES = 64 * 1024,        /* body of a route that may have one */
    API_NO_BODY_MAX_BYTES = 1024,           /* a "{}" sent to a route that takes none */
    API_BODIES_MAX_BYTES = 4 * 1024 * 1024, /* of all bodies in memory; beyond it: busy */
    API_BODIES_KEPT_BYTES = 48 * 1024       /* of them: for callers that hold no more than that */
};

/* Who may use a route, and what its body may be. */
enum api_body { API_NO_BODY, API_CALL_BODY, API_BATCH_BODY, API_SMALL_BODY /* may be absent */ };
struct api_route {
    const char *method; /* "POST"; HEAD follows GET */
    const char *path; /* "/v1/events"; a trailing slash-star takes one more segment as parameter */
    int id;           /* the caller's own number, >= 0 */
    enum api_body body;
    bool local_only; /* Unix socket only: 403 over TCP */
    bool open;       /* needs no token over TCP (healthz) */
};

struct api;
struct api_options {
    const struct api_route *routes; /* borrowed for the api's life */
    size_t route_count;
    const char *socket;             /* path of the Unix socket */
    unsigned socket_mode;           /* 0660 */
    const char *socket_group;       /* NULL: unchanged */
    const char *const *allow_users; /* names beside root, our own and the group's members */
    size_t allow_user_count;
    const char *http;          /* NULL, "127.0.0.1:7390" or "[::1]:7390" */
    const char *const *tokens; /* valid tokens for http (two during a rotation) */
    size_t token_count;
    const char *const *allow_origins;
    size_t allow_origin_count;
};
int api_open(const struct api_options *options, struct api **out, struct fault *why);
void api_close(struct api *a); /* answers what is open with 503, then closes; removes the socket */
/* New tokens, users, origins (SIGHUP); listeners stay. */
int api_reload(struct api *a, const struct api_options *options, struct fault *why);
/* New tokens alone; the old ones stay when it fails. NO_MEMORY. */
int api_set_tokens(struct api *a, const char *const *tokens, size_t count, struct fault *why);

/* Descriptors for uplink_sleep; returns how many were written (at most max). */
size_t api_fds(struct api *a, int *fds, size_t max);
/* ms until the api needs a turn even if no descriptor is ready; -1: no hurry. */
int64_t api_timeout_ms(struct api *a);
/* One turn: accept, read, write, time out. now_ms: monotonic. */
void api_turn(struct api *a, int64_t now_ms);

struct api_request {
    int route;            /* id of its route */
    struct str parameter; /* the last segment of a slash-star path, percent-decoded */
    struct str query;     /* raw, without the ? */
    char *body;           /* decoded (gzip, chunks); NUL after it; may be overwritten */
    size_t body_len;
    bool over_tcp;
    unsigned peer_uid; /* Unix socket */
    void *handle;      /* the api's */
};
/* The next request that waits for an answer: 1, or 0 when this turn has no more. */
int api_next(struct api *a, struct api_request *out);
/* Decoded value of a query parameter into out (NUL-terminated); false when absent or too long. */
bool api_query(const struct api_request *r, const char *name, char *out, size_t out_bytes);
/* Answers a request. The body is copied. retry_after_s > 0 adds Retry-After. content_type NULL:
 * application/json. */
void api_answer(struct api *a, const struct api_request *r, int status, struct str body,
                const char *content_type, int retry_after_s);
/* Answers with a page of HTML (200); policy: its Content-Security-Policy. */
void api_answer_page(struct api *a, const struct api_request *r, struct str body,
                     const char *policy);
/* The JSON of a refusal: {"success":false,"code":…,"path":…,"message":…}. */
void api_refusal(struct buf *out, const struct fault *f);

struct api_counters {
    uint64_t requests, refused_peer, refused_token, refused_limit, timed_out;
    unsigned connections;
};
void api_counters(const struct api *a, struct api_counters *out);

#endif
