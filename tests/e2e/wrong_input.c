/*
 * wrong_input.c: every refusal of the local API that a register can earn, as rows; on the socket of
 * a running agent whose configuration wrong_input.sh made.
 *
 *   wrong_input SOCKET
 *
 * In a body, $NOW$ $OLD$ $FUTURE$ stand for times and $ID$ for an id of the row's own. `path` is
 * the "path" of the refusal, NULL none to look at. A refusal always has a message that is not
 * empty; `words` must be in it.
 */
#include "base/json.h"
#include "e2e/find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    BODY_BYTES = 1024 * 1024,
    ANSWER_BYTES = 4 * 1024 * 1024,
    STAMP_BYTES = 32,
    DAY_S = 24 * 3600,
    EXIT_WRONG_USE = 64
};

#define JSON    "Content-Type: application/json\r\n"
#define PERSON  "\"email\":\"jane@example.com\""
#define CALL(p) "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"$ID$\"," p "}"
#define SALE(p) CALL("\"timestamp\":\"$NOW$\",\"properties\":{" PERSON "," p "}")
#define OWN(p)                                                                                   \
    "{\"type\":\"track\",\"event\":\"Own\",\"messageId\":\"$ID$\",\"properties\":{" PERSON "," p \
    "}}"
#define NAMED "\"name\":\"Purchase\""

struct row {
    const char *name, *method, *target, *headers, *body;
    const char *(*make)(void); /* the body, instead */
    int http;
    const char *key, *value; /* what the answer says */
    const char *path, *words;
};

static char made[BODY_BYTES];

static const char *over_32_kib(void)
{
    size_t len = (size_t)snprintf(made, sizeof(made), "{\"type\":\"track\",\"event\":\"");
    memset(made + len, 'a', 33 * 1024);
    snprintf(made + len + 33 * 1024, sizeof(made) - len - 33 * 1024, "\"}");
    return made;
}

static const char *depth_17(void)
{
    size_t len = (size_t)snprintf(made, sizeof(made), "{\"a\":"); /* the object is 1 */
    memset(made + len, '[', 16);
    memset(made + len + 16, ']', 16);
    snprintf(made + len + 32, sizeof(made) - len - 32, "}");
    return made;
}

static const char *values_2001(void)
{
    size_t len = (size_t)snprintf(made, sizeof(made), "{\"a\":[0"); /* root, list, 0: three */
    for (int i = 3; i < 2001; i++) len += (size_t)snprintf(made + len, sizeof(made) - len, ",0");
    snprintf(made + len, sizeof(made) - len, "]}");
    return made;
}

static const char *batch_of(size_t calls, const char *call)
{
    size_t len = (size_t)snprintf(made, sizeof(made), "{\"batch\":[");
    for (size_t i = 0; i < calls; i++)
        len += (size_t)snprintf(made + len, sizeof(made) - len, "%s%s", i ? "," : "", call);
    snprintf(made + len, sizeof(made) - len, "]}");
    return made;
}

static const char *batch_1001(void)
{
    return batch_of(1001, "{\"type\":\"alias\"}");
}

static const char *batch_over_500_kib(void)
{
    static char call[1100];
    size_t len = (size_t)snprintf(call, sizeof(call), "{\"type\":\"alias\",\"a\":\"");
    memset(call + len, 'a', 1024);
    snprintf(call + len + 1024, sizeof(call) - len - 1024, "\"}");
    return batch_of(510, call);
}

static const char *batch_with_a_large_call(void)
{
    size_t len = (size_t)snprintf(made, sizeof(made), "{\"batch\":[{\"type\":\"alias\"},{\"a\":\"");
    memset(made + len, 'a', 33 * 1024);
    snprintf(made + len + 33 * 1024, sizeof(made) - len - 33 * 1024, "\"}]}");
    return made;
}

