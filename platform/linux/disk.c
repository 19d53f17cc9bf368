/* disk.c: what kind of file system a path lies on. */
#include "platform/platform.h"

#include <linux/magic.h>
#include <sys/vfs.h>

/* linux/magic.h has these on some systems only; numbers of statfs(2), 2026. */
#define NFS_MAGIC   0x6969
#define CIFS_MAGIC  0xFF534D42
#define SMB2_MAGIC  0xFE534D42
#define NINEP_MAGIC 0x01021997

/* clang-format off */
static const struct { unsigned long magic; enum platform_disk kind; } kinds[] = {
    {TMPFS_MAGIC, PLATFORM_DISK_FORGETS}, {RAMFS_MAGIC, PLATFORM_DISK_FORGETS},
    {NFS_MAGIC,   PLATFORM_DISK_REMOTE},  {CIFS_MAGIC,  PLATFORM_DISK_REMOTE},
    {SMB2_MAGIC,  PLATFORM_DISK_REMOTE},  {NINEP_MAGIC, PLATFORM_DISK_REMOTE},
};
/* clang-format on */

enum platform_disk platform_disk(const char *path)
{
    struct statfs s;
    if (statfs(path, &s) != 0) return PLATFORM_DISK_KEEPS;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if ((unsigned long)s.f_type == kinds[i].magic) return kinds[i].kind;
    return PLATFORM_DISK_KEEPS;
}
