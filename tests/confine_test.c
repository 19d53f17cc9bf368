/*
 * confine_test.c: what the kernel refuses once platform_confine has been called, and what it still
 * allows: one row one deed, done by a child that gave itself one directory to write and one to read.
 * And which files of a changed configuration are out of reach.
 */
#include "testing.h"

#include "agent/confine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char dir[TESTING_PATH_BYTES];

static const char *path_of(const char *name)
{
    static char path[2 * TESTING_PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* Deeds: 0 done, else the errno. ---------------------------------------------------------------- */

static int outcome(long rc)
{
    return rc < 0 ? errno : 0;
}

static int open_as(const char *name, int flags)
{
    int fd = open(name[0] == '/' ? name : path_of(name), flags, 0600);
    if (fd >= 0) close(fd);
    return outcome(fd);
}

static int socket_of(int family, int type)
{
    int fd = socket(family, type, 0);
    if (fd >= 0) close(fd);
    return outcome(fd);
}

static int executes(void)
{
    char *const none[] = {NULL};
    return outcome(execve("/bin/true", none, none));
}
static int executes_a_descriptor(void)
{
    char *const none[] = {NULL};
    return outcome(syscall(SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0));
}
static int forks(void) /* as glibc does it; musl has a call of its own for that */
{
    long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (pid == 0) _exit(0);
    return outcome(pid);
}
static int traces(void)
{
    return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}
static int reads_memory_of_another(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {&byte, 1};
    return outcome(syscall(SYS_process_vm_readv, getppid(), &here, 1L, &there, 1L, 0L));
}
static int signals_another(void)
{
    return outcome(kill(getppid(), 0));
}
static int signals_a_thread_of_another(void)
{
    return outcome(syscall(SYS_tgkill, getppid(), getppid(), 0));
}
static int changes_its_user(void)
{
    return outcome(setuid(65534));
}
static int mounts(void)
{
    return outcome(mount("none", dir, "tmpfs", 0, NULL));
}
static int unshares(void)
{
    return outcome(unshare(CLONE_NEWNS));
}
static int loads_a_program_into_the_kernel(void)
{
    return outcome(syscall(SYS_bpf, 0L, NULL, 0L));
}
static int raises_its_core_limit_by_dumpable(void)
{
    return outcome(prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L));
}
static int sees_packets(void)
{
    return socket_of(AF_PACKET, SOCK_RAW);
}
static int opens_a_socket_of_bluetooth(void)
{
    return socket_of(AF_BLUETOOTH, SOCK_STREAM);
}
static int reads_the_environment_of_another(void)
{
    return open_as("/proc/1/environ", O_RDONLY);
}
static int reads_outside(void)
{
    return open_as("outside/file", O_RDONLY);
}
static int lists_outside(void)
{
    return open_as("outside", O_RDONLY | O_DIRECTORY);
}
static int writes_outside(void)
{
    return open_as("outside/file", O_WRONLY);
}
static int makes_outside(void)
{
    return open_as("outside/new", O_WRONLY | O_CREAT | O_EXCL);
}
static int removes_outside(void)
{
    return outcome(unlink(path_of("outside/file")));
}
static int reaches_outside_by_a_link(void)
{
    return open_as("writes/link", O_RDONLY);
}
static int writes_where_it_reads(void)
{
    return open_as("reads/file", O_WRONLY);
}
static int makes_where_it_reads(void)
{
    return open_as("reads/new", O_WRONLY | O_CREAT | O_EXCL);
}
static int makes_a_device(void)
{
    return outcome(mknod(path_of("writes/null"), S_IFCHR | 0600, 0x103));
}
static int listens_on_tcp(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int rc = bind(fd, (const struct sockaddr *)&at, sizeof at);
    int e = outcome(rc < 0 ? rc : listen(fd, 1));
    close(fd);
    return e;
}

/* What the agent does all day. */
static int reads_where_it_reads(void)
{
    return open_as("reads/file", O_RDONLY);
}
static int finds_a_file_that_was_replaced(void)
{
    char from[2 * TESTING_PATH_BYTES];
    (void)snprintf(from, sizeof from, "%s", path_of("writes/file"));
    int e = outcome(rename(from, path_of("writes/replaced")));
    return e ? e : open_as("writes/replaced", O_RDONLY);
}
static int makes_where_it_writes(void)
{
    return open_as("writes/new", O_RDWR | O_CREAT | O_EXCL | O_TRUNC);
}
static int moves_into_a_folder(void)
{
    char from[2 * TESTING_PATH_BYTES];
    (void)snprintf(from, sizeof from, "%s", path_of("writes/file"));
    return outcome(rename(from, path_of("writes/failed/file")));
}
static int asks_for_a_user(void)
{
    return getpwuid(0) ? 0 : ENOENT;
}

/* Without /etc/hosts (a bare chroot) a server of the network is asked, which may be silent, or know
 * no such name. */
static void *resolve(void *arg)
{
    struct addrinfo *found = NULL;
    int *rc = arg;
    *rc = getaddrinfo("localhost", "443", NULL, &found);
    if (*rc == 0) freeaddrinfo(found);
    bool no_hosts = access("/etc/hosts", F_OK) < 0 && errno == ENOENT;
    if (no_hosts && (*rc == EAI_AGAIN || *rc == EAI_NONAME)) *rc = 0;
    return NULL;
}

static int resolves_in_a_thread(void)
{
    pthread_t thread;
    int rc = -1;
    int e = pthread_create(&thread, NULL, resolve, &rc);
    if (e == 0) e = pthread_join(thread, NULL);
    return e ? e : rc != 0;
}

/* clang-format off */
enum by { SECCOMP, LANDLOCK, LANDLOCK_4, LANDLOCK_6 };
static const struct { const char *sentence; int (*deed)(void); enum by by; int refusal; } rows[] = {
    {"no program is started",                       executes,                          SECCOMP,    ENOSYS},
    {"no program is started by its descriptor",     executes_a_descriptor,             SECCOMP,    ENOSYS},
    {"no process is made",                          forks,                             SECCOMP,    EPERM},
    {"nothing is traced",                           traces,                            SECCOMP,    ENOSYS},
    {"no other memory is read",                     reads_memory_of_another,           SECCOMP,    ENOSYS},
    {"no other process is signalled",               signals_another,                   SECCOMP,    ENOSYS},
    {"no thread of another process is signalled",   signals_a_thread_of_another,       LANDLOCK_6, EPERM},
    {"the user stays",                              changes_its_user,                  SECCOMP,    ENOSYS},
    {"nothing is mounted",                          mounts,                            SECCOMP,    ENOSYS},
    {"no namespace is made",                        unshares,                          SECCOMP,    ENOSYS},
    {"no BPF is loaded",                            loads_a_program_into_the_kernel,   SECCOMP,    ENOSYS},
    {"the process stays undumpable",                raises_its_core_limit_by_dumpable, SECCOMP,    ENOSYS},
    {"packets are not seen",                        sees_packets,                      SECCOMP,    EPERM},
    {"there are no other families of sockets",      opens_a_socket_of_bluetooth,       SECCOMP,    EPERM},
    {"no other environment is read",                reads_the_environment_of_another,  LANDLOCK,   EACCES},
    {"nothing is read outside",                     reads_outside,                     LANDLOCK,   EACCES},
    {"nothing is listed outside",                   lists_outside,                     LANDLOCK,   EACCES},
    {"nothing is written outside",                  writes_outside,                    LANDLOCK,   EACCES},
    {"nothing is made outside",                     makes_outside,                     LANDLOCK,   EACCES},
    {"nothing is removed outside",                  removes_outside,                   LANDLOCK,   EACCES},
    {"a link leads nowhere else",                   reaches_outside_by_a_link,         LANDLOCK,   EACCES},
    {"what is read is not written",                 writes_where_it_reads,             LANDLOCK,   EACCES},
    {"nothing is made where it only reads",         makes_where_it_reads,              LANDLOCK,   EACCES},
    {"no device is made",                           makes_a_device,                    SECCOMP,    ENOSYS},
    {"nothing more listens on TCP",                 listens_on_tcp,                    LANDLOCK_4, EACCES},
    {"what may be read is read",                    reads_where_it_reads,              SECCOMP,    0},
    {"a file that was replaced is read",            finds_a_file_that_was_replaced,    SECCOMP,    0},
    {"what may be written is made",                 makes_where_it_writes,             SECCOMP,    0},
    {"a file is moved into a folder",               moves_into_a_folder,               SECCOMP,    0},
    {"a thread resolves a name",                    resolves_in_a_thread,              SECCOMP,    0},
    {"a user is looked up",                         asks_for_a_user,                   SECCOMP,    0},
};
/* clang-format on */

enum { OTHER_REFUSAL = 250 };

static int exit_of(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* 0 done; else an errno, in the child's exit status. What the kernel lacks is OTHER_REFUSAL. */
static int in_a_confined_child(int (*deed)(void), enum by by)
{
    char reads[2 * TESTING_PATH_BYTES], writes[2 * TESTING_PATH_BYTES];
    testing_write(path_of("writes/file"), "a file", 0600);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)snprintf(reads, sizeof reads, "%s", path_of("reads"));
        (void)snprintf(writes, sizeof writes, "%s", path_of("writes"));
        const struct platform_way ways[] = {
            {reads, false},  {writes, true},    {"/etc", false},    {"/usr", false},
            {"/lib", false}, {"/lib64", false}, {"/nowhere", true},
        };
        struct platform_confinement got;
        platform_confine(ways, sizeof ways / sizeof ways[0], &got);
        const bool there[] = {got.seccomp, got.landlock > 0, got.landlock >= 4, got.landlock >= 6};
        _exit(there[by] ? deed() : OTHER_REFUSAL);
    }
    return exit_of(pid);
}

