/*
 * script.c: plans from JSON, and the hand that deals them.
 *
 * What always holds: a key that no plan has, or a value of the wrong type, refuses the whole
 * script, so that a slip in a test does not make it pass.
 */
#include "sandbox/script.h"

#include <stdio.h>
#include <string.h>

enum { COUNT_DEFAULT = 1 };

enum member {
    M_CODE,
    M_HTTP,
    M_MESSAGE,
    M_BODY,
    M_RETRY_AFTER,
    M_LOCATION,
    M_DELAY,
    M_SLOW,
    M_CUT,
    M_PORTAL,
    M_HALF,
    M_ACCEPT,
    M_EVENTS_ONLY,
    M_COUNT,
    M_FOREVER
};
/* clang-format off */
static const struct {
    const char *key;
    enum member member;
    enum json_type type; /* JSON_TRUE: true or false */
} members[] = {
    /* key             member         type */
    {"code",           M_CODE,        JSON_NUMBER},
    {"http",           M_HTTP,        JSON_NUMBER},
    {"message",        M_MESSAGE,     JSON_STRING},
    {"body",           M_BODY,        JSON_STRING},
    {"retry_after",    M_RETRY_AFTER, JSON_STRING},
    {"location",       M_LOCATION,    JSON_STRING},
    {"delay_ms",       M_DELAY,       JSON_NUMBER},
    {"slow_bytes_ms",  M_SLOW,        JSON_NUMBER},
    {"cut",            M_CUT,         JSON_STRING},
    {"portal",         M_PORTAL,      JSON_TRUE},
    {"half",           M_HALF,        JSON_TRUE},
    {"accept",         M_ACCEPT,      JSON_TRUE},
    {"events_only",    M_EVENTS_ONLY, JSON_TRUE},
    {"count",          M_COUNT,       JSON_NUMBER},
    {"forever",        M_FOREVER,     JSON_TRUE},
};
/* clang-format on */

static bool copy_text(char *out, size_t out_bytes, struct str s)
{
    if (s.len >= out_bytes) return false;
    memcpy(out, s.p, s.len);
    out[s.len] = '\0';
    return true;
}

static bool set_cut(struct plan *p, struct str s)
{
    p->cut = str_is(s, "before") ? PLAN_CUT_BEFORE : PLAN_CUT_AFTER;
    return str_is(s, "before") || str_is(s, "after");
}

/* False when the value does not fit. */
static bool set_member(struct plan *p, enum member member, const struct json *v)
{
    struct str s = json_string(v);
    double d = json_number(v);
    long n = d > -2e9 && d < 2e9 ? (long)d : -2;
    bool yes = json_is(v, JSON_TRUE);
    switch (member) {
    case M_CODE: p->code = n; return n >= 0;
    case M_HTTP: p->http = n; return n >= 200 && n <= 599;
    case M_DELAY: p->delay_ms = n; return n >= 0;
    case M_SLOW: p->slow_bytes_ms = n; return n > 0;
    case M_COUNT: p->count = n; return n > 0;
    case M_MESSAGE: p->has_message = true; return copy_text(p->message, sizeof(p->message), s);
    case M_BODY: p->has_body = true; return copy_text(p->body, sizeof(p->body), s);
    case M_RETRY_AFTER: return copy_text(p->retry_after, sizeof(p->retry_after), s);
    case M_LOCATION: return copy_text(p->location, sizeof(p->location), s);
    case M_CUT: return set_cut(p, s);
    case M_PORTAL: p->portal = yes; return true;
    case M_HALF: p->half = yes; return true;
    case M_ACCEPT: p->accept = yes; return true;
    case M_EVENTS_ONLY: p->events_only = yes; return true;
    case M_FOREVER: p->count = yes ? -1 : p->count; return true;
    }
    return false;
}

static int read_member(struct plan *p, const struct json *v, size_t index, struct fault *why)
{
    struct str key = json_key(v);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        if (!str_is(key, members[i].key)) continue;
        bool fits =
            json_is(v, members[i].type) || (members[i].type == JSON_TRUE && json_is(v, JSON_FALSE));
        if (fits && set_member(p, members[i].member, v)) return 0;
        return fault_set(why, TILLPOST_E_BAD_REQUEST, NULL, "plan %zu: a wrong value for %s", index,
                         key.p);
    }
    return fault_set(why, TILLPOST_E_BAD_REQUEST, NULL, "plan %zu: there is no key \"%.40s\"",
                     index, key.p);
}

static int read_plan(struct plan *p, const struct json *v, size_t index, struct fault *why)
{
    memset(p, 0, sizeof(*p));
    p->count = COUNT_DEFAULT;
    p->code = -1;
    p->accept = -1;
    if (!json_is(v, JSON_OBJECT))
        return fault_set(why, TILLPOST_E_BAD_REQUEST, NULL, "plan %zu is no object", index);
    for (const struct json *m = json_first(v); m; m = json_next(m)) {
        int err = read_member(p, m, index, why);
        if (err < 0) return err;
    }
    return 0;
}

int script_load(struct script *s, const struct json *list, struct fault *why)
{
    static struct script fresh; /* 1.2 MB: not for a thread's stack; the caller's lock guards it */
    script_clear(&fresh);
    if (!json_is(list, JSON_ARRAY) || json_count(list) > SCRIPT_PLANS_MAX)
        return fault_set(why, TILLPOST_E_BAD_REQUEST, NULL,
                         "a script is a list of at most %d plans", SCRIPT_PLANS_MAX);
    for (const struct json *v = json_first(list); v; v = json_next(v)) {
        int err = read_plan(&fresh.plans[fresh.count], v, fresh.count, why);
        if (err < 0) return err;
        fresh.count++;
    }
    *s = fresh;
    return 0;
}

void script_clear(struct script *s)
{
    s->count = s->next = 0;
}

static struct plan *at_hand(struct script *s)
{
    return s->next < s->count ? &s->plans[s->next] : NULL;
}

static void use_up(struct script *s, struct plan *p, struct plan *out)
{
    *out = *p;
    if (p->count > 0 && --p->count == 0) s->next++;
}

bool script_take_cut(struct script *s, struct plan *out)
{
    struct plan *p = at_hand(s);
    if (!p || p->cut != PLAN_CUT_BEFORE) return false;
    use_up(s, p, out);
    return true;
}

void script_take(struct script *s, bool probe, struct plan *out)
{
    struct plan *p = at_hand(s);
    out->count = 0;
    if (p && p->cut != PLAN_CUT_BEFORE && !(probe && p->events_only)) use_up(s, p, out);
}

long script_left(const struct script *s)
{
    long left = 0;
    for (size_t i = s->next; i < s->count; i++) {
        if (s->plans[i].count < 0) return -1;
        left += s->plans[i].count;
    }
    return left;
}

bool script_accepts(const struct plan *p)
{
    if (p->accept >= 0) return p->accept == 1;
    if (p->cut == PLAN_CUT_BEFORE || p->portal || p->has_body) return false;
    return (p->http == 0 || p->http == 200) && p->code <= 0;
}

const char *script_name(const struct plan *p)
{
    if (p->count == 0) return "";
    if (p->cut == PLAN_CUT_BEFORE) return "cut before";
    if (p->cut == PLAN_CUT_AFTER) return "cut after";
    if (p->portal) return "portal";
    if (p->half) return "half";
    if (p->slow_bytes_ms) return "slow";
    if (p->code >= 0) return "code";
    if (p->http || p->has_body) return "http";
    return "delay";
}