#define TRACK "POST", "/v1/track", JSON
#define BATCH "POST", "/v1/batch", JSON
/* clang-format off */
static const struct row rows[] = {
    /* 400 bad_json */
    {"a comma too many", TRACK, "{\"type\":\"track\",}", NULL, 400, "code", "bad_json", NULL, "line 1, column 17"},
    {"the line is counted", TRACK, "{\n\"a\":\n tru }", NULL, 400, "code", "bad_json", NULL, "line 3, column"},
    {"an empty body", TRACK, "", NULL, 400, "code", "bad_json", NULL, NULL},
    {"cut off", TRACK, "{\"type\":\"tra", NULL, 400, "code", "bad_json", NULL, "line 1"},
    {"bytes behind it", TRACK, "{} {}", NULL, 400, "code", "bad_json", NULL, "line 1"},
    {"a key twice", TRACK, "{\"a\":1,\"b\":2,\"a\":3}", NULL, 400, "code", "bad_json", NULL, "line 1"},
    {"a key twice, once escaped", TRACK, "{\"a\":1,\"\\u0061\":3}", NULL, 400, "code", "bad_json", NULL, NULL},
    {"a leading zero", TRACK, "{\"a\":01}", NULL, 400, "code", "bad_json", NULL, NULL},
    {"an escaped NUL", TRACK, "{\"a\":\"\\u0000\"}", NULL, 400, "code", "bad_json", NULL, NULL},
    {"half a surrogate", TRACK, "{\"a\":\"\\ud800\"}", NULL, 400, "code", "bad_json", NULL, NULL},
    {"no UTF-8", TRACK, "{\"a\":\"\xff\"}", NULL, 400, "code", "bad_json", NULL, NULL},
    {"a comment", TRACK, "{} // no", NULL, 400, "code", "bad_json", NULL, NULL},
    {"bad JSON in a batch", BATCH, "{\"batch\":[{\"a\":1,\"a\":2}]}", NULL, 400, "code", "bad_json", NULL, NULL},
    /* 400 bad_request */
    {"a list", TRACK, "[]", NULL, 400, "code", "bad_request", "$", NULL},
    {"a number", TRACK, "7", NULL, 400, "code", "bad_request", "$", NULL},
    {"a batch without calls", BATCH, "{}", NULL, 400, "code", "bad_request", "$.batch", NULL},
    {"a batch that is no list", BATCH, "{\"batch\":{}}", NULL, 400, "code", "bad_request", "$.batch", NULL},
    {"another type than the route's", TRACK, "{\"type\":\"page\"}", NULL, 400, "code", "bad_request", "$.type", NULL},
    {"two lengths", "POST", "/v1/track", JSON "Content-Length: 3\r\n", "{}", NULL, 400, NULL, NULL, NULL, NULL},
    /* 404, 405, 415 */
    {"no such route", "POST", "/v1/nothing", JSON, "{}", NULL, 404, "code", "not_found", NULL, NULL},
    {"no such event", "GET", "/v1/events/nobody", "", NULL, NULL, 404, "code", "not_found", NULL, NULL},
    {"GET of a call", "GET", "/v1/track", "", NULL, NULL, 405, "code", "method_not_allowed", NULL, NULL},
    {"DELETE of a call", "DELETE", "/v1/track", "", NULL, NULL, 405, "code", "method_not_allowed", NULL, NULL},
    {"POST of the status", "POST", "/v1/status", JSON, "{}", NULL, 405, "code", "method_not_allowed", NULL, NULL},
    {"plain text", "POST", "/v1/track", "Content-Type: text/plain\r\n", "{}", NULL,
     415, "code", "unsupported_media_type", NULL, "application/json"},
    {"a form", "POST", "/v1/track", "Content-Type: application/x-www-form-urlencoded\r\n", "{}", NULL,
     415, "code", "unsupported_media_type", NULL, NULL},
    {"no type at all", "POST", "/v1/track", "", "{}", NULL, 415, "code", "unsupported_media_type", NULL, NULL},
    {"Latin-1", "POST", "/v1/track", "Content-Type: application/json; charset=iso-8859-1\r\n", "{}", NULL,
     415, "code", "unsupported_media_type", NULL, NULL},
    /* 413 */
    {"a call over 32 KiB", TRACK, NULL, over_32_kib, 413, "code", "too_large", NULL, NULL},
    {"depth 17", TRACK, NULL, depth_17, 413, "code", "too_large", NULL, "16"},
    {"2,001 values", TRACK, NULL, values_2001, 413, "code", "too_large", NULL, "2000"},
    {"a batch of 1,001", BATCH, NULL, batch_1001, 413, "code", "too_large", NULL, NULL},
    {"a batch over 500 KiB", BATCH, NULL, batch_over_500_kib, 413, "code", "too_large", NULL, NULL},
    {"a large call in a batch", BATCH, NULL, batch_with_a_large_call, 422, "results.1.code", "too_large", NULL, NULL},
    {"its neighbour", BATCH, NULL, batch_with_a_large_call, 422, "results.0.status", "ignored", NULL, NULL},
    /* 422 */
    {"an event without a name", TRACK, OWN("\"value\":1"), NULL, 422, "code", "missing_event", "$.event", NULL},
    {"a track call without an event", TRACK, "{\"type\":\"track\"}", NULL, 422, "code", "missing_event", "$.event", NULL},
    {"nobody", TRACK, CALL("\"properties\":{\"value\":1}"), NULL, 422, "code", "missing_pii", "$.email_addresses", NULL},
    {"blank and invalid people", TRACK, CALL("\"properties\":{\"email\":\" \",\"phone\":\"x\"}"), NULL,
     422, "code", "missing_pii", "$.email_addresses", NULL},
    {"an id alone", TRACK, CALL("\"userId\":\"u1\",\"properties\":{\"value\":1}"), NULL,
     422, "code", "missing_pii", "$.email_addresses", NULL},
    {"a value of words", TRACK, SALE("\"value\":\"abc\""), NULL, 422, "code", "bad_number", "$.value", NULL},
    {"a value with a comma", TRACK, SALE("\"value\":\"1,234.50\""), NULL, 422, "code", "bad_number", "$.value", NULL},
    {"a price of words", TRACK, SALE("\"value\":1,\"products\":[{\"price\":\"x\"}]"), NULL,
     422, "code", "bad_number", "$.contents[0].price", NULL},
    {"a date alone", TRACK, CALL("\"timestamp\":\"2026-01-08\",\"properties\":{" PERSON "}"), NULL,
     422, "code", "bad_timestamp", "$.timestamp", NULL},
    {"no date at all", TRACK, CALL("\"timestamp\":\"yesterday\",\"properties\":{" PERSON "}"), NULL,
     422, "code", "bad_timestamp", "$.timestamp", NULL},
    {"29 days ago", TRACK, CALL("\"timestamp\":\"$OLD$\",\"properties\":{" PERSON "}"), NULL,
     422, "code", "too_old", "$.timestamp", NULL},
    {"tomorrow", TRACK, CALL("\"timestamp\":\"$FUTURE$\",\"properties\":{" PERSON "}"), NULL,
     422, "code", "in_future", "$.timestamp", NULL},
    {"four letters", TRACK, SALE("\"currency\":\"EURO\""), NULL, 422, "code", "bad_currency", "$.currency", NULL},
    {"a kind of content", TRACK, OWN(NAMED ",\"kind\":\"shoes\""), NULL, 422, "code", "bad_content_type", "$.content_type", NULL},
    {"an event TikTok has not", TRACK, OWN("\"name\":\"Refund\""), NULL, 422, "code", "bad_event_name", "$.event", NULL},
    {"an order of 16 digits as a number", TRACK, SALE("\"order_id\":1234567890123456"), NULL,
     422, "code", "bad_field", "$.order_id", NULL},
    {"an e-mail as order", TRACK, SALE("\"order_id\":\"jane@example.com\""), NULL,
     422, "code", "bad_field", "$.order_id", NULL},
    {"a card as order", TRACK, SALE("\"order_id\":\"4111 1111 1111 1111\""), NULL,
     422, "code", "card_number", "$.order_id", NULL},
    {"a card as shop", TRACK, SALE("\"shop_id\":\"5555-5555-5555-4444\""), NULL,
     422, "code", "card_number", "$.shop_id", NULL},
    /* good answers that store nothing, or less */
    {"no mapping", TRACK, "{\"type\":\"track\",\"event\":\"Lamp Lit\"}", NULL, 200, "status", "ignored", NULL, NULL},
    {"its reason", TRACK, "{\"type\":\"track\",\"event\":\"Lamp Lit\"}", NULL, 200, "reason", "no_mapping", NULL, NULL},
    {"opted out", TRACK, CALL("\"integrations\":{\"All\":false},\"properties\":{" PERSON "}"), NULL,
     200, "reason", "integrations", NULL, NULL},
    {"a phone that is none, beside an e-mail", TRACK, SALE("\"phone\":\"12\""), NULL,
     200, "warnings.0.code", "invalid_phone", NULL, NULL},
    {"once", TRACK, "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"again\",\"properties\":{" PERSON "}}",
     NULL, 200, "status", "queued", NULL, NULL},
    {"twice", TRACK, "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"again\",\"properties\":{" PERSON "}}",
     NULL, 200, "status", "duplicate", NULL, NULL},
    {"a charset of utf-8", "POST", "/v1/track", "Content-Type: application/json; charset=UTF-8\r\n",
     "{\"type\":\"track\",\"event\":\"Lamp Lit\"}", NULL, 200, "status", "ignored", NULL, NULL},
    /* batches */
    {"a good batch", BATCH, "{\"batch\":[{\"type\":\"alias\"}," SALE("\"value\":1") "]}", NULL,
     200, "results.1.status", "queued", NULL, NULL},
    {"a mixed batch", BATCH, "{\"batch\":[" SALE("\"value\":1") "," SALE("\"value\":\"x\"") "]}", NULL,
     422, "results.1.code", "bad_number", NULL, NULL},
    {"its good call", BATCH, "{\"batch\":[" SALE("\"value\":\"x\"") "," SALE("\"value\":1") "]}", NULL,
     422, "results.1.status", "queued", NULL, NULL},
    {"a call that is no object", BATCH, "{\"batch\":[7]}", NULL, 422, "results.0.code", "bad_request", NULL, NULL},
    {"an empty batch", BATCH, "{\"batch\":[]}", NULL, 200, "results", "[]", NULL, NULL},
};
/* clang-format on */

