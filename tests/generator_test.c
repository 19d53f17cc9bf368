/*
 * generator_test.c: thousands of random calls through the agent's own way from call to event, held
 * against a second, plain telling of product.md's rules (generator.h).
 *
 * Each call goes three ways: alone through ingest_call as a dry run, whose answer a caller sees;
 * mapping by mapping, for what the answer does not show; and in a batch between bad ones, for the
 * same answer. Call number N is made from seed N alone: TILLPOST_SEED=N replays it and prints both
 * tellings, TILLPOST_CASES=N runs so many, TILLPOST_SOAK=1 runs CASES_IN_SOAK.
 */
#include "testing.h"

#include "agent/ingest.h"
#include "generator.h"
#include "mapping/mapping.h"
#include "platform/platform.h"
#include "tiktok/event.h"

#include <ctype.h>
#include <time.h>

enum { CASES = 10000, CASES_IN_SOAK = 20000, ARENA_MAX_BYTES = 4 * 1024 * 1024 };

static struct {
    struct config config;
    struct clock clock;
    struct clock_now now;
    struct ingest ingest;
    struct arena arena;
    struct buf answer, with_type, batch, answers;
} agent;

/* One case. */
static struct {
    unsigned long long seed;
    struct generator generator;
    struct plain_world world;
    const char *type;
    cJSON *call, *answer;
    struct plain_outcome expected;
    struct tiktok_rules rules;
} now_at;

/* What was met, so that the generator is known to go everywhere: events by mapping, and by the one
 * fault they had. */
enum { MET_AT_LEAST = 20 };
static struct {
    unsigned good[PLAIN_MAPPINGS], only[TILLPOST_ERR_COUNT];
} met;

/* The agent's base/json.c makes cJSON allocate from its arenas, for good: not so the plain telling. */
static void take_cjson_back(void)
{
    cJSON_InitHooks(NULL);
}

/* Words ---------------------------------------------------------------------------------------- */

static void print_expected(void)
{
    const struct plain_outcome *o = &now_at.expected;
    print_error("expected: ignored %s, faults", o->ignored ? o->ignored : "no");
    for (int i = 0; i < TILLPOST_ERR_COUNT; i++)
        if (o->faults >> i & 1) print_error(" %s", tillpost_err_info(-1 - i)->wire);
    for (size_t n = 0; n < o->matched; n++) {
        const struct plain_event *e = &o->events[n];
        char *text = cJSON_PrintUnformatted(e->sends);
        print_error("\n  %s: id \"%s\" %s", e->mapping, e->id, text);
        for (int i = 0; i < TILLPOST_ERR_COUNT; i++)
            if (e->faults >> i & 1) print_error(" %s", tillpost_err_info(-1 - i)->wire);
        for (size_t i = 0; i < PLAIN_FIELDS; i++)
            if (e->dropped >> i & 1) print_error(" -%s", plain_field_names[i]);
        cJSON_free(text);
    }
    print_error("\n");
}

static void print_case(void)
{
    const struct plain_world *w = &now_at.world;
    print_error("world: %s%s%s calling_code %s, shop_id %s, currency %s, consent %s, card_like %s, "
                "now %lld\n",
                w->legacy_names ? "legacy names, " : "", w->external_id_alone ? "ids alone, " : "",
                w->implausible ? "implausible clock, " : "",
                w->calling_code ? w->calling_code : "-", w->shop_id ? w->shop_id : "-",
                w->currency ? w->currency : "-", w->consent ? w->consent : "-",
                w->card_like ? w->card_like : "-", (long long)w->now_ms);
    print_error("call (/v1/%s): %s\n", now_at.type, now_at.generator.out.p);
    print_error("answer: %s\n", agent.answer.p);
    print_expected();
}

static void disagree(const char *what, const char *mapping)
{
    print_case();
    fail_msg("TILLPOST_SEED=%llu: %s%s%s", now_at.seed, what, mapping ? ": " : "",
             mapping ? mapping : "");
}