static void the_kernel_refuses_what_the_agent_never_does(void **state)
{
    size_t missing = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int got = in_a_confined_child(rows[i].deed, rows[i].by);
        if (got == OTHER_REFUSAL) missing++;
        else if (got != rows[i].refusal)
            fail_msg("%s: errno %d (%s), wanted %d", rows[i].sentence, got, strerror(got),
                     rows[i].refusal);
    }
    if (missing == sizeof rows / sizeof rows[0])
        skip(); /* sanitizers, an emulator, an old kernel */
}

/* The rules get the last file descriptor, the directory none. */
static void a_directory_that_cannot_be_opened_now_is_not_lost_for_good(void **state)
{
    char reads[2 * TESTING_PATH_BYTES];
    (void)snprintf(reads, sizeof reads, "%s", path_of("reads"));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct platform_way way = {reads, false};
        struct platform_confinement got;
        rlim_t last = (rlim_t)dup(0);
        const struct rlimit few = {last + 1, last + 1};
        close((int)last);
        if (setrlimit(RLIMIT_NOFILE, &few) == 0) platform_confine(&way, 1, &got);
        _exit(reads_where_it_reads());
    }
    assert_int_equal(exit_of(pid), 0);
}

static bool no_memory;

/* libc's, so that a path cannot be copied when the test says so. */
char *strdup(const char *s)
{
    size_t bytes = strlen(s) + 1;
    char *copy = no_memory ? NULL : malloc(bytes);
    return copy ? memcpy(copy, s, bytes) : NULL;
}

