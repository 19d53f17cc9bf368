/*
 * ingest.c: one call becomes events, or a refusal that says what to do.
 *
 * The order of things: strict JSON → opted out? consent? → which mappings match → fields → checked,
 * hashed events → their ids → the queue. What always holds:
 * (1) nothing of a call is pushed before all of its events are known to be good or refused;
 * (2) the plain text of a call lives in the arena (and the caller's body) and is wiped with it;
 * (3) a card number anywhere refuses the whole call; another fault of one mapping does not take
 *     the events of the others with it: it becomes a warning.
 */
#include "agent/ingest.h"

#include "api/api.h"
#include "base/times.h"
#include "mapping/mapping.h"
#include "platform/platform.h"
#include "tiktok/event.h"

#include <stdio.h>
#include <string.h>

struct draft { /* a call on its way */
    struct ingest *g;
    const struct clock_now *now;
    const struct json *call;
    struct tiktok_event events[MAPPINGS_MAX];
    const struct mapping *from[MAPPINGS_MAX]; /* whose event it is */
    char id[TIKTOK_ID_BYTES];                 /* made here, where no mapping gives one */
    size_t count;
    size_t matched;
    struct tiktok_warnings warnings;
    struct fault why; /* the first refusal */
};

void ingest_init(struct ingest *g, const struct config *config, struct queue *queue,
                 const struct clock *clock)
{
    memset(g, 0, sizeof *g);
    g->config = config;
    g->queue = queue;
    g->clock = clock;
    arena_init(&g->arena, (size_t)32 * 1024, INGEST_ARENA_MAX_BYTES);
}

void ingest_free(struct ingest *g)
{
    arena_free(&g->arena);
}

/* Opting out ---------------------------------------------------------------------------------- */

static bool is_our_integration(struct str name)
{
    return str_is_nocase(name, "TikTok Offline Conversions") ||
           str_is_nocase(name, "Tiktok Offline Conversions (Actions)");
}

static bool opted_out(const struct json *call)
{
    const struct json *integrations = json_get(call, "integrations");
    bool named = false, all_off = false;
    if (!json_is(integrations, JSON_OBJECT)) return false;
    for (const struct json *v = json_first(integrations); v; v = json_next(v)) {
        if (is_our_integration(json_key(v))) {
            if (json_is(v, JSON_FALSE)) return true;
            named = true;
        } else if (str_is_nocase(json_key(v), "all") && json_is(v, JSON_FALSE)) {
            all_off = true;
        }
    }
    return all_off && !named;
}

/* "$.context.consent.categoryPreferences.Advertising": only a true there lets an event in. */
static bool consented(const struct json *call, const char *path)
{
    struct str rest = str_from(path);
    if (!path) return true;
    if (str_starts(rest, "$.")) rest = (struct str){rest.p + 2, rest.len - 2};
    const struct json *v = call;
    while (v && rest.len) {
        struct str key = str_split(rest, '.', &rest);
        v = json_is(v, JSON_OBJECT) ? json_get_str(v, key) : NULL;
    }
    return json_is(v, JSON_TRUE);
}

/* Answers ------------------------------------------------------------------------------------- */

