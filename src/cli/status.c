/*
 * status.c: how the agent is, in at most 12 lines of 80 columns, ending with the one thing to do;
 * and the small verbs that ask the agent for something.
 */
#include "agent/offline.h"
#include "cli/cli.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_TIMEOUT_MS = 5000, STATUS_ARENA_BYTES = 256 * 1024, WATCH_MS = 1000 };

static const char *colour_of(struct str state)
{
    if (!cli_wants_colour()) return "";
    if (str_is(state, "ok")) return "\033[32m";
    return str_is(state, "offline") ? "\033[33m" : "\033[31m";
}

static void print_age(double seconds)
{
    long s = (long)seconds;
    if (s >= 2 * 86400) printf("%ld days", s / 86400);
    else if (s >= 2 * 3600) printf("%ld hours", s / 3600);
    else if (s >= 120) printf("%ld minutes", s / 60);
    else printf("%ld s", s);
}

static double number_at(const struct json *root, const char *a, const char *b)
{
    return json_number(json_get(json_get(root, a), b));
}

static struct str text_at(const struct json *root, const char *a, const char *b)
{
    return json_string(json_get(json_get(root, a), b));
}

static void print_queue(const struct json *root)
{
    double queued = number_at(root, "queue", "queued"), dead = number_at(root, "queue", "dead");
    double size = number_at(root, "queue", "size_bytes");
    double most = number_at(root, "queue", "max_size_bytes");
    printf("queue      %.0f waiting", queued);
    if (queued > 0) {
        printf(", the oldest for ");
        print_age(number_at(root, "queue", "oldest_age_s"));
    }
    printf("; %.0f set aside\n", dead);
    printf("disk       %.1f of %.0f MiB used\n", size / 1048576, most / 1048576);
}

static void print_delivery(const struct json *root)
{
    struct str success = text_at(root, "delivery", "last_success_at");
    const struct json *next = json_get(json_get(root, "delivery"), "next_attempt_in_s");
    printf("delivered  %.0f in all; last %s\n", number_at(root, "delivery", "sent_total"),
           success.len ? success.p : "never");
    if (json_is(next, JSON_NUMBER)) {
        printf("next try   in ");
        print_age(json_number(next));
        printf("\n");
    }
}

static void print_paused(const struct json *root)
{
    const struct json *paused = json_get(root, "paused");
    if (!json_is(paused, JSON_OBJECT)) return;
    struct str since = json_string(json_get(paused, "since"));
    printf("paused     by %s", json_string(json_get(paused, "by")).p);
    if (json_is(json_get(paused, "code"), JSON_NUMBER))
        printf(" (code %.0f)", json_number(json_get(paused, "code")));
    printf("%s%s\n", since.len ? " since " : "", since.len ? since.p : "");
}

/* "label      words", as many lines as it takes; the label in front of the first. */
static void print_words(const char *label, struct str words)
{
    enum { LABEL = 11, WIDTH = 80 };
    struct str left = str_trim(words);
    do {
        size_t n = left.len;
        if (n > WIDTH - LABEL) {
            n = str_cut(left, WIDTH - LABEL).len;
            for (size_t i = n; i > 0; i--)
                if (left.p[i] == ' ') {
                    n = i;
                    break;
                }
        }
        printf("%-*s%.*s\n", LABEL, label, (int)n, left.p);
        left = str_trim((struct str){left.p + n, left.len - n});
        label = "";
    } while (left.len);
}

/* At most two problems; the first one's remedy is the one thing to do. */
static int print_problems(const struct json *root)
{
    enum { MOST = 2 };
    const struct json *problems = json_get(root, "problems");
    const struct json *first = json_first(problems);
    size_t n = 0, all = json_count(problems);
    for (const struct json *p = first; p && n < MOST; p = json_next(p), n++)
        print_words("problem", json_string(json_get(p, "message")));
    if (all > MOST) printf("           and %zu more: tillpost status --json\n", all - MOST);
    print_words("Do:", first ? json_string(json_get(first, "do")) : STR("nothing"));
    return first ? EXIT_PROBLEM : EXIT_OK;
}

