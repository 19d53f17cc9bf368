/*
 * api.c: the order of a turn, the queue of whole requests, and the deadlines.
 *
 * What always holds:
 * 1. Deadlines are absolute: they are set when a phase begins and no byte moves them, so that a
 *    client that drips is closed like one that is silent.
 * 2. A caller's requests are handed out in the order in which they became whole; a connection has at
 *    most one of them, so that one that pipelines takes its turn with the others; and what becomes
 *    whole while answers go out waits for the next turn, so that a turn ends.
 * 3. Every request that was handed out is answered: by api_answer, or with 503 by api_close.
 */
#include "api/inside.h"

#include "tillpost/err.h"
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* --- connections and the queue --- */

void conn_forget_request(struct conn *c)
{
    if (c->target) wipe(c->target, strlen(c->target));
    free(c->target);
    body_free(c);
    c->target = NULL;
    c->discarded_bytes = 0;
    c->verdict = (struct verdict){0};
    c->head_only = c->refused = false;
}

void conn_free(struct conn *c)
{
    conn_forget_request(c);
    c->door->count--;
    c->share->connections--;
    c->api->counters.connections--;
    *c = (struct conn){.phase = CONN_FREE};
}

void waiting_push(struct conn *c)
{
    struct api *a = c->api;
    c->phase = CONN_WAITING;
    c->next = NULL;
    if (a->last) a->last->next = c;
    else a->first = c;
    a->last = c;
}

/* --- deadlines --- */

static bool has_deadline(const struct conn *c)
{
    return c->phase != CONN_FREE && c->phase != CONN_WAITING;
}

static bool end_late(struct api *a)
{
    bool any = false;
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct conn *c = &a->conns[i];
        if (!has_deadline(c) || a->now_ms < c->deadline_ms) continue;
        if (c->phase != CONN_IDLE) a->counters.timed_out++;
        http_shut(c);
        any = true;
    }
    return any;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t api_timeout_ms(struct api *a)
{
    int64_t at = INT64_MAX;
    if (a->first || http_pending(a)) return 0;
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (has_deadline(&a->conns[i])) at = sooner(at, a->conns[i].deadline_ms);
    for (size_t i = 0; i < LEAVING_MAX; i++)
        if (a->leaving[i].fd >= 0) at = sooner(at, a->leaving[i].until_ms);
    for (size_t i = 0; i < DOORS_MAX; i++)
        if (a->doors[i].paused_until_ms > a->now_ms) at = sooner(at, a->doors[i].paused_until_ms);
    if (at == INT64_MAX) return -1;
    return at > a->now_ms ? at - a->now_ms : 0;
}

/* --- a turn --- */

static bool is_open(const struct api *a, const struct door *d)
{
    return d->fd >= 0 && d->paused_until_ms <= a->now_ms;
}

size_t api_fds(struct api *a, int *fds, size_t max)
{
    size_t n = 0;
    if (n < max) fds[n++] = http_fd(a);
    for (size_t i = 0; i < DOORS_MAX; i++)
        if (is_open(a, &a->doors[i]) && n < max) fds[n++] = a->doors[i].fd;
    return n;
}

struct watch { /* what this turn looks at: http.c's, the doors, and idle connections */
    struct pollfd fds[1 + CONNS_MAX + DOORS_MAX];
    struct door *doors[DOORS_MAX];
    struct conn *idle[CONNS_MAX];
    size_t door_count, idle_count;
};

static void look(struct api *a, struct watch *w)
{
    nfds_t n = 0;
    w->door_count = w->idle_count = 0;
    w->fds[n++] = (struct pollfd){.fd = http_fd(a), .events = POLLIN};
    for (size_t i = 0; i < DOORS_MAX; i++) {
        if (!is_open(a, &a->doors[i])) continue;
        w->doors[w->door_count++] = &a->doors[i];
        w->fds[n++] = (struct pollfd){.fd = a->doors[i].fd, .events = POLLIN};
    }
    for (size_t i = 0; i < CONNS_MAX; i++) {
        if (a->conns[i].phase != CONN_IDLE) continue;
        w->idle[w->idle_count++] = &a->conns[i];
        w->fds[n++] = (struct pollfd){.fd = a->conns[i].fd, .events = POLLIN};
    }
    (void)poll(w->fds, n, 0);
}