void ingest_write_warnings(struct buf *out, const struct tiktok_warnings *w)
{
    size_t n = w->count < TIKTOK_WARNINGS_MAX ? w->count : TIKTOK_WARNINGS_MAX;
    if (!n) return;
    buf_add_z(out, ",\"warnings\":[");
    for (size_t i = 0; i < n; i++) {
        buf_add_z(out, i ? ",{\"path\":" : "{\"path\":");
        json_write_string(out, str_from(w->list[i].path));
        buf_add_z(out, ",\"code\":");
        json_write_string(out, str_from(w->list[i].code));
        buf_add_z(out, ",\"message\":");
        json_write_string(out, str_from(w->list[i].message));
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static int refuse(struct ingest *g, const struct fault *why, struct buf *answer)
{
    g->counts[INGEST_REFUSED]++;
    api_refusal(answer, why);
    return tillpost_err_info(why->err)->http;
}

static int ignore(struct ingest *g, const char *reason, struct buf *answer)
{
    g->counts[INGEST_IGNORED]++;
    buf_printf(answer, "{\"success\":true,\"status\":\"ignored\",\"reason\":\"%s\"}", reason);
    return 200;
}

static int accept_call(struct draft *d, bool fresh, struct buf *answer)
{
    d->g->counts[fresh ? INGEST_QUEUED : INGEST_DUPLICATE]++;
    buf_printf(answer, "{\"success\":true,\"status\":\"%s\",\"event_ids\":[",
               fresh ? "queued" : "duplicate");
    size_t written = 0;
    for (size_t i = 0; i < d->count; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again = again || str_equal(d->events[i].event_id, d->events[j].event_id);
        if (again) continue;
        if (written++) buf_add_char(answer, ',');
        json_write_string(answer, d->events[i].event_id);
    }
    buf_add_char(answer, ']');
    ingest_write_warnings(answer, &d->warnings);
    buf_add_char(answer, '}');
    return 200;
}

/* From call to events ------------------------------------------------------------------------- */

static void warn_of_mapping(struct draft *d, const struct mapping *m, const struct fault *why)
{
    char message[FAULT_MESSAGE_MAX_BYTES];
    if (d->warnings.count >= TIKTOK_WARNINGS_MAX) return;
    (void)snprintf(message, sizeof message, "mapping \"%.60s\" made no event: %.200s",
                   mapping_name(m), why->message);
    struct tiktok_warning *w = &d->warnings.list[d->warnings.count++];
    const char *path = arena_copy(&d->g->arena, str_from(why->path));
    const char *text = arena_copy(&d->g->arena, str_from(message));
    *w = (struct tiktok_warning){path ? path : "", tillpost_err_info(why->err)->wire,
                                 text ? text : ""};
}

struct tiktok_rules ingest_rules(const struct ingest *g)
{
    const struct config *c = g->config;
    return (struct tiktok_rules){
        .shop_id = c->defaults.shop_id,
        .currency = c->defaults.currency,
        .calling_code = c->defaults.calling_code,
        .legacy_names = strcmp(c->tiktok.event_names, "legacy") == 0,
        .external_id_alone = c->privacy.accept_external_id_alone,
        .card_like_fields = c->privacy.allow_card_like.items,
        .card_like_count = c->privacy.allow_card_like.count,
        .age_max_ms = c->queue.max_event_age_ms,
        .zone = platform_local_offset,
    };
}

/* As text, whatever it is: what is no time stamp is warned of. */
static struct str sent_at(struct draft *d)
{
    const struct json *v = json_get(d->call, "sentAt");
    struct buf text;
    int64_t ms;
    if (mapping_is_blank(v) || json_is(v, JSON_STRING)) return json_string(v);
    buf_init(&text, INGEST_CALL_MAX_BYTES);
    if (json_is(v, JSON_NUMBER) && times_from_number(json_number(v), &ms) >= 0)
        buf_printf(&text, "%lld", (long long)ms);
    else json_write(&text, v);
    struct str copy = str_from(arena_copy(&d->g->arena, buf_str(&text)));
    buf_free(&text);
    return copy;
}

struct tiktok_moment ingest_moment(const struct ingest *g, const struct clock_now *now,
                                   struct str sent)
{
    return (struct tiktok_moment){
        .wall_ms = clock_truth_ms(g->clock, now),
        .implausible = clock_state(g->clock, now) == CLOCK_STATE_IMPLAUSIBLE,
        .sent_at = sent,
    };
}

static int build_one(struct draft *d, const struct mapping *m, struct fault *why)
{
    struct ingest *g = d->g;
    const struct json *fields = NULL;
    struct tiktok_rules rules = ingest_rules(g);
    struct tiktok_moment moment = ingest_moment(g, d->now, sent_at(d));
    int rc = mapping_apply(m, d->call, &g->arena, &fields, why);
    if (rc < 0) return rc;
    return tiktok_event_build(&g->arena, fields, &rules, &moment, &d->events[d->count],
                              &d->warnings, why);
}

static int build_events(struct draft *d)
{
    const struct config *c = d->g->config;
    size_t hits[MAPPINGS_MAX];
    d->matched = mapping_select(c->mappings, c->mapping_count, d->call, hits);
    for (size_t i = 0; i < d->matched; i++) {
        struct fault why = {0};
        const struct mapping *m = c->mappings[hits[i]];
        int rc = build_one(d, m, &why);
        if (rc >= 0) {
            d->from[d->count++] = m;
            continue;
        }
        if (!d->why.err || rc == TILLPOST_E_CARD_NUMBER) d->why = why;
        if (rc == TILLPOST_E_CARD_NUMBER) return rc;
        warn_of_mapping(d, m, &why);
    }
    return d->count || !d->matched ? 0 : d->why.err;
}

/* The id of a call whose mappings give none: derived from the first event that has shop, order and
 * the caller's own time stamp, else fresh. Empty when there is no chance to be had. */
static struct str make_id(struct draft *d)
{
    unsigned char chance[10];
    for (size_t i = 0; i < d->count; i++) {
        const struct tiktok_event *e = &d->events[i];
        if (tiktok_derive_id(e->shop_id, e->order_id, e->timestamp_text, d->id))
            return str_from(d->id);
    }
    if (d->g->own_id[0]) return str_from(d->g->own_id);
    if (platform_random(chance, sizeof chance) < 0) return (struct str){0};
    tiktok_fresh_id(clock_truth_ms(d->g->clock, d->now), chance, d->id);
    return str_from(d->id);
}

/* One id a call: what one mapping gives holds for those that give none; else the call's own, which
 * a sender's retry repeats. */
static int give_ids(struct draft *d)
{
    struct str id = {0};
    const struct tiktok_rules rules = ingest_rules(d->g);
    for (size_t i = 0; i < d->count && !id.len; i++) id = d->events[i].event_id;
    const struct json *own = json_get(d->call, "messageId");
    int rc = id.len || mapping_is_blank(own)
                 ? 0
                 : tiktok_event_id(&d->g->arena, own, &rules, &id, &d->why);
    if (rc < 0) return rc;
    if (!id.len) id = make_id(d);
    for (size_t i = 0; i < d->count; i++)
        if (!d->events[i].event_id.len) d->events[i].event_id = id;
    if (id.len) return 0;
    return fault_set(&d->why, TILLPOST_E_INTERNAL, "", "no random numbers to be had; try again");
}

int ingest_push(struct ingest *g, const struct clock_now *now, const struct tiktok_event *e,
                struct fault *why)
{
    struct queue_event row = {
        .event_id = e->event_id,
        .event = str_from(e->name),
        .key_event = str_from(e->key_name),
        .rest = e->rest,
        .test_code = e->test_code,
        .occurred_ms = e->time_ms,
        .recorded_s = clock_truth_ms(g->clock, now) / 1000,
        .stamped = e->stamped && !g->clock->trusted,
        .unjudged = e->unjudged,
        .boot_ms = now->boot_ms,
        .boot_id = g->clock->boot_id,
    };
    int64_t seq = 0;
    int rc = queue_push(g->queue, &row, &seq, why);
    if (rc == 0) g->pushed_bytes += e->rest.len + e->event_id.len;
    return rc;
}

static int push_events(struct draft *d, bool *fresh, struct fault *why)
{
    *fresh = false;
    for (size_t i = 0; i < d->count; i++) {
        int rc = ingest_push(d->g, d->now, &d->events[i], why);
        if (rc < 0) return rc;
        *fresh = *fresh || rc == 0;
    }
    return 0;
}

/* It stands at the top of the body, beside the events that it makes tests of. */
static void write_test_code(const struct draft *d, const struct tiktok_event *e, struct buf *answer)
{
    struct str code = e->test_code;
    if (!code.len) code = str_from(d->g->config->tiktok.test_event_code);
    if (!code.len) return;
    buf_add_z(answer, ",\"test_event_code\":");
    json_write_string(answer, code);
}

static void write_dry_run(struct draft *d, struct buf *answer)
{
    buf_add_z(answer, "{\"success\":true,\"status\":\"dry_run\",\"events\":[");
    for (size_t i = 0; i < d->count; i++) {
        const struct tiktok_event *e = &d->events[i];
        buf_add_z(answer, i ? ",{\"mapping\":" : "{\"mapping\":");
        json_write_string(answer, str_from(mapping_name(d->from[i])));
        write_test_code(d, e, answer);
        buf_add_z(answer, ",\"sends\":{\"event\":");
        json_write_string(answer, str_from(e->name));
        buf_printf(answer, ",\"event_time\":%lld,\"event_id\":", (long long)(e->time_ms / 1000));
        json_write_string(answer, e->event_id);
        if (e->rest.len > 2) {
            buf_add_char(answer, ',');
            buf_add_str(answer, (struct str){e->rest.p + 1, e->rest.len - 2});
        }
        buf_add_z(answer, "}}");
    }
    buf_add_char(answer, ']');
    ingest_write_warnings(answer, &d->warnings);
    buf_add_char(answer, '}');
}

/* Its lists, 8 KiB, are written before they are read. */
static void draft_init(struct draft *d, struct ingest *g, const struct clock_now *now,
                       const struct json *call)
{
    d->g = g;
    d->now = now;
    d->call = call;
    d->id[0] = '\0';
    d->count = d->matched = d->warnings.count = 0;
    d->why = (struct fault){0};
}

static int take_call(struct ingest *g, const struct clock_now *now, const struct json *call,
                     struct buf *answer)
{
    struct draft d;
    struct fault why = {0};
    bool fresh = false;
    draft_init(&d, g, now, call);
    if (opted_out(call)) return ignore(g, "integrations", answer);
    if (!consented(call, g->config->privacy.require_consent)) return ignore(g, "consent", answer);
    if (build_events(&d) < 0) return refuse(g, &d.why, answer);
    if (!d.matched) return ignore(g, "no_mapping", answer);
    if (give_ids(&d) < 0) return refuse(g, &d.why, answer);
    if (!g->queue) {
        write_dry_run(&d, answer);
        return 200;
    }
    if (push_events(&d, &fresh, &why) < 0) return refuse(g, &why, answer);
    return accept_call(&d, fresh, answer);
}

/* Calls and batches --------------------------------------------------------------------------- */

struct surroundings { /* what a batch says for its calls; NULL where absent */
    const char *type; /* of the route; NULL in a batch */
    struct str sent_at, context, integrations; /* raw JSON of the batch's own members */
};

static bool is_type(struct str type)
{
    static const char *const types[] = {"track", "page", "screen", "identify", "group", "alias"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_is(type, types[i])) return true;
    return false;
}

static int check_type(struct ingest *g, struct json *call, const char *type, struct fault *why)
{
    const struct json *own = json_get(call, "type");
    if (mapping_is_blank(own)) {
        if (!type) type = mapping_is_blank(json_get(call, "event")) ? NULL : "track";
        if (!type)
            return fault_set(why, TILLPOST_E_BAD_REQUEST, "$.type",
                             "a call in a batch needs a type: track, page, screen, identify, "
                             "group or alias");
        struct json *v = json_new_string(&g->arena, str_from(type));
        if (!v || !json_set(&g->arena, call, STR("type"), v))
            return fault_set(why, TILLPOST_E_NO_MEMORY, "", "out of memory; send the call again");
        own = v;
    }
    if (!is_type(json_string(own)) || (type && !str_is(json_string(own), type)))
        return fault_set(why, TILLPOST_E_BAD_REQUEST, "$.type",
                         "type must be %s here: correct it or leave it out",
                         type ? type : "track, page, screen, identify, group or alias");
    if (str_is(json_string(own), "track") && mapping_is_blank(json_get(call, "event")))
        return fault_set(why, TILLPOST_E_MISSING_EVENT, "$.event",
                         "a track call needs an event, such as \"Order Completed\"");
    if (json_get(call, "event") && !mapping_is_blank(json_get(call, "event")) &&
        !json_is(json_get(call, "event"), JSON_STRING))
        return fault_set(why, TILLPOST_E_BAD_FIELD, "$.event", "event must be a string");
    return 0;
}

/* The members of a batch's own object that a call lacks. */
static bool merge_object(struct ingest *g, struct json *call, const char *key, struct str raw)
{
    static const struct json_limits limits = {INGEST_CALL_MAX_BYTES, INGEST_DEPTH_MAX,
                                              INGEST_VALUES_MAX};
    const struct json *outer = NULL, *own = json_get(call, key);
    if (!raw.len || json_parse(&g->arena, raw, &limits, &outer, NULL) < 0) return true;
    if (!json_is(outer, JSON_OBJECT)) return true;
    if (own && !json_is(own, JSON_OBJECT)) return true;
    struct json *both = json_new_object(&g->arena);
    if (!both) return false;
    for (const struct json *v = json_first(own); v; v = json_next(v))
        if (!json_set(&g->arena, both, json_key(v), json_ref(&g->arena, v))) return false;
    for (const struct json *v = json_first(outer); v; v = json_next(v))
        if (!json_get_str(both, json_key(v)) &&
            !json_set(&g->arena, both, json_key(v), json_ref(&g->arena, v)))
            return false;
    return json_set(&g->arena, call, str_from(key), both);
}

static bool add_surroundings(struct ingest *g, struct json *call, const struct surroundings *s)
{
    static const struct json_limits limits = {256, 1, 1};
    const struct json *sent_at = NULL;
    if (!merge_object(g, call, "context", s->context)) return false;
    if (!merge_object(g, call, "integrations", s->integrations)) return false;
    if (!s->sent_at.len || !mapping_is_blank(json_get(call, "sentAt"))) return true;
    if (json_parse(&g->arena, s->sent_at, &limits, &sent_at, NULL) < 0) return true;
    return json_set(&g->arena, call, STR("sentAt"), json_ref(&g->arena, sent_at));
}

/* A new object with the members of the parsed one, so that members can be added. */
static struct json *members_of(struct ingest *g, const struct json *parsed)
{
    struct json *call = json_new_object(&g->arena);
    for (const struct json *v = json_first(parsed); call && v; v = json_next(v))
        if (!json_set(&g->arena, call, json_key(v), json_ref(&g->arena, v))) return NULL;
    return call;
}

/* Segment fills in `timestamp` for its destinations, and exported mappings ask for nothing else;
 * RudderStack's SDK sends only `originalTimestamp`. */
static bool fill_timestamp(struct ingest *g, struct json *call)
{
    const struct json *original = json_get(call, "originalTimestamp");
    if (!mapping_is_blank(json_get(call, "timestamp")) || mapping_is_blank(original)) return true;
    return json_set(&g->arena, call, STR("timestamp"), json_ref(&g->arena, original));
}

static int take_text(struct ingest *g, const struct clock_now *now, struct str text,
                     const struct surroundings *around, struct buf *answer)
{
    static const struct json_limits limits = {INGEST_CALL_MAX_BYTES, INGEST_DEPTH_MAX,
                                              INGEST_VALUES_MAX};
    const struct json *parsed = NULL;
    struct fault why = {0};
    int status;
    if (json_parse(&g->arena, text, &limits, &parsed, &why) < 0) {
        status = refuse(g, &why, answer);
    } else if (!json_is(parsed, JSON_OBJECT)) {
        (void)fault_set(&why, TILLPOST_E_BAD_REQUEST, "$", "a call must be a JSON object");
        status = refuse(g, &why, answer);
    } else {
        struct json *call = members_of(g, parsed);
        if (!call || !add_surroundings(g, call, around) || !fill_timestamp(g, call))
            (void)fault_set(&why, TILLPOST_E_NO_MEMORY, "", "out of memory; send it again");
        else (void)check_type(g, call, around->type, &why);
        status = why.err ? refuse(g, &why, answer) : take_call(g, now, call, answer);
    }
    arena_reset(&g->arena);
    return status;
}

int ingest_call(struct ingest *g, const struct clock_now *now, const char *type, struct str body,
                struct buf *answer)
{
    const struct surroundings none = {.type = type};
    return take_text(g, now, body, &none, answer);
}

static int check_batch(struct str body, struct str *calls, struct fault *why)
{
    int rc = json_check(body, why);
    if (rc < 0) return rc;
    struct str trimmed = str_trim(body);
    if (trimmed.p[0] != '{')
        return fault_set(why, TILLPOST_E_BAD_REQUEST, "$", "the body must be {\"batch\":[…]}");
    *calls = json_raw_member(body, "batch");
    if (!calls->len || calls->p[0] != '[')
        return fault_set(why, TILLPOST_E_BAD_REQUEST, "$.batch", "batch must be a list of calls");
    struct str item;
    size_t pos = 0, n = 0;
    while (json_raw_next(*calls, &pos, &item)) n++;
    if (n > INGEST_BATCH_CALLS_MAX)
        return fault_set(why, TILLPOST_E_TOO_LARGE, "$.batch",
                         "%zu calls are more than %d: send them in several batches", n,
                         INGEST_BATCH_CALLS_MAX);
    return 0;
}

/* Nothing is stored of the item at hand, nor of those before it if their transaction is gone. */
int ingest_each(struct ingest *g, struct str items, ingest_take take, void *ctx, size_t head,
                struct buf *answer)
{
    struct str item;
    size_t pos = 0, n = 0, refused = 0;
    buf_add_z(answer, "\"results\":[");
    while (json_raw_next(items, &pos, &item)) {
        if (n++) buf_add_char(answer, ',');
        size_t start = answer->len;
        bool dirty = g->queue && queue_dirty(g->queue);
        int status = take(ctx, item, answer);
        if (status != 200) refused++;
        if (status != 503 && status != 507) continue;
        if (refused == n || (dirty && !queue_dirty(g->queue))) {
            memmove(answer->p + head, answer->p + start, answer->len - start + 1);
            answer->len -= start - head;
            return status;
        }
    }
    buf_add_z(answer, "]}");
    if (!refused) return 200;
    if (!answer->failed) memcpy(answer->p + head, "{\"success\":false", 16);
    return 422;
}

struct batch {
    struct ingest *g;
    const struct clock_now *now;
    struct surroundings around;
};

static int take_item(void *ctx, struct str item, struct buf *answer)
{
    struct batch *b = ctx;
    return take_text(b->g, b->now, item, &b->around, answer);
}

int ingest_batch(struct ingest *g, const struct clock_now *now, struct str body, struct buf *answer)
{
    struct str calls = {0};
    struct fault why = {0};
    if (check_batch(body, &calls, &why) < 0) return refuse(g, &why, answer);
    struct batch b = {
        .g = g,
        .now = now,
        .around = {.sent_at = json_raw_member(body, "sentAt"),
                   .context = json_raw_member(body, "context"),
                   .integrations = json_raw_member(body, "integrations")},
    };
    size_t head = answer->len;
    buf_add_z(answer, "{\"success\":true ,");
    return ingest_each(g, calls, take_item, &b, head, answer);
}