static void stamp(char out[STAMP_BYTES], long offset_s)
{
    time_t t = time(NULL) + offset_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, STAMP_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void expand(const char *body, size_t row, struct buf *out)
{
    char now[STAMP_BYTES], old[STAMP_BYTES], future[STAMP_BYTES], id[STAMP_BYTES];
    const struct {
        const char *name, *value;
    } names[] = {{"$NOW$", now}, {"$OLD$", old}, {"$FUTURE$", future}, {"$ID$", id}};
    stamp(now, 0);
    stamp(old, -29L * DAY_S);
    stamp(future, DAY_S);
    snprintf(id, sizeof(id), "wrong-%zu", row);
    while (*body) {
        size_t i = 0;
        while (i < 4 && strncmp(body, names[i].name, strlen(names[i].name)) != 0) i++;
        if (i == 4) {
            buf_add_char(out, *body++);
            continue;
        }
        buf_add_z(out, names[i].value);
        body += strlen(names[i].name);
    }
}

static int connect_to(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0) return fd;
    perror(path);
    exit(EXIT_FAILURE);
}

/* A server that refuses early may close before it has read everything: what it said counts. */
static void send_all(int fd, struct str s)
{
    size_t done = 0;
    while (done < s.len) {
        ssize_t n = send(fd, s.p + done, s.len - done, MSG_NOSIGNAL);
        if (n <= 0) return;
        done += (size_t)n;
    }
}

