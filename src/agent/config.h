/*
 * config.h: the configuration file, checked as a whole.
 *
 * Owner: a config owns its strings and its compiled mappings; problems are the caller's.
 * Errors: CONFIG when the file has at least one problem that is no warning (every problem is in the
 * list), NO_INPUT, DENIED, TOO_LARGE (CONFIG_MAX_BYTES), NO_MEMORY.
 * Source: product contract, section 2.
 */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "base/json.h"

enum {
    CONFIG_MAX_BYTES = 256 * 1024,
    CONFIG_PROBLEMS_MAX = 64,
    CONFIG_LIST_MAX = 64, /* items of a list of names */
    CONFIG_KEY_BYTES = 160,
    CONFIG_MAPPINGS_MAX = 50 /* mapping.h: MAPPINGS_MAX */
};
#define CONFIG_DEFAULT_PATH   "/etc/tillpost/tillpost.json"
#define CONFIG_DEFAULT_SOCKET "/run/tillpost/tillpost.sock"

struct config_problem {
    unsigned line; /* 0: the file as a whole */
    bool warning;
    char key[CONFIG_KEY_BYTES]; /* "sync.batch_events" */
    char message[FAULT_MESSAGE_MAX_BYTES];
};
struct config_problems {
    struct config_problem list[CONFIG_PROBLEMS_MAX];
    size_t count;  /* kept in the list */
    size_t errors; /* all that are no warnings, kept or not */
    int passing;   /* NO_MEMORY or IO when one comes of that, and not of what the file says; or 0 */
};

struct config_list {
    const char *items[CONFIG_LIST_MAX];
    size_t count;
};

struct mapping;

struct config {
    struct arena arena;
    struct {
        const char *event_set_id, *access_token_file, *endpoint, *test_event_code, *partner_name;
        const char *event_names, *ca_file, *extra_ca_file, *proxy;
    } tiktok;
    struct {
        const char *socket, *socket_group, *http, *token_file;
        int64_t socket_mode;
        struct config_list allow_users, allow_origins;
    } listen;
    struct {
        const char *path, *key_file;
        int64_t max_size_bytes, max_event_age_ms, keep_sent_ms;
    } queue;
    struct {
        int64_t batch_events, batch_size_bytes, retry_first_ms, retry_most_ms, timeout_ms;
    } sync;
    struct {
        const char *shop_id, *currency, *calling_code;
    } defaults;
    struct {
        const char *require_consent;
        bool accept_external_id_alone;
        struct config_list allow_card_like;
    } privacy;
    struct {
        const char *folder;
    } import;
    struct {
        const char *level, *format;
    } log;
    struct mapping *mappings[CONFIG_MAPPINGS_MAX];
    size_t mapping_count;
};

/* The path in force: the argument, else $TILLPOST_CONFIG, else the default. */
const char *config_path(const char *argument);
/* Reads and checks. *out is NULL when anything but warnings was found. */
int config_load(const char *path, struct config **out, struct config_problems *problems);
/* The same for one who looks at a device: *out is also there when settings are at fault, with the
 * defaults in their place; NULL when the file cannot be read or is no JSON. */
int config_look(const char *path, struct config **out, struct config_problems *problems);
void config_free(struct config *c);
/* {"tiktok":{…},…}: every setting in force, without what may be secret or a person's: a proxy's user
 * and password, the content of mappings. */
void config_write(const struct config *c, struct buf *out);

/* One line for a person: "tillpost.json:12: sync.batch_events: …" */
void config_problem_text(const char *path, const struct config_problem *p, struct buf *out);

/* Each problem as a line of the log; the log's level and format. */
void config_log_problems(const char *path, const struct config_problems *problems);
void config_log_setup(const struct config *c);

/* Every setting, for the manual's test: "section.key" of row i, NULL behind the last. */
const char *config_setting_name(size_t i, char out[CONFIG_KEY_BYTES]);

#endif
