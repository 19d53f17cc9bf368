/*
 * track.c: hands in calls, one JSON object a line.
 *
 * One answer a line, in order. A refused line does not stop the rest; the exit status tells (65).
 * A line that could not be stored (503, 507) is tried again a few times, then told (75).
 */
#include "agent/offline.h"
#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 5, WAIT_MS = 500 };

struct tracking {
    struct cli *c;
    struct client client;
    int status;
};

static const char *const types[] = {"track", "page", "screen", "identify", "group", "alias"};

static const char *known_type(struct str type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_is(type, types[i])) return types[i];
    return NULL;
}

/* The call's own type, else --type, else track. What the line lacks the agent will tell. */
static const char *type_of(const struct tracking *t, struct str line)
{
    const char *fallback = t->c->type ? t->c->type : "track";
    if (json_check(line, NULL) < 0 || str_trim(line).p[0] != '{') return fallback;
    struct str raw = json_raw_member(line, "type");
    if (raw.len < 2 || raw.p[0] != '"') return fallback;
    const char *own = known_type((struct str){raw.p + 1, raw.len - 2});
    return own ? own : fallback;
}

static void worse(struct tracking *t, int status)
{
    /* What could not be stored outweighs what was refused: those lines can be sent again. */
    if (t->status != EXIT_LATER) t->status = status;
}

static void print_answer(struct tracking *t, const char *body, int http)
{
    printf("%s\n", body);
    if (http == 503 || http == 507) worse(t, EXIT_LATER);
    else if (http >= 400) worse(t, EXIT_DATA);
}

static int hand_in(struct tracking *t, const char *type, struct str line)
{
    char path[32];
    struct client_reply reply;
    (void)snprintf(path, sizeof path, "/v1/%s", type);
    for (int i = 0;; i++) {
        int rc = client_request(&t->client, "POST", path, line.p, line.len, &reply);
        if (rc < 0) {
            t->status = cli_no_agent(t->c, rc);
            return rc;
        }
        if (i == TRIES_MAX || (reply.status != 503 && reply.status != 507)) break;
        client_reply_free(&reply);
        (void)poll(NULL, 0, WAIT_MS);
    }
    print_answer(t, reply.body, reply.status);
    client_reply_free(&reply);
    return 0;
}

static int dry_run(struct tracking *t, const char *type, struct str line)
{
    struct buf out;
    buf_init(&out, (size_t)1024 * 1024);
    int http = offline_dry_run(t->c->loaded, type, line, &out);
    print_answer(t, out.p ? out.p : "", http);
    buf_free(&out);
    return 0;
}

static int track_file(struct tracking *t, FILE *in)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int rc = 0;
    while (rc >= 0 && (len = getline(&line, &cap, in)) >= 0) {
        struct str text = str_trim((struct str){line, (size_t)len});
        if (!text.len) continue;
        const char *type = type_of(t, text);
        rc = t->c->dry_run ? dry_run(t, type, text) : hand_in(t, type, text);
    }
    if (line) wipe(line, cap);
    free(line);
    if (rc >= 0 && ferror(in)) {
        fprintf(stderr, "tillpost: the input cannot be read: %s\n", strerror(errno));
        t->status = EXIT_IO;
    }
    return rc;
}

static int track_path(struct tracking *t, const char *path)
{
    if (strcmp(path, "-") == 0) return track_file(t, stdin);
    FILE *in = fopen(path, "re");
    if (!in) {
        fprintf(stderr, "tillpost: %s: %s\n", path, strerror(errno));
        t->status = EXIT_NO_INPUT;
        return TILLPOST_E_NO_INPUT;
    }
    int rc = track_file(t, in);
    fclose(in);
    return rc;
}

int verb_track(struct cli *c)
{
    struct tracking t = {.c = c};
    if (c->dry_run && !cli_config(c)) {
        fprintf(stderr, "tillpost: the configuration is not right; see: tillpost check\n");
        return EXIT_CONFIG;
    }
    client_init(&t.client, c->dry_run ? NULL : cli_socket(c), CLIENT_TIMEOUT_MS);
    if (c->operand_count == 0) (void)track_file(&t, stdin);
    for (size_t i = 0; i < c->operand_count; i++)
        if (track_path(&t, c->operands[i]) < 0) break;
    client_close(&t.client);
    return t.status;
}