static void exchange(const char *path, const struct row *r, size_t index, struct buf *answer)
{
    struct buf request, body;
    char block[65536];
    ssize_t n;
    int fd = connect_to(path);
    const char *text = r->make ? r->make() : r->body;
    buf_init(&request, BODY_BYTES * 2);
    buf_init(&body, BODY_BYTES);
    if (text) expand(text, index, &body);
    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: till\r\nConnection: close\r\n%s", r->method,
               r->target, r->headers);
    if (text) buf_printf(&request, "Content-Length: %zu\r\n", body.len);
    buf_add_z(&request, "\r\n");
    buf_add_str(&request, buf_str(&body));
    send_all(fd, buf_str(&request));
    while ((n = recv(fd, block, sizeof(block), 0)) > 0) buf_add(answer, block, (size_t)n);
    close(fd);
    buf_free(&body);
    buf_free(&request);
}

static bool says(const struct json *v, const char *value)
{
    if (json_is(v, JSON_ARRAY)) return strcmp(value, "[]") == 0 && json_count(v) == 0;
    return json_is(v, JSON_STRING) && str_is(json_string(v), value);
}

/* Why the answer is not the one of the row; NULL: it is. */
static const char *judge(const struct row *r, int http, const struct json *root)
{
    struct str message = json_string(json_get(root, "message"));
    struct str path = json_string(json_get(root, "path"));
    if (http != r->http) return "another status";
    if (!r->key) return NULL;
    if (!says(find(root, r->key), r->value)) return "another value";
    if (strcmp(r->key, "code") != 0) return NULL;
    if (!json_is(json_get(root, "success"), JSON_FALSE)) return "success is not false";
    if (message.len == 0) return "no message";
    if (!json_is(json_get(root, "path"), JSON_STRING)) return "no path member";
    if (r->words && !strstr(message.p, r->words)) return "other words";
    if (!r->path) return NULL;
    return str_is(path, r->path) ? NULL : "another path";
}

