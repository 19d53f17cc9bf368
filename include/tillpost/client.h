/*
 * client.h: libtillpost, the client library for register software. Needs libc and nothing else.
 *
 * A handle speaks to the agent on this device over its Unix socket. A result >= 0 is the agent's
 * promise: the sale is on stable storage (or is known already, or is not wanted). A result < 0 is a
 * code of tillpost/err.h: nothing was promised. tillpost_again() says whether the same call may
 * succeed later; repeat it then with the same messageId, and the agent recognises what it has.
 *
 * Time: no call takes longer than its timeout_ms (monotonic; 0: TILLPOST_TIMEOUT_MS), waiting for
 * another thread's use of the handle included.
 * Threads: one handle may be used by several threads, one at a time inside; several handles work
 * side by side. An event belongs to one thread. After fork, open a new handle.
 * Owner: texts handed in are borrowed until the function returns. No signal is raised or blocked.
 * Personal data: an event is wiped when it is freed; what you hand in is yours to wipe.
 * ABI: within one TILLPOST_CLIENT_ABI nothing is renumbered, and structs do not grow.
 */
#ifndef TILLPOST_CLIENT_H
#define TILLPOST_CLIENT_H

#include "tillpost/err.h"
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TILLPOST_CLIENT_ABI 1
enum { TILLPOST_TIMEOUT_MS = 5000 };

/* Good results. */
enum tillpost_result {
    TILLPOST_QUEUED = 0,    /* on stable storage */
    TILLPOST_DUPLICATE = 1, /* the agent has had this id: nothing was queued again */
    TILLPOST_IGNORED = 2    /* no mapping wants it, opted out, or no consent: nothing is stored */
};

/* What the agent said, beside the result; texts are cut, and end with NUL. */
struct tillpost_answer {
    int http;           /* status of the reply, 0 when none came */
    char event_id[256]; /* of a queued or known event */
    char path[128];     /* of a refusal: what it is about, such as "properties.value" */
    char message[512];  /* of a refusal: what to do; never a personal value */
    char reserved[128];
};

int tillpost_client_abi(void); /* of the library that runs; compare with TILLPOST_CLIENT_ABI */
const char *tillpost_result_text(int result); /* "queued", "missing_pii", …; never NULL */
int tillpost_again(int result);               /* 1: the same call may succeed later; else 0 */

/* The handle ------------------------------------------------------------------------------------ */

struct tillpost;

/* socket NULL: $TILLPOST_SOCKET, else /run/tillpost/tillpost.sock. Connects when first used, and
 * again when the agent was restarted. NULL: no memory. */
struct tillpost *tillpost_open(const char *socket);
void tillpost_close(struct tillpost *t);

/* Hands in one call of Segment's tracking API: the text of a JSON object of at most 32 KiB.
 * tillpost_track is tillpost_call with type "track"; the others are page, screen, identify, group
 * and alias. answer may be NULL.
 * Errors: those of the agent (BAD_JSON … QUEUE_FULL); USAGE (no such type); UNAVAILABLE (the agent
 * does not run), DENIED, NETWORK (no answer in time: repeat), BUSY (another thread had the handle
 * all the time), NO_MEMORY. */
int tillpost_track(struct tillpost *t, const char *call, size_t bytes, int timeout_ms,
                   struct tillpost_answer *answer);
int tillpost_call(struct tillpost *t, const char *type, const char *call, size_t bytes,
                  int timeout_ms, struct tillpost_answer *answer);

/* A purchase, built ------------------------------------------------------------------------------ */

/* A number as a till has it: digits and where the point stands. {1990, 2} is 19.90. At most 15
 * digits, at most 15 of them behind the point. */
struct tillpost_decimal {
    int64_t digits;
    unsigned decimals;
};

enum tillpost_text {
    TILLPOST_MESSAGE_ID,  /* of the sale, yours: shop, till and receipt; else a random one */
    TILLPOST_EMAIL,       /* plain; the agent hashes it */
    TILLPOST_PHONE,       /* as it was typed */
    TILLPOST_EXTERNAL_ID, /* your number of the customer */
    TILLPOST_ORDER_ID,
    TILLPOST_SHOP_ID,
    TILLPOST_CURRENCY, /* ISO 4217, "EUR" */
    TILLPOST_TEXTS     /* how many there are */
};
struct tillpost_product { /* NULL, or decimals over 15, where there is none */
    const char *id, *name, *category, *brand;
    struct tillpost_decimal price, quantity;
};
#define TILLPOST_NO_DECIMAL ((struct tillpost_decimal){0, 255})

struct tillpost_event;

/* name: Segment's, "Order Completed" for a purchase. NULL: no memory. */
struct tillpost_event *tillpost_event_new(const char *name);
void tillpost_event_free(struct tillpost_event *e); /* wipes it */
/* Each returns 0 or an error, which stays with the event: who does not look at each may look at
 * tillpost_event_send's result alone. Empty texts are left out; a second call overwrites the first.
 * Errors: BAD_FIELD (not UTF-8, or NULL), BAD_NUMBER, BAD_TIMESTAMP, TOO_LARGE (32 KiB), NO_MEMORY. */
int tillpost_event_set(struct tillpost_event *e, enum tillpost_text which, const char *utf8);
int tillpost_event_value(struct tillpost_event *e, struct tillpost_decimal value);
int tillpost_event_time(struct tillpost_event *e, int64_t unix_ms); /* else: when it is handed in */
int tillpost_event_product(struct tillpost_event *e, const struct tillpost_product *product);
/* The call as JSON, valid until the event changes; NULL and *why when it has failed. It holds plain
 * personal data: not for logs. */
const char *tillpost_event_json(struct tillpost_event *e, size_t *bytes, int *why);
int tillpost_event_send(struct tillpost *t, struct tillpost_event *e, int timeout_ms,
                        struct tillpost_answer *answer);

#ifdef __cplusplus
}
#endif
#endif
