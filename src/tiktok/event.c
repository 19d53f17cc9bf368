/*
 * event.c: one event from a mapping's fields: its name, its time, its ids, and the rest as text.
 *
 * `rest` is the text of an object with what will not change after the sale: user, properties, page,
 * limited_data_use (fields.c). Name, time, id and test code stand beside it, since they may still
 * change or ride elsewhere in the body; tiktok_batch_add splices them in.
 *
 * A time that the caller gave is corrected by its sentAt when that is off by more than 10 seconds:
 * a register whose clock is an hour late says so in both. A time that is missing is now, and
 * `stamped` says whose clock it was.
 */
#include "tiktok/event.h"

#include "base/unicode.h"
#include "tiktok/fields.h"
#include "tiktok/pii.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SKEW_MIN_MS = 10 * 1000,
    REST_FIRST_BYTES = 2048, /* most events fit, so that their buffer never moves */
    TIME_TEXT_BYTES = 32,
    MS_PER_MINUTE = 60 * 1000,
    MS_PER_DAY = 24 * 60 * MS_PER_MINUTE,
};

static int read_name(struct build *b)
{
    const struct json *v = json_get(b->fields, "event");
    struct str text = json_string(v);
    bool is_blank = json_is(v, JSON_STRING) && unicode_is_blank(text);
    if (json_type(v) == JSON_NULL || is_blank) {
        return fault_set(b->why, TILLPOST_E_MISSING_EVENT, "$.event",
                         "event is missing: the mapping must name one, such as Purchase");
    }
    const struct tiktok_name *name = tiktok_name_find(text);
    if (name == NULL) {
        return fault_set(b->why, TILLPOST_E_BAD_EVENT_NAME, "$.event",
                         "event is not one that TikTok takes for offline sets; names are exact and "
                         "case-sensitive, such as Purchase, Lead, AddToCart");
    }
    b->out->name = b->rules->legacy_names ? name->legacy : name->current;
    b->out->key_name = name->current;
    return TILLPOST_OK;
}

/* Time ----------------------------------------------------------------------------------------- */

static int parse_time_text(struct str text, times_zone zone, int64_t *out_ms)
{
    uint64_t digits;
    if (str_to_u64(text, &digits) >= 0) return times_from_number((double)digits, out_ms);
    return times_parse(text, zone, out_ms);
}

/* The caller's own time and its text; a number's text is its digits, the same for the same sale. */
static int parse_time(struct build *b, const struct json *v, int64_t *out_ms)
{
    struct str text = unicode_trim(json_string(v));
    char digits[TIME_TEXT_BYTES];
    if (json_is(v, JSON_NUMBER)) {
        snprintf(digits, sizeof digits, "%.17g", json_number(v));
        text = str_from(arena_copy(b->arena, str_from(digits)));
        if (text.len == 0) return TILLPOST_E_NO_MEMORY;
    }
    b->out->timestamp_text = text;
    if (json_is(v, JSON_NUMBER)) return times_from_number(json_number(v), out_ms);
    return json_is(v, JSON_STRING) ? parse_time_text(text, b->rules->zone, out_ms)
                                   : TILLPOST_E_BAD_TIMESTAMP;
}

static void correct_skew(struct build *b)
{
    int64_t sent_ms = 0;
    struct str sent_at = unicode_trim(b->now->sent_at);
    if (sent_at.len == 0 || b->now->implausible) return;
    if (parse_time_text(sent_at, b->rules->zone, &sent_ms) < 0) {
        fields_warn(b, "$.sentAt", "bad_sent_at",
                    "not a time stamp: the sender's clock was not corrected");
        return;
    }
    int64_t skew_ms = b->now->wall_ms - sent_ms;
    if (skew_ms > SKEW_MIN_MS || skew_ms < -SKEW_MIN_MS) b->out->time_ms += skew_ms;
}

static int judge_time(struct build *b)
{
    int64_t age_ms = b->now->wall_ms - b->out->time_ms;
    if (age_ms > b->rules->age_max_ms) {
        return fault_set(b->why, TILLPOST_E_TOO_OLD, "$.timestamp",
                         "timestamp is %" PRId64 " days old, over queue.max_event_age (%" PRId64
                         " days): TikTok would not count the event",
                         age_ms / MS_PER_DAY, b->rules->age_max_ms / MS_PER_DAY);
    }
    if (age_ms < -TIKTOK_FUTURE_MAX_MS) {
        return fault_set(b->why, TILLPOST_E_IN_FUTURE, "$.timestamp",
                         "timestamp is %" PRId64 " minutes ahead of this device's clock, over %d: "
                         "check both clocks and the time zone",
                         -age_ms / MS_PER_MINUTE, TIKTOK_FUTURE_MAX_MS / MS_PER_MINUTE);
    }
    return TILLPOST_OK;
}

static int read_time(struct build *b)
{
    const struct json *v = json_get(b->fields, "timestamp");
    bool is_blank = json_is(v, JSON_STRING) && unicode_is_blank(json_string(v));
    b->out->unjudged = b->now->implausible;
    if (json_type(v) == JSON_NULL || is_blank) {
        b->out->stamped = true;
        b->out->time_ms = b->now->wall_ms;
        return TILLPOST_OK;
    }
    int err = parse_time(b, v, &b->out->time_ms);
    if (err == TILLPOST_E_NO_MEMORY) return err;
    if (err < 0) {
        return fault_set(b->why, TILLPOST_E_BAD_TIMESTAMP, "$.timestamp",
                         "timestamp must be a date and time as in RFC 3339, such as "
                         "2026-11-01T10:00:00Z, or Unix seconds or milliseconds");
    }
    correct_skew(b);
    return b->now->implausible ? TILLPOST_OK : judge_time(b);
}

