/*
 * sandbox.h: the stand-in as a whole: state, lock, clock, and its two doors.
 *
 * One lock guards everything but the line. A connection has a thread of its own, so that a late or
 * dripping reply is a sleep and nothing else.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "sandbox/check.h"
#include "sandbox/script.h"
#include "sandbox/store.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>

enum { REFUSALS_MAX = 64, REFUSAL_TEXT_BYTES = 200 };

/* An event that the stand-in finds fault with, whatever its form. */
struct refusal {
    char event_id[REFUSAL_TEXT_BYTES], message[REFUSAL_TEXT_BYTES];
    int code;
    bool name_index; /* "Batch.N.event_id: " before the message */
};

struct sandbox {
    pthread_mutex_t lock;
    pthread_cond_t hung_up; /* signalled when `calls` changes */
    unsigned calls;         /* changes when every connection must end at once */
    struct check_rules rules;
    int64_t offset_s; /* of the stand-in's clock */
    struct store *store;
    struct script script;
    struct refusal refusals[REFUSALS_MAX];
    size_t refusal_count;
    FILE *log; /* NULL: none */

    int line_fd;             /* listens while the line is up */
    struct MHD_Daemon *line; /* NULL: down */
    struct MHD_Daemon *control;
};

int64_t sandbox_now_s(const struct sandbox *s);
/* Sleeps; false when the connection must end instead. Not under the lock. */
bool sandbox_sleep(struct sandbox *s, long ms);
/* Takes the line down (connections end, new ones are refused, the port stays ours) or up. Only from
 * the control door; false when the line cannot be brought up. */
bool sandbox_line(struct sandbox *s, bool up);

/* The doors, as libmicrohttpd calls them; cls is the sandbox. tiktok.c and control.c */
enum MHD_Result tiktok_serve(void *cls, struct MHD_Connection *c, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_bytes, void **request);
enum MHD_Result control_serve(void *cls, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_bytes, void **request);

/* What both gather: the body of a request. body.c */
struct body {
    struct buf bytes;
};
/* First call of a request: NULL when out of memory. */
struct body *body_new(void);
void body_done(void *cls, struct MHD_Connection *c, void **request,
               enum MHD_RequestTerminationCode why);
/* Queues a response (NULL: hangs up) and gives it up. */
enum MHD_Result body_send(struct MHD_Connection *c, struct MHD_Response *r, int status,
                          const char *content_type);

#endif