/* The first byte of a further request starts its clock; libmicrohttpd tells only of whole lines. */
static void note_first_bytes(struct api *a, const struct watch *w)
{
    for (size_t i = 0; i < w->idle_count; i++) {
        if (!w->fds[1 + w->door_count + i].revents) continue;
        w->idle[i]->phase = CONN_HEAD;
        w->idle[i]->deadline_ms = a->now_ms + API_HEADER_MAX_MS;
    }
}

void api_turn(struct api *a, int64_t now_ms)
{
    struct watch w;
    a->now_ms = now_ms;
    look(a, &w);
    note_first_bytes(a, &w);
    if (w.fds[0].revents || http_pending(a)) http_run(a);
    doors_see_off(a);
    bool more = end_late(a);
    for (size_t i = 0; i < w.door_count; i++) {
        if (!w.fds[1 + i].revents) continue;
        doors_accept(a, w.doors[i]);
        more = true;
    }
    if (more) http_run(a);
    a->turn_left = 0;
    for (const struct conn *c = a->first; c; c = c->next) a->turn_left++;
}

int api_next(struct api *a, struct api_request *out)
{
    struct conn *c = a->turn_left > 0 ? share_next(a) : NULL;
    if (!c) return 0;
    a->turn_left--;
    a->at_hand++;
    *out = (struct api_request){.route = c->verdict.route->id,
                                .parameter = c->verdict.parameter,
                                .query = c->verdict.query,
                                .body = c->body ? c->body : c->no_body,
                                .body_len = c->body_len,
                                .over_tcp = c->door->over_tcp,
                                .peer_uid = c->share->uid,
                                .handle = c};
    return 1;
}

static void answer_with(struct api *a, const struct api_request *r, struct answer *answer)
{
    struct conn *c = r->handle;
    answer->judged = &c->verdict;
    http_answer(c, answer);
    a->at_hand--;
    if (a->at_hand == 0) http_run(a); /* with the last of them: one run sends all */
}

void api_answer(struct api *a, const struct api_request *r, int status, struct str body,
                const char *content_type, int retry_after_s)
{
    struct answer answer = {.status = status,
                            .body = body,
                            .content_type = content_type,
                            .retry_after_s = retry_after_s};
    answer_with(a, r, &answer);
}

void api_answer_page(struct api *a, const struct api_request *r, struct str body,
                     const char *policy)
{
    struct answer answer = {
        .status = 200, .body = body, .content_type = "text/html; charset=utf-8", .policy = policy};
    answer_with(a, r, &answer);
}

void api_counters(const struct api *a, struct api_counters *out)
{
    *out = a->counters;
}

/* --- opening and closing --- */

int api_open(const struct api_options *options, struct api **out, struct fault *why)
{
    struct api *a = calloc(1, sizeof *a);
    *out = NULL;
    if (!a) return fault_no_memory(why, NULL);
    for (size_t i = 0; i < DOORS_MAX; i++) a->doors[i] = (struct door){.fd = -1, .over_tcp = i > 0};
    for (size_t i = 0; i < LEAVING_MAX; i++) a->leaving[i].fd = -1;
    a->peers.group = -1;
    int rc = settings_copy(options, &a->rules, &a->peers, why);
    if (rc == 0) rc = http_open(a, why);
    if (rc == 0) rc = doors_open(a, options, why);
    if (rc == 0) *out = a;
    else api_close(a);
    return rc;
}

int api_reload(struct api *a, const struct api_options *options, struct fault *why)
{
    return settings_copy(options, &a->rules, &a->peers, why);
}

int api_set_tokens(struct api *a, const char *const *tokens, size_t count, struct fault *why)
{
    return settings_tokens(tokens, count, &a->rules, why);
}

static bool answer_waiting(struct api *a)
{
    char text[ANSWER_REFUSAL_MAX_BYTES];
    struct answer answer;
    bool any = false;
    a->first = a->last = NULL;
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct conn *c = &a->conns[i];
        if (c->phase != CONN_WAITING) continue;
        answer_refusal(&answer, TILLPOST_E_BUSY, "the agent is stopping: try again", text);
        answer.judged = &c->verdict;
        http_answer(c, &answer);
        any = true;
    }
    return any;
}

void api_close(struct api *a)
{
    if (!a) return;
    doors_close(a);
    a->closing = true;
    if (a->daemon) {
        answer_waiting(a);
        http_run(a);
        while (answer_waiting(a)) http_run(a);
        http_close(a);
    }
    settings_free(&a->rules, &a->peers);
    free(a);
}
