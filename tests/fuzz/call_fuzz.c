/*
 * call_fuzz.c: any bytes as the body of an event route: from the whole call to what would be stored.
 *
 * The first byte chooses the route, the second the settings; the rest is the body. All presets are on,
 * and custom mappings that between them write every field with every directive. What must hold:
 * 1. the answer is JSON, with a status and a code of the contract;
 * 2. an event has a name that TikTok knows, somebody in it, digests and nothing else for people;
 * 3. no e-mail address is in the answer and no card number in what would be stored, whatever field
 *    it came in by;
 * 4. nothing of a call stays in memory.
 * The mutator knows what a call is made of: it puts a whole new call in the place of the old, or one
 * value in the place of another. All that it makes comes from the seed that libFuzzer gives.
 */
#include "fuzz/fuzz.h"

#include "agent/ingest.h"
#include "generator.h"
#include "mapping/mapping.h"
#include "tiktok/event.h"
#include "tiktok/pii.h"

#include <ctype.h>
#include <string.h>

enum {
    HEAD_BYTES = 2, /* route, settings */
    ANSWER_MAX_BYTES = 16 << 20,
    ARENA_MAX_BYTES = 4 << 20
};
#define NOW_MS INT64_C(1795000000000) /* 2026-11-18, as in the generator's calls */

enum {
    LEGACY = 1,
    IDS_ALONE = 2,
    CALLING_CODE = 4,
    DEFAULTS = 8,
    CONSENT = 16,
    CARD_LIKE = 32,
    IN_1970 = 64
};

/* clang-format off */
static const char *const custom[] = {
    "{\"name\":\"All\",\"subscribe\":\"not (event = 'Order Completed')\",\"mapping\":{"
    "\"event\":{\"@if\":{\"exists\":{\"@path\":\"$.properties.name\"},\"then\":{\"@path\":\"$.properties.name\"},\"else\":\"Purchase\"}},"
    "\"event_id\":{\"@template\":\"{{properties.prefix}}{{messageId}}\"},"
    "\"timestamp\":{\"@path\":\"$.timestamp\"},"
    "\"email_addresses\":[{\"@path\":\"$.properties.email\"},{\"@path\":\"$.traits.email\"},{\"@path\":\"$.properties.people.email\"}],"
    "\"phone_numbers\":{\"@path\":\"$.properties.people.phone\"},\"external_ids\":{\"@path\":\"$.userId\"},"
    "\"order_id\":{\"@template\":\"{{properties.store}}-{{properties.order_id}}\"},"
    "\"shop_id\":{\"@replace\":{\"value\":{\"@path\":\"$.properties.shop_id\"},\"pattern\":\"-\",\"replacement\":\"\"}},"
    "\"description\":{\"@path\":\"$.properties.note\"},"
    "\"query\":{\"@case\":{\"operator\":\"lower\",\"value\":{\"@path\":\"$.properties.query\"}}},"
    "\"ttclid\":{\"@path\":\"$.context.ttclid\"},\"ttp\":{\"@path\":\"$.context.ttp\"},\"lead_id\":{\"@path\":\"$.properties.lead_id\"},"
    "\"locale\":{\"@path\":\"$.context.locale\"},\"url\":{\"@path\":\"$.context.page.url\"},"
    "\"referrer\":{\"@path\":\"$.context.page.referrer\"},\"ip\":{\"@path\":\"$.context.ip\"},"
    "\"user_agent\":{\"@template\":\"{{context.userAgent}} {{context.library.name}}\"},"
    "\"contents\":{\"@arrayPath\":[\"$.properties.products\",{\"price\":{\"@path\":\"$.price\"},\"quantity\":{\"@path\":\"$.quantity\"},"
    "\"content_id\":{\"@path\":\"$.product_id\"},\"content_name\":{\"@path\":\"$.name\"},"
    "\"content_category\":{\"@path\":\"$.category\"},\"brand\":{\"@template\":\"{{brand}} {{variant}}\"}}]},"
    "\"content_type\":{\"@path\":\"$.properties.content_type\"},\"currency\":{\"@path\":\"$.properties.currency\"},"
    "\"value\":{\"@path\":\"$.properties.total\"},\"limited_data_use\":{\"@path\":\"$.properties.limited_data_use\"},"
    "\"test_event_code\":{\"@path\":\"$.properties.test\"}}}",
    "{\"name\":\"Folded\",\"subscribe\":\"match(event, 'Fold*') and length(properties.products) > 1\",\"mapping\":{"
    "\"event\":\"Search\",\"email_addresses\":{\"@path\":\"$.properties.email\"},\"phone_numbers\":{\"@path\":\"$.traits.phone\"},"
    "\"order_id\":{\"@transform\":{\"apply\":{\"id\":{\"@path\":\"$.properties.order_id\"}},\"mapping\":{\"@path\":\"$.id\"}}},"
    "\"query\":{\"@json\":{\"mode\":\"encode\",\"value\":{\"@flatten\":{\"value\":{\"@path\":\"$.context\"},\"separator\":\".\"}}}},"
    "\"contents\":[{\"@merge\":{\"direction\":\"left\",\"objects\":[{\"@excludeWhenNull\":{\"@path\":\"$.properties.item\"}},"
    "{\"@json\":{\"mode\":\"decode\",\"value\":{\"@path\":\"$.properties.item_text\"}}},{\"quantity\":1}]}}]}}",
    "{\"name\":\"Encoded\",\"subscribe\":\"contains(event, 'Encode')\",\"mapping\":{\"event\":\"Lead\","
    "\"email_addresses\":{\"@path\":\"$.properties.email\"},"
    "\"description\":{\"@json\":{\"mode\":\"encode\",\"value\":{\"@path\":\"$.properties\"}}}}}",
    "{\"name\":\"Audience\",\"subscribe\":\"type = 'identify' and (traits.member = true or traits.member = false)\",\"mapping\":{"
    "\"event\":\"Subscribe\",\"email_addresses\":{\"@path\":\"$.traits.email\"},\"external_ids\":{\"@path\":\"$.anonymousId\"},"
    "\"description\":{\"@literal\":{\"@path\":\"$.traits.plan\"}}}}",
};
/* clang-format on */
enum { CUSTOM = sizeof custom / sizeof custom[0] };

