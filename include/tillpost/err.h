/*
 * err.h: the one table of everything that can go wrong.
 *
 * Every function of tillpost that can fail returns an int: >= 0 is good, < 0 is one of these
 * codes. A row carries the code, its name on the wire (`"code"` of a refusal), the HTTP status
 * the local API answers with, the exit status of the command line (sysexits.h) and the words a
 * person reads when nothing more exact is known.
 *
 * The numbers are part of libtillpost's ABI (client.h): new rows stand at the end.
 *
 * Source: wire names and HTTP statuses from the product contract (Local API), exit statuses from
 * sysexits.h; 1, 69, 75 and 78 as the command line's contract has them.
 */
#ifndef TILLPOST_ERR_H
#define TILLPOST_ERR_H

#include <stdbool.h>

/* clang-format off */
/*  name                  wire name                http exit words */
#define TILLPOST_ERRORS(X) \
  X(BAD_JSON,             "bad_json",              400, 65, "this is not valid JSON (RFC 8259)") \
  X(BAD_REQUEST,          "bad_request",           400, 65, "the request is not understood") \
  X(UNAUTHORIZED,         "unauthorized",          401, 77, "a valid token is needed") \
  X(FORBIDDEN,            "forbidden",             403, 77, "this caller may not do that") \
  X(NOT_FOUND,            "not_found",             404,  1, "there is no such thing") \
  X(METHOD_NOT_ALLOWED,   "method_not_allowed",    405, 64, "the route does not take this method") \
  X(TOO_LARGE,            "too_large",             413, 65, "over a limit of size, depth or count") \
  X(UNSUPPORTED_MEDIA,    "unsupported_media_type",415, 65, "send Content-Type: application/json") \
  X(MISSING_EVENT,        "missing_event",         422, 65, "the call names no event") \
  X(MISSING_PII,          "missing_pii",           422, 65, "no valid e-mail address or phone number") \
  X(BAD_NUMBER,           "bad_number",            422, 65, "not a plain decimal number") \
  X(BAD_TIMESTAMP,        "bad_timestamp",         422, 65, "not a time stamp") \
  X(TOO_OLD,              "too_old",               422, 65, "the event is older than max_event_age") \
  X(IN_FUTURE,            "in_future",             422, 65, "the event lies in the future") \
  X(BAD_CURRENCY,         "bad_currency",          422, 65, "not a three-letter currency code") \
  X(BAD_CONTENT_TYPE,     "bad_content_type",      422, 65, "must be product or product_group") \
  X(BAD_EVENT_NAME,       "bad_event_name",        422, 65, "not an event TikTok takes for offline sets") \
  X(BAD_FIELD,            "bad_field",             422, 65, "a field has the wrong form") \
  X(CARD_NUMBER,          "card_number",           422, 65, "a field holds a payment card number") \
  X(STORAGE,              "storage_error",         503, 74, "the queue cannot be written") \
  X(BUSY,                 "busy",                  503, 75, "too much at once; try again") \
  X(QUEUE_FULL,           "queue_full",            507, 75, "the queue is full") \
  X(USAGE,                "usage",                 400, 64, "wrong use of the command line") \
  X(NO_INPUT,             "no_input",              404, 66, "the file cannot be read") \
  X(UNAVAILABLE,          "unavailable",           503, 69, "the agent does not run") \
  X(INTERNAL,             "internal",              500, 70, "a bug in tillpost") \
  X(NO_MEMORY,            "no_memory",             503, 71, "out of memory") \
  X(CANT_CREATE,          "cannot_create",         500, 73, "a file cannot be created") \
  X(IO,                   "io_error",              500, 74, "input or output failed") \
  X(LOCKED,               "locked",                503, 75, "another agent has the queue") \
  X(DENIED,               "denied",                403, 77, "permission denied") \
  X(CONFIG,               "config",                500, 78, "the configuration is wrong") \
  X(NETWORK,              "network",               503, 69, "the network call failed") \
  X(DAMAGED,              "damaged",               500, 74, "stored data is damaged")
/* clang-format on */

enum tillpost_err_index {
#define X(name, wire, http, exit, words) TILLPOST_IX_##name,
    TILLPOST_ERRORS(X)
#undef X
        TILLPOST_ERR_COUNT
};

/* Codes are negative: -1 for the first row, -2 for the second, and so on. */
enum tillpost_err {
    TILLPOST_OK = 0,
#define X(name, wire, http, exit, words) TILLPOST_E_##name = -(TILLPOST_IX_##name + 1),
    TILLPOST_ERRORS(X)
#undef X
};

struct tillpost_err_info {
    const char *wire;  /* "bad_json" */
    const char *words; /* one sentence part, no full stop */
    int http;          /* status of the local API */
    int exit;          /* exit status of the command line */
};

/* The row of a code. Any code that is not in the table is answered with INTERNAL's row. */
const struct tillpost_err_info *tillpost_err_info(int err);
/* Whether the same may succeed a moment later though nobody has mended anything: NO_MEMORY, IO. */
bool tillpost_err_passes(int err);

#endif