/* Comparing ------------------------------------------------------------------------------------ */

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_at(const cJSON *object, const char *key)
{
    const cJSON *v = get(object, key);
    return cJSON_IsString(v) ? v->valuestring : "";
}

/* Equal to the last digit; the order of members does not matter. */
static bool same(const cJSON *a, const cJSON *b)
{
    if (a == NULL || b == NULL || a->type != b->type) return false;
    if (cJSON_IsNumber(a)) return a->valuedouble == b->valuedouble;
    if (cJSON_IsString(a)) return strcmp(a->valuestring, b->valuestring) == 0;
    if (cJSON_GetArraySize(a) != cJSON_GetArraySize(b)) return false;
    const cJSON *item, *other = b->child;
    cJSON_ArrayForEach(item, a)
    {
        if (cJSON_IsObject(a)) other = get(b, item->string);
        if (!same(item, other)) return false;
        other = other->next;
    }
    return true;
}

static plain_faults fault_of(const char *wire)
{
    for (int i = 0; i < TILLPOST_ERR_COUNT; i++)
        if (strcmp(tillpost_err_info(-1 - i)->wire, wire) == 0) return (plain_faults)1 << i;
    return 0;
}

/* A UUID of version 7. */
enum { FRESH_BYTES = 36 };
static bool is_fresh_at(const char *id)
{
    static const char shape[] = "xxxxxxxx-xxxx-7xxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; i < FRESH_BYTES; i++) {
        if (shape[i] == 'x' ? !isxdigit((unsigned char)id[i]) : id[i] != shape[i]) return false;
    }
    return true;
}

/* One id a call for the events whose mapping gives none: another's, the call's own, or that of the
 * first event that can have one derived. */
static void find_id(char out[PLAIN_TEXT_BYTES])
{
    const struct plain_outcome *o = &now_at.expected;
    char derived[TIKTOK_ID_BYTES] = "";
    out[0] = '\0';
    for (size_t i = 0; i < o->matched; i++) {
        const struct plain_event *e = &o->events[i];
        if (e->faults != 0) continue;
        if (out[0] == '\0') (void)snprintf(out, PLAIN_TEXT_BYTES, "%s", e->id);
        bool has_all = e->shop[0] != '\0' && e->order[0] != '\0' && e->stamp[0] != '\0';
        if (has_all && derived[0] == '\0')
            (void)tiktok_derive_id(str_from(e->shop), str_from(e->order), str_from(e->stamp),
                                   derived);
    }
    if (out[0] == '\0') (void)snprintf(out, PLAIN_TEXT_BYTES, "%s", o->message_id);
    if (out[0] == '\0') (void)snprintf(out, PLAIN_TEXT_BYTES, "%s", derived);
}

static void compare_event(const struct plain_event *e, const cJSON *got, char id[PLAIN_TEXT_BYTES])
{
    cJSON *sends = get(got, "sends") ? cJSON_Duplicate(get(got, "sends"), true) : NULL;
    const char *own = text_at(sends, "event_id");
    if (strcmp(text_at(got, "mapping"), e->mapping) != 0) disagree("another mapping", e->mapping);
    if (e->id[0] == '\0' && id[0] == '\0') {
        if (!is_fresh_at(own) || own[FRESH_BYTES] != '\0')
            disagree("a fresh id was expected", e->mapping);
        (void)snprintf(id, PLAIN_TEXT_BYTES, "%s", own);
    }
    if (strcmp(own, e->id[0] != '\0' ? e->id : id) != 0) disagree("another id", e->mapping);
    cJSON_DeleteItemFromObject(sends, "event_id");
    if (!same(e->sends, sends)) disagree("another event", e->mapping);
    cJSON_Delete(sends);
}

