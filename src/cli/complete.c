/*
 * complete.c: scripts that make bash and zsh complete what the tables of cli.c hold.
 *
 * Both scripts have one middle, which finds the verb among the words typed and says what may follow:
 * the values of an option that stands before the cursor; else the verbs; else the verb's options and
 * operands. They differ in where the words come from and how the offer is made.
 * A shell loads its script with: eval "$(tillpost completion bash)".
 */
#include "cli/cli.h"

#include <ctype.h>
#include <string.h>

struct shell {
    const char *name;
    const char *begin, *end;
    const char *offer_begin, *offer_end; /* around the items of a list */
    void (*item)(struct str word, const char *help);
};

static void bash_item(struct str word, const char *help)
{
    (void)help;
    printf("%.*s ", (int)word.len, word.p);
}

/* 'word:help', where an apostrophe would end the string. */
static void zsh_item(struct str word, const char *help)
{
    printf("'%.*s%s", (int)word.len, word.p, *help ? ":" : "");
    for (; *help; help++) {
        if (*help == '\'') printf("'\\''");
        else printf("%c", *help);
    }
    printf("' ");
}

static const struct shell shells[] = {
    {"bash",
     "_tillpost()\n{\n"
     "    local now=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} offer=\n"
     "    local typed=(\"${COMP_WORDS[@]:1:COMP_CWORD-1}\") verb= value= files= word\n",
     "    [ -z \"$files\" ] || compopt -o filenames 2>/dev/null\n"
     "    mapfile -t COMPREPLY < <(compgen ${files:+-f} -W \"$offer\" -- \"$now\")\n"
     "}\ncomplete -F _tillpost tillpost\n",
     "'", "'", bash_item},
    {"zsh",
     "#compdef tillpost\n_tillpost()\n{\n"
     "    local before=$words[CURRENT-1] verb= value= files= word\n"
     "    local -a offer typed\n    typed=(\"${(@)words[2,CURRENT-1]}\")\n",
     "    [[ -z $files ]] || _files\n"
     "    (( ! $#offer )) || _describe tillpost offer\n"
     "}\ncompdef _tillpost tillpost\n",
     "(", ")", zsh_item},
};

static void offer_verbs(const struct shell *sh)
{
    for (size_t i = 0; i < cli_verb_count; i++)
        sh->item(str_from(cli_verbs[i].name), cli_verbs[i].summary);
}

static void offer_choices(const struct shell *sh, const char *choices)
{
    struct str rest = str_from(choices);
    while (rest.len) sh->item(str_split(rest, '|', &rest), "");
}

static void offer_options(const struct shell *sh, const struct cli_verb *verb)
{
    for (size_t i = 0; i < cli_option_count; i++)
        if (cli_takes(verb, &cli_options[i]))
            sh->item(str_from(cli_options[i].name), cli_options[i].help);
}

static bool is_file(const char *what)
{
    return what && (strstr(what, "FILE") || strstr(what, "DIR"));
}

/* Sets $verb. What stands behind an option with a value is no verb. */
static void print_search(void)
{
    printf("    for word in \"${typed[@]}\"; do\n        case $value$word in\n        -*) ;;\n"
           "        +*) value= ;;\n        *) verb=$word; break ;;\n        esac\n"
           "        case $word in\n");
    for (size_t i = 0; i < cli_option_count; i++)
        if (cli_options[i].value && cli_takes(NULL, &cli_options[i]))
            printf("        %s) value=+ ;;\n", cli_options[i].name);
    printf("        esac\n    done\n");
}

static void print_values(const struct shell *sh)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        const struct cli_option *o = &cli_options[i];
        if (!o->value) continue;
        printf("    %s) files=%s offer=%s", o->name, is_file(o->value) ? "yes" : "",
               sh->offer_begin);
        offer_choices(sh, o->choices);
        printf("%s ;;\n", sh->offer_end);
    }
}

static void print_verb(const struct shell *sh, const struct cli_verb *v)
{
    printf("        %s) files=%s offer=%s", v->name, is_file(v->operands) ? "yes" : "",
           sh->offer_begin);
    offer_options(sh, v);
    if (v->operands && strstr(v->operands, "VERB")) offer_verbs(sh);
    if (v->operands && islower((unsigned char)v->operands[0])) offer_choices(sh, v->operands);
    printf("%s ;;\n", sh->offer_end);
}

static void print_script(const struct shell *sh)
{
    printf("%s", sh->begin);
    print_search();
    printf("    case $before in\n");
    print_values(sh);
    printf("    *)\n        case $verb in\n        '') offer=%s", sh->offer_begin);
    offer_verbs(sh);
    offer_options(sh, NULL);
    printf("%s ;;\n", sh->offer_end);
    for (size_t i = 0; i < cli_verb_count; i++) print_verb(sh, &cli_verbs[i]);
    printf("        esac ;;\n    esac\n%s", sh->end);
}

int verb_completion(struct cli *c)
{
    if (c->operand_count == 1)
        for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
            if (strcmp(shells[i].name, c->operands[0]) == 0) {
                print_script(&shells[i]);
                return EXIT_OK;
            }
    fprintf(stderr, "tillpost: name the shell: bash or zsh; see: tillpost help completion\n");
    return EXIT_USAGE;
}
