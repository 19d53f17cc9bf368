/* token_test.c: Bearer and Basic, right and wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/token.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const tokens[] = {"first-token", "second-token"};

/* clang-format off */
static const struct row {
    const char *authorization;
    bool fits;
} rows[] = {
    {"Bearer first-token",            true},
    {"Bearer second-token",           true},
    {"bearer   second-token",         true},
    {"BEARER first-token ",           true},
    {"Bearer third-token",            false},
    {"Bearer first-tokem",            false},
    {"Bearer Xirst-token",            false},
    {"Bearer first-toke",             false},
    {"Bearer first-token2",           false},
    {"Bearer first-tokenfirst-token", false},
    {"Bearer first-token second-token", false},
    {"Bearer",                        false},
    {"Bearer ",                       false},
    {"first-token",                   false},
    {"",                              false},
    {"Digest first-token",            false},
    {"Basic Zmlyc3QtdG9rZW46",        true},  /* first-token: */
    {"Basic Zmlyc3QtdG9rZW4=",        true},  /* first-token */
    {"Basic Zmlyc3QtdG9rZW4",         true},  /* without its padding */
    {"Basic c2Vjb25kLXRva2VuOng6eQ==", true}, /* second-token:x:y */
    {"basic Zmlyc3QtdG9rZW46",        true},
    {"Basic Zmlyc3QtdG9rZW0=",        false}, /* first-tokem */
    {"Basic OmZpcnN0LXRva2Vu",        false}, /* :first-token */
    {"Basic Zmlyc3Q=",                false}, /* first */
    {"Basic first-token",             false},
    {"Basic Zmlyc3QtdG9rZW4!",        false},
    {"Basic Zmlyc3QtdG9rZW46Z",       false}, /* a digit too much */
    {"Basic Z",                       false},
    {"Basic ====",                    false},
    {"Basic ",                        false},
};
/* clang-format on */

static void a_token_fits_as_its_row_says(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool fits = token_fits(str_from(rows[i].authorization), tokens, 2);
        if (fits != rows[i].fits) print_message("row \"%s\"\n", rows[i].authorization);
        assert_int_equal(fits, rows[i].fits);
    }
}

static void without_tokens_nothing_fits(void **state)
{
    static const char *const blank[] = {""};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_false(token_fits(str_from(rows[i].authorization), NULL, 0));
        assert_false(token_fits(str_from(rows[i].authorization), blank, 1));
    }
}

static void credentials_of_any_length_are_looked_at(void **state)
{
    for (size_t len = 6; len < 4096; len = len * 2 + 1) {
        char *text = malloc(len);
        assert_non_null(text);
        memset(text, 'A', len);
        memcpy(text, "Basic ", 6);
        assert_false(token_fits((struct str){text, len}, tokens, 2));
        memcpy(text, "Bearer", 6);
        if (len > 6) text[6] = ' ';
        assert_false(token_fits((struct str){text, len}, tokens, 2));
        free(text);
    }
}

/* Instructions that token_fits takes: a child is stepped through it. < 0: this machine cannot (an
 * emulator, 32-bit ARM, a sandbox). The first call of the child binds what is bound at first use; the
 * text lies at one address, as musl's memchr goes by single bytes up to a word's. */
static long instructions_of(const char *sent, const char *const *list, size_t n)
{
    enum { STEPS_MAX = 1000000 };
    static _Alignas(sizeof(long)) char authorization[64];
    (void)snprintf(authorization, sizeof authorization, "%s", sent);
    int status = 0;
    long steps = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool warm = token_fits(str_from(authorization), list, n);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(1);
        raise(SIGSTOP);
        bool fits = token_fits(str_from(authorization), list, n);
        raise(SIGSTOP);
        _exit(fits != warm);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status)) return -1;
    do {
        bool stepped = ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0;
        if (!stepped || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) steps = -1;
        else steps++;
    } while (steps > 0 && steps < STEPS_MAX && WSTOPSIG(status) == SIGTRAP);
    if (steps < 0) return steps;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    return steps;
}

/* No clock can show this on a busy machine; the number of instructions can. */
static void a_comparison_takes_the_same_path_whatever_is_sent(void **state)
{
    static const char *const pair[] = {"abcdefghijklmnop", "qrstuvwxyzABCDEF"};
    static const char
        *const
            sent
                [] =
                    {
                        "Bearer abcdefghijklmnop", /* the first, the second */
                        "Bearer qrstuvwxyzABCDEF",
                        "Bearer Xbcdefghijklmnop", /* wrong in the first byte, in the middle, in the last */
                        "Bearer abcdefgXijklmnop",
                        "Bearer abcdefghijklmnoX",
                        "Bearer XXXXXXXXXXXXXXXX",
                    };
    long first = instructions_of(sent[0], pair, 2);
    if (first < 0) {
        print_message("skipped: nothing can be stepped through here\n");
        skip();
    }
    assert_true(first > 100);
    for (size_t i = 1; i < sizeof sent / sizeof sent[0]; i++) {
        long steps = instructions_of(sent[i], pair, 2);
        if (steps != first) fail_msg("%s: %ld instructions, not %ld", sent[i], steps, first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_fits_as_its_row_says),
        cmocka_unit_test(a_comparison_takes_the_same_path_whatever_is_sent),
        cmocka_unit_test(without_tokens_nothing_fits),
        cmocka_unit_test(credentials_of_any_length_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
