/*
 * events.c: the queue and the dead letters: events, show, retry, drop, erase.
 */
#include "cli/source.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    FOLLOW_MS = 1000,
    PATH_BYTES = 2048,
    ERASE_TIMEOUT_MS = 600 * 1000, /* a slow till with a million events */
    WHO_MAX_BYTES = 1024
};

/* Printing ------------------------------------------------------------------------------------ */

static void print_event(const struct cli *c, const struct json *event)
{
    if (c->json) {
        struct buf line;
        buf_init(&line, SOURCE_ANSWER_MAX_BYTES);
        json_write(&line, event);
        printf("%s\n", line.p ? line.p : "");
        buf_free(&line);
        return;
    }
    printf("%-20s %-7s %-16s %s", source_text(event, "recorded_at"), source_text(event, "state"),
           source_text(event, "event"), source_text(event, "event_id"));
    if (*source_text(event, "reason"))
        printf("\n  %s: %s", source_text(event, "reason"), source_text(event, "message"));
    printf("\n");
}

static int64_t print_events(const struct cli *c, const struct json *root, int64_t after, bool quiet)
{
    for (const struct json *e = json_first(json_get(root, "events")); e; e = json_next(e)) {
        if (!quiet) print_event(c, e);
        after = (int64_t)json_number(json_get(e, "seq"));
    }
    (void)fflush(stdout);
    return after;
}

/* Verbs --------------------------------------------------------------------------------------- */

enum { STATES = 3 };
static const char *const states[STATES] = {"queued", "sent", "dead"};

static bool get_page(struct source *s, const char *state, int64_t after)
{
    char path[128];
    struct fault why = {0};
    (void)snprintf(path, sizeof path, "/v1/events?state=%.16s&after=%lld", state, (long long)after);
    int rc = source_ask(s, "GET", path, (struct str){0});
    if (rc != 0) return rc > 0;
    buf_clear(&s->answer);
    if (offline_events(&s->offline, state, after, &s->answer, &why) >= 0) return true;
    return source_tell(s, &why);
}

/* What a state holds behind *after, which moves on. */
static bool list_state(struct source *s, const char *state, int64_t *after, bool quiet)
{
    for (;;) {
        if (!get_page(s, state, *after)) return false;
        const struct json *root = source_parsed(s);
        if (!root) return false;
        *after = print_events(s->c, root, *after, quiet);
        if (!json_is(json_get(root, "next"), JSON_NUMBER)) return true;
    }
}

/* Each event as it comes into a state. Without --state those that were sent or set aside before are
 * left out: a sale is delivered within a second, and the queued ones alone would show next to none. */
static int follow(struct source *s)
{
    int64_t after[STATES] = {0};
    for (bool begins = !s->c->state;; begins = false) {
        for (size_t i = 0; i < STATES; i++) {
            bool wanted = !s->c->state || strcmp(s->c->state, states[i]) == 0;
            if (wanted && !list_state(s, states[i], &after[i], begins && i > 0)) return s->status;
        }
        if (ferror(stdout)) return EXIT_OK;
        if (s->is_offline) return cli_no_agent(s->c, TILLPOST_E_UNAVAILABLE);
        (void)poll(NULL, 0, FOLLOW_MS);
    }
}

