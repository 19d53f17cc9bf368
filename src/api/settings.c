/*
 * settings.c: the api's own copy of its options, so that a reload can replace them at once and a
 * broken one changes nothing.
 */
#include "api/inside.h"

#include "platform/platform.h"
#include "tillpost/err.h"
#include <stdlib.h>
#include <string.h>

static void names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++) {
        wipe(n->p[i], strlen(n->p[i]));
        free(n->p[i]);
    }
    free(n->p);
    *n = (struct names){0};
}

static int names_copy(struct names *to, const char *const *from, size_t count, struct fault *why)
{
    if (count == 0) return 0;
    to->p = calloc(count, sizeof *to->p);
    if (!to->p) return fault_no_memory(why, NULL);
    for (size_t i = 0; i < count; i++) {
        to->p[i] = strdup(from[i]);
        if (!to->p[i]) return fault_no_memory(why, NULL);
        to->count++;
    }
    return 0;
}

static int not_now(const char *setting, const char *name, struct fault *why)
{
    return fault_set(why, TILLPOST_E_IO, setting, "\"%s\" cannot be looked up now; try again",
                     name);
}

static int users_find(struct peers *p, const char *const *names, size_t count, struct fault *why)
{
    if (count == 0) return 0;
    p->uids = calloc(count, sizeof *p->uids);
    if (!p->uids) return fault_no_memory(why, NULL);
    for (size_t i = 0; i < count; i++) {
        long uid = platform_user_id(names[i]);
        if (uid == PLATFORM_ID_NOT_NOW) return not_now("listen.allow_users", names[i], why);
        if (uid < 0)
            return fault_set(why, TILLPOST_E_CONFIG, "listen.allow_users",
                             "there is no user \"%s\" here: add the user or take the name out",
                             names[i]);
        p->uids[p->count++] = (unsigned)uid;
    }
    return 0;
}

static int group_find(struct peers *p, const char *name, struct fault *why)
{
    p->group = name ? platform_group_id(name) : -1;
    if (!name || p->group >= 0) return 0;
    if (p->group == PLATFORM_ID_NOT_NOW) return not_now("listen.socket_group", name, why);
    return fault_set(why, TILLPOST_E_CONFIG, "listen.socket_group",
                     "there is no group \"%s\" here: add the group or name another", name);
}

int settings_copy(const struct api_options *o, struct rules *r, struct peers *p, struct fault *why)
{
    struct names tokens = {0}, origins = {0};
    struct peers peers = {.group = -1};
    int rc = 0;
    if (o->http && o->token_count == 0)
        rc = fault_set(why, TILLPOST_E_CONFIG, "listen.token_file",
                       "listen.http is set, so a token is needed: set listen.token_file");
    if (rc == 0) rc = names_copy(&tokens, o->tokens, o->token_count, why);
    if (rc == 0) rc = names_copy(&origins, o->allow_origins, o->allow_origin_count, why);
    if (rc == 0) rc = users_find(&peers, o->allow_users, o->allow_user_count, why);
    if (rc == 0) rc = group_find(&peers, o->socket_group, why);
    if (rc < 0) {
        names_free(&tokens);
        names_free(&origins);
        free(peers.uids);
        return rc;
    }
    settings_free(r, p);
    r->routes = o->routes;
    r->route_count = o->route_count;
    r->tokens = tokens;
    r->origins = origins;
    *p = peers;
    return 0;
}

int settings_tokens(const char *const *tokens, size_t count, struct rules *r, struct fault *why)
{
    struct names fresh = {0};
    int rc = names_copy(&fresh, tokens, count, why);
    if (rc < 0) {
        names_free(&fresh);
        return rc;
    }
    names_free(&r->tokens);
    r->tokens = fresh;
    return 0;
}

void settings_free(struct rules *r, struct peers *p)
{
    names_free(&r->tokens);
    names_free(&r->origins);
    free(p->uids);
    *p = (struct peers){.group = -1};
}
