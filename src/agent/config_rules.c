/* config_rules.c: what one setting cannot know of another, and what the machine says to it. */
#include "agent/config_table.h"
#include "base/nearest.h"
#include "agent/secrets.h"
#include "platform/platform.h"
#include "tiktok/event.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

struct check {
    const struct config *c;
    const char *path;
    struct str text;
    struct config_problems *ps;
};

static void problem(const struct check *k, const char *section, const char *key,
                    const char *message)
{
    const char *keys[2] = {section, key};
    config_problem_add(k->ps, k->text, keys, 2, false, "%s", message);
}

static void problem_of(const struct check *k, const char *section, const char *key,
                       const struct fault *why)
{
    const char *keys[2] = {section, key};
    config_problem_fault(k->ps, k->text, keys, 2, why);
}

static void warning(const struct check *k, const char *section, const char *key,
                    const char *message)
{
    const char *keys[2] = {section, key};
    config_problem_add(k->ps, k->text, keys, 2, true, "%s", message);
}

/* The host of a URL behind its "scheme://", without user part and port. */
static struct str url_host(struct str url)
{
    struct str rest, host;
    size_t start = 0;
    while (start + 2 < url.len && memcmp(url.p + start, "://", 3) != 0) start++;
    if (start + 2 >= url.len) return (struct str){0};
    rest = (struct str){url.p + start + 3, url.len - start - 3};
    host = str_split(rest, '/', &rest);
    for (size_t i = 0; i < host.len; i++)
        if (host.p[i] == '@') host = (struct str){host.p + i + 1, host.len - i - 1};
    if (host.len && host.p[0] == '[') {
        struct str inside = {host.p + 1, host.len - 1};
        return str_split(inside, ']', &rest);
    }
    return str_split(host, ':', &rest);
}