static struct {
    struct arena arena;
    struct config config;
    struct clock clock;
    struct ingest ingest;
    struct buf answer;
} agent;

/* The agent ------------------------------------------------------------------------------------ */

static void add_mapping(const char *definition)
{
    static const struct json_limits limits = {1 << 16, 100, 10000};
    const struct json *v = NULL;
    struct config *c = &agent.config;
    MUST(json_parse(&agent.arena, str_from(definition), &limits, &v, NULL) == 0);
    MUST(mapping_compile(v, &c->mappings[c->mapping_count++], NULL) == 0);
}

static void open_agent(void)
{
    static const unsigned char boot[QUEUE_BOOT_BYTES] = {2};
    static const struct clock_memory nothing;
    arena_init(&agent.arena, 1 << 16, ARENA_MAX_BYTES);
    buf_init(&agent.answer, ANSWER_MAX_BYTES);
    for (size_t i = 0; i < MAPPING_PRESETS; i++) add_mapping(mapping_presets[i].definition);
    for (size_t i = 0; i < CUSTOM; i++) add_mapping(custom[i]);
    clock_init(&agent.clock, 1790000000, boot, &nothing);
    ingest_init(&agent.ingest, &agent.config, NULL, &agent.clock);
}

static void settle(unsigned settings)
{
    struct config *c = &agent.config;
    c->tiktok.event_names = (settings & LEGACY) != 0 ? "legacy" : "current";
    c->privacy.accept_external_id_alone = (settings & IDS_ALONE) != 0;
    c->privacy.require_consent = (settings & CONSENT) != 0 ? "$.context.consent.Advertising" : NULL;
    c->privacy.allow_card_like.items[0] = "order_id";
    c->privacy.allow_card_like.count = (settings & CARD_LIKE) != 0;
    c->defaults.calling_code = (settings & CALLING_CODE) != 0 ? "44" : NULL;
    c->defaults.shop_id = (settings & DEFAULTS) != 0 ? "S-1" : NULL;
    c->defaults.currency = (settings & DEFAULTS) != 0 ? "EUR" : NULL;
    c->queue.max_event_age_ms = INT64_C(28) * 86400000;
}

/* What must hold ------------------------------------------------------------------------------- */

static bool is(const struct json *object, const char *key, const char *text)
{
    return str_is(json_string(json_get(object, key)), text);
}

static size_t check_people(const struct json *user, const char *key)
{
    const struct json *people = json_get(user, key);
    MUST(people == NULL || (json_is(people, JSON_ARRAY) && json_count(people) > 0));
    for (const struct json *p = json_first(people); p != NULL; p = json_next(p)) {
        MUST(json_string(p).len == PII_HASH_BYTES - 1);
        MUST(strspn(json_string(p).p, "0123456789abcdef") == PII_HASH_BYTES - 1);
    }
    return json_count(people);
}

