/*
 * reload.c: SIGHUP. A broken file changes nothing and says so; a good one takes effect at once,
 * but for what belongs to the open sockets and the open queue: that needs a restart and says so.
 *
 * The listener's tokens need no signal. They matter to a request only, and a request wakes the
 * loop: so their file is looked at before requests are judged, and nothing watches it in between.
 * A stat(2) sees what inotify would miss: a link, or a directory above, that leads elsewhere now.
 */
#include "agent/agent.h"
#include "base/log.h"
#include "platform/platform.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_number(int64_t a, int64_t b)
{
    return a == b;
}

/* A file at hand is taken again from its start, by the same ids. */
static void change_folder(struct agent *a, const struct config *fresh)
{
    const char *path = fresh->import.folder;
    if (same_text(a->config->import.folder, path)) return;
    folder_close(a->folder);
    a->folder = NULL;
    if (path && folder_open(path, &a->folder) < 0)
        log_line(LOG_LEVEL_ERROR, "no memory for the drop folder: restart the agent");
}

static void name_what_waits(const struct config *old, const struct config *new)
{
    const struct {
        const char *name;
        bool same;
    } fixed[] = {
        {"listen.socket", same_text(old->listen.socket, new->listen.socket)},
        {"listen.socket_mode", same_number(old->listen.socket_mode, new->listen.socket_mode)},
        {"listen.http", same_text(old->listen.http, new->listen.http)},
        {"queue.path", same_text(old->queue.path, new->queue.path)},
        {"queue.key_file", same_text(old->queue.key_file, new->queue.key_file)},
        {"queue.max_size", same_number(old->queue.max_size_bytes, new->queue.max_size_bytes)},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (!fixed[i].same)
            log_line(LOG_LEVEL_WARNING, "%s has changed: it takes effect after a restart",
                     fixed[i].name);
}

struct api_options agent_api_options(const struct config *c, const struct secret *tokens)
{
    return (struct api_options){
        .routes = agent_routes,
        .route_count = agent_route_count,
        .socket = c->listen.socket,
        .socket_mode = (unsigned)c->listen.socket_mode,
        .socket_group = c->listen.socket_group,
        .allow_users = c->listen.allow_users.items,
        .allow_user_count = c->listen.allow_users.count,
        .http = c->listen.http,
        .tokens = tokens->tokens,
        .token_count = tokens->token_count,
        .allow_origins = c->listen.allow_origins.items,
        .allow_origin_count = c->listen.allow_origins.count,
    };
}

/* A file out of reach would be told as one that may not be read: its place is judged first. */
static int load(struct agent *a, struct config **fresh, struct fault *why)
{
    static struct config_problems problems; /* large, and one reload at a time */
    int rc = config_look(a->config_file, fresh, &problems);
    int reach = *fresh ? confine_check(&a->confine, *fresh, why) : 0;
    if (reach >= 0) config_log_problems(a->config_file, &problems);
    return reach < 0 ? reach : rc;
}

void agent_reload(struct agent *a)
{
    struct config *fresh = NULL;
    struct secret tokens = {0};
    struct fault why = {0};
    a->reload_failed = true;
    int rc = load(a, &fresh, &why);
    if (rc >= 0 && fresh->listen.http && fresh->listen.token_file)
        rc = secret_read_tokens(fresh->listen.token_file, &tokens, &why);
    if (rc >= 0) rc = deliver_check(fresh, &why);
    if (rc >= 0) {
        struct api_options options = agent_api_options(fresh, &tokens);
        rc = api_reload(a->api, &options, &why);
    }
    if (rc < 0) {
        log_line(LOG_LEVEL_ERROR, "%s is not taken, the old configuration stays: %s",
                 a->config_file, why.message[0] ? why.message : "see above, or run tillpost check");
        secret_forget(&tokens);
        config_free(fresh);
        return;
    }
    name_what_waits(a->config, fresh);
    config_log_setup(fresh);
    change_folder(a, fresh);
    deliver_configure(&a->deliver, fresh, &a->now);
    a->ingest.config = fresh;
    secret_forget(&a->tokens);
    a->tokens = tokens;
    a->tokens_why = (struct fault){0};
    config_free(a->config);
    a->config = fresh;
    a->reload_failed = false;
    log_line(LOG_LEVEL_INFO, "%s is in force", a->config_file);
}

static int take_tokens(struct agent *a, const char *file, struct fault *why)
{
    struct secret fresh;
    int rc = secret_read_tokens(file, &fresh, why);
    if (rc >= 0) rc = api_set_tokens(a->api, fresh.tokens, fresh.token_count, why);
    /* A file out of reach would be told as one that may not be read. */
    else if (rc == TILLPOST_E_DENIED) (void)confine_check(&a->confine, a->config, why);
    if (rc < 0) {
        secret_forget(&fresh);
        return rc;
    }
    secret_forget(&a->tokens);
    a->tokens = fresh;
    log_line(LOG_LEVEL_INFO, "%s has changed: %zu token%s in force", file, fresh.token_count,
             fresh.token_count == 1 ? " is" : "s are");
    return 0;
}

void agent_watch_tokens(struct agent *a)
{
    const char *file = a->config->listen.http ? a->config->listen.token_file : NULL;
    struct fault why = {0};
    if (!file || a->now.mono_ms < a->tokens_at_ms) return;
    a->tokens_at_ms = a->now.mono_ms + AGENT_TOKENS_LOOK_MS;
    if (platform_file_stamp(file) != a->tokens.stamp && take_tokens(a, file, &why) < 0 &&
        strcmp(why.message, a->tokens_why.message) != 0)
        log_line(LOG_LEVEL_ERROR, "the old tokens stay in force: %s", why.message);
    a->tokens_why = why;
}
