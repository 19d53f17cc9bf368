/*
 * config.c: reads the configuration by a table.
 *
 * What always holds: (1) a file is judged as a whole: every fault is found in one run; (2) nothing
 * is taken from a file that has a fault; (3) a key that is not in the table is a fault.
 */
#include "agent/config.h"

#include "agent/config_table.h"
#include "base/nearest.h"
#include "mapping/mapping.h"
#include "platform/platform.h"
#include "tiktok/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
#define AT(field) offsetof(struct config, field)
#define DAY_MS (24LL * 3600 * 1000)
#define HOUR_MS (3600LL * 1000)
const struct config_setting config_settings[] = {
/*  section     key                  kind           offset                         fallback   min  max        range in words */
  {"tiktok",   "event_set_id",       KIND_DIGITS,   AT(tiktok.event_set_id),       NULL,       1,  32,       "1 to 32 digits, as a string"},
  {"tiktok",   "access_token_file",  KIND_PATH,     AT(tiktok.access_token_file),  NULL,       0,  0,        "an absolute path"},
  {"tiktok",   "endpoint",           KIND_TEXT,     AT(tiktok.endpoint),
     "https://business-api.tiktok.com/open_api/v1.3/event/track/",                             0,  0,        "a URL"},
  {"tiktok",   "test_event_code",    KIND_TEXT,     AT(tiktok.test_event_code),    NULL,       0,  0,        "a string or null"},
  {"tiktok",   "partner_name",       KIND_TEXT,     AT(tiktok.partner_name),       NULL,       0,  0,        "a string or null"},
  {"tiktok",   "event_names",        KIND_CHOICE,   AT(tiktok.event_names),        "current",  0,  0,        "current|legacy"},
  {"tiktok",   "ca_file",            KIND_PATH,     AT(tiktok.ca_file),            NULL,       0,  0,        "an absolute path or null"},
  {"tiktok",   "extra_ca_file",      KIND_PATH,     AT(tiktok.extra_ca_file),      NULL,       0,  0,        "an absolute path or null"},
  {"tiktok",   "proxy",              KIND_TEXT,     AT(tiktok.proxy),              NULL,       0,  0,        "http://user:password@host:port or null"},
  {"listen",   "socket",             KIND_PATH,     AT(listen.socket),             CONFIG_DEFAULT_SOCKET, 0, 0, "an absolute path"},
  {"listen",   "socket_mode",        KIND_MODE,     AT(listen.socket_mode),        "0660",     0,  0777,     "an octal mode in quotes, \"0600\" to \"0777\""},
  {"listen",   "socket_group",       KIND_TEXT,     AT(listen.socket_group),       NULL,       0,  0,        "a group name or null"},
  {"listen",   "http",               KIND_LISTEN,   AT(listen.http),               NULL,       1,  65535,    "a loopback address and port such as \"127.0.0.1:7390\" or \"[::1]:7390\", or null"},
  {"listen",   "token_file",         KIND_PATH,     AT(listen.token_file),         NULL,       0,  0,        "an absolute path or null"},
  {"listen",   "allow_users",        KIND_LIST,     AT(listen.allow_users),        NULL,       0,  0,        "a list of user names"},
  {"listen",   "allow_origins",      KIND_LIST,     AT(listen.allow_origins),      NULL,       0,  0,        "a list of origins such as \"https://till.example\""},
  {"queue",    "path",               KIND_PATH,     AT(queue.path),                "/var/lib/tillpost/queue.db", 0, 0, "an absolute path"},
  {"queue",    "key_file",           KIND_PATH,     AT(queue.key_file),            NULL,       0,  0,        "an absolute path or null"},
  {"queue",    "max_size",           KIND_SIZE,     AT(queue.max_size_bytes),      "256M",     4LL << 20, 64LL << 30, "4M to 64G"},
  {"queue",    "max_event_age",      KIND_DURATION, AT(queue.max_event_age_ms),    "28d",      HOUR_MS, 28 * DAY_MS, "1h to 28d"},
  {"queue",    "keep_sent",          KIND_DURATION, AT(queue.keep_sent_ms),        "28d",      HOUR_MS, 90 * DAY_MS, "1h to 90d"},
  {"sync",     "batch_events",       KIND_COUNT,    AT(sync.batch_events),         "1000",     1,  1000,     "1 to 1000"},
  {"sync",     "batch_size",         KIND_SIZE,     AT(sync.batch_size_bytes),     "1M",       32LL << 10, 8LL << 20, "32K to 8M"},
  {"sync",     "retry_first",        KIND_DURATION, AT(sync.retry_first_ms),       "1s",       100, HOUR_MS, "100ms to 1h"},
  {"sync",     "retry_most",         KIND_DURATION, AT(sync.retry_most_ms),        "15m",      1000, DAY_MS, "1s to 24h"},
  {"sync",     "timeout",            KIND_DURATION, AT(sync.timeout_ms),           "30s",      1000, 300000, "1s to 5m"},
  {"defaults", "shop_id",            KIND_TEXT,     AT(defaults.shop_id),          NULL,       0,  0,        "a string or null"},
  {"defaults", "currency",           KIND_TEXT,     AT(defaults.currency),         NULL,       0,  0,        "a three-letter currency code or null"},
  {"defaults", "calling_code",       KIND_DIGITS,   AT(defaults.calling_code),     NULL,       1,  3,        "1 to 3 digits such as \"44\", or null"},
  {"privacy",  "require_consent",    KIND_TEXT,     AT(privacy.require_consent),   NULL,       0,  0,        "a path such as \"$.context.consent.categoryPreferences.Advertising\", or null"},
  {"privacy",  "accept_external_id_alone", KIND_FLAG, AT(privacy.accept_external_id_alone), "false", 0, 0,  "true or false"},
  {"privacy",  "allow_card_like",    KIND_LIST,     AT(privacy.allow_card_like),   NULL,       0,  0,        "a list of field names such as \"order_id\""},
  {"import",   "folder",             KIND_PATH,     AT(import.folder),             NULL,       0,  0,        "an absolute path or null"},
  {"mappings", "presets",            KIND_MAPPINGS, 0,                             NULL,       0,  0,        "a list of preset names, or \"all\""},
  {"mappings", "custom",             KIND_MAPPINGS, 0,                             NULL,       0,  0,        "a list of mappings"},
  {"log",      "level",              KIND_CHOICE,   AT(log.level),                 "info",     0,  0,        "error|warning|info|debug"},
  {"log",      "format",             KIND_CHOICE,   AT(log.format),                "text",     0,  0,        "text|json"},
};
/* clang-format on */
_Static_assert((int)CONFIG_MAPPINGS_MAX == (int)MAPPINGS_MAX, "one number, told twice");

