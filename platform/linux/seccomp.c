/*
 * seccomp.c: the system calls that are left.
 *
 * What always holds: (1) the list is an allow-list; all else answers ENOSYS, as an older kernel
 * would, so that a libc falls back to an older call (clone3 to clone, whose flags can be seen);
 * (2) no other program can be started: no execve, and clone makes threads only; (3) sockets are
 * local ones, the internet's and netlink; (4) a call by another machine's numbers is refused (x32 and
 * i386 on x86-64).
 *
 * The list: what strace saw of the whole suite with glibc 2.36 and musl 1.2, and what their sources
 * call on older kernels. tests/e2e/confine_test.sh runs a build in which a call that is not on
 * the list ends the process.
 */
#include "platform/linux/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && !defined(__ILP32__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__ARM_EABI__) && defined(__ARMEL__)
#define MACHINE AUDIT_ARCH_ARM
#else
#define MACHINE 0 /* nobody has looked at its calls: no filter */
#endif

#ifndef SECCOMP_UNKNOWN
#define SECCOMP_UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)
#endif

/* The often used come first: the list is walked. */
static const unsigned allowed[] = {
    __NR_read,
    __NR_write,
    __NR_futex,
    __NR_fdatasync,
    __NR_fsync,
    __NR_pread64,
    __NR_pwrite64,
    __NR_ppoll,
    __NR_accept4,
    __NR_close,
    __NR_recvfrom,
    __NR_sendto,
    __NR_recvmsg,
    __NR_sendmsg,
    __NR_getsockopt,
    __NR_setsockopt,
    __NR_shutdown,
    /* memory */
    __NR_brk,
    __NR_madvise,
    __NR_mlock,
    __NR_mprotect,
    __NR_mremap,
    __NR_munlock,
    __NR_munmap,
    /* sockets and the resolver */
    __NR_accept,
    __NR_bind,
    __NR_connect,
    __NR_getpeername,
    __NR_getsockname,
    __NR_recvmmsg,
    __NR_sendmmsg,
    __NR_socketpair,
    /* files */
    __NR_dup,
    __NR_dup3,
    __NR_faccessat,
    __NR_fallocate,
    __NR_fchmod,
    __NR_fchmodat,
    __NR_fchown,
    __NR_fcntl,
    __NR_flock,
    __NR_fstat,
    __NR_fstatfs,
    __NR_ftruncate,
    __NR_getcwd,
    __NR_getdents64,
    __NR_ioctl,
    __NR_linkat,
    __NR_lseek,
    __NR_mkdirat,
    __NR_openat,
    __NR_pselect6,
    __NR_readlinkat,
    __NR_readv,
    __NR_renameat,
    __NR_statfs,
    __NR_truncate,
    __NR_umask,
    __NR_unlinkat,
    __NR_utimensat,
    __NR_writev,
    /* descriptors that tell of something */
    __NR_epoll_create1,
    __NR_epoll_ctl,
    __NR_epoll_pwait,
    __NR_eventfd2,
    __NR_inotify_add_watch,
    __NR_inotify_init1,
    __NR_inotify_rm_watch,
    __NR_pipe2,
    __NR_signalfd4,
    /* threads, signals, time */
    __NR_exit,
    __NR_exit_group,
    __NR_getpid,
    __NR_gettid,
    __NR_nanosleep,
    __NR_restart_syscall,
    __NR_rt_sigaction,
    __NR_rt_sigprocmask,
    __NR_rt_sigreturn,
    __NR_rt_sigtimedwait,
    __NR_sched_getaffinity,
    __NR_sched_yield,
    __NR_set_robust_list,
    __NR_set_tid_address,
    __NR_sigaltstack,
    __NR_tgkill,
    __NR_tkill,
    /* who and where we are */
    __NR_getegid,
    __NR_geteuid,
    __NR_getgid,
    __NR_getgroups,
    __NR_getppid,
    __NR_getuid,
    __NR_prlimit64,
    __NR_sysinfo,
    __NR_uname,
#ifdef __NR_open /* x86-64 and arm */
    __NR_access,
    __NR_chmod,
    __NR_dup2,
    __NR_epoll_create,
    __NR_epoll_wait,
    __NR_eventfd,
    __NR_getdents,
    __NR_inotify_init,
    __NR_link,
    __NR_lstat,
    __NR_mkdir,
    __NR_open,
    __NR_pipe,
    __NR_poll,
    __NR_readlink,
    __NR_rename,
    __NR_signalfd,
    __NR_stat,
    __NR_unlink,
#endif
#ifdef __NR_fstat64 /* 32 bits */
    __NR__llseek,
    __NR__newselect,
    __NR_fchown32,
    __NR_fcntl64,
    __NR_fstat64,
    __NR_fstatat64,
    __NR_fstatfs64,
    __NR_ftruncate64,
    __NR_getegid32,
    __NR_geteuid32,
    __NR_getgid32,
    __NR_getgroups32,
    __NR_getuid32,
    __NR_lstat64,
    __NR_mmap2,
    __NR_recv,
    __NR_send,
    __NR_sigreturn,
    __NR_stat64,
    __NR_statfs64,
    __NR_truncate64,
    __NR_ugetrlimit,
#else
    __NR_mmap,
    __NR_newfstatat,
    __NR_getrlimit,
#endif
#ifdef __NR_select
    __NR_select,
#endif
#ifdef __NR_clock_gettime
    __NR_clock_getres,
    __NR_clock_gettime,
    __NR_clock_nanosleep,
    __NR_gettimeofday,
#else /* musl's names for them on 32 bits */
    __NR_clock_getres_time32,
    __NR_clock_gettime32,
    __NR_clock_nanosleep_time32,
    __NR_gettimeofday_time32,
#endif
#ifdef __NR_time
    __NR_time,
#endif
#ifdef __NR_clock_gettime64 /* 32 bits, from Linux 5.1 */
    __NR_clock_getres_time64,
    __NR_clock_gettime64,
    __NR_clock_nanosleep_time64,
    __NR_futex_time64,
    __NR_ppoll_time64,
    __NR_pselect6_time64,
    __NR_recvmmsg_time64,
    __NR_rt_sigtimedwait_time64,
    __NR_utimensat_time64,
#endif
#ifdef __ARM_NR_cacheflush
    __ARM_NR_cacheflush,
    __ARM_NR_set_tls,
#endif
#ifdef __NR_getrandom /* from Linux 3.17 */
    __NR_getrandom,
#endif
#ifdef __NR_renameat2 /* 3.15 */
    __NR_renameat2,
#endif
#ifdef __NR_membarrier /* 4.3 */
    __NR_membarrier,
#endif
#ifdef __NR_statx /* 4.11 */
    __NR_statx,
#endif
#ifdef __NR_rseq /* 4.18 */
    __NR_rseq,
#endif
#ifdef __NR_faccessat2 /* 5.8 */
    __NR_faccessat2,
#endif
};

