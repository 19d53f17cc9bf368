/*
 * event.h: from mapped fields to a checked, hashed TikTok event.
 *
 * Everything that TikTok's documentation and a store's interest ask of an event is here and in
 * pii.h. Pure but for the hash: time comes in, nothing is logged. Plain personal data is read
 * from the fields' arena, hashed, and never copied into the result.
 *
 * Owner: the strings of the result and of the warnings live in the caller's arena, are borrowed
 * from the fields or the rules, or are static.
 * Errors: the 422 codes of err.h, with the JSON path of the *call's or mapping's field*
 * ("$.email_addresses") and a message that names the rule and what to do, never the value.
 */
#ifndef TIKTOK_EVENT_H
#define TIKTOK_EVENT_H

#include "base/json.h"
#include "base/times.h"

struct tiktok_rules {
    const char *shop_id;      /* filled into events that lack it; NULL: none */
    const char *currency;     /* NULL: none */
    const char *calling_code; /* "44"; NULL: none */
    bool legacy_names;        /* send CompletePayment, SubmitForm instead of Purchase, Lead */
    bool external_id_alone;   /* an external id is enough */
    const char *const *card_like_fields; /* fields that may look like a card number */
    size_t card_like_count;
    int64_t age_max_ms; /* max_event_age */
    times_zone zone;    /* of time stamps without an offset */
};

struct tiktok_moment {
    int64_t wall_ms;    /* now, of the system clock (corrected by the learnt offset if trusted) */
    bool implausible;   /* the clock is: neither too_old nor in_future is judged, no skew fixed */
    struct str sent_at; /* the call's sentAt, or empty */
};

enum {
    TIKTOK_WARNINGS_MAX = 32,
    TIKTOK_FUTURE_MAX_MS = 10 * 60 * 1000,
    TIKTOK_REST_MAX_BYTES = 60 * 1024, /* of struct tiktok_event's rest; over it: TOO_LARGE */
};
struct tiktok_warning {
    const char *path; /* "$.phone_numbers[1]" */
    const char *code; /* "invalid_phone", "unknown_currency", … */
    const char *message;
};
/* Appended to, so that one list serves all events of a call; path and code stand in it once. */
struct tiktok_warnings {
    struct tiktok_warning list[TIKTOK_WARNINGS_MAX];
    size_t count; /* may exceed the list: the rest was not kept */
};

struct tiktok_event {
    const char *name;     /* as it will be sent; static */
    const char *key_name; /* current spelling: what is unique with the id; static */
    struct str event_id;  /* "" when the fields have none */
    struct str shop_id, order_id, timestamp_text; /* for tiktok_derive_id; "" when absent */
    int64_t time_ms;      /* event time, Unix ms; may be wrong when `stamped` */
    bool stamped;         /* the agent's clock gave it, not the caller */
    bool unjudged;        /* too_old and in_future were not judged: judge before sending */
    struct str test_code; /* the event's own, or "" */
    struct str rest;      /* the event without event, event_time, event_id and test code: the text
                             of an object, "{\"user\":{…},…}"; never empty */
};

/* Errors: MISSING_EVENT MISSING_PII BAD_NUMBER BAD_TIMESTAMP TOO_OLD IN_FUTURE BAD_CURRENCY
 * BAD_CONTENT_TYPE BAD_EVENT_NAME BAD_FIELD CARD_NUMBER TOO_LARGE NO_MEMORY */
int tiktok_event_build(struct arena *a, const struct json *fields, const struct tiktok_rules *rules,
                       const struct tiktok_moment *now, struct tiktok_event *out,
                       struct tiktok_warnings *warnings, struct fault *why);

/* The call's own id, for events whose fields have none, by the rules of the field event_id; "" when
 * it is absent or blank. Errors: BAD_FIELD CARD_NUMBER NO_MEMORY, path "$.event_id" */
int tiktok_event_id(struct arena *a, const struct json *v, const struct tiktok_rules *rules,
                    struct str *out, struct fault *why);
/* A repeatable id from shop, order and the caller's own time stamp text: "tp-" and 32 hex digits of
 * SHA-256. false when one of the three is empty. */
enum { TIKTOK_ID_BYTES = 40 };
bool tiktok_derive_id(struct str shop_id, struct str order_id, struct str timestamp_text,
                      char out[TIKTOK_ID_BYTES]);
/* A time-ordered UUID (version 7) from ms and 10 random bytes. */
void tiktok_fresh_id(int64_t wall_ms, const unsigned char random[10], char out[TIKTOK_ID_BYTES]);

/* Event names TikTok lists for offline sets. NULL when unknown. */
struct tiktok_name {
    const char *name;    /* "CompletePayment" */
    const char *current; /* "Purchase"; itself for most */
    const char *legacy;  /* what "legacy" sends: "CompletePayment"; itself for most */
    const char *display; /* in TikTok's CSV: "Complete Payment" */
    bool offline;        /* false: PageView, which only Segment's preset has */
    bool upload;         /* on TikTok's page for uploads too */
};
const struct tiktok_name *tiktok_name_find(struct str name);
/* The same by what people write in a file: "Complete Payment", "completepayment". */
const struct tiktok_name *tiktok_name_of_type(struct str event_type);

#endif
