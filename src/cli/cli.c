/* cli.c: reads the arguments by the table of verbs, and tells what there is. */
#include "cli/cli.h"

#include "platform/platform.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
const struct cli_verb cli_verbs[] = {
/*   name       function      options  synopsis                                   summary                                         example */
  {"run",     verb_run,     "",      "",                                        "run the agent in the foreground, until SIGTERM", "tillpost run --config /etc/tillpost/tillpost.json"},
  {"check",   verb_check,   "j",     "[--json]",                                "is the configuration right?",                    "tillpost check"},
  {"track",   verb_track,   "jstdo", "[--type T] [--dry-run] [FILE...|-]",      "hand in calls, one JSON object a line",          "echo '{\"event\":\"Order Completed\",\"properties\":{\"email\":\"a@example.com\"}}' | tillpost track"},
  {"status",  verb_status,  "js",    "[--json]",                                "how the agent is, and the one thing to do",      "tillpost status"},
  {"events",  verb_events,  "jsSf",  "[--state queued|sent|dead] [--follow]",   "list events; dead ones need a person",           "tillpost events --state dead"},
  {"show",    verb_show,    "jso",   "ID",                                      "all that is known of an event",                  "tillpost show till-7-00042"},
  {"retry",   verb_retry,   "jsDo",  "ID...|--dead",                            "put dead events back into the queue",            "tillpost retry --dead"},
  {"drop",    verb_drop,    "jsDo",  "ID...|--dead",                            "give events up; their ids stay known",           "tillpost drop till-7-00042"},
  {"sync",    verb_sync,    "js",    "",                                        "try to deliver now",                             "tillpost sync"},
  {"pause",   verb_pause,   "js",    "",                                        "stop deliveries; recording goes on",             "tillpost pause"},
  {"resume",  verb_resume,  "js",    "",                                        "deliver again",                                  "tillpost resume"},
  {"version", verb_version, "j",     "[--json]",                                "what this is, and what it is made of",           "tillpost version"},
  {"help",    verb_help,    "o",     "[VERB]",                                  "this text, or more about a verb",                "tillpost help track"},
};
/* clang-format on */
const size_t cli_verb_count = sizeof cli_verbs / sizeof cli_verbs[0];

/* clang-format off */
static const struct { const char *name; char letter; bool takes_value; } options[] = {
    {"--config",  'c', true},  {"--socket",  's', true}, {"--type", 't', true},
    {"--state",   'S', true},  {"--follow",  'f', false}, {"--dead", 'D', false},
    {"--json",    'j', false}, {"--dry-run", 'd', false},
    {"--help",    'h', false}, {"-h",        'h', false},
};
/* clang-format on */

static const struct cli_verb *find_verb(const char *name)
{
    for (size_t i = 0; i < cli_verb_count; i++)
        if (strcmp(cli_verbs[i].name, name) == 0) return &cli_verbs[i];
    return NULL;
}

static int usage_of(const struct cli_verb *v, FILE *out)
{
    fprintf(out, "usage: tillpost %s %s\n  %s\n\nexample:\n  %s\n", v->name, v->synopsis,
            v->summary, v->example);
    return EXIT_OK;
}

static int usage(FILE *out)
{
    fprintf(out, "usage: tillpost VERB [--config FILE] [--socket PATH] ...\n\n");
    for (size_t i = 0; i < cli_verb_count; i++)
        fprintf(out, "  %-8s %s\n", cli_verbs[i].name, cli_verbs[i].summary);
    fprintf(out, "\n\"tillpost help VERB\" tells more; the manual is tillpost(1).\n");
    return EXIT_OK;
}

int verb_help(struct cli *c)
{
    if (c->operand_count == 0) return usage(stdout);
    const struct cli_verb *v = find_verb(c->operands[0]);
    if (v) return usage_of(v, stdout);
    fprintf(stderr, "tillpost: there is no verb \"%s\"; see: tillpost help\n", c->operands[0]);
    return EXIT_USAGE;
}

static void set_option(struct cli *c, char letter, const char *value)
{
    switch (letter) {
    case 'c': c->config = value; break;
    case 's': c->socket = value; break;
    case 't': c->type = value; break;
    case 'j': c->json = true; break;
    case 'd': c->dry_run = true; break;
    case 'S': c->state = value; break;
    case 'f': c->follow = true; break;
    case 'D': c->dead = true; break;
    default: c->help = true; break;
    }
}

