/*
 * confine.c: what the process may do from here on; the kernel refuses the rest, for good.
 *
 * Both halves bind the thread that asks and those that it starts later, so this comes before the
 * first thread (curl's resolver). A sanitizer makes calls of its own at the end, and an emulator's
 * are not ours: the first is told by the compiler, the second refuses both halves.
 */
#include "platform/linux/confine.h"

#include <sys/prctl.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(WITH_SANITIZER)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

void platform_confine(const struct platform_way *ways, size_t n, struct platform_confinement *out)
{
    *out = (struct platform_confinement){false, 0};
    if (IS_SANITIZED || prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) != 0) return;
    out->landlock = landlock_confine(ways, n);
    out->seccomp = seccomp_confine();
}
