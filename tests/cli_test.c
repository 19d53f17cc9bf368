/* The command line's tables: what they hold can be read, told and done. */
#include "testing.h"

#include "agent/agent.h"
#include "cli/cli.h"

enum { WORDS_MAX = 16, LINE_BYTES = 256 };

static const struct cli_verb *read_line(struct cli *c, const char *line)
{
    static char text[LINE_BYTES];
    char *argv[WORDS_MAX + 1] = {0}, *save = NULL;
    int argc = 0;
    memset(c, 0, sizeof *c);
    (void)snprintf(text, sizeof text, "%s", line);
    for (char *w = strtok_r(text, " )\"", &save); w && argc < WORDS_MAX;
         w = strtok_r(NULL, " )\"", &save))
        argv[argc++] = w;
    return cli_read(c, argc, argv);
}

static void a_letter_and_a_name_stand_for_one_option(void **state)
{
    for (size_t i = 0; i < cli_option_count; i++)
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(cli_options[i].letter, cli_options[j].letter);
            assert_string_not_equal(cli_options[i].name, cli_options[j].name);
        }
}

static void each_verb_takes_options_that_there_are(void **state)
{
    for (size_t i = 0; i < cli_verb_count; i++)
        for (const char *o = cli_verbs[i].options; *o; o++) {
            size_t j = 0;
            while (j < cli_option_count && cli_options[j].letter != *o) j++;
            if (j == cli_option_count) fail_msg("%s takes -%c", cli_verbs[i].name, *o);
        }
}

static void each_option_is_taken_by_some_verb(void **state)
{
    for (size_t i = 0; i < cli_option_count; i++) {
        size_t j = 0;
        while (j < cli_verb_count && !cli_takes(&cli_verbs[j], &cli_options[i])) j++;
        if (j == cli_verb_count) fail_msg("%s", cli_options[i].name);
    }
}

static void each_example_is_a_command_of_its_verb(void **state)
{
    struct cli c;
    for (size_t i = 0; i < cli_verb_count; i++) {
        const char *at = strstr(cli_verbs[i].example, "tillpost ");
        assert_non_null(at);
        if (read_line(&c, at) != &cli_verbs[i]) fail_msg("%s", cli_verbs[i].example);
    }
}

static void what_there_is_to_show_has_a_form_for_machines(void **state)
{
    static const char *const words_only[] = {"run", "completion", "help"};
    for (size_t i = 0; i < cli_verb_count; i++) {
        bool words = false;
        for (size_t j = 0; j < sizeof words_only / sizeof words_only[0]; j++)
            words = words || strcmp(words_only[j], cli_verbs[i].name) == 0;
        if (!words && !strchr(cli_verbs[i].options, 'j')) fail_msg("%s", cli_verbs[i].name);
    }
}

static void a_line_is_read(void **state)
{
    struct cli c;
    assert_string_equal(read_line(&c, "tillpost --config /a events --state=dead --follow")->name,
                        "events");
    assert_string_equal(c.config, "/a");
    assert_string_equal(c.state, "dead");
    assert_true(c.follow);
    assert_false(c.json);
    assert_string_equal(read_line(&c, "tillpost show --json -- --odd-id")->name, "show");
    assert_true(c.json);
    assert_int_equal(c.operand_count, 1);
    assert_string_equal(c.operands[0], "--odd-id");
    assert_string_equal(read_line(&c, "tillpost track -")->name, "track");
    assert_string_equal(c.operands[0], "-");
    assert_string_equal(read_line(&c, "tillpost import --map A=email f.csv --map=B=phone")->name,
                        "import");
    assert_int_equal(c.maps.count, 2);
    assert_string_equal(c.maps.items[0], "A=email");
    assert_string_equal(c.maps.items[1], "B=phone");
    assert_int_equal(c.operand_count, 1);
    assert_string_equal(read_line(&c, "tillpost --version")->name, "version");
    assert_null(read_line(&c, "tillpost -h"));
    assert_true(c.help);
}

static void a_wrong_line_is_refused(void **state)
{
    static const char *const lines[] = {
        "tillpost",
        "tillpost nothing",
        "tillpost status --dead",
        "tillpost status extra",
        "tillpost --state dead events",
        "tillpost events --state",
        "tillpost events --state odd",
        "tillpost events --state=dea",
        "tillpost events --follow=1",
        "tillpost track --type buy",
        "tillpost --help=1",
        "tillpost --help --odd",
    };
    struct cli c;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (read_line(&c, lines[i])) fail_msg("%s", lines[i]);
        if (c.help) fail_msg("%s", lines[i]);
    }
}

static void a_problem_is_told_in_one_line_of_80_columns(void **state)
{
    for (size_t i = 0; i < agent_problem_count; i++) {
        const struct agent_problem *p = &agent_problems[i];
        if (strlen(p->message) > AGENT_PROBLEM_WORDS_MAX) fail_msg("%s", p->message);
        if (strlen(p->todo) > AGENT_PROBLEM_WORDS_MAX) fail_msg("%s", p->todo);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_and_a_name_stand_for_one_option),
        cmocka_unit_test(each_verb_takes_options_that_there_are),
        cmocka_unit_test(each_option_is_taken_by_some_verb),
        cmocka_unit_test(each_example_is_a_command_of_its_verb),
        cmocka_unit_test(what_there_is_to_show_has_a_form_for_machines),
        cmocka_unit_test(a_line_is_read),
        cmocka_unit_test(a_wrong_line_is_refused),
        cmocka_unit_test(a_problem_is_told_in_one_line_of_80_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