enum { SETTINGS = sizeof config_settings / sizeof config_settings[0], NEAR_MAX = 64 };
const size_t config_setting_count = SETTINGS;

const char *config_setting_name(size_t i, char out[CONFIG_KEY_BYTES])
{
    if (i >= SETTINGS) return NULL;
    (void)snprintf(out, CONFIG_KEY_BYTES, "%s.%s", config_settings[i].section,
                   config_settings[i].key);
    return out;
}

const char *config_path(const char *argument)
{
    if (argument) return argument;
    const char *env = getenv("TILLPOST_CONFIG");
    return env && *env ? env : CONFIG_DEFAULT_PATH;
}

void config_problem_add(struct config_problems *ps, struct str text, const char *const *keys,
                        size_t n, bool warning, const char *format, ...)
{
    if (!warning) ps->errors++;
    if (ps->count == CONFIG_PROBLEMS_MAX) return;
    struct config_problem *p = &ps->list[ps->count++];
    p->warning = warning;
    p->line = text.len ? json_line_of(text, keys, n) : 0;
    size_t len = 0;
    p->key[0] = 0;
    for (size_t i = 0; i < n; i++) {
        int more = snprintf(p->key + len, sizeof p->key - len, i ? ".%s" : "%s", keys[i]);
        if (more < 0 || (size_t)more >= sizeof p->key - len) break;
        len += (size_t)more;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(p->message, sizeof p->message, format, args);
    va_end(args);
}

void config_problem_cause(struct config_problems *ps, int err)
{
    if (tillpost_err_passes(err)) ps->passing = err;
}

void config_problem_fault(struct config_problems *ps, struct str text, const char *const *keys,
                          size_t n, const struct fault *why)
{
    config_problem_add(ps, text, keys, n, false, "%s", why->message);
    config_problem_cause(ps, why->err);
}

void config_problem_text(const char *path, const struct config_problem *p, struct buf *out)
{
    buf_add_z(out, path);
    if (p->line) buf_printf(out, ":%u", p->line);
    buf_printf(out, ": %s", p->warning ? "warning: " : "");
    if (p->key[0]) buf_printf(out, "%s: ", p->key);
    buf_add_z(out, p->message);
}

static bool section_known(struct str section)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (str_is(section, config_settings[i].section)) return true;
    return false;
}

