/*
 * mapping_kit.h: what the tests of the mapping room share. JSON stands in their tables with ` for
 * the quote.
 */
#ifndef MAPPING_KIT_H
#define MAPPING_KIT_H

#include "testing.h"

#include "base/json.h"

enum { KIT_BLOCK_BYTES = 1 << 16, KIT_MAX_BYTES = 1 << 24, KIT_TEXT_MAX_BYTES = 1 << 20 };

static struct arena kit;

static inline int kit_open(void **state)
{
    arena_init(&kit, KIT_BLOCK_BYTES, KIT_MAX_BYTES);
    return 0;
}

static inline int kit_close(void **state)
{
    arena_free(&kit);
    return 0;
}

/* With every ` replaced. Lives in the kit. */
static inline char *kit_text(const char *quick)
{
    char *text = arena_copy(&kit, str_from(quick));
    assert_non_null(text);
    for (char *p = text; *p != '\0'; p++) {
        if (*p == '`') *p = '"';
    }
    return text;
}

static inline const struct json *kit_json(const char *quick)
{
    static const struct json_limits wide = {KIT_TEXT_MAX_BYTES, 200, 100000};
    const struct json *v = NULL;
    struct fault why = {0};
    const char *text = kit_text(quick);
    if (json_parse(&kit, str_from(text), &wide, &v, &why) < 0) {
        fail_msg("%s: %s", text, why.message);
    }
    return v;
}

/* NULL is written "absent". Lives in the kit. */
static inline const char *kit_written(const struct json *v)
{
    struct buf b;
    if (v == NULL) return "absent";
    buf_init(&b, KIT_TEXT_MAX_BYTES);
    json_write(&b, v);
    assert_false(b.failed);
    const char *text = arena_copy(&kit, buf_str(&b));
    buf_free(&b);
    assert_non_null(text);
    return text;
}

#endif
