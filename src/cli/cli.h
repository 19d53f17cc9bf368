/*
 * cli.h: the command line as one table of verbs.
 *
 * Exit statuses are those of sysexits(3) where one fits: 0 done, 1 a problem was found, 64 usage,
 * 65 bad data, 66 no input, 69 the agent does not run, 73 cannot create, 74 I/O, 75 try later, 77 permission,
 * 78 configuration. Data goes to stdout, words to stderr.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "agent/config.h"
#include "client/request.h"

#include <stdio.h>

enum {
    CLI_OPERANDS_MAX = 256,
    CLI_LIST_MAX = 32, /* of an option that may be repeated */
    CLI_JSON_VERSION =
        1 /* of what --json prints: grows when a member goes or changes its meaning */
};
enum {
    EXIT_OK = 0,
    EXIT_PROBLEM = 1,
    EXIT_USAGE = 64,
    EXIT_DATA = 65,
    EXIT_NO_INPUT = 66,
    EXIT_UNAVAILABLE = 69,
    EXIT_BUG = 70,
    EXIT_CANT_CREATE = 73,
    EXIT_IO = 74,
    EXIT_LATER = 75,
    EXIT_DENIED = 77,
    EXIT_CONFIG = 78
};

struct cli_list {
    const char *items[CLI_LIST_MAX];
    size_t count;
};

struct cli {
    const char *config; /* the options' values; NULL: not given */
    const char *socket;
    const char *type;
    const char *state;
    const char *email, *phone;
    const char *bundle;
    const char *rejects;
    struct cli_list maps;
    bool json, dry_run, help, follow, watch, dead, mark_sent, consented, sbom;
    const char *operands[CLI_OPERANDS_MAX];
    size_t operand_count;
    struct config *loaded; /* cli_config; freed by cli_main */
    struct config *seen;   /* cli_socket, which takes one with faults, too */
};

struct cli_option {
    char letter; /* in the table of verbs */
    const char *name;
    const char *value;   /* what it takes, as told in help: FILE is completed as one; NULL: none;
                            with "..." behind it the option may be repeated */
    size_t offset;       /* of its member in struct cli: const char *, bool without a value, or
                            struct cli_list when it may be repeated */
    const char *choices; /* the only values, separated by |; NULL: any */
    const char *help;
};
extern const struct cli_option cli_options[];
extern const size_t cli_option_count;

struct cli_verb {
    const char *name;
    int (*run)(struct cli *c);
    const char *options; /* letters of cli_options; those of CLI_COMMON_OPTIONS go with each verb */
    const char *operands; /* "ID", "[FILE...|-]"; NULL: none. FILE, DIR, VERB, a|b are completed */
    const char *summary;
    const char *example;
};
extern const struct cli_verb cli_verbs[];
extern const size_t cli_verb_count;
#define CLI_COMMON_OPTIONS "ch"

/* arguments.c */
/* Reads the command line into *c. NULL: no verb, or a fault (told). */
const struct cli_verb *cli_read(struct cli *c, int argc, char **argv);
const struct cli_verb *cli_find_verb(const char *name);
/* "there is no verb …", with the nearest one. Returns EXIT_USAGE. */
int cli_no_verb(const char *name);
/* Does this verb take this option? verb NULL: before the verb. */
bool cli_takes(const struct cli_verb *verb, const struct cli_option *option);

/* help.c */
int cli_help(const struct cli_verb *verb); /* NULL: about all */

int cli_main(int argc, char **argv);

/* Shared by the verbs. */
/* The configuration, loaded once; NULL when it is broken or cannot be read (nothing is printed). */
const struct config *cli_config(struct cli *c);
/* The socket in force: --socket, $TILLPOST_SOCKET, the configuration's, the default. */
const char *cli_socket(struct cli *c);
/* A word for a failed request to the agent, to stderr; returns the exit status. */
int cli_no_agent(struct cli *c, int err);
/* On a terminal, without NO_COLOR. */
bool cli_wants_colour(void);

int verb_run(struct cli *c);
int verb_check(struct cli *c);
int verb_track(struct cli *c);
int verb_import(struct cli *c);
int verb_status(struct cli *c);
int verb_events(struct cli *c);
int verb_show(struct cli *c);
int verb_retry(struct cli *c);
int verb_drop(struct cli *c);
int verb_erase(struct cli *c);
int verb_doctor(struct cli *c);
int verb_export(struct cli *c);
int verb_sync(struct cli *c);
int verb_pause(struct cli *c);
int verb_resume(struct cli *c);
int verb_version(struct cli *c);
extern const char *const cli_sbom[]; /* lines, then NULL; toolchains/sbom.cmake writes them */
int verb_completion(struct cli *c);
int verb_help(struct cli *c);

#endif
