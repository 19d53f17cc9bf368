/*
 * old_kernel.c: runs a program as on Linux 3.10: system calls that came later do not exist (ENOSYS).
 *
 *   old_kernel COMMAND…         exit 77: this machine cannot play it
 *   old_kernel --probe          prints "old" or "new": what a call of Linux 5.3 says here
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The last number of Linux 3.10: finit_module on each; numbers are given in order. */
#if defined(__x86_64__)
enum { LAST_CALL = 313 };
#elif defined(__aarch64__)
enum { LAST_CALL = 273 };
#else
enum { LAST_CALL = 0 };
#endif
enum { PIDFD_OPEN = 434, SKIPPED = 77, CANNOT_RUN = 126 };

static int go_back(void)
{
    static struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_CALL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof steps / sizeof steps[0], steps};
    if (LAST_CALL == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0L, 0L);
}

int main(int argc, char **argv)
{
    if (argc < 2) return CANNOT_RUN;
    if (strcmp(argv[1], "--probe") == 0) {
        puts(syscall(PIDFD_OPEN, 0, 0) == -1 && errno == ENOSYS ? "old" : "new");
        return 0;
    }
    if (go_back() != 0) return SKIPPED;
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return CANNOT_RUN;
}
