/* confine.h: the two halves of platform_confine. What a kernel does not have is no error: old tills
 * run old kernels. */
#ifndef PLATFORM_LINUX_CONFINE_H
#define PLATFORM_LINUX_CONFINE_H

#include "platform/platform.h"

/* landlock.c: 0, or the version of the kernel's rules that is in force. */
int landlock_confine(const struct platform_way *ways, size_t n);
/* seccomp.c: whether the calls are filtered from here on. */
bool seccomp_confine(void);

#endif
