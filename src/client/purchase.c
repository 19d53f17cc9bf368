/*
 * purchase.c: builds the JSON of one purchase.
 *
 * What always holds: (1) the text is right JSON and right UTF-8, or there is none; (2) numbers are
 * written from their digits, never by way of a floating-point number; (3) a member stands in it at
 * most once; (4) whatever memory held the text is wiped before it is given back.
 *
 * The values are kept apart (texts, value, time, products) and put together when the text is asked
 * for, so that a second call overwrites the first.
 */
#define _DEFAULT_SOURCE /* explicit_bzero: glibc 2.25, musl 1.1.20 */
#include "tillpost/client.h"

#include "client/utf8.h"
#include "platform/platform.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_MAX_BYTES = 32 * 1024, FIRST_BYTES = 256, DIGITS_MAX = 15, UUID_BYTES = 37 };
#define DIGITS_LIMIT INT64_C(1000000000000000) /* 10^DIGITS_MAX */

struct text { /* what is written grows here; NUL-terminated when p is not NULL */
    char *p;
    size_t len, cap;
};

struct tillpost_event {
    int err;
    struct text name, texts[TILLPOST_TEXTS], value, time, products, json;
};

static void text_free(struct text *t)
{
    if (t->p) explicit_bzero(t->p, t->cap);
    free(t->p);
    *t = (struct text){0};
}

static int fail(struct tillpost_event *e, int err)
{
    if (e->err == 0) e->err = err;
    return err;
}

/* Not realloc: it would leave a copy behind. */
static int reserve(struct tillpost_event *e, struct text *t, size_t more)
{
    if (t->len + more < t->cap) return 0;
    if (t->len + more >= EVENT_MAX_BYTES) return fail(e, TILLPOST_E_TOO_LARGE);
    size_t cap = t->cap ? t->cap : FIRST_BYTES;
    while (cap <= t->len + more) cap *= 2;
    char *p = malloc(cap);
    if (!p) return fail(e, TILLPOST_E_NO_MEMORY);
    if (t->p) memcpy(p, t->p, t->len + 1);
    struct text grown = {p, t->len, cap};
    text_free(t);
    *t = grown;
    return 0;
}

static int add(struct tillpost_event *e, struct text *t, const char *p, size_t len)
{
    int rc = reserve(e, t, len);
    if (rc < 0) return rc;
    memcpy(t->p + t->len, p, len);
    t->len += len;
    t->p[t->len] = 0;
    return 0;
}

static int add_z(struct tillpost_event *e, struct text *t, const char *z)
{
    return add(e, t, z, strlen(z));
}

static int add_character(struct tillpost_event *e, struct text *t, const char *p, size_t len)
{
    char escape[8];
    if (*p == '"' || *p == '\\') {
        escape[0] = '\\';
        escape[1] = *p;
        return add(e, t, escape, 2);
    }
    if ((unsigned char)*p >= 0x20) return add(e, t, p, len);
    (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(unsigned char)*p);
    return add_z(e, t, escape);
}

/* A JSON string of it. */
static int add_string(struct tillpost_event *e, struct text *t, const char *utf8)
{
    int rc = add_z(e, t, "\"");
    for (size_t left = utf8 ? strlen(utf8) : 0, n; rc >= 0 && left > 0; utf8 += n, left -= n) {
        n = utf8_length(utf8, left);
        if (n == 0) return fail(e, TILLPOST_E_BAD_FIELD);
        rc = add_character(e, t, utf8, n);
    }
    return rc < 0 ? rc : add_z(e, t, "\"");
}

/* {1990, 2} as 19.90: the digits, with zeros in front, and the point where it belongs. */
static int add_decimal(struct tillpost_event *e, struct text *t, struct tillpost_decimal d)
{
    char digits[2 * DIGITS_MAX + 2], number[2 * DIGITS_MAX + 4];
    if (d.decimals > DIGITS_MAX || d.digits >= DIGITS_LIMIT || d.digits <= -DIGITS_LIMIT)
        return fail(e, TILLPOST_E_BAD_NUMBER);
    int64_t positive = d.digits < 0 ? -d.digits : d.digits;
    int len = snprintf(digits, sizeof digits, "%0*" PRId64, (int)d.decimals + 1, positive);
    int whole = len - (int)d.decimals;
    (void)snprintf(number, sizeof number, "%s%.*s%s%s", d.digits < 0 ? "-" : "", whole, digits,
                   d.decimals ? "." : "", digits + whole);
    return add_z(e, t, number);
}

/* ,"name":  or, in front of the first member, "name": */
static int add_name(struct tillpost_event *e, struct text *t, const char *name)
{
    bool first = t->len == 0 || t->p[t->len - 1] == '{';
    int rc = first ? 0 : add_z(e, t, ",");
    if (rc >= 0) rc = add_string(e, t, name);
    return rc < 0 ? rc : add_z(e, t, ":");
}

static int add_member(struct tillpost_event *e, struct text *t, const char *name,
                      const struct text *value)
{
    if (value->len == 0) return 0;
    int rc = add_name(e, t, name);
    return rc < 0 ? rc : add(e, t, value->p, value->len);
}

static int add_product_text(struct tillpost_event *e, const char *name, const char *utf8)
{
    if (!utf8 || !*utf8) return 0;
    int rc = add_name(e, &e->products, name);
    return rc < 0 ? rc : add_string(e, &e->products, utf8);
}

static int add_product_number(struct tillpost_event *e, const char *name, struct tillpost_decimal d)
{
    if (d.decimals > DIGITS_MAX) return 0;
    int rc = add_name(e, &e->products, name);
    return rc < 0 ? rc : add_decimal(e, &e->products, d);
}

