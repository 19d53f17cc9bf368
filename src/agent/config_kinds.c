/* config_kinds.c: what each kind of setting accepts. */
#include "agent/config_table.h"
#include "base/times.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static int wrong(const struct config_setting *s, struct fault *why, const char *what)
{
    return fault_set(why, TILLPOST_E_CONFIG, s->key, "%s: it must be %s", what, s->range);
}

static bool in_choices(struct str v, const char *choices)
{
    struct str rest = str_from(choices);
    while (rest.len) {
        struct str choice = str_split(rest, '|', &rest);
        if (str_equal(v, choice)) return true;
    }
    return false;
}

static bool all_digits(struct str v)
{
    for (size_t i = 0; i < v.len; i++)
        if (v.p[i] < '0' || v.p[i] > '9') return false;
    return v.len > 0;
}

/* "127.0.0.1:7390" or "[::1]:7390", numeric and loopback. */
static bool is_loopback_listener(struct str v)
{
    char address[64];
    uint64_t port = 0;
    size_t colon = v.len;
    while (colon > 0 && v.p[colon - 1] != ':') colon--;
    if (colon < 2 || colon > sizeof address) return false;
    if (str_to_u64((struct str){v.p + colon, v.len - colon}, &port) < 0) return false;
    if (port < 1 || port > 65535) return false;
    struct str host = {v.p, colon - 1};
    if (str_is(host, "[::1]")) return true;
    memcpy(address, host.p, host.len);
    address[host.len] = 0;
    struct in_addr v4;
    return inet_pton(AF_INET, address, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

static bool text_fits(const struct config_setting *s, struct str v)
{
    switch (s->kind) {
    case KIND_DIGITS: return all_digits(v) && v.len >= (size_t)s->min && v.len <= (size_t)s->max;
    case KIND_PATH: return v.len > 1 && v.p[0] == '/';
    case KIND_CHOICE: return in_choices(v, s->range);
    case KIND_LISTEN: return is_loopback_listener(v);
    default: return str_trim(v).len > 0;
    }
}

static int put_text(struct config *c, const struct config_setting *s, struct str v, const char **at,
                    struct fault *why)
{
    if (!text_fits(s, v)) return wrong(s, why, "not understood");
    char *copy = arena_copy(&c->arena, v);
    if (!copy) return fault_no_memory(why, s->key);
    *at = copy;
    return 0;
}

static int parse_mode(struct str v, int64_t *out)
{
    int64_t mode = 0;
    if (v.len < 3 || v.len > 4) return TILLPOST_E_BAD_NUMBER;
    for (size_t i = 0; i < v.len; i++) {
        if (v.p[i] < '0' || v.p[i] > '7') return TILLPOST_E_BAD_NUMBER;
        mode = mode * 8 + (v.p[i] - '0');
    }
    *out = mode;
    return 0;
}

static int parse_number(const struct config_setting *s, struct str v, int64_t *out)
{
    uint64_t n = 0;
    switch (s->kind) {
    case KIND_DURATION: return times_parse_duration(v, out);
    case KIND_SIZE: return times_parse_size(v, out);
    case KIND_MODE: return parse_mode(v, out);
    default: break;
    }
    if (str_to_u64(v, &n) < 0 || n > INT64_MAX) return TILLPOST_E_BAD_NUMBER;
    *out = (int64_t)n;
    return 0;
}

static int put_number(const struct config_setting *s, struct str v, int64_t *at, struct fault *why)
{
    int64_t n = 0;
    if (parse_number(s, v, &n) < 0) return wrong(s, why, "not understood");
    if (n < s->min || n > s->max)
        return fault_set(why, TILLPOST_E_CONFIG, s->key, "%.*s is out of range: %s",
                         (int)(v.len < 40 ? v.len : 40), v.p, s->range);
    *at = n;
    return 0;
}

static int put_list(struct config *c, const struct config_setting *s, const struct json *v,
                    struct config_list *at, struct fault *why)
{
    at->count = 0;
    if (!v) return 0;
    if (!json_is(v, JSON_ARRAY)) return wrong(s, why, "wrong type");
    for (const struct json *i = json_first(v); i; i = json_next(i)) {
        if (!json_is(i, JSON_STRING) || !str_trim(json_string(i)).len)
            return wrong(s, why, "an item has the wrong type");
        if (at->count == CONFIG_LIST_MAX)
            return fault_set(why, TILLPOST_E_CONFIG, s->key, "more than %d items", CONFIG_LIST_MAX);
        char *copy = arena_copy(&c->arena, json_string(i));
        if (!copy) return fault_no_memory(why, s->key);
        at->items[at->count++] = copy;
    }
    return 0;
}

/* The value as text; false for the wrong type. A count is a JSON number, all others are strings. */
static bool value_text(const struct config_setting *s, const struct json *v, char *number,
                       size_t number_bytes, struct str *out)
{
    double d = json_number(v);
    if (s->kind == KIND_FLAG) {
        bool is = json_is(v, JSON_TRUE);
        *out = is ? STR("true") : STR("false");
        return is || json_is(v, JSON_FALSE);
    }
    if (s->kind != KIND_COUNT) {
        *out = json_string(v);
        return json_is(v, JSON_STRING);
    }
    if (!json_is(v, JSON_NUMBER) || !(d >= -1e15 && d <= 1e15) || (double)(int64_t)d != d)
        return false;
    (void)snprintf(number, number_bytes, "%.0f", d);
    *out = str_from(number);
    return true;
}

int config_put(struct config *c, const struct config_setting *s, const struct json *v,
               struct fault *why)
{
    char number[32];
    struct str text = str_from(s->fallback);
    void *at = (char *)c + s->offset;
    bool is_null = v && json_is(v, JSON_NULL);
    if (s->kind == KIND_LIST) return put_list(c, s, v, at, why);
    if (is_null && s->fallback) return wrong(s, why, "null is not allowed here");
    if (is_null || (!v && !s->fallback)) return 0;
    if (v && !value_text(s, v, number, sizeof number, &text)) return wrong(s, why, "wrong type");
    switch (s->kind) {
    case KIND_FLAG: *(bool *)at = str_is(text, "true"); return 0;
    case KIND_DURATION:
    case KIND_SIZE:
    case KIND_COUNT:
    case KIND_MODE: return put_number(s, text, at, why);
    default: return put_text(c, s, text, at, why);
    }
}