static bool run(const char *socket_path, const struct row *r, size_t index, struct arena *a)
{
    struct json_limits limits = {ANSWER_BYTES, 16, 100000};
    const struct json *root = NULL;
    struct buf answer;
    buf_init(&answer, ANSWER_BYTES);
    exchange(socket_path, r, index, &answer);
    buf_add_char(&answer, '\0');
    const char *body = answer.p ? strstr(answer.p, "\r\n\r\n") : NULL;
    int http = answer.len > 12 ? (int)strtol(answer.p + 9, NULL, 10) : 0;
    if (body) json_parse(a, str_from(body + 4), &limits, &root, NULL);
    const char *why = judge(r, http, root);
    if (why)
        printf("%s: %s; wanted %d %s=%s, got %d %.300s\n", r->name, why, r->http,
               r->key ? r->key : "", r->value ? r->value : "", http, body ? body + 4 : "nothing");
    buf_free(&answer);
    arena_reset(a);
    return why == NULL;
}

int main(int argc, char **argv)
{
    size_t count = sizeof(rows) / sizeof(rows[0]), wrong = 0;
    struct arena a;
    if (argc != 2) {
        fputs("wrong_input SOCKET\n", stderr);
        return EXIT_WRONG_USE;
    }
    arena_init(&a, ANSWER_BYTES, ANSWER_BYTES * 4);
    for (size_t i = 0; i < count; i++) wrong += !run(argv[1], &rows[i], i, &a);
    arena_free(&a);
    printf("%zu of %zu rows as documented\n", count - wrong, count);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
