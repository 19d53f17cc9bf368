/*
 * export.h: the undelivered queue as rows for a store that uploads by hand, for the API and for
 * verbs that work without a running agent.
 *
 * A page shows the queued events that have a CSV form (tiktok/csv_write.h) and counts those that
 * stay: in flight, in doubt, or without such a form, which here also means an event with a test
 * code of its own and one whose time is not known yet. Pages change nothing.
 *
 * A settle is the promise that somebody else takes the events over: all rows named leave the
 * queue, or none does. It is refused (BUSY) when one of them is not queued any more, is in flight
 * or in doubt, so that nothing is in a file and at TikTok: the caller throws its files away and
 * asks again. The number of the last export that was settled is kept with it: a caller that does
 * not know how its settle ended (either of them was killed) asks again with the same number.
 *
 * Owner: JSON is appended to out. Errors: BAD_REQUEST, BAD_JSON, BUSY, those of queue.h.
 */
#ifndef AGENT_EXPORT_H
#define AGENT_EXPORT_H

#include "agent/clock.h"

enum {
    EXPORT_PAGE_ROWS = 200,             /* looked at for one page */
    EXPORT_PAGE_MAX_BYTES = 256 * 1024, /* after which no further row is added */
    EXPORT_HOLD_MS = 2 * 60 * 1000      /* deliveries wait so long after a settle was refused */
};
#define EXPORT_NUMBER_MAX (INT64_C(1) << 53) /* exact in JSON's numbers */

struct export_view { /* the queue, and what is known of it and of the time */
    struct queue *queue;
    const struct clock *clock;
    const struct clock_now *now;
    struct queue_range busy; /* rows that may be in flight; first is 0: none */
};

/* {"header":"event_type,…","rows":[{"seq":N,"row":"…"},…],"next":SEQ|null,
 *  "stay":{"in_flight":N,"in_doubt":N,"no_form":N}}: of the rows after `after`. */
int export_page(const struct export_view *v, int64_t after, struct buf *out, struct fault *why);

/* body: {"export":NUMBER,"rows":[SEQ,[FIRST,LAST],…]}, rising; {"success":true,"settled":N}, N being
 * 0 when that export was settled before. In the open transaction: commit before the answer goes. */
int export_settle(const struct export_view *v, struct str body, struct buf *out, struct fault *why);

#endif
