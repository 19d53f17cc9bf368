/*
 * arguments.c: reads the command line by the tables of cli.c.
 *
 * Options may stand before the verb (the common ones) and behind it, as --name VALUE or --name=VALUE;
 * "--" ends them. A word that is not known gets the nearest one that is.
 */
#include "base/nearest.h"
#include "cli/cli.h"

#include <string.h>

enum { NAMES_MAX = 64 };

const struct cli_verb *cli_find_verb(const char *name)
{
    if (strcmp(name, "--version") == 0) name = "version";
    for (size_t i = 0; i < cli_verb_count; i++)
        if (strcmp(cli_verbs[i].name, name) == 0) return &cli_verbs[i];
    return NULL;
}

bool cli_takes(const struct cli_verb *verb, const struct cli_option *option)
{
    return strchr(CLI_COMMON_OPTIONS, option->letter) ||
           (verb && strchr(verb->options, option->letter));
}

/* What was meant, or where to look, and the end of the line. */
static void suggest(struct str word, const char *dashes, const char *const *names, size_t n,
                    const struct cli_verb *v)
{
    const char *near = nearest_name(word, names, n);
    if (near) fprintf(stderr, "; did you mean %s%s?\n", dashes, near);
    else fprintf(stderr, "; see: tillpost help%s%s\n", v ? " " : "", v ? v->name : "");
}

int cli_no_verb(const char *name)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < cli_verb_count && n < NAMES_MAX; i++) names[n++] = cli_verbs[i].name;
    fprintf(stderr, "tillpost: there is no verb \"%s\"", name);
    suggest(str_from(name), "", names, n, NULL);
    return EXIT_USAGE;
}

static void no_option(const struct cli_verb *v, struct str name)
{
    const char *names[NAMES_MAX];
    size_t n = 0, dashes = strspn(name.p, "-");
    for (size_t i = 0; i < cli_option_count && n < NAMES_MAX; i++)
        if (cli_takes(v, &cli_options[i])) names[n++] = cli_options[i].name + strlen("--");
    fprintf(stderr, "tillpost: %s takes no option %.*s", v ? v->name : "what comes before a verb",
            (int)name.len, name.p);
    struct str word = {name.p + dashes, name.len > dashes ? name.len - dashes : 0};
    suggest(word, "--", names, n, v);
}

static const struct cli_option *find_option(const struct cli_verb *v, struct str name)
{
    if (str_is(name, "-h")) name = STR("--help");
    for (size_t i = 0; i < cli_option_count; i++)
        if (str_is(name, cli_options[i].name) && cli_takes(v, &cli_options[i]))
            return &cli_options[i];
    return NULL;
}

/* NULL: it is one of them, or any will do. Else its choices in words. */
static const char *not_a_choice(const struct cli_option *o, const char *value)
{
    struct str rest = str_from(o->choices);
    if (!o->choices) return NULL;
    while (rest.len)
        if (str_is(str_split(rest, '|', &rest), value)) return NULL;
    return o->choices;
}

static bool repeats(const struct cli_option *o)
{
    size_t len = strlen(o->value);
    return len > 3 && strcmp(o->value + len - 3, "...") == 0;
}

static bool store_item(struct cli_list *list, const struct cli_option *o, const char *value)
{
    if (list->count < CLI_LIST_MAX) {
        list->items[list->count++] = value;
        return true;
    }
    fprintf(stderr, "tillpost: %s may be given at most %d times\n", o->name, CLI_LIST_MAX);
    return false;
}

static bool store(struct cli *c, const struct cli_option *o, const char *value)
{
    void *at = (char *)c + o->offset;
    if (!o->value) {
        *(bool *)at = true;
        return true;
    }
    if (repeats(o)) return store_item(at, o, value);
    const char *choices = not_a_choice(o, value);
    if (choices) fprintf(stderr, "tillpost: %s must be one of %s\n", o->name, choices);
    else *(const char **)at = value;
    return !choices;
}

/* Returns how many arguments the option took, 0 for a fault (told). */
static int read_option(struct cli *c, const struct cli_verb *v, char **argv)
{
    struct str name = {argv[0], strcspn(argv[0], "=")};
    const char *value = argv[0][name.len] ? argv[0] + name.len + 1 : NULL;
    const struct cli_option *o = find_option(v, name);
    if (!o) {
        no_option(v, name);
        return 0;
    }
    if (!o->value && value) {
        fprintf(stderr, "tillpost: %s takes no value\n", o->name);
        return 0;
    }
    bool separate = o->value && !value;
    if (separate && !argv[1]) {
        fprintf(stderr, "tillpost: %s needs a value: %s %s\n", o->name, o->name, o->value);
        return 0;
    }
    if (!store(c, o, separate ? argv[1] : value)) return 0;
    return separate ? 2 : 1;
}

static bool read_operand(struct cli *c, const struct cli_verb *v, const char *arg)
{
    if (v->operands && c->operand_count < CLI_OPERANDS_MAX) {
        c->operands[c->operand_count++] = arg;
        return true;
    }
    if (v->operands)
        fprintf(stderr, "tillpost: %s takes at most %d at once\n", v->name, CLI_OPERANDS_MAX);
    else
        fprintf(stderr, "tillpost: %s does not take \"%s\"; see: tillpost help %s\n", v->name, arg,
                v->name);
    return false;
}

const struct cli_verb *cli_read(struct cli *c, int argc, char **argv)
{
    const struct cli_verb *v = NULL;
    bool only_operands = false;
    for (int i = 1, took; i < argc; i += took) {
        const char *arg = argv[i];
        bool is_option = !only_operands && arg[0] == '-' && arg[1];
        took = 1;
        if (v && is_option && strcmp(arg, "--") == 0) {
            only_operands = true;
        } else if (!v && (!is_option || strcmp(arg, "--version") == 0)) {
            v = cli_find_verb(arg);
            if (!v) (void)cli_no_verb(arg);
            if (!v) return NULL;
        } else if (is_option) {
            took = read_option(c, v, argv + i);
        } else {
            took = read_operand(c, v, arg);
        }
        if (!took) {
            c->help = false;
            return NULL;
        }
    }
    if (!v && !c->help) fprintf(stderr, "tillpost: name a verb; see: tillpost help\n");
    return v;
}