static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

enum {
    ALLOWED = sizeof allowed / sizeof allowed[0],
    FAMILIES = sizeof families / sizeof families[0],
    REFUSED = (int)(SECCOMP_RET_ERRNO | EPERM),
    STEPS_MAX = 2 * ALLOWED + 2 * FAMILIES + 16
};

struct filter {
    struct sock_filter steps[STEPS_MAX];
    unsigned short count;
};

static void add(struct filter *f, struct sock_filter step)
{
    f->steps[f->count++] = step;
}

static void load(struct filter *f, size_t offset)
{
    add(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void leave(struct filter *f, unsigned answer)
{
    add(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
}

/* The next `steps` ones are for this value only. */
static void only_for(struct filter *f, unsigned value, unsigned char steps)
{
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, steps));
}

static size_t first_argument(void)
{
    return offsetof(struct seccomp_data, args); /* its low half: all three machines put it first */
}

static void add_socket(struct filter *f)
{
    only_for(f, __NR_socket, 2 * FAMILIES + 2);
    load(f, first_argument());
    for (size_t i = 0; i < FAMILIES; i++) {
        only_for(f, families[i], 1);
        leave(f, SECCOMP_RET_ALLOW);
    }
    leave(f, (unsigned)REFUSED);
}

static void add_clone(struct filter *f)
{
    only_for(f, __NR_clone, 4);
    load(f, first_argument());
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1));
    leave(f, SECCOMP_RET_ALLOW);
    leave(f, (unsigned)REFUSED);
}

static void write_filter(struct filter *f)
{
    load(f, offsetof(struct seccomp_data, arch));
    add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0));
    leave(f, (unsigned)REFUSED);
    load(f, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < ALLOWED; i++) {
        only_for(f, allowed[i], 1);
        leave(f, SECCOMP_RET_ALLOW);
    }
    add_socket(f);
    add_clone(f);
    leave(f, SECCOMP_UNKNOWN);
}

bool seccomp_confine(void)
{
    struct filter f = {.count = 0};
    if (MACHINE == 0) return false;
    write_filter(&f);
    const struct sock_fprog program = {f.count, f.steps};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0L, 0L) == 0;
}
