/*
 * inside.h: what the files of api share. Private to api.
 *
 * api.c is the order of a turn, doors.c the listeners and who comes through them, http.c the bytes,
 * answer.c what goes back, rules.c what may be asked, shares.c what one caller may take.
 */
#ifndef API_INSIDE_H
#define API_INSIDE_H

#include "api/answer.h"
#include "api/rules.h"
#include <sys/types.h>

enum {
    DOORS_MAX = 2, /* the Unix socket, and TCP */
    CONNS_MAX = DOORS_MAX * API_CONNECTIONS_MAX,
    SPARES_MAX = API_CONNECTIONS_MAX,
    LEAVING_MAX = 32,
    ACCEPTS_A_TURN_MAX = 128,       /* a storm of connections shares the loop with the rest */
    LEAVING_MAX_MS = 500,           /* for one that was turned away at the door */
    ACCEPT_PAUSE_MS = 200,          /* when no descriptor is left */
    DISCARD_MAX_BYTES = 1024 * 1024 /* of a refused request's body */
};

enum conn_phase {
    CONN_FREE,
    CONN_HEAD,     /* a request's head is awaited; deadline API_HEADER_MAX_MS */
    CONN_BODY,     /* its body is; API_BODY_MAX_MS */
    CONN_COMPLETE, /* whole: will be suspended within this turn */
    CONN_WAITING,  /* suspended, in the queue or at hand; no deadline: the answer is ours to give */
    CONN_ANSWER,   /* the answer is on its way out; API_ANSWER_MAX_MS */
    CONN_IDLE      /* kept alive; API_IDLE_MAX_MS */
};

struct MHD_Connection;
struct MHD_Daemon;
struct api;

struct share { /* one caller's, of what all share */
    const struct door *door;
    unsigned uid;         /* Unix socket */
    unsigned connections; /* 0: free */
    size_t bodies_bytes;
    uint64_t served; /* when it was served last, counted in requests */
};

struct conn {
    enum conn_phase phase;
    struct api *api;
    struct door *door;
    struct share *share;
    struct MHD_Connection *mhd;
    int fd; /* http.c's; here only to be looked at and shut down */
    int64_t deadline_ms;
    /* The request at hand: */
    char *target;
    struct verdict verdict;
    bool head_only; /* HEAD */
    bool refused;   /* answered before its end, past http.c: read on, drop it, close */
    size_t discarded_bytes;
    char *body;
    char no_body[1];
    size_t body_len, body_cap; /* cap counts in the share's bodies_bytes and the api's */
    struct conn *next;         /* in the queue */
};

struct door {
    int fd; /* -1: closed */
    bool over_tcp;
    unsigned count; /* connections */
    int64_t paused_until_ms;
};

struct leaving { /* turned away: reads its answer, then closes */
    int fd;      /* -1: free */
    int64_t until_ms;
};

struct peers { /* who may use the Unix socket beside root and ourselves */
    unsigned *uids;
    size_t count;
    long group; /* -1: none */
};

struct api {
    struct rules rules;
    struct peers peers;
    struct door doors[DOORS_MAX];
    struct conn conns[CONNS_MAX];
    struct share shares[CONNS_MAX];
    uint64_t served; /* requests */
    struct leaving leaving[LEAVING_MAX];
    char *socket; /* path of the socket that we made; NULL: none */
    dev_t socket_dev;
    ino_t socket_ino;
    struct MHD_Daemon *daemon;
    struct conn *adding;       /* the one that http_add is about */
    struct conn *first, *last; /* whole requests, in order of arrival; share_next takes them */
    unsigned turn_left;        /* of them, how many were there when the turn ended */
    unsigned at_hand;          /* handed out by api_next, not answered yet */
    size_t bodies_bytes;
    char *spares[SPARES_MAX]; /* private pages for small bodies, wiped */
    unsigned spare_count;
    int64_t now_ms;
    bool resumed; /* connections, since http_run last ran */
    bool closing;
    struct api_counters counters;
};

/* settings.c: *r and *p get copies of what the options say; address and port stay. CONFIG,
 * NO_MEMORY. */
int settings_copy(const struct api_options *options, struct rules *r, struct peers *p,
                  struct fault *why);
int settings_tokens(const char *const *tokens, size_t count, struct rules *r, struct fault *why);
void settings_free(struct rules *r, struct peers *p); /* tokens are wiped */

/* doors.c */
int doors_open(struct api *a, const struct api_options *options, struct fault *why);
void doors_close(struct api *a); /* and whoever is leaving */
void doors_accept(struct api *a, struct door *d);
void doors_see_off(struct api *a); /* ends those that have read their answer or had their time */

/* shares.c */
struct share *share_join(struct api *a, const struct door *d, unsigned uid);
/* Ends a connection of somebody who has more; false when nobody has. */
bool share_make_room(struct api *a, const struct door *d, unsigned uid);
bool share_has_room(const struct conn *c, size_t more_bytes); /* for a body */
void share_take(struct conn *c, size_t bytes);
void share_give(struct conn *c, size_t bytes);
struct conn *share_next(struct api *a); /* whose turn it is, out of the queue; or NULL */

/* http.c */
int http_open(struct api *a, struct fault *why);
void http_close(struct api *a); /* no connection may be suspended */
int http_fd(const struct api *a);
bool http_pending(const struct api *a); /* wants to run although no descriptor is ready */
void http_run(struct api *a);
void http_add(struct api *a, struct conn *c); /* c->fd is http.c's from here on, whatever comes */
void http_answer(struct conn *c, const struct answer *answer); /* of a waiting connection */
void body_free(struct conn *c);
void http_shut(struct conn *c); /* http_run then finds the connection gone */

/* api.c */
void conn_forget_request(struct conn *c); /* wipes and frees what belongs to the request */
void conn_free(struct conn *c);
void waiting_push(struct conn *c);

#endif
