/*
 * store.c: two growing lists, and a hash table over the first.
 *
 * What always holds:
 *   1. An event stands in the list once for each time that it was counted; copies are a number on
 *      the entry that they repeat.
 *   2. The table leads from (name, id) to the latest counted entry. It is open-addressed, has a
 *      power of two slots and is never more than half full.
 *   3. Test events are in the list but never in the table.
 */
#include "sandbox/store.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 1024 };

struct store {
    struct store_event *events;
    size_t event_count, event_cap;
    struct store_request *requests;
    size_t request_count, request_cap;
    size_t *slots; /* index + 1 into events; 0: free */
    size_t slot_count;
    uint64_t request_last;
    struct store_totals totals;
};

struct store *store_new(void)
{
    return calloc(1, sizeof(struct store));
}

void store_reset(struct store *s)
{
    for (size_t i = 0; i < s->event_count; i++) {
        struct store_event *e = &s->events[i];
        free(e->name);
        free(e->id);
        free(e->text);
        free(e->test_code);
    }
    free(s->events);
    free(s->requests);
    free(s->slots);
    memset(s, 0, sizeof(*s));
}

void store_free(struct store *s)
{
    if (!s) return;
    store_reset(s);
    free(s);
}

static bool grow(void **list, size_t *cap, size_t count, size_t item_bytes)
{
    if (count < *cap) return true;
    size_t more = *cap ? *cap * 2 : 64;
    void *p = realloc(*list, more * item_bytes);
    if (!p) return false;
    *list = p;
    *cap = more;
    return true;
}

/* FNV-1a over name, a zero and id. */
static uint64_t hash_of(const char *name, const char *id)
{
    uint64_t h = 14695981039346656037u;
    for (const char *p = name; *p; p++) h = (h ^ (unsigned char)*p) * 1099511628211u;
    h *= 1099511628211u;
    for (const char *p = id; *p; p++) h = (h ^ (unsigned char)*p) * 1099511628211u;
    return h;
}

/* The slot of an event, or the free one where it belongs. */
static size_t *slot_of(const struct store *s, const char *name, const char *id)
{
    size_t at = (size_t)hash_of(name, id) & (s->slot_count - 1);
    while (s->slots[at]) {
        const struct store_event *e = &s->events[s->slots[at] - 1];
        if (strcmp(e->name, name) == 0 && strcmp(e->id, id) == 0) break;
        at = (at + 1) & (s->slot_count - 1);
    }
    return &s->slots[at];
}

static bool make_room_for_slot(struct store *s)
{
    if (s->slots && (s->event_count + 1) * 2 <= s->slot_count) return true;
    size_t *old = s->slots;
    size_t old_count = s->slot_count;
    size_t count = old_count ? old_count * 2 : SLOTS_FIRST;
    size_t *slots = calloc(count, sizeof(*slots));
    if (!slots) return false;
    s->slots = slots;
    s->slot_count = count;
    for (size_t i = 0; i < old_count; i++) {
        if (!old[i]) continue;
        const struct store_event *e = &s->events[old[i] - 1];
        *slot_of(s, e->name, e->id) = old[i];
    }
    free(old);
    return true;
}

static char *copy_of(struct str s)
{
    char *p = malloc(s.len + 1);
    if (!p) return NULL;
    if (s.len) memcpy(p, s.p, s.len);
    p[s.len] = '\0';
    return p;
}

/* Appends an entry; NULL: out of memory. */
static struct store_event *append(struct store *s, const struct json *event, struct str text)
{
    if (!grow((void **)&s->events, &s->event_cap, s->event_count, sizeof(*s->events))) return NULL;
    struct store_event *e = &s->events[s->event_count];
    memset(e, 0, sizeof(*e));
    e->seq = s->event_count + 1;
    e->name = copy_of(json_string(json_get(event, "event")));
    e->id = copy_of(json_string(json_get(event, "event_id")));
    e->text = copy_of(text);
    s->event_count++; /* from here on store_reset frees it */
    return e->name && e->id && e->text ? e : NULL;
}

/* True when this name and id were counted less than 48 hours ago: the entry has one copy more. */
static bool is_copy(struct store *s, const struct json *event, int64_t now_s)
{
    const char *id = json_string(json_get(event, "event_id")).p;
    if (!json_get(event, "event_id")) return false;
    size_t at = *slot_of(s, json_string(json_get(event, "event")).p, id);
    if (!at || now_s - s->events[at - 1].first_s >= STORE_MEMORY_S) return false;
    s->events[at - 1].copies++;
    s->totals.duplicates++;
    return true;
}