static void print_surroundings(const struct json *root)
{
    struct str clock = text_at(root, "clock", "state"), net = text_at(root, "network", "state");
    if (net.len) printf("network    %s; the clock is %s\n", net.p, clock.p);
}

static int print_status(const struct json *root)
{
    struct str state = json_string(json_get(root, "state"));
    struct str page = json_string(json_get(root, "page"));
    const char *colour = colour_of(state);
    printf("tillpost   %s%s%s (version %s)\n", colour, state.p, *colour ? "\033[0m" : "",
           json_string(json_get(root, "version")).p);
    print_paused(root);
    if (json_get(root, "queue")) print_queue(root);
    if (json_get(root, "delivery")) print_delivery(root);
    print_surroundings(root);
    if (page.len) printf("page       %s\n", page.p);
    return print_problems(root);
}

static int show(const struct cli *c, struct str json)
{
    static const struct json_limits limits = {CLIENT_REPLY_MAX_BYTES, 16, 10000};
    struct arena arena;
    const struct json *root = NULL;
    if (c->json) {
        printf("%.*s\n", (int)json.len, json.p);
        return EXIT_OK;
    }
    arena_init(&arena, (size_t)16 * 1024, STATUS_ARENA_BYTES);
    int status = EXIT_BUG;
    if (json_parse(&arena, json, &limits, &root, NULL) >= 0) status = print_status(root);
    else fprintf(stderr, "tillpost: the agent's answer is not understood\n");
    arena_free(&arena);
    return status;
}

/* The agent does not run: what the queue itself can tell. A watcher leaves the queue alone, which an
 * agent that is being started wants for itself. */
static int show_stopped(struct cli *c, int err)
{
    struct buf out;
    int status = tillpost_err_info(err)->exit;
    if (err != TILLPOST_E_UNAVAILABLE) return cli_no_agent(c, err);
    if (!c->watch) (void)cli_no_agent(c, err);
    buf_init(&out, (size_t)16 * 1024);
    offline_status(cli_config(c), !c->watch, &out);
    (void)show(c, buf_str(&out));
    buf_free(&out);
    return status;
}

static int show_once(struct cli *c)
{
    struct client client;
    struct client_reply reply;
    client_init(&client, cli_socket(c), STATUS_TIMEOUT_MS);
    int rc = client_request(&client, "GET", "/v1/status", NULL, 0, &reply);
    client_close(&client);
    if (rc < 0) return show_stopped(c, rc);
    int status = EXIT_DENIED;
    if (reply.status == 200) status = show(c, (struct str){reply.body, reply.len});
    else fprintf(stderr, "%s\n", reply.body);
    client_reply_free(&reply);
    return status;
}

int verb_status(struct cli *c)
{
    bool screen = c->watch && !c->json && isatty(STDOUT_FILENO);
    for (;;) {
        if (screen) printf("\033[H\033[2J");
        int status = show_once(c);
        if (!c->watch || status == EXIT_DENIED || fflush(stdout) != 0) return status;
        (void)poll(NULL, 0, WATCH_MS);
        if (!screen && !c->json) printf("\n");
    }
}

static int ask(struct cli *c, const char *path, const char *done)
{
    struct client client;
    struct client_reply reply;
    client_init(&client, cli_socket(c), STATUS_TIMEOUT_MS);
    int rc = client_request(&client, "POST", path, NULL, 0, &reply);
    client_close(&client);
    if (rc < 0) return cli_no_agent(c, rc);
    bool good = reply.status == 200;
    if (c->json || !good) fprintf(good ? stdout : stderr, "%s\n", reply.body);
    else printf("%s\n", done);
    int status = good ? EXIT_OK : reply.status == 403 ? EXIT_DENIED : EXIT_LATER;
    client_reply_free(&reply);
    return status;
}

int verb_sync(struct cli *c)
{
    return ask(c, "/v1/sync", "a try is made now; see: tillpost status");
}

int verb_pause(struct cli *c)
{
    return ask(c, "/v1/pause", "deliveries are paused; sales are still recorded");
}

int verb_resume(struct cli *c)
{
    return ask(c, "/v1/resume", "deliveries go on");
}
