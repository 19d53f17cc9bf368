/* process_test.c: what the process asks of the system about itself: no core, private files, its owner. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "platform/platform.h"
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OWNER = 65534 };
static char dir[TESTING_PATH_BYTES], owned[TESTING_PATH_BYTES + 16];

/* What a child does before it looks at itself, and before it aborts. */
static void nothing(void)
{
}
static void becomes_owner(void)
{
    if (platform_become_owner(owned) != 0 || geteuid() != OWNER) _exit(1);
}
static void forbids_and_becomes_owner(void)
{
    platform_forbid_core();
    becomes_owner();
}

static void wish_for_a_core(void)
{
    struct rlimit most = {0, 0};
    (void)getrlimit(RLIMIT_CORE, &most);
    most.rlim_cur = most.rlim_max;
    (void)setrlimit(RLIMIT_CORE, &most);
    (void)prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
}

static int child_that(void (*prepare)(void), void (*end)(void))
{
    int status = -1;
    const pid_t child = fork();
    if (child == 0) {
        if (chdir(dir) != 0) _exit(1);
        wish_for_a_core();
        prepare();
        end();
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void ends_by_a_signal(void)
{
    (void)kill(getpid(), SIGQUIT);
}

static bool leaves_a_core(void (*prepare)(void))
{
    const int status = child_that(prepare, ends_by_a_signal);
    assert_true(WIFSIGNALED(status));
    return WCOREDUMP(status);
}

static void has_no_core(void)
{
    struct rlimit limit = {1, 1};
    (void)getrlimit(RLIMIT_CORE, &limit);
    _exit(limit.rlim_cur == 0 && limit.rlim_max == 0 && prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
}

static void a_process_that_forbids_it_leaves_no_core(void **state)
{
    assert_int_equal(child_that(platform_forbid_core, has_no_core), 0);
    if (!leaves_a_core(nothing)) {
        print_message("here no program leaves a core: only limit and flag were looked at\n");
        return;
    }
    assert_false(leaves_a_core(platform_forbid_core));
}

static void nor_does_one_that_becomes_another_user(void **state)
{
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    assert_int_equal(child_that(becomes_owner, has_no_core), 0);
    assert_int_equal(child_that(forbids_and_becomes_owner, has_no_core), 0);
    assert_false(leaves_a_core(forbids_and_becomes_owner));
}

static void closes_its_output(void)
{
    (void)close(STDIN_FILENO);
    (void)close(STDOUT_FILENO);
    (void)close(STDERR_FILENO);
    (void)umask(0);
    platform_harden();
}

static void makes_a_file(void)
{
    struct stat st;
    const int fd = open("made", O_CREAT | O_WRONLY, 0666);
    const bool good = fd > STDERR_FILENO && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600;
    (void)unlink("made");
    _exit(good ? 0 : 1);
}

static void a_hardened_one_makes_private_files_and_none_of_them_is_its_output(void **state)
{
    assert_int_equal(child_that(closes_its_output, makes_a_file), 0);
}

static int make_dir(void **state)
{
    (void)state;
    testing_scratch(dir);
    (void)snprintf(owned, sizeof owned, "%s/owned", dir);
    testing_write(owned, "", 0600);
    if (chmod(dir, 0777) != 0) return -1;
    return geteuid() == 0 ? chown(owned, OWNER, OWNER) : 0;
}

static int remove_dir(void **state)
{
    (void)state;
    return testing_scratch_remove(dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_that_forbids_it_leaves_no_core),
        cmocka_unit_test(nor_does_one_that_becomes_another_user),
        cmocka_unit_test(a_hardened_one_makes_private_files_and_none_of_them_is_its_output),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