static int starts_without_memory(void)
{
    struct confine f;
    struct fault why = {0};
    const struct config c = {.listen = {.socket = "/run/tillpost/till.sock"}};
    no_memory = true;
    int rc = confine_start(&f, "/etc/tillpost.json", &c, &why);
    confine_free(&f);
    return rc == TILLPOST_E_NO_MEMORY ? open_as("outside/file", O_RDWR) : OTHER_REFUSAL;
}

static void without_memory_nothing_is_given_up(void **state)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(starts_without_memory());
    assert_int_equal(exit_of(pid), 0);
}

static void a_changed_path_needs_a_way(void **state)
{
    char reads[2 * TESTING_PATH_BYTES], writes[2 * TESTING_PATH_BYTES];
    (void)snprintf(reads, sizeof reads, "%s", path_of("reads"));
    (void)snprintf(writes, sizeof writes, "%s", path_of("writes"));
    const struct confine f = {
        .in_force = {true, 7}, .paths = {reads, writes}, .writes = {false, true}, .count = 2};
    const struct {
        const char *sentence, *token, *folder;
        int rc;
    } paths[] = {
        {"a file beside the old one", "reads/other", NULL, 0},
        {"a file beneath", "reads/deep/token", NULL, 0},
        {"a file elsewhere", "outside/file", NULL, TILLPOST_E_CONFIG},
        {"a name that begins alike", "reads-not/token", NULL, TILLPOST_E_CONFIG},
        {"a link that leads elsewhere", "writes/link", NULL, TILLPOST_E_CONFIG},
        {"a folder that may be written", NULL, "writes/failed", 0},
        {"the folder that was given", NULL, "writes", 0},
        {"a folder that may only be read", NULL, "reads/deep", TILLPOST_E_CONFIG},
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct fault why = {0};
        struct config c = {0};
        const char *name = paths[i].token ? paths[i].token : paths[i].folder;
        if (paths[i].token) c.tiktok.access_token_file = path_of(name);
        else c.import.folder = path_of(name);
        if (confine_check(&f, &c, &why) != paths[i].rc)
            fail_msg("%s: %s", paths[i].sentence, why.message);
        if (paths[i].rc < 0) assert_non_null(strstr(why.message, "restart"));
    }
}

static void without_landlock_every_path_is_within_reach(void **state)
{
    struct confine f = {.in_force = {true, 0}};
    struct config c = {.tiktok = {.access_token_file = "/nowhere/token"}};
    struct fault why = {0};
    assert_int_equal(confine_check(&f, &c, &why), 0);
}

static int make_folders(void **state)
{
    static const char *const folders[] = {"reads",  "reads/deep",    "reads-not",
                                          "writes", "writes/failed", "outside"};
    testing_scratch(dir);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        assert_int_equal(mkdir(path_of(folders[i]), 0700), 0);
    testing_write(path_of("reads/file"), "a file", 0600);
    testing_write(path_of("outside/file"), "a file", 0600);
    assert_int_equal(symlink("../outside/file", path_of("writes/link")), 0);
    return 0;
}

static int remove_folders(void **state)
{
    return testing_scratch_remove(dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_refuses_what_the_agent_never_does),
        cmocka_unit_test(a_directory_that_cannot_be_opened_now_is_not_lost_for_good),
        cmocka_unit_test(without_memory_nothing_is_given_up),
        cmocka_unit_test(a_changed_path_needs_a_way),
        cmocka_unit_test(without_landlock_every_path_is_within_reach),
    };
    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