int verb_events(struct cli *c)
{
    struct source s;
    int64_t after = 0;
    source_open(&s, c);
    if (c->follow) return source_close(&s, follow(&s));
    bool good = list_state(&s, c->state ? c->state : states[0], &after, false);
    return source_close(&s, good ? EXIT_OK : s.status);
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
    source_open(&s, c);
    buf_init(&path, PATH_BYTES);
    buf_add_z(&path, "/v1/events/");
    add_path_segment(&path, c->operands[0]);
    int rc = path.failed ? -1 : source_ask(&s, "GET", path.p, (struct str){0});
    buf_free(&path);
    if (rc == 0) {
        buf_clear(&s.answer);
        if (offline_event(&s.offline, c->operands[0], &s.answer, &why) < 0)
            (void)source_tell(&s, &why);
        else rc = 1;
    }
    const struct json *root = rc > 0 ? source_parsed(&s) : NULL;
    if (root) (void)print_events(c, root, 0, false);
    return source_close(&s, root ? EXIT_OK : s.status ? s.status : EXIT_USAGE);
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

struct changes {
    double changed, left, may_repeat; /* left: a further request may change them */
    bool missing;
};

static bool change_once(struct source *s, bool drop, struct str body, struct changes *all)
{
    struct fault why = {0};
    int rc = source_ask(s, "POST", drop ? "/v1/events/drop" : "/v1/events/retry", body);
    if (rc < 0) return false;
    if (rc == 0) {
        buf_clear(&s->answer);
        if (offline_change(&s->offline, drop, body, &s->answer, &why) < 0)
            return source_tell(s, &why);
    }
    const struct json *root = source_parsed(s);
    if (!root) return false;
    double now = json_number(json_get(root, "changed"));
    all->changed += now;
    all->may_repeat += json_number(json_get(root, "may_repeat"));
    all->left = now > 0 ? json_number(json_get(root, "left")) : 0;
    const struct json *id = json_first(json_get(root, "not_found"));
    all->missing = id != NULL;
    for (; id; id = json_next(id)) fprintf(stderr, "tillpost: no such id: %s\n", json_string(id).p);
    return true;
}

static int change(struct cli *c, bool drop, const char *done)
{
    struct source s;
    struct buf body;
    struct changes all = {0};
    bool good;
    if (c->dead == (c->operand_count > 0)) {
        fprintf(stderr, "tillpost: name ids, or say --dead for all dead letters\n");
        return EXIT_USAGE;
    }
    source_open(&s, c);
    buf_init(&body, SOURCE_ANSWER_MAX_BYTES);
    write_request(c, &body);
    do good = change_once(&s, drop, buf_str(&body), &all);
    while (good && c->dead && all.left > 0);
    buf_free(&body);
    if (!good) return source_close(&s, s.status);
    if (c->json) printf("{\"changed\":%.0f,\"may_repeat\":%.0f}\n", all.changed, all.may_repeat);
    else printf("%.0f %s\n", all.changed, done);
    if (all.may_repeat > 0)
        fprintf(stderr,
                "tillpost: %.0f of them had no clear answer for 40 hours: if Events Manager shows "
                "that they were counted, drop them, or they are counted twice\n",
                all.may_repeat);
    return source_close(&s, all.missing ? EXIT_PROBLEM : EXIT_OK);
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
    source_open(&s, c);
    s.client.timeout_ms = ERASE_TIMEOUT_MS;
    int rc = source_ask(&s, "POST", "/v1/erase", body);
    if (rc == 0) {
        buf_clear(&s.answer);
        if (offline_erase(&s.offline, c->loaded, body, &s.answer, &why) >= 0) rc = 1;
        else (void)source_tell(&s, &why);
    }
    const struct json *root = rc > 0 ? source_parsed(&s) : NULL;
    if (root && c->json) printf("%s\n", s.answer.p);
    else if (root) printf("%.0f erased\n", json_number(json_get(root, "erased")));
    return source_close(&s, root ? EXIT_OK : s.status);
}

int verb_erase(struct cli *c)
{
    struct buf body;
    if ((c->email == NULL) == (c->phone == NULL)) {
        fprintf(stderr, "tillpost: say --email - or --phone -, one of them, and give the value on "
                        "standard input\n");
        return EXIT_USAGE;
    }
    buf_init(&body, SOURCE_ANSWER_MAX_BYTES);
    int status = erase_request(&body, c->email ? "email" : "phone");
    if (status == EXIT_OK) status = erase(c, buf_str(&body));
    buf_free(&body);
    return status;
}