/* Random, as UUID version 4 (RFC 9562). */
static int random_id(char out[UUID_BYTES])
{
    unsigned char r[16];
    if (platform_random(r, sizeof r) < 0) return TILLPOST_E_INTERNAL;
    r[6] = (unsigned char)((r[6] & 0x0F) | 0x40);
    r[8] = (unsigned char)((r[8] & 0x3F) | 0x80);
    for (size_t i = 0, at = 0; i < sizeof r; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out[at++] = '-';
        (void)snprintf(out + at, 3, "%02x", r[i]);
        at += 2;
    }
    return 0;
}

struct tillpost_event *tillpost_event_new(const char *name)
{
    char id[UUID_BYTES];
    struct tillpost_event *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    if (!name || !*name) (void)fail(e, TILLPOST_E_MISSING_EVENT);
    else (void)add_string(e, &e->name, name);
    int rc = random_id(id);
    if (rc < 0) (void)fail(e, rc);
    else (void)tillpost_event_set(e, TILLPOST_MESSAGE_ID, id);
    return e;
}

void tillpost_event_free(struct tillpost_event *e)
{
    if (!e) return;
    struct text *const all[] = {&e->name, &e->value, &e->time, &e->products, &e->json};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) text_free(all[i]);
    for (size_t i = 0; i < TILLPOST_TEXTS; i++) text_free(&e->texts[i]);
    free(e);
}

int tillpost_event_set(struct tillpost_event *e, enum tillpost_text which, const char *utf8)
{
    if ((unsigned)which >= TILLPOST_TEXTS || !utf8) return fail(e, TILLPOST_E_BAD_FIELD);
    text_free(&e->texts[which]);
    return *utf8 ? add_string(e, &e->texts[which], utf8) : 0;
}

int tillpost_event_value(struct tillpost_event *e, struct tillpost_decimal value)
{
    text_free(&e->value);
    return add_decimal(e, &e->value, value);
}

int tillpost_event_time(struct tillpost_event *e, int64_t unix_ms)
{
    text_free(&e->time);
    if (unix_ms <= 0) return fail(e, TILLPOST_E_BAD_TIMESTAMP);
    return add_decimal(e, &e->time, (struct tillpost_decimal){unix_ms, 0});
}

int tillpost_event_product(struct tillpost_event *e, const struct tillpost_product *product)
{
    int rc = add_z(e, &e->products, e->products.len ? ",{" : "{");
    if (rc >= 0) rc = add_product_text(e, "product_id", product->id);
    if (rc >= 0) rc = add_product_text(e, "name", product->name);
    if (rc >= 0) rc = add_product_text(e, "category", product->category);
    if (rc >= 0) rc = add_product_text(e, "brand", product->brand);
    if (rc >= 0) rc = add_product_number(e, "price", product->price);
    if (rc >= 0) rc = add_product_number(e, "quantity", product->quantity);
    return rc < 0 ? rc : add_z(e, &e->products, "}");
}

/* The members of "properties". */
static int add_properties(struct tillpost_event *e, struct text *t)
{
    static const struct {
        enum tillpost_text which;
        const char *name;
    } members[] = {{TILLPOST_EMAIL, "email"},
                   {TILLPOST_PHONE, "phone"},
                   {TILLPOST_ORDER_ID, "order_id"},
                   {TILLPOST_SHOP_ID, "shop_id"},
                   {TILLPOST_CURRENCY, "currency"}};
    int rc = add_z(e, t, "{");
    for (size_t i = 0; rc >= 0 && i < sizeof members / sizeof members[0]; i++)
        rc = add_member(e, t, members[i].name, &e->texts[members[i].which]);
    if (rc >= 0) rc = add_member(e, t, "value", &e->value);
    if (rc >= 0 && e->products.len) {
        rc = add_name(e, t, "products");
        if (rc >= 0) rc = add_z(e, t, "[");
        if (rc >= 0) rc = add(e, t, e->products.p, e->products.len);
        if (rc >= 0) rc = add_z(e, t, "]");
    }
    return rc < 0 ? rc : add_z(e, t, "}");
}

const char *tillpost_event_json(struct tillpost_event *e, size_t *bytes, int *why)
{
    struct text *t = &e->json;
    text_free(t);
    int rc = e->err;
    if (rc >= 0) rc = add_z(e, t, "{");
    if (rc >= 0) rc = add_member(e, t, "event", &e->name);
    if (rc >= 0) rc = add_member(e, t, "messageId", &e->texts[TILLPOST_MESSAGE_ID]);
    if (rc >= 0) rc = add_member(e, t, "userId", &e->texts[TILLPOST_EXTERNAL_ID]);
    if (rc >= 0) rc = add_member(e, t, "timestamp", &e->time);
    if (rc >= 0) rc = add_name(e, t, "properties");
    if (rc >= 0) rc = add_properties(e, t);
    if (rc >= 0) rc = add_z(e, t, "}");
    if (why) *why = rc < 0 ? rc : 0;
    if (bytes) *bytes = rc < 0 ? 0 : t->len;
    if (rc < 0) text_free(t);
    return t->p;
}

int tillpost_event_send(struct tillpost *t, struct tillpost_event *e, int timeout_ms,
                        struct tillpost_answer *answer)
{
    size_t bytes;
    int why;
    if (answer) memset(answer, 0, sizeof *answer);
    const char *json = tillpost_event_json(e, &bytes, &why);
    if (!json) return why;
    int rc = tillpost_track(t, json, bytes, timeout_ms, answer);
    text_free(&e->json);
    return rc;
}
