/*
 * run.c: opens everything in order, runs the loop, closes in reverse.
 *
 * Order: hardening → configuration → key → queue → clock → deliveries → sockets → confinement. The
 * sockets come behind the queue, so that nobody is answered before a sale can be kept; confinement
 * comes last, when nothing else has to be opened.
 */
#include "agent/agent.h"
#include "agent/build.h"
#include "agent/loop.h"
#include "agent/open.h"
#include "agent/run.h"
#include "base/log.h"
#include "platform/platform.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fail(const struct fault *why)
{
    log_line(LOG_LEVEL_ERROR, "%s", why->message);
    return tillpost_err_info(why->err)->exit;
}

static int start_clock(struct agent *a, struct fault *why)
{
    int rc = open_clock(a->queue, &a->clock, why);
    a->now = open_read_clocks();
    if (rc >= 0 && clock_state(&a->clock, &a->now) == CLOCK_STATE_IMPLAUSIBLE)
        log_line(LOG_LEVEL_WARNING, "the device's clock is wrong; sales are kept, their times are "
                                    "corrected at the next contact");
    return rc;
}

static int open_api(struct agent *a, struct fault *why)
{
    const struct config *c = a->config;
    if (c->listen.http) {
        int rc = secret_read_tokens(c->listen.token_file, &a->tokens, why);
        if (rc < 0) return rc;
    }
    struct api_options options = agent_api_options(c, &a->tokens);
    return api_open(&options, &a->api, why);
}

static int open_folder(struct agent *a, struct fault *why)
{
    if (!a->config->import.folder || folder_open(a->config->import.folder, &a->folder) >= 0)
        return 0;
    return fault_set(why, TILLPOST_E_NO_MEMORY, "", "no memory for the drop folder");
}

/* A verb of the command line that works on the queue itself has it for a moment. */
static int wait_for_queue(struct agent *a, struct fault *why)
{
    int64_t until_ms = platform_mono_ms() + AGENT_LOCK_WAIT_MS;
    int rc = open_queue(a->config, true, &a->queue, why);
    if (rc == TILLPOST_E_LOCKED) log_line(LOG_LEVEL_INFO, "waiting: %s", why->message);
    while (rc == TILLPOST_E_LOCKED && platform_mono_ms() < until_ms) {
        (void)poll(NULL, 0, AGENT_LOCK_TRY_MS);
        rc = open_queue(a->config, true, &a->queue, why);
    }
    return rc;
}

static int open_all(struct agent *a, struct fault *why)
{
    int rc = wait_for_queue(a, why);
    if (rc >= 0) rc = start_clock(a, why);
    if (rc < 0) return rc;
    ingest_init(&a->ingest, a->config, a->queue, &a->clock);
    rc = deliver_open(&a->deliver, a->config, a->queue, &a->clock, &a->now, why);
    if (rc >= 0 && queue_dirty(a->queue)) rc = queue_commit(a->queue, why);
    if (rc < 0) return rc;
    a->signals = platform_signals_open();
    if (a->signals < 0)
        return fault_set(why, TILLPOST_E_INTERNAL, "", "signals cannot be received");
    a->netwatch = platform_netwatch_open();
    rc = open_folder(a, why);
    return rc < 0 ? rc : open_api(a, why);
}

static void close_all(struct agent *a)
{
    api_close(a->api);
    folder_close(a->folder);
    deliver_close(&a->deliver);
    ingest_free(&a->ingest);
    erase_free(&a->eraser);
    queue_close(a->queue);
    if (a->netwatch >= 0) close(a->netwatch);
    if (a->signals >= 0) close(a->signals);
    for (size_t i = 0; i < AGENT_ANSWERS_MAX; i++) buf_free(&a->answers[i].body);
    confine_free(&a->confine);
    secret_forget(&a->tokens);
    config_free(a->config);
}

static int load(struct agent *a)
{
    struct config_problems problems;
    int rc = config_load(a->config_file, &a->config, &problems);
    config_log_problems(a->config_file, &problems);
    if (rc >= 0) config_log_setup(a->config);
    return rc;
}

/* What passes by itself is worth another start; a file that is wrong, out of reach or not there waits
 * for a person. */
static int exit_of_load(int rc)
{
    return tillpost_err_info(tillpost_err_passes(rc) ? rc : TILLPOST_E_CONFIG)->exit;
}

int agent_run(const char *config_file)
{
    struct fault why = {0};
    struct agent *a = calloc(1, sizeof *a);
    if (!a) return tillpost_err_info(TILLPOST_E_NO_MEMORY)->exit;
    a->config_file = config_file;
    a->signals = a->netwatch = -1;
    for (size_t i = 0; i < AGENT_ANSWERS_MAX; i++)
        buf_init(&a->answers[i].body, AGENT_ANSWER_MAX_BYTES);
    platform_harden();
    int status = 0, rc = load(a);
    if (rc < 0) {
        status = exit_of_load(rc);
    } else if (open_all(a, &why) < 0 ||
               confine_start(&a->confine, config_file, a->config, &why) < 0) {
        status = fail(&why);
    } else {
        log_line(LOG_LEVEL_INFO, "tillpost %s takes events at %s", build_version(),
                 a->config->listen.socket);
        platform_notify("READY=1");
        agent_loop(a);
        platform_notify("STOPPING=1");
        (void)deliver_rest(&a->deliver, NULL);
        log_line(LOG_LEVEL_INFO, "tillpost stops; what was acknowledged is on the disk");
        status = a->exit_status;
    }
    close_all(a);
    free(a);
    return status;
}