/* Warnings: what of the good events goes must be named; of the bad ones it may be. */
static void compare_warnings(void)
{
    uint32_t must = 0, may = 0, named = 0;
    plain_faults refused = 0;
    const cJSON *w, *list = get(now_at.answer, "warnings");
    for (size_t i = 0; i < now_at.expected.matched; i++) {
        const struct plain_event *e = &now_at.expected.events[i];
        if (e->faults == 0) must |= e->dropped;
        may |= e->dropped;
        refused |= e->faults;
    }
    cJSON_ArrayForEach(w, list)
    {
        const char *path = text_at(w, "path");
        plain_faults fault = fault_of(text_at(w, "code"));
        if (fault != 0 && (fault & refused) == 0)
            disagree("a mapping refused for another reason", NULL);
        for (size_t i = 0; i < PLAIN_FIELDS && fault == 0; i++) {
            size_t n = strlen(plain_field_names[i]);
            if (strncmp(path, "$.", 2) == 0 && strncmp(path + 2, plain_field_names[i], n) == 0 &&
                !isalpha((unsigned char)path[2 + n]) && path[2 + n] != '_')
                named |= (uint32_t)1 << i;
        }
    }
    if (cJSON_GetArraySize(list) == TIKTOK_WARNINGS_MAX) return;
    if ((named & must) != must) disagree("something went without a warning", NULL);
    if ((named & ~may) != 0) disagree("a warning that nothing calls for", NULL);
}

static void compare_accepted(void)
{
    char id[PLAIN_TEXT_BYTES];
    const cJSON *got = get(now_at.answer, "events") ? get(now_at.answer, "events")->child : NULL;
    find_id(id);
    for (size_t i = 0; i < now_at.expected.matched; i++) {
        const struct plain_event *e = &now_at.expected.events[i];
        if (e->faults == PLAIN_FAULT(CARD_NUMBER)) disagree("a card number passed", e->mapping);
        if (e->faults != 0) continue;
        if (got == NULL) disagree("an event is missing", e->mapping);
        compare_event(e, got, id);
        got = got->next;
    }
    if (got != NULL) disagree("an event too many", NULL);
    compare_warnings();
}

/* What the call may be refused for; 0 when it must be accepted. */
static plain_faults faults_of_call(bool *may_pass)
{
    const struct plain_outcome *o = &now_at.expected;
    plain_faults all = o->faults;
    bool good = false, has_id = false;
    for (size_t i = 0; i < o->matched && o->faults == 0; i++) {
        all |= o->events[i].faults;
        good = good || o->events[i].faults == 0;
        has_id = has_id || (o->events[i].faults == 0 && o->events[i].id[0] != '\0');
    }
    bool id_fails = good && !has_id && o->message_faults != 0;
    *may_pass = good && !id_fails;
    return (*may_pass ? all & PLAIN_FAULT(CARD_NUMBER) : all) | (id_fails ? o->message_faults : 0);
}

static void compare_answer(int status)
{
    bool may_pass, refused = status != 200;
    plain_faults faults = faults_of_call(&may_pass);
    const char *is = text_at(now_at.answer, "status");
    if (now_at.expected.ignored != NULL) {
        if (refused || strcmp(is, "ignored") != 0) disagree("should be ignored", NULL);
        if (strcmp(text_at(now_at.answer, "reason"), now_at.expected.ignored) != 0)
            disagree("ignored for another reason", NULL);
        return;
    }
    if (refused) {
        plain_faults got = fault_of(text_at(now_at.answer, "code"));
        if ((got & faults) == 0) disagree("refused, or for another reason", NULL);
        return;
    }
    if (!may_pass) disagree("should be refused", NULL);
    if (strcmp(is, "dry_run") != 0) disagree("should be accepted", NULL);
    compare_accepted();
}

static void mask_fresh_ids(char *text)
{
    for (; *text != '\0'; text++)
        if (is_fresh_at(text)) memset(text, 'f', FRESH_BYTES);
}

/* Between others, which are bad, a call gets the answer that it gets alone. */
static void compare_batch(void)
{
    buf_clear(&agent.batch);
    buf_printf(&agent.batch, "{\"batch\":[{},%s,{}]}", agent.with_type.p);
    buf_clear(&agent.answers);
    (void)ingest_batch(&agent.ingest, &agent.now, buf_str(&agent.batch), &agent.answers);
    mask_fresh_ids(agent.answer.p);
    mask_fresh_ids(agent.answers.p);
    const char *got = strstr(agent.answers.p, agent.answer.p);
    if (got == NULL || got[-1] != ',' || got[agent.answer.len] != ',')
        disagree("another answer in a batch", agent.answers.p);
}

