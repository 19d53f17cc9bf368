/* log_test.c: one clean line, whatever the message. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"
#include "base/times.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OUTPUT_MAX_BYTES = 8192, TIME_CHARS = sizeof "2026-11-01T10:00:00Z" - 1 };

static int own_stderr, reader;
static char output[OUTPUT_MAX_BYTES];

static int capture(void **state)
{
    int ends[2];
    if (pipe(ends) != 0) return -1;
    own_stderr = dup(STDERR_FILENO);
    reader = ends[0];
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    unsetenv("JOURNAL_STREAM");
    return 0;
}

static int release(void **state)
{
    dup2(own_stderr, STDERR_FILENO);
    close(own_stderr);
    close(reader);
    return 0;
}

/* What one read(2) of the pipe gives: what was written in one write(2), or more. */
static const char *logged(void)
{
    if (write(STDERR_FILENO, "", 1) != 1) fail(); /* so that reading nothing does not wait */
    ssize_t n = read(reader, output, sizeof output - 1);
    assert_true(n > 0);
    output[n] = '\0';
    return output;
}

static void a_text_line_has_time_level_and_message(void **state)
{
    static const struct {
        enum log_level level;
        const char *name;
    } rows[] = {
        {LOG_LEVEL_ERROR, "error"},
        {LOG_LEVEL_WARNING, "warning"},
        {LOG_LEVEL_INFO, "info"},
        {LOG_LEVEL_DEBUG, "debug"},
    };
    log_setup(LOG_LEVEL_DEBUG, false);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rest[64];
        int64_t ms;
        log_line(rows[i].level, "delivered events=%d", 3);
        const char *line = logged();
        assert_int_equal(times_parse((struct str){line, TIME_CHARS}, NULL, &ms), 0);
        snprintf(rest, sizeof rest, " %s delivered events=3\n", rows[i].name);
        assert_string_equal(line + TIME_CHARS, rest);
    }
}

static void a_json_line_is_json(void **state)
{
    struct arena a;
    const struct json *v;
    struct json_limits limits = {OUTPUT_MAX_BYTES, 2, 10};
    log_setup(LOG_LEVEL_INFO, true);
    log_line(LOG_LEVEL_WARNING, "a \"quoted\" \\ %s", "\xC3\xA9\x01\xFF\n}");
    arena_init(&a, OUTPUT_MAX_BYTES, 1 << 20);
    const char *line = logged();
    assert_int_equal(json_parse(&a, str_from(line), &limits, &v, NULL), 0);
    assert_int_equal(json_count(v), 3);
    assert_int_equal(json_string(json_get(v, "time")).len, TIME_CHARS);
    assert_true(str_is(json_string(json_get(v, "level")), "warning"));
    assert_true(str_is(json_string(json_get(v, "message")), "a \"quoted\" \\ \xC3\xA9???}"));
    assert_int_equal(line[strlen(line) - 1], '\n');
    arena_free(&a);
}

static void no_message_makes_a_second_line(void **state)
{
    log_setup(LOG_LEVEL_INFO, false);
    log_line(LOG_LEVEL_INFO, "a\n<3>2026 error b\r\x1B[31m\x7F\xC3");
    assert_string_equal(logged() + TIME_CHARS, " info a?<3>2026 error b??[31m??\n");
}

static void levels_above_the_chosen_one_are_silent(void **state)
{
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        log_setup((enum log_level)level, false);
        for (int line = LOG_LEVEL_ERROR; line <= LOG_LEVEL_DEBUG; line++) {
            assert_int_equal(log_enabled((enum log_level)line), line <= level);
            log_line((enum log_level)line, "x");
            assert_int_equal(strlen(logged()) > 0, line <= level);
        }
    }
}

static void a_long_message_is_cut_to_one_whole_line(void **state)
{
    struct arena a;
    struct json_limits limits = {OUTPUT_MAX_BYTES, 2, 10};
    char message[3000];
    arena_init(&a, OUTPUT_MAX_BYTES, 1 << 20);
    for (size_t front = 0; front < 3; front++) {
        memset(message, '"', front);
        for (size_t i = front; i + 3 < sizeof message; i += 3)
            memcpy(message + i, "\xE2\x82\xAC", 4);
        for (int json = 0; json <= 1; json++) {
            const struct json *v;
            log_setup(LOG_LEVEL_INFO, json != 0);
            log_line(LOG_LEVEL_ERROR, "%s", message);
            const char *line = logged();
            assert_true(strlen(line) <= LOG_LINE_MAX_BYTES);
            assert_true(strlen(line) >= LOG_LINE_MAX_BYTES - 3);
            assert_int_equal(line[strlen(line) - 1], '\n');
            if (json) assert_int_equal(json_parse(&a, str_from(line), &limits, &v, NULL), 0);
            if (!json) assert_null(strchr(line, '?'));
        }
    }
    arena_free(&a);
}

static void the_journal_gets_a_level_it_understands(void **state)
{
    struct stat st;
    char stream[64];
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    log_setup(LOG_LEVEL_DEBUG, false);
    static const char *const prefixes[] = {"<3>", "<4>", "<6>", "<7>"};
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        log_line((enum log_level)level, "x");
        assert_memory_equal(logged(), prefixes[level], 3);
    }
    log_setup(LOG_LEVEL_DEBUG, true);
    log_line(LOG_LEVEL_INFO, "x");
    assert_int_equal(logged()[0], '{');
    setenv("JOURNAL_STREAM", "8:12345", 1); /* the journal is somewhere else: stderr was moved */
    log_setup(LOG_LEVEL_DEBUG, false);
    log_line(LOG_LEVEL_INFO, "x");
    assert_true(logged()[0] != '<');
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_text_line_has_time_level_and_message, capture, release),
        cmocka_unit_test_setup_teardown(a_json_line_is_json, capture, release),
        cmocka_unit_test_setup_teardown(no_message_makes_a_second_line, capture, release),
        cmocka_unit_test_setup_teardown(levels_above_the_chosen_one_are_silent, capture, release),
        cmocka_unit_test_setup_teardown(a_long_message_is_cut_to_one_whole_line, capture, release),
        cmocka_unit_test_setup_teardown(the_journal_gets_a_level_it_understands, capture, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
