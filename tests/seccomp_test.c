/*
 * seccomp_test.c: the filter as the kernel would run it, where no kernel of the machine is at hand: an
 * emulator has no seccomp. A small interpreter of classic BPF runs it over struct seccomp_data.
 *
 * The numbers below are the kernel's own (asm/unistd.h of Linux 6.1 for each machine), not those of
 * the libc that seccomp.c was compiled with. The names: what qemu-arm -strace saw of the static
 * program over sales, outages, both listeners and an erasure, and what musl calls on other kernels.
 */
#include "testing.h"

#include "platform/linux/seccomp.c"

enum { NONE = -1, X32 = 0x40000000 };

static const struct call {
    const char *name;
    long x86_64, aarch64, arm; /* NONE: this machine has no such call */
}
/* clang-format off */
needed[] = {
    {"_llseek", NONE, NONE, 140},                    {"_newselect", NONE, NONE, 142},
    {"accept4", 288, 242, 366},                      {"access", 21, NONE, 33},
    {"ARM_cacheflush", NONE, NONE, 0xf0002},         {"ARM_set_tls", NONE, NONE, 0xf0005},
    {"bind", 49, 200, 282},                          {"brk", 12, 214, 45},
    {"chmod", 90, NONE, 15},                         {"clock_getres_time64", NONE, NONE, 406},
    {"clock_gettime", 228, 113, 263},                {"clock_gettime64", NONE, NONE, 403},
    {"clock_nanosleep", 230, 115, 265},              {"clock_nanosleep_time64", NONE, NONE, 407},
    {"close", 3, 57, 6},                             {"connect", 42, 203, 283},
    {"dup", 32, 23, 41},                             {"dup3", 292, 24, 358},
    {"epoll_create1", 291, 20, 357},                 {"epoll_ctl", 233, 21, 251},
    {"epoll_pwait", 281, 22, 346},                   {"eventfd2", 290, 19, 356},
    {"exit", 60, 93, 1},                             {"exit_group", 231, 94, 248},
    {"faccessat", 269, 48, 334},                     {"faccessat2", 439, 439, 439},
    {"fallocate", 285, 47, 352},                     {"fchmod", 91, 52, 94},
    {"fchown32", NONE, NONE, 207},                   {"fcntl", 72, 25, 55},
    {"fcntl64", NONE, NONE, 221},                    {"fdatasync", 75, 83, 148},
    {"fstat", 5, 80, 108},                           {"fstat64", NONE, NONE, 197},
    {"fstatat64", NONE, NONE, 327},                  {"fstatfs", 138, 44, 100},
    {"fstatfs64", NONE, NONE, 267},                  {"fsync", 74, 82, 118},
    {"ftruncate64", NONE, NONE, 194},                {"futex", 202, 98, 240},
    {"futex_time64", NONE, NONE, 422},               {"getcwd", 79, 17, 183},
    {"getdents64", 217, 61, 217},                    {"geteuid32", NONE, NONE, 201},
    {"getpid", 39, 172, 20},                         {"getrandom", 318, 278, 384},
    {"getrlimit", 97, 163, NONE},                    {"getsockname", 51, 204, 286},
    {"getsockopt", 55, 209, 295},                    {"gettid", 186, 178, 224},
    {"gettimeofday", 96, 169, 78},                   {"inotify_add_watch", 254, 27, 317},
    {"inotify_init1", 294, 26, 360},                 {"ioctl", 16, 29, 54},
    {"linkat", 265, 37, 330},                        {"lseek", 8, 62, 19},
    {"lstat64", NONE, NONE, 196},                    {"madvise", 28, 233, 220},
    {"membarrier", 324, 283, 389},                   {"mkdir", 83, NONE, 39},
    {"mkdirat", 258, 34, 323},                       {"mlock", 149, 228, 150},
    {"mmap", 9, 222, NONE},                          {"mmap2", NONE, NONE, 192},
    {"mprotect", 10, 226, 125},                      {"mremap", 25, 216, 163},
    {"munlock", 150, 229, 151},                      {"munmap", 11, 215, 91},
    {"nanosleep", 35, 101, 162},                     {"newfstatat", 262, 79, NONE},
    {"open", 2, NONE, 5},                            {"openat", 257, 56, 322},
    {"pipe2", 293, 59, 359},                         {"poll", 7, NONE, 168},
    {"ppoll", 271, 73, 336},                         {"ppoll_time64", NONE, NONE, 414},
    {"pread64", 17, 67, 180},                        {"prlimit64", 302, 261, 369},
    {"pselect6_time64", NONE, NONE, 413},            {"pwrite64", 18, 68, 181},
    {"read", 0, 63, 3},                              {"readlink", 89, NONE, 85},
    {"readlinkat", 267, 78, 332},                    {"readv", 19, 65, 145},
    {"recv", NONE, NONE, 291},                       {"recvfrom", 45, 207, 292},
    {"recvmmsg", 299, 243, 365},                     {"recvmmsg_time64", NONE, NONE, 417},
    {"recvmsg", 47, 212, 297},                       {"rename", 82, NONE, 38},
    {"renameat", 264, 38, 329},                      {"renameat2", 316, 276, 382},
    {"restart_syscall", 219, 128, 0},                {"rseq", 334, 293, 398},
    {"rt_sigaction", 13, 134, 174},                  {"rt_sigprocmask", 14, 135, 175},
    {"rt_sigreturn", 15, 139, 173},                  {"rt_sigtimedwait_time64", NONE, NONE, 421},
    {"sched_yield", 24, 124, 158},                   {"send", NONE, NONE, 289},
    {"sendmmsg", 307, 269, 374},                     {"sendmsg", 46, 211, 296},
    {"sendto", 44, 206, 290},                        {"set_robust_list", 273, 99, 338},
    {"set_tid_address", 218, 96, 256},               {"setsockopt", 54, 208, 294},
    {"shutdown", 48, 210, 293},                      {"signalfd4", 289, 74, 355},
    {"sigreturn", NONE, NONE, 119},                  
    {"stat", 4, NONE, 106},                          {"stat64", NONE, NONE, 195},
    {"statfs64", NONE, NONE, 266},                   {"statx", 332, 291, 397},
    {"sysinfo", 99, 179, 116},                       {"tgkill", 234, 131, 268},
    {"tkill", 200, 130, 238},                        {"ugetrlimit", NONE, NONE, 191},
    {"umask", 95, 166, 60},                          {"uname", 63, 160, 122},
    {"unlink", 87, NONE, 10},                        {"unlinkat", 263, 35, 328},
    {"utimensat", 280, 88, 348},                     {"utimensat_time64", NONE, NONE, 412},
    {"write", 1, 64, 4},                             {"writev", 20, 66, 146},
},
refused[] = {
    {"execve", 59, 221, 11},                         {"execveat", 322, 281, 387},
    {"fork", 57, NONE, 2},                           {"vfork", 58, NONE, 190},
    {"ptrace", 101, 117, 26},                        {"kill", 62, 129, 37},
    {"setuid", 105, 146, 23},                        {"setuid32", NONE, NONE, 213},
    {"setgid", 106, 144, 46},                        {"setresuid", 117, 147, 164},
    {"mount", 165, 40, 21},                          {"umount2", 166, 39, 52},
    {"bpf", 321, 280, 386},                          {"init_module", 175, 105, 128},
    {"finit_module", 313, 273, 379},                 {"unshare", 272, 97, 337},
    {"setns", 308, 268, 375},                        {"chroot", 161, 51, 61},
    {"process_vm_readv", 310, 270, 376},             {"process_vm_writev", 311, 271, 377},
    {"prctl", 157, 167, 172},                        {"personality", 135, 92, 136},
    {"keyctl", 250, 219, 311},                       {"add_key", 248, 217, 309},
    {"perf_event_open", 298, 241, 364},              {"io_uring_setup", 425, 425, 425},
    {"userfaultfd", 323, 282, 388},                  {"open_by_handle_at", 304, 265, 371},
    {"pidfd_getfd", 438, 438, 438},                  {"kexec_load", 246, 104, 347},
    {"reboot", 169, 142, 88},                        {"swapon", 167, 224, 87},
    {"settimeofday", 164, 170, 79},                  {"clock_settime", 227, 112, 262},
    {"clock_settime64", NONE, NONE, 404},            {"adjtimex", 159, 171, 124},
    {"mknod", 133, NONE, 14},                        {"mknodat", 259, 33, 324},
    {"clone3", 435, 435, 435},                       {"listen", 50, 201, 284},
    {"memfd_create", 319, 279, 385},
};
/* clang-format on */

