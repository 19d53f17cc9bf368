/* tmpfs.c: does a path lie on a file system that forgets at power off? */
#include "platform/platform.h"

#include <linux/magic.h>
#include <sys/vfs.h>

bool platform_on_tmpfs(const char *path)
{
    struct statfs s;
    if (statfs(path, &s) != 0) return false;
    return s.f_type == TMPFS_MAGIC || s.f_type == RAMFS_MAGIC;
}
