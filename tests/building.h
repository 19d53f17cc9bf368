/*
 * building.h: builds one TikTok event from the JSON text of a mapping's fields, for tests.
 */
#ifndef BUILDING_H
#define BUILDING_H

#include "tiktok/event.h"

#include <string.h>

/* 2026-11-01T10:00:00Z, the tests' now; and the same second as text. */
#define BUILDING_NOW_MS INT64_C(1793527200000)
#define BUILDING_NOW    "2026-11-01T10:00:00Z"

struct building {
    struct arena arena;
    struct tiktok_rules rules;
    struct tiktok_moment now;
    struct tiktok_event event;
    struct tiktok_warnings warnings;
    struct fault why;
};

static inline int building_utc(int64_t local_civil_s)
{
    return (void)local_civil_s, 0;
}

static inline void building_setup(struct building *b)
{
    memset(b, 0, sizeof *b);
    arena_init(&b->arena, 16 * 1024, 8 * 1024 * 1024);
    b->rules = (struct tiktok_rules){.age_max_ms = INT64_C(28) * 86400000, .zone = building_utc};
    b->now = (struct tiktok_moment){.wall_ms = BUILDING_NOW_MS, .sent_at = STR("")};
}

static inline void building_teardown(struct building *b)
{
    arena_free(&b->arena);
}

/* Returns what tiktok_event_build does; the result stays until the next one. */
static inline int building_run(struct building *b, struct str fields_text)
{
    static const struct json_limits limits = {8 * 1024 * 1024, 100, 100000};
    const struct json *fields = NULL;
    arena_reset(&b->arena);
    b->warnings.count = 0;
    b->why = (struct fault){.err = 0};
    int err = json_parse(&b->arena, fields_text, &limits, &fields, &b->why);
    if (err < 0) return err;
    return tiktok_event_build(&b->arena, fields, &b->rules, &b->now, &b->event, &b->warnings,
                              &b->why);
}

#endif
