/*
 * landlock.c: the directories that are left.
 *
 * A rule holds a directory and everything beneath it, also what comes there later: a token or a
 * resolv.conf is replaced by renaming, and a rule on the file would stay with the old one. Sockets
 * that are open stay open; connecting is not ruled, binding to a TCP port is (nobody may).
 *
 * Source: linux/landlock.h and the kernel's Documentation/userspace-api/landlock.rst, read
 * November 2026; the numbers are told here, because the headers of older systems lack them.
 */
#include "platform/linux/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CALL_CREATE = 444, CALL_ADD = 445, CALL_RESTRICT = 446 }; /* the same on every machine */
enum { ASK_VERSION = 1, RULE_BENEATH = 1 };

enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_REMOVE_DIR = 1 << 4,
    FS_REMOVE_FILE = 1 << 5,
    FS_MAKE_CHAR = 1 << 6,
    FS_MAKE_DIR = 1 << 7,
    FS_MAKE_REG = 1 << 8,
    FS_MAKE_SOCK = 1 << 9,
    FS_MAKE_FIFO = 1 << 10,
    FS_MAKE_BLOCK = 1 << 11,
    FS_MAKE_SYM = 1 << 12,
    FS_REFER = 1 << 13,    /* from version 2: rename into another directory */
    FS_TRUNCATE = 1 << 14, /* from version 3 */
    FS_READS = FS_READ_FILE | FS_READ_DIR,
    FS_WRITES = FS_READS | FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_REFER |
                FS_TRUNCATE,
    FS_OF_VERSION_1 = (1 << 13) - 1,
    NET_BIND_TCP = 1 << 0, /* from version 4 */
    SCOPE_SIGNAL = 1 << 1  /* from version 6: signals to nobody outside */
};

struct ruleset {
    uint64_t fs, net, scoped;
};
struct rule_beneath {
    uint64_t allowed;
    int32_t directory;
} __attribute__((packed));

static struct ruleset ruled_by(int version)
{
    struct ruleset r = {FS_OF_VERSION_1, 0, 0};
    if (version >= 2) r.fs |= FS_REFER;
    if (version >= 3) r.fs |= FS_TRUNCATE;
    if (version >= 4) r.net = NET_BIND_TCP;
    if (version >= 6) r.scoped = SCOPE_SIGNAL;
    return r;
}

/* An older kernel takes a longer struct whose end is zero. */
static int open_rules(const struct ruleset *r)
{
    return (int)syscall(CALL_CREATE, r, sizeof *r, 0L);
}

static bool allow(int rules, const struct platform_way *way, uint64_t ruled)
{
    struct rule_beneath rule = {(way->writes ? FS_WRITES : FS_READS) & ruled, -1};
    rule.directory = open(way->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rule.directory < 0) /* what is not there, or not ours to reach, needs no way */
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    long rc = syscall(CALL_ADD, (long)rules, (long)RULE_BENEATH, &rule, 0L);
    close(rule.directory);
    return rc == 0;
}

int landlock_confine(const struct platform_way *ways, size_t n)
{
    int version = (int)syscall(CALL_CREATE, NULL, 0L, (long)ASK_VERSION);
    if (version < 2) return 0; /* the first one refuses to move a file that was read to failed/ */
    const struct ruleset ruled = ruled_by(version);
    int rules = open_rules(&ruled);
    if (rules < 0) return 0;
    bool good = true;
    for (size_t i = 0; good && i < n; i++) good = allow(rules, &ways[i], ruled.fs);
    good = good && syscall(CALL_RESTRICT, (long)rules, 0L) == 0;
    close(rules);
    return good ? version : 0;
}
