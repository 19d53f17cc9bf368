/*
 * events.c: the queue and the dead letters: events, show, retry, drop, erase.
 *
 * Each asks the agent, or, when none runs, does the same on the queue itself: `struct source` is
 * one or the other.
 */
#include "agent/offline.h"
#include "cli/cli.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 10000,
    FOLLOW_MS = 1000,
    ARENA_MAX_BYTES = 4 * 1024 * 1024,
    ANSWER_MAX_BYTES = 1024 * 1024,
    PATH_BYTES = 2048,
    ERASE_TIMEOUT_MS = 600 * 1000, /* a slow till with a million events */
    WHO_MAX_BYTES = 1024
};

struct source {
    struct cli *c;
    struct client client;
    struct offline offline;
    bool is_offline;
    struct arena arena;
    struct buf answer; /* JSON, of the last request */
    int status;        /* exit status of what went wrong */
};

static void open_source(struct source *s, struct cli *c)
{
    memset(s, 0, sizeof *s);
    s->c = c;
    client_init(&s->client, cli_socket(c), TIMEOUT_MS);
    arena_init(&s->arena, (size_t)64 * 1024, ARENA_MAX_BYTES);
    buf_init(&s->answer, ANSWER_MAX_BYTES);
}

static int close_source(struct source *s, int status)
{
    client_close(&s->client);
    if (s->is_offline) offline_close(&s->offline);
    arena_free(&s->arena);
    buf_free(&s->answer);
    return status;
}

static bool tell_fault(struct source *s, const struct fault *why)
{
    fprintf(stderr, "tillpost: %s\n", why->message);
    s->status = tillpost_err_info(why->err)->exit;
    return false;
}

/* No agent runs: the queue itself is opened, once. */
static bool go_offline(struct source *s, int err)
{
    struct fault why = {0};
    if (s->is_offline) return true;
    if (err != TILLPOST_E_UNAVAILABLE || !cli_config(s->c)) {
        s->status = cli_no_agent(s->c, err);
        return false;
    }
    if (offline_open(&s->offline, s->c->loaded, &why) < 0) return tell_fault(s, &why);
    s->is_offline = true;
    return true;
}

static const struct json *parsed(struct source *s)
{
    static const struct json_limits limits = {ANSWER_MAX_BYTES, 8, 100000};
    const struct json *root = NULL;
    arena_reset(&s->arena);
    if (json_parse(&s->arena, buf_str(&s->answer), &limits, &root, NULL) >= 0) return root;
    fprintf(stderr, "tillpost: the answer is not understood\n");
    s->status = EXIT_BUG;
    return NULL;
}

static const char *text_of(const struct json *event, const char *key)
{
    struct str s = json_string(json_get(event, key));
    return s.len ? s.p : "";
}

/* 1: the agent has answered, 0: there is none, -1: told. */
static int ask_agent(struct source *s, const char *method, const char *path, struct str body)
{
    struct client_reply reply;
    if (s->is_offline) return 0;
    int rc = client_request(&s->client, method, path, body.p, body.len, &reply);
    if (rc < 0) return go_offline(s, rc) ? 0 : -1;
    buf_clear(&s->answer);
    buf_add(&s->answer, reply.body, reply.len);
    int http = reply.status;
    client_reply_free(&reply);
    if (http == 200) return 1;
    const struct json *refusal = parsed(s);
    fprintf(stderr, "tillpost: %s\n", text_of(refusal, "message"));
    s->status = http == 404   ? EXIT_PROBLEM
                : http == 403 ? EXIT_DENIED
                : http >= 500 ? EXIT_LATER
                              : EXIT_USAGE;
    return -1;
}

/* Printing ------------------------------------------------------------------------------------ */