/* x@y.z, told a second time and plainly. */
static bool has_address(const char *text)
{
    for (const char *at = strchr(text, '@'); at != NULL; at = strchr(at + 1, '@')) {
        const char *dot = at + 1;
        while (isalnum((unsigned char)*dot) || *dot == '-') dot++;
        bool host = dot > at + 1 && dot[0] == '.' && isalpha((unsigned char)dot[1]);
        if (host && at > text && isalnum((unsigned char)at[-1])) return true;
    }
    return false;
}

/* A product's id is a barcode, which nobody looks at for card numbers. */
static void check_texts(const struct json *v, bool card_like)
{
    struct str key = json_key(v);
    bool looked_at = !str_is(key, "content_id") && !(card_like && str_is(key, "order_id"));
    if (json_is(v, JSON_STRING)) {
        MUST(!pii_has_email(json_string(v)) && !has_address(json_string(v).p));
        MUST(!looked_at || !pii_has_card_number(json_string(v)));
    }
    for (const struct json *item = json_first(v); item != NULL; item = json_next(item))
        check_texts(item, card_like);
}

static void check_event(const struct json *event, unsigned settings)
{
    const struct json *sends = json_get(event, "sends"), *user = json_get(sends, "user");
    size_t contacts = check_people(user, "email") + check_people(user, "phone");
    size_t ids = check_people(user, "external_id");
    double time_s = json_number(json_get(sends, "event_time"));
    MUST(json_string(json_get(event, "mapping")).len > 0);
    MUST(tiktok_name_find(json_string(json_get(sends, "event"))) != NULL);
    MUST(json_string(json_get(sends, "event_id")).len > 0);
    MUST(contacts > 0 || ((settings & IDS_ALONE) != 0 && ids > 0));
    MUST((settings & IN_1970) != 0 ||
         (time_s <= NOW_MS / 1000 + 600 && time_s >= NOW_MS / 1000 - 28 * 86400 - 1));
    check_texts(sends, (settings & CARD_LIKE) != 0);
}

static void check_good(const struct json *answer, unsigned settings)
{
    MUST(is(answer, "status", "dry_run") || is(answer, "status", "ignored"));
    if (is(answer, "status", "ignored")) {
        MUST(is(answer, "reason", "no_mapping") || is(answer, "reason", "consent") ||
             is(answer, "reason", "integrations"));
        return;
    }
    const struct json *events = json_get(answer, "events");
    MUST(json_count(events) > 0 && json_count(events) <= MAPPINGS_MAX);
    for (const struct json *e = json_first(events); e != NULL; e = json_next(e))
        check_event(e, settings);
    for (const struct json *w = json_first(json_get(answer, "warnings")); w != NULL;
         w = json_next(w))
        MUST(json_string(json_get(w, "path")).p[0] == '$' &&
             json_string(json_get(w, "code")).len > 0 &&
             json_string(json_get(w, "message")).len > 0);
}

/* Returns its status: 0 when no refusal of the contract has that code. */
static int check_refusal(const struct json *answer)
{
    MUST(json_is(json_get(answer, "success"), JSON_FALSE));
    MUST(json_string(json_get(answer, "message")).len > 0);
    for (int err = -1; err >= -TILLPOST_ERR_COUNT; err--)
        if (is(answer, "code", tillpost_err_info(err)->wire)) return tillpost_err_info(err)->http;
    return 0;
}

static void check_one(const struct json *answer, int status, unsigned settings)
{
    check_texts(answer, true);
    if (json_is(json_get(answer, "success"), JSON_TRUE)) {
        MUST(status == 0 || status == 200);
        check_good(answer, settings);
        return;
    }
    int own = check_refusal(answer);
    MUST(own == 400 || own == 413 || own == 422 || own == 503);
    MUST(status == 0 || status == own);
}

static void check_answer(int status, unsigned settings)
{
    static const struct json_limits wide = {ANSWER_MAX_BYTES, 100, 1 << 22};
    const struct json *answer = NULL;
    struct arena a;
    arena_init(&a, 1 << 16, (size_t)1 << 30);
    MUST(!agent.answer.failed);
    MUST(json_parse(&a, buf_str(&agent.answer), &wide, &answer, NULL) == 0);
    const struct json *results = json_get(answer, "results");
    if (results == NULL) check_one(answer, status, settings);
    for (const struct json *r = json_first(results); r != NULL; r = json_next(r))
        check_one(r, 0, settings);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"track", "page",  "screen", "identify",
                                        "group", "alias", NULL,     NULL};
    if (size < HEAD_BYTES) return 0;
    if (agent.config.mapping_count == 0) open_agent();
    const char *type = types[data[0] % (sizeof types / sizeof types[0])];
    struct clock_now now = {(data[1] & IN_1970) != 0 ? 5000 : NOW_MS, 5000, 5000};
    struct str body = {(const char *)data + HEAD_BYTES, size - HEAD_BYTES};
    settle(data[1]);
    buf_clear(&agent.answer);
    int status = type != NULL ? ingest_call(&agent.ingest, &now, type, body, &agent.answer)
                              : ingest_batch(&agent.ingest, &now, body, &agent.answer);
    MUST(agent.ingest.arena.used_bytes == 0);
    check_answer(status, data[1]);
    return 0;
}

