/*
 * erase.c: see erase.h.
 *
 * An event holds the hash of an address or a number, never the thing itself; so what is asked for
 * is normalised and hashed exactly as an event's would be, calling code included, and looked for as
 * a whole JSON string. An event that is on its way to TikTok at that moment goes from the queue like
 * the others and is not sent again; what TikTok has got is TikTok's to erase.
 */
#include "agent/erase.h"

#include "base/json.h"
#include "base/log.h"

#include <inttypes.h>
#include <string.h>

enum { HASH_DIGITS = PII_HASH_BYTES - 1, BODY_MAX_BYTES = 4096, VALUES_MAX = 8 };

static int hash_of(const struct config *c, const struct json *email, const struct json *phone,
                   char hash[PII_HASH_BYTES], struct fault *why)
{
    enum pii_result r = PII_INVALID;
    if ((email == NULL) == (phone == NULL))
        return fault_set(why, TILLPOST_E_BAD_REQUEST, "$",
                         "the body must be {\"email\":…} or {\"phone\":…}");
    if (email && json_is(email, JSON_STRING)) r = pii_email(json_string(email), hash);
    if (phone && json_is(phone, JSON_STRING))
        r = pii_phone(json_string(phone), c->defaults.calling_code, hash);
    if (r == PII_OK) return 0;
    if (email)
        return fault_set(why, TILLPOST_E_BAD_REQUEST, "$.email", "this is no e-mail address");
    return fault_set(why, TILLPOST_E_BAD_REQUEST, "$.phone",
                     "this is no phone number: give it with its country code, \"+44…\", as a "
                     "string");
}

int erase_read(const struct config *c, struct str body, char hash[PII_HASH_BYTES],
               struct fault *why)
{
    static const struct json_limits limits = {BODY_MAX_BYTES, 2, VALUES_MAX};
    const struct json *request = NULL;
    struct arena arena;
    arena_init(&arena, (size_t)4 * 1024, (size_t)64 * 1024);
    int rc = json_parse(&arena, body, &limits, &request, why);
    if (rc >= 0) rc = hash_of(c, json_get(request, "email"), json_get(request, "phone"), hash, why);
    arena_free(&arena);
    return rc;
}

bool erase_matches(void *hash, struct str rest)
{
    const char *p = rest.p, *end = rest.p + rest.len;
    while (end - p > HASH_DIGITS + 1 && (p = memchr(p, '"', (size_t)(end - p))) != NULL) {
        p++;
        if (end - p > HASH_DIGITS && p[HASH_DIGITS] == '"' && memcmp(p, hash, HASH_DIGITS) == 0)
            return true;
    }
    return false;
}

void erase_write(struct buf *out, int64_t erased)
{
    buf_printf(out, "{\"erased\":%" PRId64 "}", erased);
}

int erase_begin(struct eraser *e, const struct config *c, const struct api_request *request,
                struct fault *why)
{
    if (e->count == ERASE_WAITING_MAX)
        return fault_set(why, TILLPOST_E_BUSY, "", "%d erasures wait already: try again",
                         ERASE_WAITING_MAX);
    int rc = erase_read(c, (struct str){request->body, request->body_len},
                        e->waiting[e->count].hash, why);
    wipe(request->body, request->body_len);
    if (rc < 0) return rc;
    e->waiting[e->count++].request = *request;
    return 0;
}

static void forget_first(struct eraser *e)
{
    queue_erasure_free(&e->erasure);
    e->count--;
    memmove(&e->waiting[0], &e->waiting[1], e->count * sizeof e->waiting[0]);
    wipe(&e->waiting[e->count], sizeof e->waiting[0]);
}

static void answer_first(struct eraser *e, struct api *api, int result, const struct fault *why)
{
    enum { AGAIN_IN_S = 1, ANSWER_MAX_BYTES = 2048 };
    struct buf answer;
    buf_init(&answer, ANSWER_MAX_BYTES);
    if (result < 0) api_refusal(&answer, why);
    else erase_write(&answer, result);
    int status = result < 0 ? tillpost_err_info(result)->http : 200;
    api_answer(api, &e->waiting[0].request, status, buf_str(&answer), NULL,
               status > 500 ? AGAIN_IN_S : 0);
    buf_free(&answer);
}

int erase_turn(struct eraser *e, struct queue *q, struct api *api, int64_t now_s, struct fault *why)
{
    if (e->count == 0) return 0;
    int r =
        queue_erasure_look(q, &e->erasure, erase_matches, e->waiting[0].hash, ERASE_SLICE_MS, why);
    if (r > 0) return 0;
    if (r == 0) r = queue_erasure_finish(q, &e->erasure, now_s, why);
    if (r >= 0) log_line(LOG_LEVEL_INFO, "%d events were erased on request", r);
    answer_first(e, api, r, why);
    forget_first(e);
    return r < 0 ? r : 1;
}

void erase_free(struct eraser *e)
{
    queue_erasure_free(&e->erasure);
    wipe(e, sizeof *e);
}