static int option_index(const char *arg, size_t len)
{
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, arg, len) == 0) return (int)i;
    return -1;
}

/* --name VALUE or --name=VALUE. Returns how many arguments it took, 0 for a fault (told). */
static int read_option(struct cli *c, const struct cli_verb *v, char **argv)
{
    size_t len = strcspn(argv[0], "=");
    int i = option_index(argv[0], len);
    bool common = i >= 0 && (options[i].letter == 'c' || options[i].letter == 'h');
    if (i < 0 || (!common && v && !strchr(v->options, options[i].letter))) {
        fprintf(stderr, "tillpost: unknown option %s; see: tillpost help%s%s\n", argv[0],
                v ? " " : "", v ? v->name : "");
        return 0;
    }
    const char *value = argv[0][len] == '=' ? argv[0] + len + 1 : NULL;
    if (!options[i].takes_value && value) {
        fprintf(stderr, "tillpost: %s takes no value\n", options[i].name);
        return 0;
    }
    if (options[i].takes_value && !value && !argv[1]) {
        fprintf(stderr, "tillpost: %s needs a value\n", options[i].name);
        return 0;
    }
    bool separate = options[i].takes_value && !value;
    set_option(c, options[i].letter, separate ? argv[1] : value);
    return separate ? 2 : 1;
}

/* Options may stand before the verb (the common ones) and behind it. */
static const struct cli_verb *read_arguments(struct cli *c, int argc, char **argv)
{
    const struct cli_verb *v = NULL;
    bool only_operands = false;
    for (int i = 1; i < argc;) {
        const char *arg = argv[i];
        if (v && !only_operands && strcmp(arg, "--") == 0) {
            only_operands = true;
            i++;
        } else if (!only_operands && arg[0] == '-' && arg[1]) {
            int took = read_option(c, v, argv + i);
            if (!took) return NULL;
            i += took;
        } else if (!v) {
            v = find_verb(arg);
            if (!v) fprintf(stderr, "tillpost: there is no verb \"%s\"; see: tillpost help\n", arg);
            if (!v) return NULL;
            i++;
        } else if (!strchr(v->options, 'o') || c->operand_count == CLI_OPERANDS_MAX) {
            fprintf(stderr, "tillpost: %s does not take \"%s\"; see: tillpost help %s\n", v->name,
                    arg, v->name);
            return NULL;
        } else {
            c->operands[c->operand_count++] = arg;
            i++;
        }
    }
    if (!v && !c->help) fprintf(stderr, "tillpost: name a verb; see: tillpost help\n");
    return v;
}

int cli_main(int argc, char **argv)
{
    struct cli c = {0};
    const struct cli_verb *v = read_arguments(&c, argc, argv);
    if (c.help) return v ? usage_of(v, stdout) : usage(stdout);
    if (!v) return EXIT_USAGE;
    int status = v->run(&c);
    config_free(c.loaded);
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    fprintf(stderr, "tillpost: the output cannot be written\n");
    return EXIT_IO;
}

const struct config *cli_config(struct cli *c)
{
    static struct config_problems problems;
    if (!c->loaded) (void)config_load(config_path(c->config), &c->loaded, &problems);
    return c->loaded;
}

const char *cli_socket(struct cli *c)
{
    const char *env = getenv("TILLPOST_SOCKET");
    if (c->socket) return c->socket;
    if (env && *env) return env;
    const struct config *config = cli_config(c);
    return config ? config->listen.socket : CONFIG_DEFAULT_SOCKET;
}

int cli_no_agent(struct cli *c, int err)
{
    const char *socket = cli_socket(c);
    if (err == TILLPOST_E_UNAVAILABLE)
        fprintf(stderr, "tillpost: no agent listens at %s; start it: systemctl start tillpost\n",
                socket);
    else if (err == TILLPOST_E_DENIED)
        fprintf(stderr,
                "tillpost: %s: permission denied; run as root or as a member of its group\n",
                socket);
    else fprintf(stderr, "tillpost: %s: the agent does not answer; try again\n", socket);
    return tillpost_err_info(err)->exit;
}
