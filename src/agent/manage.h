/*
 * manage.h: the queue as people look at it: listed, found, retried, dropped. For the API and for
 * verbs that work without a running agent.
 *
 * Owner: JSON is appended to out. No personal data is in it. Errors: BAD_REQUEST, NOT_FOUND,
 * TOO_LARGE, those of queue.h.
 */
#ifndef AGENT_MANAGE_H
#define AGENT_MANAGE_H

#include "base/fault.h"
#include "base/text.h"

enum {
    MANAGE_LIST = 100, /* events of a page when no limit is given */
    MANAGE_LIST_MAX = 1000,
    MANAGE_IDS_MAX = 1000,    /* of one request */
    MANAGE_CHANGE_MAX = 10000 /* rows changed by one request; the rest is "left" */
};

struct queue;

/* {"events":[…],"next":SEQ|null}. state: "queued", "sent", "dead" or "" (queued). */
int manage_list(struct queue *q, struct str state, unsigned limit, int64_t after, struct buf *out,
                struct fault *why);
/* {"events":[…]}: all with that id. */
int manage_find(struct queue *q, struct str event_id, struct buf *out, struct fault *why);

enum manage_change { MANAGE_RETRY, MANAGE_DROP };
/* body: {"ids":[…]} or {"state":"dead"}. {"success":true,"changed":N,"left":N,
 * "may_repeat":N,"not_found":[ids]}. may_repeat: retried, though TikTok may have counted them.
 * The change is in the queue's open transaction: commit before the answer goes. */
int manage_change(struct queue *q, enum manage_change what, struct str body, int64_t now_s,
                  struct buf *out, struct fault *why);

#endif