static bool is_loopback_host(struct str host)
{
    char name[64];
    struct in_addr v4;
    if (str_is_nocase(host, "localhost") || str_is(host, "::1")) return true;
    if (!host.len || host.len >= sizeof name) return false;
    memcpy(name, host.p, host.len);
    name[host.len] = 0;
    return inet_pton(AF_INET, name, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

static void check_endpoint(const struct check *k)
{
    struct str url = str_from(k->c->tiktok.endpoint);
    bool https = str_starts(url, "https://"), http = str_starts(url, "http://");
    if (!https && !http) problem(k, "tiktok", "endpoint", "it must begin with https://");
    else if (!url_host(url).len) problem(k, "tiktok", "endpoint", "the URL names no host");
    else if (http && !is_loopback_host(url_host(url)))
        problem(k, "tiktok", "endpoint",
                "http:// is allowed towards a loopback address only; use https://");
    else if (!str_ends(url, "/"))
        warning(k, "tiktok", "endpoint",
                "it does not end in a slash: TikTok answers \"404 page not found\" without it");
}

static void check_token(const struct check *k)
{
    struct secret token = {0};
    struct fault why = {0};
    const char *file = k->c->tiktok.access_token_file;
    char credential[SECRET_PATH_BYTES];
    bool handed_in = secret_credential_path("tiktok-access-token", credential);
    if (!file && !handed_in) {
        problem(k, "tiktok", "access_token_file",
                "required: the absolute path of the file that holds the access token");
        return;
    }
    if (secret_read_token(handed_in ? credential : file, &token, &why) < 0)
        problem_of(k, "tiktok", "access_token_file", &why);
    secret_forget(&token);
}

static void check_proxy(const struct check *k)
{
    unsigned mode = 0, uid = 0;
    const char *proxy = k->c->tiktok.proxy;
    if (!proxy) return;
    if (!str_starts(str_from(proxy), "http://") && !str_starts(str_from(proxy), "https://"))
        problem(k, "tiktok", "proxy", "it must begin with http:// or https://");
    const char *at = strchr(proxy, '@');
    if (at && platform_file_mode(k->path, &mode, &uid) == 0 && (mode & 0004))
        problem(k, "tiktok", "proxy",
                "it holds a password and this file can be read by others: chmod o-r the file");
}

static void check_readable(const struct check *k, const char *key, const char *file)
{
    unsigned mode = 0, uid = 0;
    int rc = file ? platform_file_mode(file, &mode, &uid) : 0;
    if (rc < 0) problem(k, "tiktok", key, "the file cannot be found; correct the path");
    config_problem_cause(k->ps, rc);
}

static void check_name(const struct check *k, long id, const char *key, const char *unknown)
{
    if (id == PLATFORM_ID_NOT_NOW) config_problem_cause(k->ps, TILLPOST_E_IO);
    if (id < 0)
        problem(k, "listen", key,
                id == PLATFORM_ID_NOT_NOW ? "it cannot be looked up now" : unknown);
}

static void check_listen(const struct check *k)
{
    const struct config *c = k->c;
    struct secret tokens = {0};
    struct fault why = {0};
    if (c->listen.http && !c->listen.token_file)
        problem(k, "listen", "token_file", "required when listen.http is set");
    if (c->listen.http && c->listen.token_file &&
        secret_read_tokens(c->listen.token_file, &tokens, &why) < 0)
        problem_of(k, "listen", "token_file", &why);
    secret_forget(&tokens);
    if (c->listen.socket_group)
        check_name(k, platform_group_id(c->listen.socket_group), "socket_group",
                   "there is no such group on this machine");
    for (size_t i = 0; i < c->listen.allow_users.count; i++)
        check_name(k, platform_user_id(c->listen.allow_users.items[i]), "allow_users",
                   "it names a user that this machine does not have");
    for (size_t i = 0; i < c->listen.allow_origins.count; i++) {
        struct str o = str_from(c->listen.allow_origins.items[i]);
        struct str host = url_host(o);
        if (!host.len || str_ends(o, "/"))
            problem(k, "listen", "allow_origins",
                    "an origin is scheme://host[:port] without a path or slash behind it");
    }
}

static void check_defaults(const struct check *k)
{
    struct str currency = str_from(k->c->defaults.currency);
    bool letters = currency.len == 3;
    for (size_t i = 0; letters && i < 3; i++)
        letters = (currency.p[i] | 0x20) >= 'a' && (currency.p[i] | 0x20) <= 'z';
    if (k->c->defaults.currency && !letters)
        problem(k, "defaults", "currency", "it must be three letters such as \"EUR\"");
    if (k->c->defaults.calling_code && k->c->defaults.calling_code[0] == '0')
        problem(k, "defaults", "calling_code", "a country's calling code does not begin with 0");
}

static void check_privacy(const struct check *k)
{
    static const char *const fields[] = {"order_id",     "shop_id",
                                         "event_id",     "description",
                                         "query",        "url",
                                         "referrer",     "brand",
                                         "content_name", "content_category",
                                         "content_id",   "ttclid",
                                         "ttp",          "lead_id",
                                         "locale",       "ip",
                                         "user_agent",   "test_event_code"};
    const size_t n = sizeof fields / sizeof fields[0];
    for (size_t i = 0; i < k->c->privacy.allow_card_like.count; i++) {
        struct str name = str_from(k->c->privacy.allow_card_like.items[i]);
        bool known = false;
        for (size_t j = 0; j < n; j++) known = known || str_is(name, fields[j]);
        const char *near = nearest_name(name, fields, n);
        const char *keys[2] = {"privacy", "allow_card_like"};
        if (!known)
            config_problem_add(k->ps, k->text, keys, 2, false, "unknown field \"%.40s\"%s%s%s",
                               name.p, near ? "; did you mean \"" : "", near ? near : "",
                               near ? "\"?" : "");
    }
}

static void check_times(const struct check *k)
{
    if (k->c->queue.keep_sent_ms < k->c->queue.max_event_age_ms)
        problem(k, "queue", "keep_sent", "it must be at least queue.max_event_age");
    if (k->c->sync.retry_first_ms > k->c->sync.retry_most_ms)
        problem(k, "sync", "retry_first", "it must not be longer than sync.retry_most");
}

void config_check_rules(const struct config *c, const char *path, struct str text,
                        struct config_problems *ps)
{
    const struct check k = {c, path, text, ps};
    if (!c->tiktok.event_set_id)
        problem(&k, "tiktok", "event_set_id",
                "required: the id of your offline event set, digits as a string");
    check_endpoint(&k);
    check_token(&k);
    check_proxy(&k);
    check_readable(&k, "ca_file", c->tiktok.ca_file);
    check_readable(&k, "extra_ca_file", c->tiktok.extra_ca_file);
    check_listen(&k);
    check_defaults(&k);
    check_privacy(&k);
    check_times(&k);
    if (c->mapping_count == 0 && ps->errors == 0)
        warning(&k, "mappings", "presets", "no mapping is enabled: every call will be ignored");
}
