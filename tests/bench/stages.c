/*
 * stages.c: where the CPU time of a call goes, from the parsed request to the sealed row: the rooms'
 * own functions, each run over many calls by itself, timed by the process's CPU clock.
 */
#include "bench/bench.h"

#include "mapping/mapping.h"
#include "platform/platform.h"
#include "queue/queue.h"
#include "queue/seal.h"
#include "tiktok/event.h"
#include "tiktok/pii.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CALLS = 20000, ROWS_A_COMMIT = 64, ARENA_BYTES = 1024 * 1024, CALL_MAX = 1024 };
enum stage { PARSE, MAP, CHECK, HASH, SEAL, INSERT, STAGES };
static const char *const names[STAGES] = {"parse (strict JSON to a tree)",
                                          "map (4 triggers, 1 mapping)",
                                          "check and hash (e-mail, phone, external id)",
                                          "  of which the three hashes",
                                          "seal (AES-256-GCM)",
                                          "insert (64 rows a commit, sealing not counted)"};

struct stages {
    struct mapping *mappings[MAPPING_PRESETS];
    size_t mapping_count;
    struct arena arena;
    struct queue *queue;
    struct seal *seal;
    int64_t now_ms;
    char call[CALL_MAX];
    double us[STAGES]; /* CPU, a call */
};

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* BENCH_CALL_BYTES of a purchase with two products; the id makes it one of many. */
static void write_call(struct stages *s, unsigned n)
{
    int len = snprintf(
        s->call, sizeof s->call,
        "{\"type\":\"track\",\"event\":\"Order Completed\",\"messageId\":\"bench-stage-%08u\","
        "\"userId\":\"customer-4711\",\"timestamp\":%lld,\"properties\":{"
        "\"email\":\"jane.doe@example.com\",\"phone\":\"+1 (213) 373-4253\",\"order_id\":\"A-%08u\","
        "\"shop_id\":\"store-12\",\"currency\":\"EUR\",\"value\":73.4,\"products\":["
        "{\"product_id\":\"SKU-1\",\"name\":\"Running Shoe\",\"category\":\"Shoes > Running\","
        "\"brand\":\"Acme\",\"price\":59.9,\"quantity\":1},"
        "{\"product_id\":\"SKU-2\",\"name\":\"Sock\",\"category\":\"Apparel\",\"brand\":\"Acme\","
        "\"price\":4.5,\"quantity\":3}],\"till\":\"",
        n, (long long)(s->now_ms / 1000), n);
    size_t at = (size_t)len;
    while (at < BENCH_CALL_BYTES - 3) s->call[at++] = 'x';
    (void)snprintf(s->call + at, sizeof s->call - at, "\"}}");
}

static bool compile(struct stages *s)
{
    static const struct json_limits limits = {16 * 1024, 16, 2000};
    for (size_t i = 0; i < MAPPING_PRESETS; i++) {
        const struct json *definition = NULL;
        if (!mapping_presets[i].on_by_default) continue;
        if (json_parse(&s->arena, str_from(mapping_presets[i].definition), &limits, &definition,
                       NULL) < 0)
            return false;
        if (mapping_compile(definition, &s->mappings[s->mapping_count++], NULL) < 0) return false;
    }
    return true;
}

/* One call up to and with the stage `until`; the row it makes, when it gets so far. */
static bool walk(struct stages *s, enum stage until, struct tiktok_event *event)
{
    static const struct json_limits limits = {32 * 1024, 16, 2000};
    const struct tiktok_rules rules = {.age_max_ms = INT64_C(86400) * 28000};
    const struct tiktok_moment moment = {.wall_ms = s->now_ms};
    const struct json *call = NULL, *fields = NULL;
    size_t hits[MAPPING_PRESETS];
    struct tiktok_warnings warnings = {.count = 0};
    if (json_parse(&s->arena, str_from(s->call), &limits, &call, NULL) < 0) return false;
    if (until == PARSE) return true;
    if (mapping_select(s->mappings, s->mapping_count, call, hits) != 1) return false;
    if (mapping_apply(s->mappings[hits[0]], call, &s->arena, &fields, NULL) < 0) return false;
    if (until == MAP) return true;
    return tiktok_event_build(&s->arena, fields, &rules, &moment, event, &warnings, NULL) >= 0;
}