static void look_for_plain_text(void)
{
    for (const char *p = agent.answer.p; *p != '\0'; p++)
        if (tolower((unsigned char)p[0]) == 'z' && tolower((unsigned char)p[1]) == 'q')
            disagree("personal data in the answer", NULL);
}

/* Mapping by mapping --------------------------------------------------------------------------- */

static void compare_facts(const struct plain_event *e, const struct tiktok_event *got)
{
    const char *sent = text_at(e->sends, "event"), *key = sent;
    if (strcmp(sent, "CompletePayment") == 0) key = "Purchase";
    if (strcmp(sent, "SubmitForm") == 0) key = "Lead";
    if (strcmp(got->name, sent) != 0 || strcmp(got->key_name, key) != 0)
        disagree("another name", e->mapping);
    if (!str_is(got->test_code, e->test_code)) disagree("another test code", e->mapping);
    if (got->stamped != e->stamped) disagree("stamped", e->mapping);
    if (got->unjudged != e->unjudged) disagree("unjudged", e->mapping);
}

static void compare_mapping(const struct mapping *m, const struct json *call,
                            const struct plain_event *e)
{
    const struct json *fields = NULL;
    const struct tiktok_moment moment = {
        .wall_ms = now_at.world.now_ms,
        .implausible = now_at.world.implausible,
        .sent_at = json_string(json_get(call, "sentAt")),
    };
    struct tiktok_event event;
    struct tiktok_warnings warnings = {.count = 0};
    struct fault why = {0};
    int rc = mapping_apply(m, call, &agent.arena, &fields, &why);
    if (rc >= 0)
        rc = tiktok_event_build(&agent.arena, fields, &now_at.rules, &moment, &event, &warnings,
                                &why);
    if (rc >= 0 && e->faults != 0) disagree("should be refused", e->mapping);
    if (rc < 0 && (e->faults & fault_of(tillpost_err_info(rc)->wire)) == 0)
        disagree(why.message, e->mapping);
    if (rc < 0 && (why.path[0] != '$' || why.message[0] == '\0')) disagree("no words", e->mapping);
    if (rc >= 0) compare_facts(e, &event);
}

/* Then ingest_call fills in the time, or reads sentAt as a number, and the mappings alone do not see
 * what it saw. */
static bool times_are_made_by_ingest(void)
{
    bool fills_in = plain_is_blank(get(now_at.call, "timestamp")) &&
                    !plain_is_blank(get(now_at.call, "originalTimestamp"));
    return fills_in || cJSON_IsNumber(get(now_at.call, "sentAt"));
}

static void compare_mappings(void)
{
    static const struct json_limits limits = {INGEST_CALL_MAX_BYTES, INGEST_DEPTH_MAX,
                                              INGEST_VALUES_MAX};
    size_t hits[PLAIN_MAPPINGS], n = 0;
    const struct json *call = NULL;
    const struct config *c = &agent.config;
    assert_int_equal(json_parse(&agent.arena, buf_str(&agent.with_type), &limits, &call, NULL), 0);
    take_cjson_back();
    size_t count = mapping_select(c->mappings, c->mapping_count, call, hits);
    if (count != now_at.expected.matched) disagree("other mappings fire", NULL);
    for (size_t i = 0; i < c->mapping_count; i++) {
        bool fires =
            n < count && strcmp(now_at.expected.events[n].mapping, plain_mappings[i].name) == 0;
        if (mapping_matches(c->mappings[i], call) != fires)
            disagree("fires", plain_mappings[i].name);
        if (!fires) continue;
        if (hits[n] != i) disagree("is not selected", plain_mappings[i].name);
        const struct plain_event *e = &now_at.expected.events[n++];
        if (!times_are_made_by_ingest()) compare_mapping(c->mappings[i], call, e);
    }
    arena_reset(&agent.arena);
}

