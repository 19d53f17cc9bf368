/* help.c: what the tables of cli.c say, for people. */
#include "cli/cli.h"

#include <string.h>

static void print_option(const struct cli_option *o)
{
    char name[40];
    (void)snprintf(name, sizeof name, "%s%s%s", o->name, o->value ? " " : "",
                   o->value ? o->value : "");
    printf("  %-15s %s\n", name, o->help);
    struct str rest = str_from(o->choices);
    if (rest.len) printf("  %-15s ", "");
    for (bool first = true; rest.len; first = false) {
        struct str choice = str_split(rest, '|', &rest);
        printf("%s%.*s", first ? "" : rest.len ? ", " : " or ", (int)choice.len, choice.p);
    }
    if (o->choices) printf("\n");
}

static void print_verb(const struct cli_verb *v)
{
    printf("tillpost %s: %s\n\n", v->name, v->summary);
    printf("usage: tillpost %s [OPTION...]%s%s\n\noptions:\n", v->name, v->operands ? " " : "",
           v->operands ? v->operands : "");
    for (size_t i = 0; i < cli_option_count; i++)
        if (cli_takes(v, &cli_options[i])) print_option(&cli_options[i]);
    printf("\nexample:\n  %s\n", v->example);
}

static void print_all(void)
{
    printf("usage: tillpost VERB [OPTION...] [OPERAND...]\n\n");
    for (size_t i = 0; i < cli_verb_count; i++)
        printf("  %-10s %s\n", cli_verbs[i].name, cli_verbs[i].summary);
    printf("\n\"tillpost help VERB\" tells more; the manual is tillpost(1).\n");
}

int cli_help(const struct cli_verb *verb)
{
    if (verb) print_verb(verb);
    else print_all();
    return EXIT_OK;
}

int verb_help(struct cli *c)
{
    const struct cli_verb *v = NULL;
    if (c->operand_count == 0) return cli_help(NULL);
    for (size_t i = 0; i < c->operand_count; i++) {
        v = cli_find_verb(c->operands[i]);
        if (!v) return cli_no_verb(c->operands[i]);
        (void)cli_help(v);
    }
    return EXIT_OK;
}