static void print_event(const struct cli *c, const struct json *event)
{
    if (c->json) {
        struct buf line;
        buf_init(&line, ANSWER_MAX_BYTES);
        json_write(&line, event);
        printf("%s\n", line.p ? line.p : "");
        buf_free(&line);
        return;
    }
    printf("%-20s %-7s %-16s %s", text_of(event, "recorded_at"), text_of(event, "state"),
           text_of(event, "event"), text_of(event, "event_id"));
    if (*text_of(event, "reason"))
        printf("\n  %s: %s", text_of(event, "reason"), text_of(event, "message"));
    printf("\n");
}

static int64_t print_events(const struct cli *c, const struct json *root, int64_t after)
{
    for (const struct json *e = json_first(json_get(root, "events")); e; e = json_next(e)) {
        print_event(c, e);
        after = (int64_t)json_number(json_get(e, "seq"));
    }
    (void)fflush(stdout);
    return after;
}

/* Verbs --------------------------------------------------------------------------------------- */

static bool get_page(struct source *s, int64_t after)
{
    char path[128];
    struct fault why = {0};
    const char *state = s->c->state ? s->c->state : "queued";
    (void)snprintf(path, sizeof path, "/v1/events?state=%.16s&after=%lld", state, (long long)after);
    int rc = ask_agent(s, "GET", path, (struct str){0});
    if (rc != 0) return rc > 0;
    buf_clear(&s->answer);
    if (offline_events(&s->offline, state, after, &s->answer, &why) >= 0) return true;
    return tell_fault(s, &why);
}

int verb_events(struct cli *c)
{
    struct source s;
    int64_t after = 0;
    open_source(&s, c);
    for (;;) {
        if (!get_page(&s, after)) return close_source(&s, s.status);
        const struct json *root = parsed(&s);
        if (!root) return close_source(&s, s.status);
        after = print_events(c, root, after);
        if (json_is(json_get(root, "next"), JSON_NUMBER)) continue;
        if (!c->follow || ferror(stdout)) return close_source(&s, EXIT_OK);
        (void)poll(NULL, 0, FOLLOW_MS);
    }
}

