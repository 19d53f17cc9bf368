/*
 * script.h: how the next requests are to be answered, beside the truth.
 *
 * A script is a list of plans. A plan serves `count` requests (1, or -1 for ever), then the next
 * one follows; behind the last the stand-in is honest again. As JSON:
 *
 *   {"code":50000,"message":"…"}        the envelope with that return code
 *   {"http":502,"body":"<html>…"}       that status and that text
 *   {"http":429,"retry_after":"15"}     with that header
 *   {"http":301,"location":"https://…"}
 *   {"portal":true}                     a hotel's login page with status 200
 *   {"cut":"before"}                    the connection is closed before the body is read
 *   {"cut":"after"}                     taken in, then closed without a word
 *   {"half":true}                       taken in, then half of the reply and the end
 *   {"delay_ms":2000}                   taken in, answered late
 *   {"slow_bytes_ms":100}               taken in, answered one byte at a time
 *   with any of them: "count":N, "forever":true, "accept":true|false (are the events taken in?),
 *   "events_only":true (probes are answered honestly and do not use the plan up)
 *
 * Whether events are taken in by default: see script_accepts.
 */
#ifndef SANDBOX_SCRIPT_H
#define SANDBOX_SCRIPT_H

#include "base/json.h"

enum { PLAN_TEXT_BYTES = 2048, SCRIPT_PLANS_MAX = 256 };

enum plan_cut { PLAN_WHOLE, PLAN_CUT_BEFORE, PLAN_CUT_AFTER };

struct plan {
    long count; /* requests it still serves; -1: for ever; 0: no plan at all */
    long code;  /* -1: none of its own */
    long http;  /* 0: 200 */
    long delay_ms, slow_bytes_ms;
    enum plan_cut cut;
    bool portal, half, events_only;
    int accept; /* -1: by default, 0, 1 */
    bool has_body, has_message;
    char body[PLAN_TEXT_BYTES], message[PLAN_TEXT_BYTES];
    char retry_after[64], location[256];
};
struct script {
    struct plan plans[SCRIPT_PLANS_MAX];
    size_t count, next;
};

/* Replaces the script. Errors: BAD_REQUEST, which names what is wrong with which plan; the old
 * script stays then. */
int script_load(struct script *s, const struct json *list, struct fault *why);
void script_clear(struct script *s);
/* The plan at hand if it cuts before the body; it is used up. */
bool script_take_cut(struct script *s, struct plan *out);
/* The plan for a request; count 0 in *out: be honest. */
void script_take(struct script *s, bool probe, struct plan *out);
long script_left(const struct script *s); /* requests, -1: for ever */
/* Are the events of a request under this plan taken in? */
bool script_accepts(const struct plan *p);
const char *script_name(const struct plan *p); /* static: "cut before", "portal", … */

#endif
