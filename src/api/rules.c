/*
 * rules.c: the order in which a request is judged.
 *
 * What always holds:
 * 1. A request whose end is uncertain (two lengths, a length beside chunks, a field name with a
 *    space) is refused before anything else about it is believed.
 * 2. Over TCP nothing but an open route and a preflight gets past the token, and nothing at all
 *    past Host and Origin: a page in a browser can reach loopback, by its own name or a rebound one.
 * 3. Every token is compared over its whole length, whatever the ones before gave.
 * 4. No message repeats what the caller sent: a path or a field may hold personal data.
 */
#include "api/rules.h"

#include "api/target.h"
#include "api/token.h"
#include "tillpost/err.h"
#include <stdio.h>
#include <string.h>

static const struct head_rule {
    const char *name;
    bool once; /* twice is a request that two readers may read differently */
} head_rules[HEAD_FIELDS] = {
    [HEAD_HOST] = {"Host", true},
    [HEAD_ORIGIN] = {"Origin", true},
    [HEAD_AUTHORIZATION] = {"Authorization", true},
    [HEAD_CONTENT_LENGTH] = {"Content-Length", true},
    [HEAD_TRANSFER_ENCODING] = {"Transfer-Encoding", true},
    [HEAD_CONTENT_TYPE] = {"Content-Type", true},
    [HEAD_CONTENT_ENCODING] = {"Content-Encoding", true},
    [HEAD_REQUEST_METHOD] = {"Access-Control-Request-Method", true},
    [HEAD_REQUEST_PRIVATE_NETWORK] = {"Access-Control-Request-Private-Network", false},
    [HEAD_REQUEST_LOCAL_NETWORK] = {"Access-Control-Request-Local-Network", false},
};

/* clang-format off */
static const struct body_rule {
    size_t max_bytes;
    const char *too_large;
} body_rules[] = {
    [API_NO_BODY]    = {API_NO_BODY_MAX_BYTES, "this route takes no body: send none"},
    [API_CALL_BODY]  = {API_CALL_MAX_BYTES,    "a call may have at most 32 KiB: send less"},
    [API_BATCH_BODY] = {API_BATCH_MAX_BYTES,   "a batch may have at most 500 KiB: send several"},
    [API_SMALL_BODY] = {API_SMALL_MAX_BYTES,   "this route takes at most 64 KiB: send less"},
};
/* clang-format on */

/* RFC 9110 section 5.6.2 */
static bool is_token(const char *z)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    if (!*z) return false;
    for (; *z; z++) {
        bool plain =
            (*z >= '0' && *z <= '9') || (*z >= 'A' && *z <= 'Z') || (*z >= 'a' && *z <= 'z');
        if (!plain && !strchr(marks, *z)) return false;
    }
    return true;
}

void head_add(struct head *h, const char *name, const char *value)
{
    if (!is_token(name)) h->broken = true;
    for (size_t i = 0; i < HEAD_FIELDS; i++) {
        if (!str_is_nocase(str_from(name), head_rules[i].name)) continue;
        h->value[i] = str_trim(str_from(value));
        h->times[i]++;
    }
}

static void refuse(struct verdict *v, int err, const char *message)
{
    v->err = err;
    v->message = message;
}

static void refuse_framing(struct verdict *v, const char *message)
{
    refuse(v, TILLPOST_E_BAD_REQUEST, message);
    v->framing = true;
}

/* --- where the request ends --- */

static void judge_framing(const struct rules *r, struct head *h, struct verdict *v)
{
    uint64_t length = 0;
    (void)r;
    bool chunked = h->times[HEAD_TRANSFER_ENCODING] > 0;
    bool sized = h->times[HEAD_CONTENT_LENGTH] > 0;
    if (h->broken) {
        refuse_framing(v, "a header field's name has a character that no name may have");
        return;
    }
    for (size_t i = 0; i < HEAD_FIELDS; i++) {
        if (!head_rules[i].once || h->times[i] < 2) continue;
        refuse_framing(v, "a header field that must stand once stands twice");
        return;
    }
    if (chunked && sized) {
        refuse_framing(v, "send Content-Length or Transfer-Encoding, not both");
    } else if (chunked && !str_is_nocase(h->value[HEAD_TRANSFER_ENCODING], "chunked")) {
        refuse_framing(v, "the only Transfer-Encoding here is chunked");
    } else if (chunked && h->is_http_1_0) { /* RFC 9112, 6.1: its framing is faulty */
        refuse_framing(v, "HTTP/1.0 has no chunks: send Content-Length, or HTTP/1.1");
    } else if (sized && str_to_u64(h->value[HEAD_CONTENT_LENGTH], &length) < 0) {
        refuse_framing(v, "Content-Length must be a number");
    }
    v->has_body = chunked || length > 0;
}