/* Percent-encodes what may not stand in a path. */
static void add_path_segment(struct buf *out, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (; *text; text++) {
        if (strchr(plain, *text)) buf_add_char(out, *text);
        else buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

int verb_show(struct cli *c)
{
    struct source s;
    struct buf path;
    struct fault why = {0};
    if (c->operand_count != 1) {
        fprintf(stderr, "tillpost: show takes one id; see: tillpost help show\n");
        return EXIT_USAGE;
    }
    open_source(&s, c);
    buf_init(&path, PATH_BYTES);
    buf_add_z(&path, "/v1/events/");
    add_path_segment(&path, c->operands[0]);
    int rc = path.failed ? -1 : ask_agent(&s, "GET", path.p, (struct str){0});
    buf_free(&path);
    if (rc == 0) {
        buf_clear(&s.answer);
        if (offline_event(&s.offline, c->operands[0], &s.answer, &why) < 0)
            (void)tell_fault(&s, &why);
        else rc = 1;
    }
    const struct json *root = rc > 0 ? parsed(&s) : NULL;
    if (root) (void)print_events(c, root, 0);
    return close_source(&s, root ? EXIT_OK : s.status ? s.status : EXIT_USAGE);
}

static void write_request(const struct cli *c, struct buf *body)
{
    if (c->dead) {
        buf_add_z(body, "{\"state\":\"dead\"}");
        return;
    }
    buf_add_z(body, "{\"ids\":[");
    for (size_t i = 0; i < c->operand_count; i++) {
        if (i) buf_add_char(body, ',');
        json_write_string(body, str_from(c->operands[i]));
    }
    buf_add_z(body, "]}");
}

/* One request; *left is what a further one may change. */
static bool change_once(struct source *s, bool drop, struct str body, double *changed, double *left,
                        bool *missing)
{
    struct fault why = {0};
    int rc = ask_agent(s, "POST", drop ? "/v1/events/drop" : "/v1/events/retry", body);
    if (rc < 0) return false;
    if (rc == 0) {
        buf_clear(&s->answer);
        if (offline_change(&s->offline, drop, body, &s->answer, &why) < 0)
            return tell_fault(s, &why);
    }
    const struct json *root = parsed(s);
    if (!root) return false;
    double now = json_number(json_get(root, "changed"));
    *changed += now;
    *left = now > 0 ? json_number(json_get(root, "left")) : 0;
    const struct json *id = json_first(json_get(root, "not_found"));
    *missing = id != NULL;
    for (; id; id = json_next(id)) fprintf(stderr, "tillpost: no such id: %s\n", json_string(id).p);
    return true;
}

static int change(struct cli *c, bool drop, const char *done)
{
    struct source s;
    struct buf body;
    double changed = 0, left = 0;
    bool missing = false, good;
    if (c->dead == (c->operand_count > 0)) {
        fprintf(stderr, "tillpost: name ids, or say --dead for all dead letters\n");
        return EXIT_USAGE;
    }
    open_source(&s, c);
    buf_init(&body, ANSWER_MAX_BYTES);
    write_request(c, &body);
    do good = change_once(&s, drop, buf_str(&body), &changed, &left, &missing);
    while (good && c->dead && left > 0);
    buf_free(&body);
    if (!good) return close_source(&s, s.status);
    if (c->json) printf("{\"changed\":%.0f}\n", changed);
    else printf("%.0f %s\n", changed, done);
    return close_source(&s, missing ? EXIT_PROBLEM : EXIT_OK);
}

int verb_retry(struct cli *c)
{
    return change(c, false, "back in the queue");
}

int verb_drop(struct cli *c)
{
    return change(c, true, "given up");
}

/* Who is to be erased never stands in the arguments, which every user of the machine can read. */
static bool read_who(char *who, size_t *len)
{
    ssize_t n = 0;
    *len = 0;
    while (*len < WHO_MAX_BYTES && (n = read(STDIN_FILENO, who + *len, WHO_MAX_BYTES - *len)) > 0)
        *len += (size_t)n;
    return n == 0;
}

static int erase_request(struct buf *body, const char *key)
{
    char who[WHO_MAX_BYTES];
    size_t len;
    bool whole = read_who(who, &len);
    buf_printf(body, "{\"%s\":", key);
    json_write_string(body, str_trim((struct str){who, len}));
    buf_add_char(body, '}');
    wipe(who, sizeof who);
    if (whole && !body->failed) return EXIT_OK;
    fprintf(stderr, "tillpost: standard input must hold one address or number\n");
    return EXIT_DATA;
}

static int erase(struct cli *c, struct str body)
{
    struct source s;
    struct fault why = {0};
    open_source(&s, c);
    s.client.timeout_ms = ERASE_TIMEOUT_MS;
    int rc = ask_agent(&s, "POST", "/v1/erase", body);
    if (rc == 0) {
        buf_clear(&s.answer);
        if (offline_erase(&s.offline, c->loaded, body, &s.answer, &why) >= 0) rc = 1;
        else (void)tell_fault(&s, &why);
    }
    const struct json *root = rc > 0 ? parsed(&s) : NULL;
    if (root && c->json) printf("%s\n", s.answer.p);
    else if (root) printf("%.0f erased\n", json_number(json_get(root, "erased")));
    return close_source(&s, root ? EXIT_OK : s.status);
}

int verb_erase(struct cli *c)
{
    struct buf body;
    if ((c->email == NULL) == (c->phone == NULL)) {
        fprintf(stderr, "tillpost: say --email - or --phone -, one of them, and give the value on "
                        "standard input\n");
        return EXIT_USAGE;
    }
    buf_init(&body, ANSWER_MAX_BYTES);
    int status = erase_request(&body, c->email ? "email" : "phone");
    if (status == EXIT_OK) status = erase(c, buf_str(&body));
    buf_free(&body);
    return status;
}