/* The mutator ---------------------------------------------------------------------------------- */

static size_t put_call(struct generator *g, uint8_t *data, size_t max_size)
{
    static const char *const types[] = {"track", "page", "screen", "identify", "group", "alias"};
    struct plain_world world;
    bool in_batch = generator_chance(g, 20);
    generator_world(g, &world);
    const char *type = generator_call(g);
    struct buf b;
    buf_init(&b, max_size > HEAD_BYTES ? max_size - HEAD_BYTES : 0);
    if (in_batch) buf_add_z(&b, "{\"batch\":[{},");
    buf_add_str(&b, buf_str(&g->out));
    if (in_batch) buf_add_z(&b, "]}");
    size_t size = b.failed ? 0 : HEAD_BYTES + b.len;
    if (size > 0) {
        data[0] = in_batch ? 6 : 0;
        for (uint8_t i = 0; i < 6 && !in_batch; i++)
            if (strcmp(types[i], type) == 0) data[0] = i;
        data[1] = (uint8_t)(generator_chance(g, 50) ? 0 : generator_below(g, 128));
        memcpy(data + HEAD_BYTES, b.p, b.len);
    }
    buf_free(&b);
    return size;
}

/* The end of the text or of the number, true or null that begins at data[i]. */
static size_t value_end(const uint8_t *data, size_t size, size_t i)
{
    bool text = data[i] == '"';
    for (i++; i < size; i++) {
        if (text && data[i] == '\\') i++;
        else if (text && data[i] == '"') return i + 1;
        else if (!text && strchr(",]} :", data[i]) != NULL) return i;
    }
    return size;
}

/* Another value for one of those that stand behind a colon, a bracket or a comma. */
static size_t put_value(struct generator *g, uint8_t *data, size_t size, size_t max_size)
{
    static const char *const values[] = {"\"4111 1111 1111 1111\"",
                                         "4111111111111111",
                                         "378282246310005",
                                         "\"%B4111111111111111^X\"",
                                         "\"jane@example.com\"",
                                         "\"x%2540example.com\"",
                                         "[\"a@b.de\",\"c@d.de\"]",
                                         "7000000000000000001",
                                         "1e400",
                                         "-0",
                                         "32.839999999999996",
                                         "\"19.90\"",
                                         "\"\"",
                                         "\" \"",
                                         "null",
                                         "true",
                                         "{}",
                                         "[]",
                                         "[null]",
                                         "\"+12133734253\"",
                                         "1795000000",
                                         "\"2026-11-18T10:00:00Z\"",
                                         "{\"@path\":\"$.event\"}",
                                         "\"{{event}}\"",
                                         "\"Order Completed\"",
                                         "\"Fold\"",
                                         "\"Purchase\"",
                                         "[{\"price\":1,\"name\":\"x\"},{}]",
                                         "\"{\\\"price\\\":1}\"",
                                         "\"\\u00dc\\u0130\\u03a3\"",
                                         "{\"a\":{\"b\":[1,{\"c\":null}]}}"};
    size_t starts[64], count = 0;
    for (size_t i = HEAD_BYTES; i + 1 < size && count < 64; i++)
        if (strchr(":,[", data[i]) != NULL && data[i] != '\0' && generator_chance(g, 50))
            starts[count++] = i + 1;
    if (count == 0) return 0;
    const char *value = values[generator_below(g, sizeof values / sizeof values[0])];
    size_t start = starts[generator_below(g, (unsigned)count)], len = strlen(value);
    size_t end = value_end(data, size, start);
    if (size - (end - start) + len > max_size) return 0;
    memmove(data + start + len, data + end, size - end);
    memcpy(data + start, value, len);
    return size - (end - start) + len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct generator g;
    size_t made = 0;
    generator_begin(&g, seed);
    unsigned kind = generator_below(&g, 10);
    if (kind == 0) made = put_call(&g, data, max_size);
    else if (kind < 7) made = put_value(&g, data, size, max_size);
    buf_free(&g.out);
    return made > 0 ? made : LLVMFuzzerMutate(data, size, max_size);
}