static const struct config_setting *setting_find(const char *section, struct str key)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(config_settings[i].section, section) == 0 && str_is(key, config_settings[i].key))
            return &config_settings[i];
    return NULL;
}

/* section NULL: the names of sections. */
static const char *nearest_setting(const char *section, struct str name)
{
    const char *names[NEAR_MAX];
    size_t n = 0;
    for (size_t i = 0; i < SETTINGS && n < NEAR_MAX; i++) {
        if (!section) names[n++] = config_settings[i].section;
        else if (strcmp(config_settings[i].section, section) == 0)
            names[n++] = config_settings[i].key;
    }
    return nearest_name(name, names, n);
}

static void unknown_key(struct config_problems *ps, struct str text, const char *const *keys,
                        size_t n, const char *section, const char *what)
{
    const char *near = nearest_setting(section, str_from(keys[n - 1]));
    if (near)
        config_problem_add(ps, text, keys, n, false, "unknown %s; did you mean \"%s\"?", what,
                           near);
    else config_problem_add(ps, text, keys, n, false, "unknown %s; see tillpost.json(5)", what);
}

static void read_section(struct config *c, const struct json *section, struct str text,
                         struct config_problems *ps)
{
    const char *name = json_key(section).p;
    for (const struct json *v = json_first(section); v; v = json_next(v)) {
        const char *keys[2] = {name, json_key(v).p};
        const struct config_setting *s = setting_find(name, json_key(v));
        struct fault why = {0};
        if (!s) unknown_key(ps, text, keys, 2, name, "setting");
        else if (s->kind != KIND_MAPPINGS && config_put(c, s, v, &why) < 0)
            config_problem_fault(ps, text, keys, 2, &why);
    }
}

static void read_sections(struct config *c, const struct json *root, struct str text,
                          struct config_problems *ps)
{
    for (const struct json *v = json_first(root); v; v = json_next(v)) {
        const char *keys[1] = {json_key(v).p};
        if (!section_known(json_key(v))) unknown_key(ps, text, keys, 1, NULL, "section");
        else if (!json_is(v, JSON_OBJECT))
            config_problem_add(ps, text, keys, 1, false, "must be an object {…} of settings");
        else read_section(c, v, text, ps);
    }
}