static long number_of(const struct call *c)
{
    if (MACHINE == AUDIT_ARCH_X86_64) return c->x86_64;
    return MACHINE == AUDIT_ARCH_ARM ? c->arm : c->aarch64;
}

/* Source: Documentation/networking/filter.rst; what the filter has no use for ends the test. */
static unsigned run(const struct filter *f, const struct seccomp_data *data)
{
    unsigned a = 0;
    for (size_t i = 0; i < f->count; i++) {
        const struct sock_filter *s = &f->steps[i];
        switch (s->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(s->k % 4 == 0 && s->k + sizeof a <= sizeof *data);
            memcpy(&a, (const char *)data + s->k, sizeof a);
            break;
        case BPF_JMP | BPF_JEQ | BPF_K: i += a == s->k ? s->jt : s->jf; break;
        case BPF_JMP | BPF_JSET | BPF_K: i += a & s->k ? s->jt : s->jf; break;
        case BPF_RET | BPF_K: return s->k;
        default: fail_msg("step %zu: code %#x", i, s->code);
        }
    }
    fail_msg("the filter has no end");
    return 0;
}

static unsigned judge(unsigned arch, long number, uint64_t first)
{
    struct filter f = {.count = 0};
    const struct seccomp_data data = {
        .nr = (int)number, .arch = arch, .args = {first, UINT64_MAX, UINT64_MAX}};
    write_filter(&f);
    assert_in_range(f.count, 1, BPF_MAXINSNS);
    return run(&f, &data);
}

