/* strict.c: the filter of platform/linux/seccomp.c, but a call that is not on its list ends the process. */
#define SECCOMP_UNKNOWN SECCOMP_RET_KILL_PROCESS
#include "platform/linux/seccomp.c"
