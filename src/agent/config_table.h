/*
 * config_table.h: the settings as a table, shared by config.c (the loop over it) and
 * config_kinds.c (what each kind accepts). Private to agent.
 */
#ifndef AGENT_CONFIG_TABLE_H
#define AGENT_CONFIG_TABLE_H

#include "agent/config.h"

enum config_kind {
    KIND_TEXT,     /* const char *, not blank */
    KIND_DIGITS,   /* const char *, decimal digits */
    KIND_PATH,     /* const char *, absolute */
    KIND_CHOICE,   /* const char *, one of `range` separated by | */
    KIND_DURATION, /* int64_t ms */
    KIND_SIZE,     /* int64_t bytes */
    KIND_COUNT,    /* int64_t */
    KIND_FLAG,     /* bool */
    KIND_MODE,     /* int64_t, "0660" */
    KIND_LISTEN,   /* const char *, loopback address and port */
    KIND_LIST,     /* struct config_list */
    KIND_MAPPINGS  /* checked apart */
};

struct config_setting {
    const char *section, *key;
    enum config_kind kind;
    size_t offset;        /* in struct config */
    const char *fallback; /* text form; NULL: none (null is allowed) */
    int64_t min, max;     /* of numbers, in the unit of the kind */
    const char *range;    /* in words, for messages */
};

extern const struct config_setting config_settings[];
extern const size_t config_setting_count;

/* Puts one value into *c. v is NULL for the fallback. 0, or CONFIG with why->message filled. */
int config_put(struct config *c, const struct config_setting *s, const struct json *v,
               struct fault *why);

/* Adds a problem; keys[n] from the root down locate its line in text (len 0: no line). */
void config_problem_add(struct config_problems *ps, struct str text, const char *const *keys,
                        size_t n, bool warning, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* What a problem comes of: an error of tillpost/err.h. */
void config_problem_cause(struct config_problems *ps, int err);
/* Both at once. */
void config_problem_fault(struct config_problems *ps, struct str text, const char *const *keys,
                          size_t n, const struct fault *why);

/* config_rules.c: what one setting cannot know of another. */
void config_check_rules(const struct config *c, const char *path, struct str text,
                        struct config_problems *ps);

#endif
