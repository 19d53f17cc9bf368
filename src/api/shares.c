/*
 * shares.c: what one caller may take of what all callers share: connections, memory for bodies, and
 * the order of answers.
 *
 * A caller is a user on the Unix socket, as the kernel names it. Over TCP all are one: loopback has
 * one address for everybody, and whoever is there can bind any other of 127/8.
 *
 * What always holds:
 * 1. A listener that is full makes room for a caller that has fewer connections than another: of
 *    the caller that has most, the one that has been idle longest goes, else the one that has
 *    stalled longest in a request. A request that is whole keeps its connection. So each of n
 *    callers has the nth part of a listener if it wants it; alone, a caller may have all.
 * 2. The last API_BODIES_KEPT_BYTES of memory are for callers that hold no more than that: a sale
 *    has room, however many batches another caller sends or stalls with.
 * 3. Of the callers whose requests wait, the one that was served least recently comes next: one that
 *    floods delays another by one request of its own, not by all of them.
 */
#include "api/inside.h"

static bool is_caller(const struct share *s, const struct door *d, unsigned uid)
{
    return s->connections > 0 && s->door == d && s->uid == uid;
}

static struct share *find(struct api *a, const struct door *d, unsigned uid)
{
    for (size_t i = 0; i < CONNS_MAX; i++)
        if (is_caller(&a->shares[i], d, uid)) return &a->shares[i];
    return NULL;
}

struct share *share_join(struct api *a, const struct door *d, unsigned uid)
{
    struct share *s = find(a, d, uid);
    for (size_t i = 0; i < CONNS_MAX && !s; i++) {
        if (a->shares[i].connections > 0) continue;
        s = &a->shares[i];
        *s = (struct share){.door = d, .uid = uid, .served = a->served};
    }
    s->connections++; /* never NULL: there are as many shares as connections */
    return s;
}

static struct share *greediest(struct api *a, const struct door *d)
{
    struct share *most = NULL;
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct share *s = &a->shares[i];
        if (s->connections == 0 || s->door != d) continue;
        if (!most || s->connections > most->connections) most = s;
    }
    return most;
}

/* Before another may go: idle ones first, then the older ones, whose deadline is nearer. */
static bool goes_before(const struct conn *c, const struct conn *other)
{
    if (!other) return true;
    bool idle = c->phase == CONN_IDLE;
    if (idle != (other->phase == CONN_IDLE)) return idle;
    return c->deadline_ms < other->deadline_ms;
}

static bool may_go(const struct conn *c)
{
    return c->phase == CONN_IDLE || c->phase == CONN_HEAD || c->phase == CONN_BODY;
}

bool share_make_room(struct api *a, const struct door *d, unsigned uid)
{
    const struct share *own = find(a, d, uid), *most = greediest(a, d);
    struct conn *gone = NULL;
    if (!most || most->connections <= (own ? own->connections : 0) + 1) return false;
    for (size_t i = 0; i < CONNS_MAX; i++) {
        struct conn *c = &a->conns[i];
        if (c->share == most && may_go(c) && goes_before(c, gone)) gone = c;
    }
    if (!gone) return false;
    a->counters.refused_limit++;
    http_shut(gone);
    http_run(a);
    return d->count < API_CONNECTIONS_MAX;
}

bool share_has_room(const struct conn *c, size_t more_bytes)
{
    size_t own = c->share->bodies_bytes + more_bytes, all = c->api->bodies_bytes + more_bytes;
    size_t most = API_BODIES_MAX_BYTES;
    return all <= (own <= API_BODIES_KEPT_BYTES ? most : most - API_BODIES_KEPT_BYTES);
}

void share_take(struct conn *c, size_t bytes)
{
    c->share->bodies_bytes += bytes;
    c->api->bodies_bytes += bytes;
}

void share_give(struct conn *c, size_t bytes)
{
    c->share->bodies_bytes -= bytes;
    c->api->bodies_bytes -= bytes;
}

struct conn *share_next(struct api *a)
{
    struct conn *next = a->first, *before = NULL;
    for (struct conn *c = a->first; c; c = c->next) {
        if (!c->next || c->next->share->served >= next->share->served) continue;
        before = c;
        next = c->next;
    }
    if (!next) return NULL;
    *(before ? &before->next : &a->first) = next->next;
    if (a->last == next) a->last = before;
    next->next = NULL;
    next->share->served = ++a->served;
    return next;
}