/* Cases ---------------------------------------------------------------------------------------- */

static int utc_and_a_half(int64_t local_civil_s)
{
    (void)local_civil_s;
    return now_at.world.zone_s;
}

static void settle_into_world(void)
{
    static char consent[128];
    static const char *card_like[1];
    const struct plain_world *w = &now_at.world;
    struct config *c = &agent.config;
    (void)snprintf(consent, sizeof consent, "$.%s", w->consent ? w->consent : "");
    card_like[0] = w->card_like;
    c->tiktok.event_names = w->legacy_names ? "legacy" : "current";
    c->privacy.accept_external_id_alone = w->external_id_alone;
    c->privacy.require_consent = w->consent ? consent : NULL;
    c->privacy.allow_card_like.items[0] = w->card_like;
    c->privacy.allow_card_like.count = w->card_like != NULL;
    c->defaults.calling_code = w->calling_code;
    c->defaults.shop_id = w->shop_id;
    c->defaults.currency = w->currency;
    c->queue.max_event_age_ms = w->age_max_ms;
    agent.now = (struct clock_now){w->now_ms, 5000, 5000};
    now_at.rules = (struct tiktok_rules){
        .shop_id = w->shop_id,
        .currency = w->currency,
        .calling_code = w->calling_code,
        .legacy_names = w->legacy_names,
        .external_id_alone = w->external_id_alone,
        .card_like_fields = card_like,
        .card_like_count = w->card_like != NULL,
        .age_max_ms = w->age_max_ms,
        .zone = utc_and_a_half,
    };
}

/* The call as the plain telling and the mappings see it: with the type that its route gives. */
static void make_call(void)
{
    struct generator *g = &now_at.generator;
    generator_begin(g, now_at.seed);
    generator_world(g, &now_at.world);
    now_at.type = generator_call(g);
    assert_false(g->out.failed);
    buf_clear(&agent.with_type);
    if (strncmp(g->out.p, "{\"type\"", 7) == 0) {
        buf_add_str(&agent.with_type, buf_str(&g->out));
    } else {
        buf_printf(&agent.with_type, "{\"type\":\"%s\"%s", now_at.type, g->out.len > 2 ? "," : "");
        buf_add(&agent.with_type, g->out.p + 1, g->out.len - 1);
    }
    now_at.call = cJSON_Parse(agent.with_type.p);
    if (now_at.call == NULL) fail_msg("seed %llu: %s", now_at.seed, agent.with_type.p);
}

static void count_events(void)
{
    for (size_t i = 0; i < now_at.expected.matched; i++) {
        const struct plain_event *e = &now_at.expected.events[i];
        for (size_t m = 0; m < PLAIN_MAPPINGS; m++)
            if (e->mapping == plain_mappings[m].name) met.good[m] += e->faults == 0;
        for (int f = 0; f < TILLPOST_ERR_COUNT; f++)
            if (e->faults == (plain_faults)1 << f) met.only[f]++;
    }
}

static void run_case(unsigned long long seed, bool show)
{
    now_at.seed = seed;
    make_call();
    settle_into_world();
    plain_call(now_at.call, &now_at.world, &now_at.expected);
    buf_clear(&agent.answer);
    int status = ingest_call(&agent.ingest, &agent.now, now_at.type, buf_str(&now_at.generator.out),
                             &agent.answer);
    take_cjson_back();
    now_at.answer = cJSON_Parse(agent.answer.p);
    if (now_at.answer == NULL) disagree("the answer is no JSON", NULL);
    compare_answer(status);
    compare_mappings();
    look_for_plain_text();
    if (show) print_case();
    compare_batch();
    take_cjson_back();
    count_events();
    plain_free(&now_at.expected);
    cJSON_Delete(now_at.answer);
    cJSON_Delete(now_at.call);
    buf_free(&now_at.generator.out);
}

