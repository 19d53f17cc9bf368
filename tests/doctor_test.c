/* The doctor's tables: a code is stable, says what it is, and what to do. */
#include "testing.h"

#include "agent/doctor.h"
#include "cli/doctor_words.h"

static void a_code_is_there_once_and_made_of_letters(void **state)
{
    for (int i = 0; i < DOCTOR_CODE_COUNT; i++) {
        const char *code = doctor_code_names[i];
        assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz_"), strlen(code));
        for (int j = 0; j < i; j++) assert_string_not_equal(code, doctor_code_names[j]);
    }
}

static void what_is_wrong_has_words_and_one_thing_to_do(void **state)
{
    for (int i = 0; i < DOCTOR_CODE_COUNT; i++) {
        const struct doctor_words *w = &doctor_words[i];
        if (!w->message) fail_msg("%s says nothing", doctor_code_names[i]);
        if (doctor_verdicts[i] == DOCTOR_OK) continue;
        if (!w->message[0]) fail_msg("%s says nothing", doctor_code_names[i]);
        if (!w->todo || !w->todo[0]) fail_msg("%s: nothing to do", doctor_code_names[i]);
        if (strchr(w->todo, '\n')) fail_msg("%s: more than a line", doctor_code_names[i]);
    }
}

static void without_a_configuration_all_but_two_checks_say_why(void **state)
{
    const struct doctor_agent none = {.err = TILLPOST_E_UNAVAILABLE};
    struct doctor_findings f;
    struct doctor *d = NULL;
    assert_true(doctor_open("/does/not/exist.json", &none, &d) >= 0);
    assert_null(doctor_config(d));
    for (int check = 0; check < DOCTOR_CHECK_COUNT; check++) {
        enum doctor_code wanted = DOCTOR_NOT_CHECKED;
        if (check == DOCTOR_CHECK_CONFIGURATION) wanted = DOCTOR_CONFIG_MISSING;
        if (check == DOCTOR_CHECK_SOCKET) wanted = DOCTOR_AGENT_STOPPED;
        doctor_look(d, (enum doctor_check)check, &f);
        assert_int_equal(f.count, 1);
        assert_int_equal(f.list[0].code, wanted);
    }
    doctor_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_there_once_and_made_of_letters),
        cmocka_unit_test(what_is_wrong_has_words_and_one_thing_to_do),
        cmocka_unit_test(without_a_configuration_all_but_two_checks_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
