/* The manuals name every setting and every verb, and nothing that is not there. */
#include "testing.h"

#include "agent/config.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_in_its_section_of_the_manual),
        cmocka_unit_test(every_verb_is_in_the_manual),
        cmocka_unit_test(every_option_is_in_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
