/*
 * store.h: what the stand-in has received, as TikTok's event deduplication would count it.
 *
 * An event with the same name and id within 48 hours of the first counts as a copy; later it counts
 * anew. Test events (a body with test_event_code) are kept apart and never counted.
 *
 * Owner: the store owns everything; one lock of the caller's guards it. Units: seconds of the
 * stand-in's own clock; at_ms is of the machine's monotonic clock.
 * Source: tiktok-api.md sections 7 and 12.
 */
#ifndef SANDBOX_STORE_H
#define SANDBOX_STORE_H

#include "base/json.h"

#define STORE_MEMORY_S (48 * 3600)

struct store_event {
    uint64_t seq; /* from 1, in the order of arrival */
    uint64_t request;
    int64_t first_s;
    unsigned copies;        /* that came after it */
    char *name, *id, *text; /* id "" when it has none; text: as it stood in the body */
    char *test_code;        /* NULL: counted */
};
struct store_request {
    uint64_t number; /* from 1 */
    int64_t at_ms;
    int http, code; /* as answered; 0 and -1 when the answer was cut off */
    size_t events;  /* in data */
    bool probe;
    bool accepted;    /* its events were taken in */
    const char *plan; /* static: "", or what the script made of it */
};
struct store_totals {
    uint64_t requests, probes, accepted, refused, cut, events, duplicates, test_events;
    size_t batch_most;
};

struct store;
struct store *store_new(void);
void store_free(struct store *s);
void store_reset(struct store *s);
/* Takes in the events of a body that check_body has passed; false: out of memory. */
bool store_take(struct store *s, struct str body, const struct json *root, uint64_t request,
                int64_t now_s);
uint64_t store_next_request(struct store *s); /* the number of the request at hand */
bool store_note(struct store *s, const struct store_request *r);
const struct store_totals *store_totals(const struct store *s);

/* JSON of what was received after `since`, and of the requests. */
void store_write_received(const struct store *s, uint64_t since, struct buf *out);
void store_write_requests(const struct store *s, struct buf *out);
void store_write_totals(const struct store *s, struct buf *out); /* members, without braces */

#endif