/* An event that the mapping names itself, and that TikTok does not take. */
static void warn_of_event(const struct mapping *m, const struct json *event, struct str text,
                          const char *const *keys, size_t n, struct config_problems *ps)
{
    const struct tiktok_name *known = tiktok_name_find(json_string(event));
    if (!json_is(event, JSON_STRING) || (known && known->offline)) return;
    config_problem_add(ps, text, keys, n, true,
                       "mapping \"%.60s\" sends %.40s, which TikTok does not list as an offline "
                       "event; %s",
                       mapping_name(m), json_string(event).p,
                       known ? "it may be refused"
                             : "its calls will be answered bad_event_name (names are exact)");
}

static void add_mapping(struct config *c, const struct json *definition, struct str text,
                        const char *const *keys, size_t n, struct config_problems *ps)
{
    struct fault why = {0};
    struct mapping *m = NULL;
    if (c->mapping_count == MAPPINGS_MAX) {
        config_problem_add(ps, text, keys, n, false,
                           "more than %d mappings, enabled presets included; remove some",
                           MAPPINGS_MAX);
        return;
    }
    if (mapping_compile(definition, &m, &why) < 0) {
        struct str name = json_string(json_get(definition, "name"));
        config_problem_add(ps, text, keys, n, false, "mapping \"%.*s\"%s%s: %s",
                           (int)(name.len < 60 ? name.len : 60), name.len ? name.p : "",
                           why.path[0] ? ", at " : "", why.path, why.message);
        config_problem_cause(ps, why.err);
        return;
    }
    c->mappings[c->mapping_count++] = m;
    warn_of_event(m, json_get(json_get(definition, "mapping"), "event"), text, keys, n, ps);
}

static void add_preset(struct config *c, const struct mapping_preset *preset, struct str text,
                       const char *const *keys, size_t n, struct config_problems *ps)
{
    static const struct json_limits limits = {16 * 1024, 16, 2000};
    const struct json *definition = NULL;
    struct fault why = {0};
    if (json_parse(&c->arena, str_from(preset->definition), &limits, &definition, &why) < 0) {
        config_problem_add(ps, text, keys, n, false, "preset \"%s\": %s", preset->name,
                           why.message);
        config_problem_cause(ps, why.err);
        return;
    }
    add_mapping(c, definition, text, keys, n, ps);
}

static void add_preset_named(struct config *c, const struct json *name, struct str text,
                             const char *const *keys, size_t n, struct config_problems *ps)
{
    const char *names[MAPPING_PRESETS];
    for (size_t i = 0; i < MAPPING_PRESETS; i++) {
        names[i] = mapping_presets[i].name;
        if (!str_is(json_string(name), names[i])) continue;
        for (const struct json *v = json_next(name); v; v = json_next(v)) {
            if (!str_is(json_string(v), names[i])) continue;
            config_problem_add(ps, text, keys, n, false, "preset \"%s\" is listed twice", names[i]);
            return;
        }
        add_preset(c, &mapping_presets[i], text, keys, n, ps);
        return;
    }
    const char *near = nearest_name(json_string(name), names, MAPPING_PRESETS);
    config_problem_add(ps, text, keys, n, false, "there is no such preset%s%s%s",
                       near ? "; did you mean \"" : "; see tillpost.json(5) for the fifteen names",
                       near ? near : "", near ? "\"?" : "");
}

static void read_presets(struct config *c, const struct json *presets, struct str text,
                         struct config_problems *ps)
{
    const char *keys[3] = {"mappings", "presets", NULL};
    char index[16];
    bool all = json_is(presets, JSON_STRING) && str_is(json_string(presets), "all");
    if (!presets || all) {
        for (size_t i = 0; i < MAPPING_PRESETS; i++)
            if (all || mapping_presets[i].on_by_default)
                add_preset(c, &mapping_presets[i], text, keys, presets ? 2 : 0, ps);
        return;
    }
    if (!json_is(presets, JSON_ARRAY)) {
        config_problem_add(ps, text, keys, 2, false, "must be a list of preset names, or \"all\"");
        return;
    }
    size_t i = 0;
    for (const struct json *v = json_first(presets); v; v = json_next(v), i++) {
        (void)snprintf(index, sizeof index, "%zu", i);
        keys[2] = index;
        if (json_is(v, JSON_STRING)) add_preset_named(c, v, text, keys, 3, ps);
        else config_problem_add(ps, text, keys, 3, false, "must be the name of a preset");
    }
}

