/* config_log.c: what the log gets of a configuration: its problems, and its own settings. */
#include "agent/config.h"
#include "base/log.h"

#include <string.h>

void config_log_problems(const char *path, const struct config_problems *problems)
{
    struct buf line;
    buf_init(&line, LOG_LINE_MAX_BYTES);
    for (size_t i = 0; i < problems->count; i++) {
        const struct config_problem *p = &problems->list[i];
        buf_clear(&line);
        config_problem_text(path, p, &line);
        log_line(p->warning ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "%s", line.p ? line.p : "");
    }
    buf_free(&line);
}

void config_log_setup(const struct config *c)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    for (int i = 0; i < 4; i++)
        if (strcmp(c->log.level, names[i]) == 0)
            log_setup((enum log_level)i, strcmp(c->log.format, "json") == 0);
}
