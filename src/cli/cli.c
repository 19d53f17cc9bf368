/*
 * cli.c: the command line as two tables, from which arguments are read, help is told, shells complete
 * and the manual is tested.
 */
#include "cli/cli.h"

#include "platform/platform.h"

#include <stdlib.h>
#include <unistd.h>

/* clang-format off */
#define AT(member) offsetof(struct cli, member)
const struct cli_option cli_options[] = {
/*  letter name       value    stored        choices               help */
  {'c', "--config",   "FILE",  AT(config),   NULL,                 "the configuration, instead of $TILLPOST_CONFIG"},
  {'s', "--socket",   "FILE",  AT(socket),   NULL,                 "the agent's socket, instead of $TILLPOST_SOCKET"},
  {'j', "--json",     NULL,    AT(json),     NULL,                 "output for machines: one JSON object a line"},
  {'t', "--type",     "TYPE",  AT(type),     "track|page|screen|identify|group|alias", "of the lines that carry no type of their own"},
  {'d', "--dry-run",  NULL,    AT(dry_run),  NULL,                 "hand nothing in, tell what would be sent"},
  {'S', "--state",    "STATE", AT(state),    "queued|sent|dead",   "which events, instead of the queued ones"},
  {'f', "--follow",   NULL,    AT(follow),   NULL,                 "each that comes into the state (without --state: any)"},
  {'w', "--watch",    NULL,    AT(watch),    NULL,                 "draw it anew every second, until stopped"},
  {'D', "--dead",     NULL,    AT(dead),     NULL,                 "all dead letters"},
  {'M', "--mark-sent",NULL,    AT(mark_sent),NULL,                 "once all files are safe, take the events out of the queue"},
  {'e', "--email",    "-",     AT(email),    "-",                  "of this address, which stands on standard input"},
  {'p', "--phone",    "-",     AT(phone),    "-",                  "of this number, which stands on standard input"},
  {'b', "--bundle",   "FILE",  AT(bundle),   NULL,                 "write what a helper needs to know, without customers' data"},
  {'m', "--map",      "THEIRS=OURS...", AT(maps), NULL,            "a column of your file by its own name: \"Mail=email\""},
  {'r', "--rejects",  "FILE",  AT(rejects),  NULL,                 "where refused rows go, to be mended there"},
  {'C', "--consented",NULL,    AT(consented),NULL,                 "all of these customers agreed (privacy.require_consent)"},
  {'B', "--sbom",     NULL,    AT(sbom),     NULL,                 "the bill of materials (CycloneDX): what it is linked with"},
  {'h', "--help",     NULL,    AT(help),     NULL,                 "what this verb does, its options, an example"},
};
const size_t cli_option_count = sizeof cli_options / sizeof cli_options[0];

const struct cli_verb cli_verbs[] = {
/*  name          function         options   operands         summary                                                  example */
  {"run",        verb_run,        "",       NULL,            "run the agent in the foreground, until SIGTERM",        "tillpost run --config /etc/tillpost/tillpost.json"},
  {"check",      verb_check,      "j",      NULL,            "is the configuration right?",                           "tillpost check"},
  {"track",      verb_track,      "jstd",   "[FILE...|-]",   "hand in calls, one JSON object a line",                 "echo '{\"event\":\"Order Completed\",\"properties\":{\"email\":\"a@example.com\"}}' | tillpost track"},
  {"import",     verb_import,     "jsdmrC", "FILE.csv...|-", "take in TikTok's upload files, each row an event",      "tillpost import --rejects mend.csv sales.csv"},
  {"status",     verb_status,     "jsw",    NULL,            "how the agent is, and the one thing to do",             "tillpost status --watch"},
  {"events",     verb_events,     "jsSf",   NULL,            "list events; dead ones need a person",                  "tillpost events --state dead"},
  {"show",       verb_show,       "js",     "ID",            "all that is known of an event",                         "tillpost show till-7-00042"},
  {"retry",      verb_retry,      "jsD",    "ID...|--dead",  "put dead events back into the queue",                   "tillpost retry --dead"},
  {"drop",       verb_drop,       "jsD",    "ID...|--dead",  "give events up; their ids stay known",                  "tillpost drop till-7-00042"},
  {"erase",      verb_erase,      "jsep",   NULL,            "remove a person's events for good",                     "echo a@example.com | tillpost erase --email -"},
  {"doctor",     verb_doctor,     "jsb",    NULL,            "what stands between a sale and TikTok, and what to do", "tillpost doctor --bundle /tmp/tillpost-support.json"},
  {"export",     verb_export,     "jsM",    "DIR",           "the queue as files for an upload by hand",              "tillpost export /media/usb --mark-sent"},
  {"sync",       verb_sync,       "js",     NULL,            "try to deliver now",                                    "tillpost sync"},
  {"pause",      verb_pause,      "js",     NULL,            "stop deliveries; recording goes on",                    "tillpost pause"},
  {"resume",     verb_resume,     "js",     NULL,            "deliver again",                                         "tillpost resume"},
  {"version",    verb_version,    "jB",     NULL,            "what this is, and what it is made of",                  "tillpost version"},
  {"completion", verb_completion, "",       "bash|zsh",      "what makes a shell complete these words",               "eval \"$(tillpost completion bash)\""},
  {"help",       verb_help,       "",       "[VERB]",        "this text, or more about a verb",                       "tillpost help track"},
};
/* clang-format on */
const size_t cli_verb_count = sizeof cli_verbs / sizeof cli_verbs[0];

int cli_main(int argc, char **argv)
{
    struct cli c = {0};
    platform_forbid_core(); /* `run` and `doctor` hold secrets, `track` and `erase` e-mails */
    const struct cli_verb *v = cli_read(&c, argc, argv);
    if (!v && !c.help) return EXIT_USAGE;
    int status = c.help ? cli_help(v) : v->run(&c);
    config_free(c.loaded);
    config_free(c.seen);
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
    /* A caller need not be able to read the token that the configuration names. */
    static struct config_problems problems;
    if (!c->seen) (void)config_look(config_path(c->config), &c->seen, &problems);
    return c->seen ? c->seen->listen.socket : CONFIG_DEFAULT_SOCKET;
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

bool cli_wants_colour(void)
{
    const char *no = getenv("NO_COLOR");
    return !(no && *no) && isatty(STDOUT_FILENO);
}
