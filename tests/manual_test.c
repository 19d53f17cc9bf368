/* The manuals name all that there is, and nothing that is not there. */
#include "testing.h"

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/doctor.h"
#include "agent/offline.h"
#include "cli/cli.h"
#include "platform/platform.h"

enum { MANUAL_MAX_BYTES = 256 * 1024 };

static char *manual(const char *name)
{
    char path[TESTING_PATH_BYTES];
    char *text = NULL;
    size_t len = 0;
    (void)snprintf(path, sizeof path, "%s/../../src/man/%s", TEST_DATA_DIR, name);
    if (platform_read_file(path, MANUAL_MAX_BYTES, false, &text, &len) < 0) fail_msg("%s", path);
    return text;
}

static void every_setting_is_in_its_section_of_the_manual(void **state)
{
    (void)state;
    char name[CONFIG_KEY_BYTES], heading[CONFIG_KEY_BYTES + 8], item[CONFIG_KEY_BYTES + 16];
    char *text = manual("tillpost.json.5");
    size_t settings = 0;
    for (size_t i = 0; config_setting_name(i, name); i++, settings++) {
        char *dot = strchr(name, '.');
        *dot = 0;
        (void)snprintf(heading, sizeof heading, "\n.Ss %s\n", name);
        (void)snprintf(item, sizeof item, "\n.It Cm %s\n", dot + 1);
        const char *section = strstr(text, heading);
        if (!section) fail_msg("no section %s", name);
        const char *next = strstr(section + 1, "\n.S");
        const char *at = strstr(section, item);
        if (!at || at > next) fail_msg("%s.%s is not described", name, dot + 1);
    }
    size_t items = 0;
    for (const char *at = text; (at = strstr(at, "\n.It Cm ")); at++) items++;
    assert_int_equal(items, settings);
    free(text);
}

/* Every verb begins an item of the list of verbs: ".It Cm check" or, with options, ".Cm track". */
static void every_verb_is_in_the_manual(void **state)
{
    char item[64], words[64];
    char *text = manual("tillpost.1");
    char *end = strstr(text, "The options that are not told above");
    assert_non_null(end);
    *end = 0;
    for (size_t i = 0; i < cli_verb_count; i++) {
        (void)snprintf(item, sizeof item, "\n.It Cm %s", cli_verbs[i].name);
        (void)snprintf(words, sizeof words, "\n.It Xo\n.Cm %s\n", cli_verbs[i].name);
        if (!strstr(text, item) && !strstr(text, words)) fail_msg("%s", cli_verbs[i].name);
    }
    free(text);
}

static void every_option_is_in_the_manual(void **state)
{
    char words[64];
    char *text = manual("tillpost.1");
    char *synopsis = strstr(text, ".Sh DESCRIPTION");
    assert_non_null(synopsis);
    for (size_t i = 0; i < cli_option_count; i++) {
        (void)snprintf(words, sizeof words, "Fl %s", cli_options[i].name + 1);
        if (!strstr(synopsis, words)) fail_msg("%s", cli_options[i].name);
    }
    free(text);
}

/* The text of a section, for the caller to free. */
static char *section_of(const char *name, const char *heading)
{
    char line[64];
    char *text = manual(name);
    (void)snprintf(line, sizeof line, "\n.Sh %s\n", heading);
    char *at = strstr(text, line);
    if (!at) fail_msg("no section %s", heading);
    memmove(text, at + 4, strlen(at + 4) + 1);
    char *end = strstr(text, "\n.Sh ");
    assert_non_null(end);
    end[1] = 0;
    return text;
}

static char *section(const char *heading)
{
    return section_of("tillpost-api.7", heading);
}

/* Each name is an item of the text, ".It Cm NAME", once. */
static void has_item(const char *text, const char *name)
{
    char item[96];
    size_t n = 0;
    int len = snprintf(item, sizeof item, "\n.It Cm %s", name);
    for (const char *at = text; (at = strstr(at, item)); at += len)
        if (at[len] == ' ' || at[len] == '\n') n++;
    if (n != 1) fail_msg("%s is described %zu times", name, n);
}

static void has_items(const char *text, size_t wanted)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, "\n.It Cm ")); at++) n++;
    assert_int_equal(n, wanted);
}

static void every_route_is_in_the_manual_and_no_other(void **state)
{
    char *text = section("ROUTES"), name[64];
    for (size_t i = 0; i < agent_route_count; i++) {
        (void)snprintf(name, sizeof name, "%s %s", agent_routes[i].method, agent_routes[i].path);
        has_item(text, name);
    }
    has_items(text, agent_route_count);
    free(text);
}

static void every_error_code_is_in_the_manual_with_its_status(void **state)
{
    char *text = section("ERROR CODES"), line[96];
    for (int i = 0; i < TILLPOST_ERR_COUNT; i++) {
        const struct tillpost_err_info *e = tillpost_err_info(-(i + 1));
        (void)snprintf(line, sizeof line, "\n.It Cm %s Pq %d\n", e->wire, e->http);
        if (!strstr(text, line)) fail_msg("%s", line);
    }
    has_items(text, TILLPOST_ERR_COUNT);
    free(text);
}

static void every_exit_status_is_in_the_manual(void **state)
{
    char item[16];
    char *text = section_of("tillpost.1", "EXIT STATUS");
    for (int err = 0; err >= -TILLPOST_ERR_COUNT; err--) {
        int status = err == 0 ? 0 : tillpost_err_info(err)->exit;
        (void)snprintf(item, sizeof item, "\n.It %d\n", status);
        if (!strstr(text, item)) fail_msg("%d", status);
    }
    free(text);
}

static void every_problem_is_in_the_manual(void **state)
{
    char *text = section("STATUS");
    char *codes = strstr(text, "The problem codes:");
    assert_non_null(codes);
    size_t n = 0;
    for (size_t i = 0; i < agent_problem_count; i++, n++) has_item(codes, agent_problems[i].code);
    for (size_t i = 0; offline_problem_code(i); i++, n++) has_item(codes, offline_problem_code(i));
    has_items(codes, n);
    free(text);
}

static void every_metric_is_in_the_manual_and_no_other(void **state)
{
    char *text = section("METRICS");
    size_t n = 0;
    for (; agent_metric_name(n); n++) has_item(text, agent_metric_name(n));
    has_items(text, n);
    free(text);
}

static void every_code_of_the_doctor_is_in_the_manual_and_no_other(void **state)
{
    char *text = section("DOCTOR");
    for (int i = 0; i < DOCTOR_CODE_COUNT; i++) has_item(text, doctor_code_names[i]);
    has_items(text, DOCTOR_CODE_COUNT);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_in_its_section_of_the_manual),
        cmocka_unit_test(every_verb_is_in_the_manual),
        cmocka_unit_test(every_option_is_in_the_manual),
        cmocka_unit_test(every_route_is_in_the_manual_and_no_other),
        cmocka_unit_test(every_error_code_is_in_the_manual_with_its_status),
        cmocka_unit_test(every_exit_status_is_in_the_manual),
        cmocka_unit_test(every_problem_is_in_the_manual),
        cmocka_unit_test(every_metric_is_in_the_manual_and_no_other),
        cmocka_unit_test(every_code_of_the_doctor_is_in_the_manual_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
