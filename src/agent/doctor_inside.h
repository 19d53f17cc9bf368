/* doctor_inside.h: what the checks share. Private to the doctor's files. */
#ifndef AGENT_DOCTOR_INSIDE_H
#define AGENT_DOCTOR_INSIDE_H

#include "agent/clock.h"
#include "agent/config.h"
#include "agent/doctor.h"
#include "agent/secrets.h"
#include "uplink/uplink.h"

struct doctor {
    const char *config_file;
    struct config *config; /* NULL: it could not be read at all */
    int config_err;
    struct config_problems problems;
    struct doctor_agent agent;
    struct arena arena;
    const struct json *status; /* the agent's, or NULL */
    char folder[SECRET_PATH_BYTES];
    bool is_owner; /* we are who the agent is */
    bool bad_key;
    struct secret token;
    struct queue *queue; /* open when no agent runs */
    bool queue_tried;
    struct fault queue_why;
    struct clock clock;
    struct clock_now now;
    bool was_implausible;  /* before the probe taught the time */
    bool probed;           /* when a check first needs it */
    enum doctor_check bad; /* where the probe ended; DOCTOR_CHECK_COUNT: it went through */
    struct doctor_finding bad_finding;
    char peer[80];
    int64_t took_ms, cert_until_ms;
    bool via_proxy, tls;
    bool unsent; /* a CA file, the proxy or the endpoint is of no use: nothing was tried */
};

void doctor_find(struct doctor_findings *out, enum doctor_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* It could not be looked at, as another check failed. */
void doctor_skip(struct doctor_findings *out, enum doctor_check because);
/* The queue, opened at the first call; NULL: an agent has it, there is none, or queue_why. */
struct queue *doctor_queue(struct doctor *d);

/* Into d->token, as who we are now. Errors: those of secret_read_token. */
int doctor_read_token(struct doctor *d);

/* doctor_host.c, doctor_line.c: one a check. */
typedef void doctor_checker(struct doctor *d, struct doctor_findings *out);
doctor_checker doctor_configuration, doctor_permissions, doctor_disk, doctor_database;
doctor_checker doctor_socket, doctor_backlog, doctor_clock;
/* Of DNS to TIKTOK, which share the probe. */
void doctor_line(struct doctor *d, enum doctor_check check, struct doctor_findings *out);

#endif