static void the_machine_is_the_kernels(void **state)
{
    const unsigned known[] = {0xC000003E, 0xC00000B7, 0x40000028}; /* linux/audit.h, elf-em.h */
    size_t i = 0;
    while (i < 3 && known[i] != MACHINE) i++;
    assert_true(i < 3);
    for (size_t j = 0; j < 3; j++)
        if (j != i)
            assert_int_equal(judge(known[j], number_of(&needed[0]), 0), SECCOMP_RET_ERRNO | EPERM);
}

static void what_the_agent_calls_is_allowed(void **state)
{
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        long number = number_of(&needed[i]);
        if (number == NONE) continue;
        if (judge(MACHINE, number, 0) != SECCOMP_RET_ALLOW)
            fail_msg("%s (%ld) is refused", needed[i].name, number);
    }
}

static void what_it_never_calls_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        long number = number_of(&refused[i]);
        if (number == NONE) continue;
        if (judge(MACHINE, number, 0) != (SECCOMP_RET_ERRNO | ENOSYS))
            fail_msg("%s (%ld) is let through", refused[i].name, number);
    }
    if (MACHINE == AUDIT_ARCH_X86_64) /* the same calls by x32's numbers */
        assert_int_equal(judge(MACHINE, X32 | __NR_write, 0), SECCOMP_RET_ERRNO | ENOSYS);
}

static void sockets_are_of_four_families(void **state)
{
    for (uint64_t family = 0; family < 64; family++) {
        bool good =
            family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
        assert_int_equal(judge(MACHINE, __NR_socket, family),
                         good ? SECCOMP_RET_ALLOW : (unsigned)SECCOMP_RET_ERRNO | EPERM);
    }
}

static void only_threads_are_made(void **state)
{
    const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
    assert_int_equal(judge(MACHINE, __NR_clone, thread), SECCOMP_RET_ALLOW);
    assert_int_equal(judge(MACHINE, __NR_clone, CLONE_VM), SECCOMP_RET_ERRNO | EPERM);
    assert_int_equal(judge(MACHINE, __NR_clone, 17 /* SIGCHLD: a fork */),
                     SECCOMP_RET_ERRNO | EPERM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test(name)
    static const struct CMUnitTest tests[] = {
        TEST(the_machine_is_the_kernels),     TEST(what_the_agent_calls_is_allowed),
        TEST(what_it_never_calls_is_refused), TEST(sockets_are_of_four_families),
        TEST(only_threads_are_made),
    };
    if (MACHINE == 0) {
        print_message("skipped: there is no filter for this machine\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
