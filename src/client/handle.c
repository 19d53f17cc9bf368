/*
 * handle.c: libtillpost's handle: one connection to the agent, lent to one thread at a time.
 *
 * What always holds: (1) no call outlives its deadline, by the monotonic clock: a till's wall clock
 * may jump by decades; (2) a good result is the agent's word that came over the socket.
 */
#define _DEFAULT_SOURCE
#include "tillpost/client.h"

#include "client/request.h"
#include "client/members.h"
#include "platform/platform.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char default_socket[] = "/run/tillpost/tillpost.sock";

struct tillpost {
    struct client client;
    char *socket;
    pthread_mutex_t lock; /* of in_use; held for moments */
    pthread_cond_t freed;
    bool in_use;
};

int tillpost_client_abi(void)
{
    return TILLPOST_CLIENT_ABI;
}

const char *tillpost_result_text(int result)
{
    static const char *const good[] = {"queued", "duplicate", "ignored"};
    if (result < 0) return tillpost_err_info(result)->wire;
    return result <= TILLPOST_IGNORED ? good[result] : "unknown";
}

int tillpost_again(int result)
{
    static const int codes[] = {TILLPOST_E_STORAGE,     TILLPOST_E_BUSY,    TILLPOST_E_QUEUE_FULL,
                                TILLPOST_E_UNAVAILABLE, TILLPOST_E_NETWORK, TILLPOST_E_NO_MEMORY,
                                TILLPOST_E_LOCKED};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i] == result) return 1;
    return 0;
}

/* A condition that waits by the monotonic clock. */
static int init_condition(pthread_cond_t *freed)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0) return TILLPOST_E_NO_MEMORY;
    int rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (rc == 0) rc = pthread_cond_init(freed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return rc == 0 ? 0 : TILLPOST_E_NO_MEMORY;
}

struct tillpost *tillpost_open(const char *socket)
{
    if (!socket) socket = getenv("TILLPOST_SOCKET");
    if (!socket || !*socket) socket = default_socket;
    struct tillpost *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->socket = strdup(socket);
    if (!t->socket) goto no_memory;
    if (pthread_mutex_init(&t->lock, NULL) != 0) goto no_memory;
    if (init_condition(&t->freed) < 0) goto no_condition;
    client_init(&t->client, t->socket, TILLPOST_TIMEOUT_MS);
    return t;
no_condition:
    (void)pthread_mutex_destroy(&t->lock);
no_memory:
    free(t->socket);
    free(t);
    return NULL;
}

void tillpost_close(struct tillpost *t)
{
    if (!t) return;
    client_close(&t->client);
    (void)pthread_cond_destroy(&t->freed);
    (void)pthread_mutex_destroy(&t->lock);
    free(t->socket);
    free(t);
}

static struct timespec at_ms(int64_t mono_ms)
{
    return (struct timespec){.tv_sec = (time_t)(mono_ms / 1000),
                             .tv_nsec = (long)(mono_ms % 1000) * 1000000};
}

/* Waits until no other thread uses the handle; BUSY when that takes too long. */
static int handle_take(struct tillpost *t, int64_t deadline_ms)
{
    const struct timespec until = at_ms(deadline_ms);
    int rc = 0;
    (void)pthread_mutex_lock(&t->lock);
    while (t->in_use && rc == 0) rc = pthread_cond_timedwait(&t->freed, &t->lock, &until);
    bool taken = !t->in_use;
    if (taken) t->in_use = true;
    (void)pthread_mutex_unlock(&t->lock);
    return taken ? 0 : TILLPOST_E_BUSY;
}

static void handle_give(struct tillpost *t)
{
    (void)pthread_mutex_lock(&t->lock);
    t->in_use = false;
    (void)pthread_cond_signal(&t->freed);
    (void)pthread_mutex_unlock(&t->lock);
}

static int code_of(const char *wire)
{
    for (int i = 0; i < TILLPOST_ERR_COUNT; i++)
        if (strcmp(tillpost_err_info(-(i + 1))->wire, wire) == 0) return -(i + 1);
    return TILLPOST_E_NETWORK;
}

static struct members_value member(const struct client_reply *r, const char *name)
{
    return members_find(r->body, r->len, name);
}

/* What the reply means. A word that this library does not know is no promise: NETWORK. */
static int read_answer(const struct client_reply *r, struct tillpost_answer *out)
{
    char word[64];
    out->http = r->status;
    members_text(member(r, "message"), out->message, sizeof out->message);
    members_text(member(r, "path"), out->path, sizeof out->path);
    members_text(members_first(member(r, "event_ids")), out->event_id, sizeof out->event_id);
    members_text(member(r, r->status == 200 ? "status" : "code"), word, sizeof word);
    if (r->status != 200) return code_of(word);
    for (int i = TILLPOST_QUEUED; i <= TILLPOST_IGNORED; i++)
        if (strcmp(word, tillpost_result_text(i)) == 0) return i;
    return TILLPOST_E_NETWORK;
}

static int ask(struct tillpost *t, const char *path, const char *call, size_t bytes,
               int64_t deadline_ms, struct tillpost_answer *answer)
{
    struct client_reply reply;
    int rc = handle_take(t, deadline_ms);
    if (rc < 0) return rc;
    int64_t left_ms = deadline_ms - platform_mono_ms();
    t->client.timeout_ms = left_ms > 0 ? (int)left_ms : 0;
    rc = client_request(&t->client, "POST", path, call, bytes, &reply);
    if (rc >= 0) rc = read_answer(&reply, answer);
    client_reply_free(&reply);
    handle_give(t);
    return rc;
}

int tillpost_call(struct tillpost *t, const char *type, const char *call, size_t bytes,
                  int timeout_ms, struct tillpost_answer *answer)
{
    static const struct {
        const char *type, *path;
    } routes[] = {{"track", "/v1/track"},       {"page", "/v1/page"},   {"screen", "/v1/screen"},
                  {"identify", "/v1/identify"}, {"group", "/v1/group"}, {"alias", "/v1/alias"}};
    struct tillpost_answer unwanted;
    if (!answer) answer = &unwanted;
    memset(answer, 0, sizeof *answer);
    if (!t || !type || !call) return TILLPOST_E_USAGE;
    int64_t deadline_ms = platform_mono_ms() + (timeout_ms > 0 ? timeout_ms : TILLPOST_TIMEOUT_MS);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
        if (strcmp(routes[i].type, type) == 0)
            return ask(t, routes[i].path, call, bytes, deadline_ms, answer);
    return TILLPOST_E_USAGE;
}

int tillpost_track(struct tillpost *t, const char *call, size_t bytes, int timeout_ms,
                   struct tillpost_answer *answer)
{
    return tillpost_call(t, "track", call, bytes, timeout_ms, answer);
}
