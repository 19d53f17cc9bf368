/*
 * event_fuzz.c: any JSON as a mapping's fields; the first byte chooses the rules. What must hold: a
 * refusal says where and why; an event has a name, somebody in it, digests and nothing else for
 * people, no card number and no e-mail address in its ids, and makes a body that is valid JSON.
 */
#include "fuzz/fuzz.h"

#include "building.h"
#include "tiktok/batch.h"
#include "tiktok/pii.h"

static const struct json_limits limits = {64 * 1024, 16, 2000};

static size_t check_people(const struct json *people)
{
    MUST(people == NULL || (json_is(people, JSON_ARRAY) && json_count(people) > 0));
    for (const struct json *p = json_first(people); p != NULL; p = json_next(p)) {
        MUST(strlen(json_string(p).p) == PII_HASH_BYTES - 1);
        MUST(strspn(json_string(p).p, "0123456789abcdef") == PII_HASH_BYTES - 1);
    }
    return json_count(people);
}

static void check_event(struct building *b)
{
    const struct tiktok_event *e = &b->event;
    const struct json *body = NULL;
    struct buf text;
    MUST(e->name != NULL && e->key_name != NULL && e->rest.len > 2);
    MUST(e->rest.len <= TIKTOK_REST_MAX_BYTES);
    MUST(!pii_has_card_number(e->order_id) && !pii_has_email(e->order_id));
    MUST(!pii_has_card_number(e->event_id) && !pii_has_email(e->event_id));
    buf_init(&text, 1024 * 1024);
    tiktok_batch_begin(&text, "71", NULL, e->test_code);
    size_t head = text.len;
    tiktok_batch_add(&text, str_from(e->name), e->time_ms / 1000, e->event_id, e->rest);
    MUST(text.len - head <= tiktok_batch_row_bytes(strlen(e->name), e->event_id.len, e->rest.len));
    tiktok_batch_end(&text);
    static const struct json_limits any = {1024 * 1024, 20, 10000};
    MUST(json_parse(&b->arena, buf_str(&text), &any, &body, NULL) == 0);
    const struct json *user = json_get(json_first(json_get(body, "data")), "user");
    size_t contacts = check_people(json_get(user, "email")) + check_people(json_get(user, "phone"));
    size_t ids = check_people(json_get(user, "external_id"));
    MUST(contacts > 0 || (b->rules.external_id_alone && ids > 0));
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct building b;
    const struct json *fields = NULL;
    if (size == 0) return 0;
    building_setup(&b);
    b.rules.legacy_names = (data[0] & 1) != 0;
    b.rules.external_id_alone = (data[0] & 2) != 0;
    b.rules.calling_code = (data[0] & 4) != 0 ? "44" : NULL;
    b.rules.shop_id = (data[0] & 8) != 0 ? "S-1" : NULL;
    b.rules.currency = (data[0] & 16) != 0 ? "EUR" : NULL;
    b.now.implausible = (data[0] & 32) != 0;
    b.now.sent_at = (data[0] & 64) != 0 ? STR("2026-11-01T09:00:00Z") : STR("");
    struct str text = {(const char *)data + 1, size - 1};
    if (json_parse(&b.arena, text, &limits, &fields, NULL) == 0) {
        int err =
            tiktok_event_build(&b.arena, fields, &b.rules, &b.now, &b.event, &b.warnings, &b.why);
        MUST(err <= 0);
        if (err == 0) check_event(&b);
        MUST(err == 0 || (b.why.err == err && b.why.message[0] != '\0'));
        MUST(err == 0 || err == TILLPOST_E_NO_MEMORY || b.why.path[0] == '$');
    }
    building_teardown(&b);
    return 0;
}
