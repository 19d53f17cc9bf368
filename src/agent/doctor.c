/* doctor.c: see doctor.h. What is looked at stands in doctor_host.c and doctor_line.c. */
#include "agent/doctor_inside.h"

#include "agent/open.h"
#include "base/json.h"
#include "platform/platform.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_MAX_BYTES = 64 * 1024 };

const char *const doctor_check_names[DOCTOR_CHECK_COUNT] = {
#define X(name, text) text,
    DOCTOR_CHECKS(X)
#undef X
};
const char *const doctor_code_names[DOCTOR_CODE_COUNT] = {
#define X(name, verdict, text) text,
    DOCTOR_CODES(X)
#undef X
};
const enum doctor_verdict doctor_verdicts[DOCTOR_CODE_COUNT] = {
#define X(name, verdict, text) DOCTOR_##verdict,
    DOCTOR_CODES(X)
#undef X
};

void doctor_find(struct doctor_findings *out, enum doctor_code code, const char *format, ...)
{
    if (out->count == DOCTOR_FINDINGS_MAX) return;
    struct doctor_finding *f = &out->list[out->count++];
    va_list args;
    f->code = code;
    va_start(args, format);
    (void)vsnprintf(f->detail, sizeof f->detail, format, args);
    va_end(args);
}

void doctor_skip(struct doctor_findings *out, enum doctor_check because)
{
    doctor_find(out, DOCTOR_NOT_CHECKED, "%s", doctor_check_names[because]);
}

struct queue *doctor_queue(struct doctor *d)
{
    if (d->queue_tried || !d->config) return d->queue;
    d->queue_tried = true;
    if (d->agent.err != TILLPOST_E_UNAVAILABLE) return NULL;
    (void)open_queue(d->config, false, &d->queue, &d->queue_why);
    return d->queue;
}

/* The clock as the agent would begin with it: what it has learnt before is in the queue. */
static void start_clock(struct doctor *d)
{
    (void)open_clock(doctor_queue(d), &d->clock, NULL);
    d->now = open_read_clocks();
    d->was_implausible = d->now.wall_ms < d->clock.lower_ms ||
                         d->now.wall_ms > d->clock.lower_ms + CLOCK_PLAUSIBLE_MS;
}

static void become_agent(struct doctor *d)
{
    unsigned mode = 0, uid = 0;
    const char *slash = strrchr(d->config->queue.path, '/');
    (void)snprintf(d->folder, sizeof d->folder, "%.*s", (int)(slash - d->config->queue.path),
                   d->config->queue.path);
    (void)platform_become_owner(d->folder);
    d->is_owner = platform_file_mode(d->folder, &mode, &uid) >= 0 && uid == geteuid();
}

int doctor_open(const char *config_file, const struct doctor_agent *agent, struct doctor **out)
{
    static const struct json_limits limits = {STATUS_MAX_BYTES, 16, 10000};
    struct doctor *d = calloc(1, sizeof *d);
    *out = d;
    if (!d) return TILLPOST_E_NO_MEMORY;
    d->config_file = config_file;
    d->agent = *agent;
    d->bad = DOCTOR_CHECK_COUNT;
    arena_init(&d->arena, (size_t)16 * 1024, (size_t)8 * STATUS_MAX_BYTES);
    if (agent->err >= 0) (void)json_parse(&d->arena, agent->status, &limits, &d->status, NULL);
    d->config_err = config_look(config_file, &d->config, &d->problems);
    if (d->config) (void)doctor_read_token(d);
    if (d->config) become_agent(d);
    start_clock(d);
    return 0;
}

void doctor_close(struct doctor *d)
{
    if (!d) return;
    queue_close(d->queue);
    secret_forget(&d->token);
    config_free(d->config);
    arena_free(&d->arena);
    free(d);
}

void doctor_look(struct doctor *d, enum doctor_check check, struct doctor_findings *out)
{
    static doctor_checker *const checkers[DOCTOR_CHECK_COUNT] = {
        [DOCTOR_CHECK_CONFIGURATION] = doctor_configuration,
        [DOCTOR_CHECK_PERMISSIONS] = doctor_permissions,
        [DOCTOR_CHECK_DISK] = doctor_disk,
        [DOCTOR_CHECK_DATABASE] = doctor_database,
        [DOCTOR_CHECK_SOCKET] = doctor_socket,
        [DOCTOR_CHECK_CLOCK] = doctor_clock,
        [DOCTOR_CHECK_QUEUE] = doctor_backlog,
    };
    out->count = 0;
    if (!d->config && check != DOCTOR_CHECK_CONFIGURATION && check != DOCTOR_CHECK_SOCKET)
        doctor_skip(out, DOCTOR_CHECK_CONFIGURATION);
    else if (checkers[check]) checkers[check](d, out);
    else doctor_line(d, check, out);
}

const struct config *doctor_config(const struct doctor *d)
{
    return d->config;
}