static unsigned long long number_of(const char *variable, unsigned long long otherwise)
{
    const char *text = getenv(variable);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void every_call_becomes_what_the_rules_say_twice(void **state)
{
    bool replay = getenv("TILLPOST_SEED") != NULL;
    unsigned long long cases = number_of("TILLPOST_CASES", 0);
    unsigned long long seed = number_of("TILLPOST_SEED", 1);
    if (cases == 0) cases = getenv("TILLPOST_SOAK") != NULL ? CASES_IN_SOAK : CASES;
    if (replay) cases = number_of("TILLPOST_CASES", 1);
    for (; cases > 0; cases--) run_case(seed++, replay && cases == 1);
}

static void every_mapping_and_every_refusal_is_met(void **state)
{
    if (getenv("TILLPOST_SEED") != NULL || number_of("TILLPOST_CASES", CASES) < CASES) skip();
    for (size_t i = 0; i < PLAIN_MAPPINGS; i++)
        if (met.good[i] < MET_AT_LEAST) fail_msg("%s: %u", plain_mappings[i].name, met.good[i]);
    for (int i = 0; i < TILLPOST_ERR_COUNT; i++) {
        const struct tillpost_err_info *info = tillpost_err_info(-1 - i);
        if (info->http == 422 && met.only[i] < MET_AT_LEAST)
            fail_msg("%s: %u", info->wire, met.only[i]);
    }
}

/* The world ------------------------------------------------------------------------------------ */

static struct mapping *compile(const struct plain_mapping *plain)
{
    static const struct json_limits limits = {1 << 16, 100, 10000};
    struct mapping *m = NULL;
    struct fault why = {0};
    const struct json *definition = NULL;
    char *text = arena_copy(&agent.arena, str_from(plain->definition ? plain->definition : ""));
    for (char *p = text; *p != '\0'; p++)
        if (*p == '`') *p = '"';
    for (size_t i = 0; i < MAPPING_PRESETS && plain->definition == NULL; i++)
        if (strcmp(mapping_presets[i].name, plain->name) == 0)
            text = arena_copy(&agent.arena, str_from(mapping_presets[i].definition));
    if (json_parse(&agent.arena, str_from(text), &limits, &definition, &why) < 0 ||
        mapping_compile(definition, &m, &why) < 0)
        print_error("%s: %s: %s\n", plain->name, why.path, why.message);
    return m;
}

static int open_world(void **state)
{
    static const unsigned char boot[QUEUE_BOOT_BYTES] = {2};
    static const struct clock_memory nothing;
    (void)setenv("TZ", "HALF-5:30", 1);
    tzset();
    arena_init(&agent.arena, 1 << 16, ARENA_MAX_BYTES);
    buf_init(&agent.answer, ARENA_MAX_BYTES);
    buf_init(&agent.with_type, ARENA_MAX_BYTES);
    buf_init(&agent.batch, ARENA_MAX_BYTES);
    buf_init(&agent.answers, ARENA_MAX_BYTES);
    clock_init(&agent.clock, 1790000000, boot, &nothing);
    for (size_t i = 0; i < PLAIN_MAPPINGS; i++) {
        agent.config.mappings[i] = compile(&plain_mappings[i]);
        if (agent.config.mappings[i] == NULL) return -1;
    }
    agent.config.mapping_count = PLAIN_MAPPINGS;
    take_cjson_back();
    ingest_init(&agent.ingest, &agent.config, NULL, &agent.clock);
    arena_reset(&agent.arena);
    return 0;
}

static int close_world(void **state)
{
    for (size_t i = 0; i < PLAIN_MAPPINGS; i++) mapping_free(agent.config.mappings[i]);
    ingest_free(&agent.ingest);
    arena_free(&agent.arena);
    buf_free(&agent.answer);
    buf_free(&agent.with_type);
    buf_free(&agent.batch);
    buf_free(&agent.answers);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_call_becomes_what_the_rules_say_twice),
        cmocka_unit_test(every_mapping_and_every_refusal_is_met),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
