/*
 * memory_vfs.h: a disk in memory that SQLite writes to, that remembers every write, sync and
 * truncation in order, and that can be cut off after any of them.
 *
 * The model of a power cut. Between SQLite and the disk lies a cache of 4096-byte pages, as the
 * kernel's. A write makes its pages dirty; a sync brings all dirty pages of the file to disk,
 * whole. At the cut, each 512-byte sector of a dirty page is there, missing or garbage, as the
 * cut's mode and seed decide, what stood beside the write included. A sync that fails makes the
 * pages clean without writing them, as Linux does: they read back, and get to disk only if written
 * again. A process that dies leaves all that in the cache; disk_forget drops it, as
 * platform_drop_cached does. A new file's name, or a removed one's, is durable once SQLite has synced the directory:
 * with the first sync after it opened a WAL or journal, or on a removal that asks for it.
 */
#ifndef CRASH_MEMORY_VFS_H
#define CRASH_MEMORY_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_VFS "memory"
enum {
    DISK_FILES_MAX = 6,
    DISK_NAME_BYTES = 64,
    DISK_SECTOR_BYTES = 512,
    DISK_PAGE_BYTES = 4096 /* and what SQLite is told of sectors, as by its own VFS with psow=0 */
};

enum disk_op_kind {
    DISK_WRITE,
    DISK_TRUNCATE,
    DISK_SYNC,
    DISK_SYNC_FAILED,
    DISK_CREATE,
    DISK_REMOVE,
    DISK_FORGET,    /* what is clean is read from the disk again */
    DISK_SYNC_NAMES /* of the directory alone; the VFS makes none, a trace has them */
};
struct disk_op {
    enum disk_op_kind kind;
    int file;
    bool with_directory; /* of a sync or removal: names are durable from here on */
    int64_t offset;      /* new size of a truncation */
    size_t len;
    unsigned char *bytes;
};
struct disk_file {
    char name[DISK_NAME_BYTES];
    bool there;
    unsigned char *bytes;
    size_t len, cap;
};
/* A failure to come: the `at`-th write, sync or truncation from now (1 is the next) and the
 * times - 1 after it. */
enum disk_fault_kind { DISK_FAULT_WRITE, DISK_FAULT_FULL, DISK_FAULT_SYNC };
struct disk_fault {
    enum disk_fault_kind kind; /* which calls count, and how they fail */
    long at, times;
};
struct disk {
    struct disk_file files[DISK_FILES_MAX];
    struct disk_op *ops; /* NULL unless recording */
    size_t op_count, op_cap;
    bool recording;
    bool lying;          /* control: the WAL's sync does nothing and says that all is well */
    bool shares_sectors; /* control: SQLite is told that it may end a commit within a sector */
    struct disk_fault fault;
    bool dies;   /* the process does, of the next failure */
    bool frozen; /* it has: nothing that it still does reaches the cache */
};

void memory_vfs_register(void);
/* Appends to a disk's log what did not come through the VFS; its files stay as they are. */
void disk_note(struct disk *d, const char *name, struct disk_op op); /* the bytes are copied */
void memory_vfs_use(struct disk *d); /* what the VFS writes to from now on; no file may be open */
void disk_forget(struct disk *d, const char *name);
void disk_clear(struct disk *d);                          /* frees everything */
void disk_copy(struct disk *to, const struct disk *from); /* the files, not the ops */

/* Power cuts, cut after cut in rising order: what the cache holds, and what the disk does. */
enum cut { CUT_NOTHING_MORE, CUT_ALL_OF_IT, CUT_SOME_OF_IT };
struct replay_file {
    unsigned char *dirty; /* a byte a page */
    size_t pages;
    bool named_anew; /* made or removed, and the directory not synced since */
    bool fresh;      /* removed since: what the cache holds is another file than the disk's */
};
struct replay {
    const struct disk *log;
    struct disk cache, durable;
    struct replay_file files[DISK_FILES_MAX];
    size_t at; /* ops before this one have happened */
};
void replay_begin(struct replay *r, const struct disk *log);
void replay_to(struct replay *r, size_t op);
void replay_cut(const struct replay *r, enum cut cut, uint64_t seed, struct disk *out);
void replay_end(struct replay *r);

uint64_t chance_next(uint64_t *seed); /* splitmix64 */

#endif