static bool measure_walk(struct stages *s, enum stage until, double *us)
{
    struct tiktok_event event;
    double began = cpu_us();
    for (unsigned i = 0; i < CALLS; i++) {
        if (!walk(s, until, &event)) return false;
        arena_reset(&s->arena);
    }
    *us = (cpu_us() - began) / CALLS;
    return true;
}

static bool measure_hash(struct stages *s)
{
    char hash[PII_HASH_BYTES];
    bool good = true;
    double began = cpu_us();
    for (unsigned i = 0; i < CALLS; i++) {
        good = pii_email(STR("jane.doe@example.com"), hash) == PII_OK &&
               pii_phone(STR("+1 (213) 373-4253"), NULL, hash) == PII_OK &&
               pii_external_id(STR("customer-4711"), hash) == PII_OK && good;
    }
    s->us[HASH] = (cpu_us() - began) / CALLS;
    return good;
}

static bool measure_seal(struct stages *s, struct str rest)
{
    static unsigned char sealed[QUEUE_ROW_MAX_BYTES];
    double began = cpu_us();
    for (unsigned i = 0; i < CALLS; i++)
        if (seal_encrypt(s->seal, STR("bench-stage-00000000"), rest, sealed) < 0) return false;
    s->us[SEAL] = (cpu_us() - began) / CALLS;
    return true;
}

static bool measure_insert(struct stages *s, struct str rest)
{
    char id[32];
    while (queue_tidy(s->queue, NULL, NULL) > 0) continue; /* makes the ballast, as an agent does */
    double began = cpu_us();
    for (unsigned i = 0; i < CALLS; i++) {
        int64_t seq;
        (void)snprintf(id, sizeof id, "bench-stage-%08u", i);
        const struct queue_event e = {.event_id = str_from(id),
                                      .event = STR("Purchase"),
                                      .key_event = STR("Purchase"),
                                      .rest = rest,
                                      .occurred_ms = s->now_ms,
                                      .recorded_s = s->now_ms / 1000};
        if (queue_push(s->queue, &e, &seq, NULL) != 0) return false;
        if (i % ROWS_A_COMMIT == ROWS_A_COMMIT - 1 && queue_commit(s->queue, NULL) < 0)
            return false;
    }
    s->us[INSERT] = (cpu_us() - began) / CALLS - s->us[SEAL];
    return true;
}

static bool measure(struct stages *s)
{
    struct tiktok_event event;
    double parse, map, check;
    write_call(s, 1);
    if (!measure_walk(s, PARSE, &parse) || !measure_walk(s, MAP, &map) ||
        !measure_walk(s, CHECK, &check) || !measure_hash(s))
        return false;
    s->us[PARSE] = parse;
    s->us[MAP] = map - parse;
    s->us[CHECK] = check - map;
    return walk(s, CHECK, &event) && measure_seal(s, event.rest) && measure_insert(s, event.rest);
}

static void print(const struct stages *s)
{
    double sum = 0;
    printf("\n  CPU of a call of %d bytes, us\n", BENCH_CALL_BYTES);
    for (int i = 0; i < STAGES; i++) {
        printf("  %-50s %6.2f\n", names[i], s->us[i]);
        if (i != HASH) sum += s->us[i];
    }
    printf("  %-50s %6.2f\n", "from parsed request to sealed row", sum);
}

bool stages_run(const char *dir)
{
    static const unsigned char key[SEAL_KEY_BYTES] = {7};
    struct stages s = {.now_ms = platform_wall_ms()};
    char db[BENCH_PATH_BYTES + 32];
    (void)snprintf(db, sizeof db, "%s/stages.db", dir);
    const struct queue_options options = {.path = db, .key = key, .max_size_bytes = 256 << 20};
    arena_init(&s.arena, ARENA_BYTES, ARENA_BYTES);
    bool good = queue_open(&options, &s.queue, NULL) >= 0 && seal_open(key, &s.seal) >= 0 &&
                compile(&s) && measure(&s);
    if (good) print(&s);
    for (size_t i = 0; i < s.mapping_count; i++) mapping_free(s.mappings[i]);
    queue_close(s.queue);
    seal_close(s.seal);
    arena_free(&s.arena);
    return good;
}
