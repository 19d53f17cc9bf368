/* source.c: see source.h. */
#include "cli/source.h"

#include <string.h>

void source_open(struct source *s, struct cli *c)
{
    memset(s, 0, sizeof *s);
    s->c = c;
    client_init(&s->client, cli_socket(c), SOURCE_TIMEOUT_MS);
    arena_init(&s->arena, (size_t)64 * 1024, SOURCE_ARENA_MAX_BYTES);
    buf_init(&s->answer, SOURCE_ANSWER_MAX_BYTES);
}

int source_close(struct source *s, int status)
{
    client_close(&s->client);
    if (s->offline.queue) offline_close(&s->offline);
    arena_free(&s->arena);
    buf_free(&s->answer);
    return status;
}

bool source_tell(struct source *s, const struct fault *why)
{
    fprintf(stderr, "tillpost: %s\n", why->message);
    s->status = tillpost_err_info(why->err)->exit;
    return false;
}

bool source_go_offline(struct source *s, int err)
{
    struct fault why = {0};
    if (s->is_offline) return true;
    if (err != TILLPOST_E_UNAVAILABLE || !cli_config(s->c)) {
        s->status = cli_no_agent(s->c, err);
        return false;
    }
    int rc = s->makes ? offline_make(&s->offline, s->c->loaded, &why)
                      : offline_open(&s->offline, s->c->loaded, &why);
    if (rc < 0) return source_tell(s, &why);
    s->is_offline = true;
    return true;
}

const struct json *source_tree(struct source *s)
{
    static const struct json_limits limits = {SOURCE_ANSWER_MAX_BYTES, 8, 100000};
    const struct json *root = NULL;
    arena_reset(&s->arena);
    return json_parse(&s->arena, buf_str(&s->answer), &limits, &root, NULL) < 0 ? NULL : root;
}

const struct json *source_parsed(struct source *s)
{
    const struct json *root = source_tree(s);
    if (root) return root;
    fprintf(stderr, "tillpost: " SOURCE_NOT_UNDERSTOOD "\n");
    s->status = EXIT_BUG;
    return NULL;
}

const char *source_text(const struct json *object, const char *key)
{
    struct str s = json_string(json_get(object, key));
    return s.len ? s.p : "";
}

int source_request(struct source *s, const char *method, const char *path, struct str body)
{
    struct client_reply reply;
    buf_clear(&s->answer);
    int rc = client_request(&s->client, method, path, body.p, body.len, &reply);
    if (rc < 0) return rc;
    buf_add(&s->answer, reply.body, reply.len);
    s->http = reply.status;
    client_reply_free(&reply);
    return 0;
}

int source_try(struct source *s, const char *method, const char *path, struct str body)
{
    if (s->is_offline) return 0;
    int rc = source_request(s, method, path, body);
    if (rc < 0) return source_go_offline(s, rc) ? 0 : -1;
    return 1;
}

int source_ask(struct source *s, const char *method, const char *path, struct str body)
{
    int rc = source_try(s, method, path, body);
    if (rc <= 0 || s->http == 200) return rc;
    fprintf(stderr, "tillpost: %s\n", source_text(source_parsed(s), "message"));
    s->status = s->http == 404   ? EXIT_PROBLEM
                : s->http == 403 ? EXIT_DENIED
                : s->http >= 500 ? EXIT_LATER
                                 : EXIT_USAGE;
    return -1;
}