/* The whole ------------------------------------------------------------------------------------ */

static int check_people(const struct build *b)
{
    if (b->contacts > 0) return TILLPOST_OK;
    if (b->ids > 0 && b->rules->external_id_alone) return TILLPOST_OK;
    return fault_set(b->why, TILLPOST_E_MISSING_PII, "$.email_addresses",
                     "no valid e-mail address or phone number: TikTok could match the event to "
                     "nobody; send email or phone%s",
                     b->ids > 0 ? ", or set privacy.accept_external_id_alone" : "");
}

static int keep_rest(struct build *b)
{
    struct str text = buf_str(&b->rest);
    if (b->rest.failed) {
        return fault_set(b->why, TILLPOST_E_TOO_LARGE, "$", "the event is over %d bytes",
                         TIKTOK_REST_MAX_BYTES);
    }
    char *copy = arena_copy(b->arena, text);
    b->out->rest = (struct str){copy, text.len};
    return copy == NULL ? TILLPOST_E_NO_MEMORY : TILLPOST_OK;
}

/* Both stand beside the sealed part of a row. */
static int read_id(struct build *b, const char *name, struct str *out)
{
    return fields_text(b, name, CLEAR_ID, json_get(b->fields, name), out);
}

static int build_event(struct build *b)
{
    static int (*const steps[])(struct build *) = {read_name, read_time, fields_write};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int err = steps[i](b);
        if (err < 0) return err;
    }
    int err = check_people(b);
    if (err >= 0) err = read_id(b, "event_id", &b->out->event_id);
    if (err >= 0) err = read_id(b, "test_event_code", &b->out->test_code);
    return err < 0 ? err : keep_rest(b);
}

static int no_memory(struct fault *why)
{
    return fault_set(why, TILLPOST_E_NO_MEMORY, NULL, "no memory to build the event; try again");
}

int tiktok_event_build(struct arena *a, const struct json *fields, const struct tiktok_rules *rules,
                       const struct tiktok_moment *now, struct tiktok_event *out,
                       struct tiktok_warnings *warnings, struct fault *why)
{
    struct build b = {.arena = a,
                      .fields = fields,
                      .rules = rules,
                      .now = now,
                      .out = out,
                      .warnings = warnings,
                      .why = why};
    struct str none = STR("");
    *out = (struct tiktok_event){.event_id = none,
                                 .shop_id = none,
                                 .order_id = none,
                                 .timestamp_text = none,
                                 .test_code = none,
                                 .rest = none};
    buf_init(&b.rest, TIKTOK_REST_MAX_BYTES);
    int err = buf_reserve(&b.rest, REST_FIRST_BYTES) ? build_event(&b) : TILLPOST_E_NO_MEMORY;
    buf_free(&b.rest);
    return err == TILLPOST_E_NO_MEMORY ? no_memory(why) : err;
}

/* Ids ------------------------------------------------------------------------------------------ */

enum { DIGEST_BYTES = 32, DERIVED_BYTES = 16, UUID_BYTES = 16, RANDOM_BYTES = 10 };

int tiktok_event_id(struct arena *a, const struct json *v, const struct tiktok_rules *rules,
                    struct str *out, struct fault *why)
{
    struct build b = {.arena = a, .rules = rules, .why = why};
    int err = fields_text(&b, "event_id", CLEAR_ID, v, out);
    return err == TILLPOST_E_NO_MEMORY ? no_memory(why) : err;
}

/* Each part is hashed by itself first, so that ("1", "23") and ("12", "3") differ. */
bool tiktok_derive_id(struct str shop_id, struct str order_id, struct str timestamp_text,
                      char out[TIKTOK_ID_BYTES])
{
    unsigned char parts[3][DIGEST_BYTES], digest[DIGEST_BYTES];
    if (shop_id.len == 0 || order_id.len == 0 || timestamp_text.len == 0) return false;
    pii_sha256(shop_id.p, shop_id.len, parts[0]);
    pii_sha256(order_id.p, order_id.len, parts[1]);
    pii_sha256(timestamp_text.p, timestamp_text.len, parts[2]);
    pii_sha256(parts, sizeof parts, digest);
    memcpy(out, "tp-", 3);
    hex_encode(digest, DERIVED_BYTES, out + 3);
    return true;
}

/* RFC 9562 section 5.7: 48 bits of Unix ms, version 7, 12 random bits, variant 2, 62 random bits. */
void tiktok_fresh_id(int64_t wall_ms, const unsigned char random[10], char out[TIKTOK_ID_BYTES])
{
    unsigned char uuid[UUID_BYTES];
    uint64_t ms = wall_ms < 0 ? 0 : (uint64_t)wall_ms;
    for (int i = 5; i >= 0; i--) {
        uuid[i] = (unsigned char)(ms & 0xFF);
        ms >>= 8;
    }
    memcpy(uuid + 6, random, RANDOM_BYTES);
    uuid[6] = (unsigned char)(0x70 | (uuid[6] & 0x0F));
    uuid[8] = (unsigned char)(0x80 | (uuid[8] & 0x3F));
    static const unsigned char groups[] = {4, 2, 2, 2, 6};
    size_t at = 0;
    for (size_t i = 0, from = 0; i < sizeof groups; from += groups[i++]) {
        if (i > 0) out[at++] = '-';
        hex_encode(uuid + from, groups[i], out + at);
        at += 2u * groups[i];
    }
}