static bool take_event(struct store *s, const struct json *event, struct str text,
                       const struct json *test_code, uint64_t request, int64_t now_s)
{
    if (!make_room_for_slot(s)) return false;
    if (!test_code && is_copy(s, event, now_s)) return true;
    struct store_event *e = append(s, event, text);
    if (!e) return false;
    e->request = request;
    e->first_s = now_s;
    if (test_code) {
        s->totals.test_events++;
        e->test_code = copy_of(json_string(test_code));
        return e->test_code != NULL;
    }
    s->totals.events++;
    if (*e->id) *slot_of(s, e->name, e->id) = s->event_count;
    return true;
}

bool store_take(struct store *s, struct str body, const struct json *root, uint64_t request,
                int64_t now_s)
{
    struct str data = json_raw_member(body, "data");
    const struct json *event = json_first(json_get(root, "data"));
    const struct json *test_code = json_get(root, "test_event_code");
    size_t pos = 0;
    struct str text;
    for (; event && json_raw_next(data, &pos, &text); event = json_next(event)) {
        if (!take_event(s, event, text, test_code, request, now_s)) return false;
    }
    return true;
}

uint64_t store_next_request(struct store *s)
{
    return ++s->request_last;
}

bool store_note(struct store *s, const struct store_request *r)
{
    struct store_totals *t = &s->totals;
    if (!grow((void **)&s->requests, &s->request_cap, s->request_count, sizeof(*s->requests)))
        return false;
    s->requests[s->request_count++] = *r;
    t->requests++;
    t->probes += r->probe;
    t->accepted += r->accepted;
    t->cut += r->http == 0;
    t->refused += r->http != 0 && r->code > 0 && !r->accepted && !r->probe;
    if (r->events > t->batch_most) t->batch_most = r->events;
    return true;
}

const struct store_totals *store_totals(const struct store *s)
{
    return &s->totals;
}

static void write_event(const struct store_event *e, struct buf *out)
{
    buf_printf(out, "{\"seq\":%" PRIu64 ",\"request\":%" PRIu64 ",\"first_s\":%" PRId64 ",", e->seq,
               e->request, e->first_s);
    buf_printf(out, "\"copies\":%u,\"event\":", e->copies);
    json_write_string(out, str_from(e->name));
    buf_add_z(out, ",\"event_id\":");
    json_write_string(out, str_from(e->id));
    if (e->test_code) {
        buf_add_z(out, ",\"test_event_code\":");
        json_write_string(out, str_from(e->test_code));
    }
    buf_add_z(out, ",\"data\":");
    buf_add_z(out, e->text);
    buf_add_char(out, '}');
}

static void write_events(const struct store *s, uint64_t since, bool test, struct buf *out)
{
    bool first = true;
    buf_add_char(out, '[');
    for (size_t i = 0; i < s->event_count; i++) {
        const struct store_event *e = &s->events[i];
        if (e->seq <= since || (e->test_code != NULL) != test) continue;
        if (!first) buf_add_char(out, ',');
        write_event(e, out);
        first = false;
    }
    buf_add_char(out, ']');
}

void store_write_totals(const struct store *s, struct buf *out)
{
    const struct store_totals *t = &s->totals;
    buf_printf(out,
               "\"requests\":%" PRIu64 ",\"probes\":%" PRIu64 ",\"accepted\":%" PRIu64
               ",\"refused\":%" PRIu64 ",\"cut\":%" PRIu64,
               t->requests, t->probes, t->accepted, t->refused, t->cut);
    buf_printf(out,
               ",\"counted\":%" PRIu64 ",\"duplicates\":%" PRIu64 ",\"tests\":%" PRIu64
               ",\"batch_most\":%zu",
               t->events, t->duplicates, t->test_events, t->batch_most);
}

void store_write_received(const struct store *s, uint64_t since, struct buf *out)
{
    buf_add_z(out, "{\"events\":");
    write_events(s, since, false, out);
    buf_add_z(out, ",\"test_events\":");
    write_events(s, since, true, out);
    buf_add_char(out, ',');
    store_write_totals(s, out);
    buf_printf(out, ",\"next\":%zu}", s->event_count);
}

void store_write_requests(const struct store *s, struct buf *out)
{
    buf_add_z(out, "{\"requests\":[");
    for (size_t i = 0; i < s->request_count; i++) {
        const struct store_request *r = &s->requests[i];
        buf_printf(out, "%s{\"number\":%" PRIu64 ",\"at_ms\":%" PRId64 ",\"http\":%d,\"code\":%d",
                   i ? "," : "", r->number, r->at_ms, r->http, r->code);
        buf_printf(out, ",\"events\":%zu,\"probe\":%s,\"accepted\":%s,\"plan\":\"%s\"}", r->events,
                   r->probe ? "true" : "false", r->accepted ? "true" : "false", r->plan);
    }
    buf_add_z(out, "]}");
}