static void judge_size(const struct rules *r, struct head *h, struct verdict *v)
{
    (void)r;
    if (h->bytes <= API_HEADER_MAX_BYTES) return;
    refuse(v, TILLPOST_E_TOO_LARGE, "the request line and header fields may have 8 KiB: send less");
    v->status = 431; /* RFC 6585: Request Header Fields Too Large */
}

/* --- who asks --- */

static bool is_ours(const struct rules *r, struct str authority)
{
    const char *names[] = {"127.0.0.1", "localhost", "[::1]", r->address};
    uint64_t port = 80; /* what a browser leaves out */
    struct str name = authority;
    for (size_t i = authority.len; i > 0 && authority.p[i - 1] != ']'; i--) {
        if (authority.p[i - 1] != ':') continue;
        name.len = i - 1;
        if (str_to_u64((struct str){authority.p + i, authority.len - i}, &port) < 0) return false;
        break;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (port == r->port && str_is_nocase(name, names[i])) return true;
    return false;
}

static void judge_target(const struct rules *r, struct head *h, struct verdict *v)
{
    struct target t;
    (void)r;
    if (!target_split(str_from(h->target), &t))
        refuse(v, TILLPOST_E_BAD_REQUEST, "the request's target must be a path");
    v->path = t.path;
    v->query = t.query;
    if (t.authority.len > 0) h->value[HEAD_HOST] = t.authority; /* RFC 9112 section 3.2.2 */
}

static void judge_host(const struct rules *r, struct head *h, struct verdict *v)
{
    if (h->over_tcp && !is_ours(r, h->value[HEAD_HOST]))
        refuse(v, TILLPOST_E_FORBIDDEN, "Host must be this listener's loopback address and port");
}

static void judge_origin(const struct rules *r, struct head *h, struct verdict *v)
{
    static const char scheme[] = "http://";
    const size_t scheme_len = sizeof scheme - 1;
    struct str origin = h->value[HEAD_ORIGIN];
    if (!h->over_tcp || h->times[HEAD_ORIGIN] == 0) return;
    for (size_t i = 0; i < r->origins.count; i++)
        if (str_is(origin, r->origins.p[i])) v->cors_origin = origin;
    if (v->cors_origin.len > 0) return;
    if (str_starts(origin, scheme) &&
        is_ours(r, (struct str){origin.p + scheme_len, origin.len - scheme_len}))
        return;
    refuse(v, TILLPOST_E_FORBIDDEN, "pages of this Origin may not call: see listen.allow_origins");
}

static void judge_preflight(const struct rules *r, struct head *h, struct verdict *v)
{
    (void)r;
    if (v->cors_origin.len == 0 || !str_is(h->method, "OPTIONS")) return;
    v->preflight = h->times[HEAD_REQUEST_METHOD] > 0;
    v->private_network = str_is(h->value[HEAD_REQUEST_PRIVATE_NETWORK], "true");
    v->local_network = str_is(h->value[HEAD_REQUEST_LOCAL_NETWORK], "true");
}

/* --- what is asked for --- */

/* A route's path against a request's: "/v1/events/" and a star takes one more segment. */
static bool fits(const struct api_route *route, struct str path, struct str *parameter)
{
    size_t len = strlen(route->path);
    *parameter = (struct str){"", 0};
    if (len == 0 || route->path[len - 1] != '*') return str_is(path, route->path);
    if (path.len < len || memcmp(path.p, route->path, len - 1) != 0) return false;
    *parameter = (struct str){path.p + len - 1, path.len - (len - 1)};
    return memchr(parameter->p, '/', parameter->len) == NULL;
}

static bool takes(const struct api_route *route, struct str method)
{
    return str_is(method, route->method) ||
           (str_is(method, "HEAD") && strcmp(route->method, "GET") == 0);
}

/* A path spelt out goes before one with a star. */
static void find_route(const struct rules *r, struct head *h, struct verdict *v)
{
    for (size_t i = 0; i < r->route_count; i++) {
        const struct api_route *route = &r->routes[i];
        struct str parameter;
        if (!fits(route, v->path, &parameter)) continue;
        v->known_path = true;
        if (!takes(route, h->method)) continue;
        if (v->route && parameter.len > 0) continue;
        v->route = route;
        v->parameter = parameter;
    }
    if (str_is(v->path, "*")) v->known_path = str_is(h->method, "OPTIONS");
}

static void judge_token(const struct rules *r, struct head *h, struct verdict *v)
{
    const char *const *tokens = (const char *const *)r->tokens.p;
    if (!h->over_tcp || (v->route && v->route->open)) return;
    if (!token_fits(h->value[HEAD_AUTHORIZATION], tokens, r->tokens.count))
        refuse(v, TILLPOST_E_UNAUTHORIZED,
               "send Authorization: Bearer, or Basic with the token as user name");
}

static void judge_route(const struct rules *r, struct head *h, struct verdict *v)
{
    (void)r;
    size_t len = v->parameter.len;
    /* The parameter lies in the target, which is the request's own memory. */
    if (!v->known_path)
        refuse(v, TILLPOST_E_NOT_FOUND, "there is no such route: see tillpost-api(7)");
    else if (str_is(h->method, "OPTIONS")) v->options = true;
    else if (!v->route)
        refuse(v, TILLPOST_E_METHOD_NOT_ALLOWED, "this path takes other methods: see Allow");
    else if (v->route->local_only && h->over_tcp)
        refuse(v, TILLPOST_E_FORBIDDEN, "this route is for the Unix socket only");
    else if (len > 0 && !percent_decode(h->target + (v->parameter.p - h->target), &len, false))
        refuse(v, TILLPOST_E_BAD_REQUEST, "the path has a malformed percent escape");
    v->parameter.len = len;
}

/* --- what comes with it --- */

/* Source: RFC 9110 section 5.6.6: empty parameters are allowed, quotes mean nothing. */
static bool is_json(struct str type)
{
    struct str rest;
    if (!str_is_nocase(str_trim(str_split(type, ';', &rest)), "application/json")) return false;
    while (rest.len > 0) {
        struct str p = str_trim(str_split(rest, ';', &rest));
        if (p.len > 0 && !str_is_nocase(p, "charset=utf-8") &&
            !str_is_nocase(p, "charset=\"utf-8\""))
            return false;
    }
    return true;
}

/* RudderStack's SDK gzips JSON and leaves the type to axios, which takes any buffer for a form. Seen
 * in @rudderstack/rudder-sdk-node 3.0.13. No page can send it unasked: a Content-Encoding, unlike a
 * form's type, needs a preflight. */
static bool is_mislabelled(struct str type)
{
    return str_is_nocase(type, "application/x-www-form-urlencoded");
}

static void judge_length(const struct rules *r, struct head *h, struct verdict *v)
{
    uint64_t length = 0;
    const struct body_rule *rule = &body_rules[v->route ? v->route->body : API_NO_BODY];
    (void)r;
    v->body_max_bytes = rule->max_bytes;
    if (h->times[HEAD_CONTENT_LENGTH] > 0) (void)str_to_u64(h->value[HEAD_CONTENT_LENGTH], &length);
    if (length > rule->max_bytes) refuse(v, TILLPOST_E_TOO_LARGE, rule->too_large);
    v->body_bytes = length < rule->max_bytes ? (size_t)length : rule->max_bytes;
}

static void judge_body(const struct rules *r, struct head *h, struct verdict *v)
{
    struct str encoding = h->value[HEAD_CONTENT_ENCODING];
    (void)r;
    if (!v->has_body || v->options) return;
    v->gzip = str_is_nocase(encoding, "gzip") || str_is_nocase(encoding, "x-gzip");
    if (!is_json(h->value[HEAD_CONTENT_TYPE]) &&
        !(v->gzip && is_mislabelled(h->value[HEAD_CONTENT_TYPE])))
        refuse(v, TILLPOST_E_UNSUPPORTED_MEDIA, "send the body as Content-Type: application/json");
    else if (encoding.len > 0 && !v->gzip && !str_is_nocase(encoding, "identity"))
        refuse(v, TILLPOST_E_UNSUPPORTED_MEDIA, "the Content-Encodings here are gzip and identity");
}

/* --- all of it --- */

/* clang-format off */
static void (*const steps[])(const struct rules *r, struct head *h, struct verdict *v) = {
    judge_framing,
    judge_size,
    judge_target,
    judge_host,
    judge_origin,
    judge_preflight,
    find_route,
    judge_token,
    judge_route,
    judge_length,
    judge_body,
};
/* clang-format on */

void rules_judge(const struct rules *r, struct head *h, struct verdict *v)
{
    *v = (struct verdict){0};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        steps[i](r, h, v);
        if (v->err || v->preflight) return;
    }
}

void rules_allow(const struct rules *r, struct str path, char *out, size_t out_bytes)
{
    static const char *const methods[] = {"GET", "POST"};
    size_t len = 0;
    for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
        struct str parameter;
        size_t i = 0;
        while (i < r->route_count && (strcmp(r->routes[i].method, methods[m]) != 0 ||
                                      !fits(&r->routes[i], path, &parameter)))
            i++;
        if (i == r->route_count) continue;
        len += (size_t)snprintf(out + len, out_bytes - len, "%s, ", m == 0 ? "GET, HEAD" : "POST");
    }
    snprintf(out + len, out_bytes - len, "OPTIONS");
}

const char *rules_too_large(const struct api_route *route)
{
    return body_rules[route->body].too_large;
}