static void read_custom(struct config *c, const struct json *custom, struct str text,
                        struct config_problems *ps)
{
    const char *keys[3] = {"mappings", "custom", NULL};
    char index[16];
    if (!custom) return;
    if (!json_is(custom, JSON_ARRAY)) {
        config_problem_add(ps, text, keys, 2, false, "must be a list of mappings");
        return;
    }
    size_t i = 0;
    for (const struct json *v = json_first(custom); v; v = json_next(v), i++) {
        (void)snprintf(index, sizeof index, "%zu", i);
        keys[2] = index;
        add_mapping(c, v, text, keys, 3, ps);
    }
}

static void read_root(struct config *c, const char *path, struct str text, const struct json *root,
                      struct config_problems *ps)
{
    if (!json_is(root, JSON_OBJECT)) {
        config_problem_add(ps, text, NULL, 0, false, "the file must hold one JSON object");
        return;
    }
    read_sections(c, root, text, ps);
    const struct json *mappings = json_get(root, "mappings");
    read_presets(c, json_get(mappings, "presets"), text, ps);
    read_custom(c, json_get(mappings, "custom"), text, ps);
    config_check_rules(c, path, text, ps);
}

static struct config *config_new(struct config_problems *ps)
{
    struct config *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    arena_init(&c->arena, (size_t)16 * 1024, (size_t)8 * CONFIG_MAX_BYTES);
    for (size_t i = 0; i < SETTINGS; i++) {
        struct fault why = {0};
        const char *keys[2] = {config_settings[i].section, config_settings[i].key};
        if (config_settings[i].kind != KIND_MAPPINGS &&
            config_put(c, &config_settings[i], NULL, &why) < 0)
            config_problem_fault(ps, (struct str){0}, keys, 2, &why);
    }
    return c;
}

int config_look(const char *path, struct config **out, struct config_problems *problems)
{
    static const struct json_limits limits = {CONFIG_MAX_BYTES, 32, 20000};
    char *text = NULL;
    size_t len = 0;
    const struct json *root = NULL;
    struct fault why = {0};
    memset(problems, 0, sizeof *problems);
    *out = NULL;
    struct config *c = config_new(problems);
    if (!c) {
        config_problem_add(problems, (struct str){0}, NULL, 0, false, "out of memory");
        return TILLPOST_E_NO_MEMORY;
    }
    int rc = platform_read_file(path, CONFIG_MAX_BYTES, false, &text, &len);
    if (rc < 0) {
        config_problem_add(problems, (struct str){0}, NULL, 0, false, "cannot be read: %s",
                           rc == TILLPOST_E_NO_INPUT ? "no such file; give --config FILE"
                                                     : tillpost_err_info(rc)->words);
        goto fail;
    }
    struct str whole = {text, len};
    rc = json_parse_commented(&c->arena, whole, &limits, &root, &why);
    if (rc < 0) config_problem_fault(problems, (struct str){0}, NULL, 0, &why);
    else read_root(c, path, whole, root, problems);
    platform_free_file(text, len);
    if (rc >= 0) *out = c;
    else config_free(c);
    if (problems->passing) return problems->passing;
    return problems->errors ? TILLPOST_E_CONFIG : 0;
fail:
    config_free(c);
    return rc;
}

int config_load(const char *path, struct config **out, struct config_problems *problems)
{
    int rc = config_look(path, out, problems);
    if (rc >= 0) return rc;
    config_free(*out);
    *out = NULL;
    return rc;
}

void config_free(struct config *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->mapping_count; i++) mapping_free(c->mappings[i]);
    arena_free(&c->arena);
    free(c);
}
